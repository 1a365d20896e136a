/**
 * Errors inside an answer, both ways. The envelope of a refusal is the same as in OpenAI's other format (`openai-chat/error.ts`).
 */
import type { GatewayError } from '../../core/errors.ts'
import type { JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent } from '../dialect.ts'
import { saidInBand } from '../openai-chat/error.ts'
import { saidIn } from '../upstream-said.ts'
import { sanitized } from '../upstream-text.ts'

/** In a stream that has begun. The documents have the members flat, the service sends them nested, and clients look in either place. */
export function writeInBand(error: GatewayError): SseEvent[] {
  return [{ event: 'error', data: JSON.stringify(errorEvent(saidInBand(error))) }]
}

export function errorEvent(said: JsonObject): JsonObject {
  const { code, message, param } = said
  return { type: 'error', code: code ?? null, message: message ?? '', param: param ?? null, error: said }
}

/** The statuses that these codes stand for where they come inside a 200. */
const STATUSES: Record<string, number> = {
  server_error: 500,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  invalid_prompt: 400,
  invalid_request_error: 400,
  context_length_exceeded: 400,
  vector_store_timeout: 504,
  server_is_overloaded: 503,
  slow_down: 503,
}

/** An error that came inside a 200: an `error` event, a response that failed, or an envelope instead of an answer. */
export function inBandError(body: JsonObject): Observation['error'] {
  const response = isObject(body.response) ? body.response : body
  const failed = response.status === 'failed'
  const error = response.error ?? null
  if (body.type !== 'error' && !failed && (error === null || error === false)) return null
  const said = saidIn(isObject(error) || typeof error === 'string' ? { error } : failed ? null : { ...body, type: null })
  const code = said?.code ?? said?.type ?? null
  return {
    status: code !== null && Object.hasOwn(STATUSES, code) ? (STATUSES[code] as number) : null,
    code,
    message: sanitized(said?.message ?? '') || 'an error without a message',
  }
}
