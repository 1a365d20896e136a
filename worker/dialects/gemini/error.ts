/**
 * Errors, both ways: ours in the envelope of Google's APIs, and an upstream's. A limit that passes and a quota that is used up are
 * told in the same words there; what tells them apart is whether the error says when to come back.
 */
import { type ErrorKind, FACTS, type GatewayError, statusOf, wording } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent, UpstreamError } from '../dialect.ts'
import { readUpstreamError } from '../upstream-error.ts'
import { parsed, saidIn } from '../upstream-said.ts'
import { sanitized } from '../upstream-text.ts'

/** google.rpc.Code, as these APIs use it (cloud.google.com/apis/design/errors). */
const STATUSES: Record<ErrorKind, string> = {
  invalid_request: 'INVALID_ARGUMENT',
  authentication: 'UNAUTHENTICATED',
  permission: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  too_large: 'INVALID_ARGUMENT',
  rate_limit: 'RESOURCE_EXHAUSTED',
  billing: 'FAILED_PRECONDITION',
  api: 'INTERNAL',
  overloaded: 'UNAVAILABLE',
  timeout: 'DEADLINE_EXCEEDED',
}

export function writeError(error: GatewayError): JsonObject {
  return { error: { code: statusOf(error), message: wording(error), status: STATUSES[FACTS[error.code].kind] } }
}

/** A stream of this format has no terminator: the error is its last event. */
export function writeInBand(error: GatewayError): SseEvent[] {
  return [{ event: null, data: JSON.stringify(writeError(error)) }]
}

export function readError(status: number, body: string): UpstreamError {
  const said = readUpstreamError(status, body)
  const raw = parsed(body)
  const holder = Array.isArray(raw) ? raw[0] : raw
  const error = isObject(holder) && isObject(holder.error) ? holder.error : null
  if (error === null) return said
  const code = typeof error.status === 'string' ? error.status : said.code
  // A bad key is told as a bad request; it is the operator's to mend, and says nothing of what was asked.
  if (status === 400 && hasReason(error.details, 'API_KEY_INVALID')) return { ...said, status: 401, code: 'API_KEY_INVALID' }
  const retry_after_ms = retryDelay(error.details)
  if (retry_after_ms === null) return { ...said, code }
  return { ...said, code, kind: said.kind === 'quota' ? 'other' : said.kind, retry_after_ms }
}

/** `google.rpc.RetryInfo`: a duration in seconds with up to nine decimals and an `s`. */
const DURATION = /^([0-9]{1,6}(?:\.[0-9]{1,9})?)s$/

function retryDelay(details: Json | undefined): number | null {
  if (!Array.isArray(details)) return null
  for (const detail of details) {
    const delay = isObject(detail) && typeof detail.retryDelay === 'string' ? DURATION.exec(detail.retryDelay) : null
    if (delay) return Math.ceil(Number(delay[1]) * 1_000)
  }
  return null
}

const hasReason = (details: Json | undefined, reason: string) =>
  Array.isArray(details) && details.some(detail => isObject(detail) && detail.reason === reason)

/** An error that came inside a 200. */
export function inBandError(body: JsonObject): Observation['error'] {
  const { error } = body
  if (error === undefined || error === null) return null
  const holder = isObject(error) ? error : {}
  const { code, status } = holder
  return {
    status: typeof code === 'number' && code >= 400 && code <= 599 ? code : null,
    code: typeof status === 'string' ? status : null,
    message: sanitized(saidIn(error)?.message ?? '') || 'an error without a message',
  }
}
