/**
 * Errors, both ways: ours in Anthropic's envelope, and those that an upstream tells inside an answer.
 */
import { type ErrorKind, FACTS, type GatewayError, inBandFacts, paramOf, wording } from '../../core/errors.ts'
import type { JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent } from '../dialect.ts'
import { saidIn } from '../upstream-said.ts'
import { sanitized } from '../upstream-text.ts'

/** Anthropic's words for `type` (platform.claude.com/docs/en/api/errors, read 2026-11), by which its clients tell errors apart. */
const TYPES: Record<ErrorKind, string> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  too_large: 'request_too_large',
  rate_limit: 'rate_limit_error',
  billing: 'billing_error',
  api: 'api_error',
  overloaded: 'overloaded_error',
  timeout: 'timeout_error',
}

/** The statuses that these words stand for where they come inside a 200. */
const STATUSES: Record<string, number> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
}

/** The error as Anthropic's clients expect it; `code` and `param`, which it does not have, stand beside for programs that know this router. */
export function writeError(error: GatewayError): JsonObject {
  const code = error.code === 'upstream_rejected' && error.upstream_code !== null ? error.upstream_code : error.code
  const said: JsonObject = { type: TYPES[FACTS[error.code].kind], message: wording(error), code }
  const param = paramOf(error)
  if (param !== null) said.param = param
  return { type: 'error', error: said, request_id: error.code === 'internal' ? error.reference : null }
}

/** In a stream that has begun: an event of its own, after which no client waits for more. */
export function writeInBand(error: GatewayError): SseEvent[] {
  const { error: said, ...envelope } = writeError(error)
  return [{ event: 'error', data: JSON.stringify({ ...envelope, error: { ...(said as JsonObject), ...inBandFacts(error) } }) }]
}

/** An error that came inside a 200, in a stream or instead of an answer. */
export function inBandError(body: JsonObject): Observation['error'] {
  const { error } = body
  if (body.type !== 'error' && (error === undefined || error === null || error === false)) return null
  const said = saidIn(isObject(error) || typeof error === 'string' ? { error } : body)
  const code = said?.type ?? said?.code ?? null
  const known = code !== null && Object.hasOwn(STATUSES, code) ? (STATUSES[code] as number) : null
  return { status: known, code, message: sanitized(said?.message ?? '') || 'an error without a message' }
}
