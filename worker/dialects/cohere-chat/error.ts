/**
 * Errors, both ways: a sentence under `message`, and the status says the rest. Inside a stream the last event says that it failed.
 */
import { type GatewayError, wording } from '../../core/errors.ts'
import type { JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent, UpstreamError } from '../dialect.ts'
import { readUpstreamError } from '../upstream-error.ts'
import { saidIn } from '../upstream-said.ts'
import { sanitized } from '../upstream-text.ts'
import { FAILED } from './finish.ts'

export const writeError = (error: GatewayError): JsonObject => ({ message: wording(error) })

export const writeInBand = (error: GatewayError): SseEvent[] => [
  {
    event: 'message-end',
    data: JSON.stringify({ type: 'message-end', delta: { finish_reason: 'ERROR', error: wording(error) } }),
  },
]

/** Words for prompts that are too long, beside everybody's. */
const TOO_LONG = 'too many tokens'

export function readError(status: number, body: string): UpstreamError {
  const said = readUpstreamError(status, body)
  return said.kind === 'other' && said.message.toLowerCase().includes(TOO_LONG) ? { ...said, kind: 'context_length' } : said
}

/** An end that is a failure, or a bare sentence where an event should be; null for everything else. */
export function inBandError(body: JsonObject): Observation['error'] {
  const delta = isObject(body.delta) ? body.delta : body
  const reason = delta.finish_reason
  const failed = typeof reason === 'string' && Object.hasOwn(FAILED, reason)
  const bare = body.type === undefined && delta.finish_reason === undefined && typeof body.message === 'string'
  if (!failed && !bare && body.type !== 'error') return null
  const said = saidIn(bare ? body : (delta.error ?? body.error ?? body.message))
  return {
    status: failed ? (FAILED[reason] as number) : null,
    code: failed ? reason : (said?.code ?? null),
    message: sanitized(said?.message ?? '') || 'an error without a message',
  }
}
