/**
 * Errors, both ways: ours in OpenAI's envelope, and those that an upstream tells inside an answer.
 */
import { type ErrorKind, FACTS, type GatewayError, inBandFacts, paramOf, wording } from '../../core/errors.ts'
import type { JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent } from '../dialect.ts'
import { saidIn } from '../upstream-said.ts'
import { sanitized } from '../upstream-text.ts'

/** OpenAI's words for `type` (platform.openai.com/docs/guides/error-codes); its clients go by the status, people read these. */
const TYPES: Record<ErrorKind, string> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'invalid_request_error',
  too_large: 'invalid_request_error',
  rate_limit: 'rate_limit_error',
  billing: 'insufficient_quota',
  api: 'server_error',
  overloaded: 'server_error',
  timeout: 'timeout_error',
}

/** The error as OpenAI's clients expect it. A target's own code is kept where it refused: programs look for `context_length_exceeded`. */
export function writeError(error: GatewayError): JsonObject {
  const code = error.code === 'upstream_rejected' && error.upstream_code !== null ? error.upstream_code : error.code
  return { error: { message: wording(error), type: TYPES[FACTS[error.code].kind], param: paramOf(error), code } }
}

/** The error with what its status and headers would have said. */
export const saidInBand = (error: GatewayError): JsonObject => ({ ...(writeError(error).error as JsonObject), ...inBandFacts(error) })

/** In a stream that has begun: the error as an event of its own, then the terminator, so that no client waits for more. */
export function writeInBand(error: GatewayError): SseEvent[] {
  return [
    { event: null, data: JSON.stringify({ error: saidInBand(error) }) },
    { event: null, data: '[DONE]' },
  ]
}

/** An error that came inside a 200, in a stream or instead of an answer. */
export function inBandError(body: JsonObject): Observation['error'] {
  const { error } = body
  const holder = error !== undefined && error !== null && error !== false ? body : errorWithoutEnvelope(body)
  if (holder === null) return null
  const said = saidIn(holder)
  return {
    status: statusIn(holder),
    code: said?.code ?? said?.type ?? null,
    message: sanitized(said?.message ?? '') || 'an error without a message',
  }
}

function errorWithoutEnvelope(body: JsonObject): JsonObject | null {
  if (!Array.isArray(body.choices))
    return body.object === 'error' || body.detail !== undefined || (body.success === false && Array.isArray(body.errors)) ? body : null
  for (const choice of body.choices)
    if (isObject(choice) && choice.error !== undefined && choice.error !== null) return { error: choice.error }
  return null
}

/** The status that a 200 should have been, where the error says so in any of the usual places. */
function statusIn(body: JsonObject): number | null {
  const error = isObject(body.error) ? body.error : body
  for (const value of [error.status, error.code, error.status_code, error.http_code, body.status, body.code, body.status_code]) {
    const status = typeof value === 'string' && /^[45][0-9]{2}$/.test(value) ? Number(value) : value
    if (typeof status === 'number' && status >= 400 && status <= 599) return status
  }
  return null
}
