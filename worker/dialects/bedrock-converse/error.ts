/**
 * Errors, both ways. An upstream names the kind of its error in a header and says a sentence in the body; inside a stream it is a
 * frame of its own, named after the exception. `NAMES` says which status each would have been.
 */
import { type ErrorKind, FACTS, type GatewayError, wording } from '../../core/errors.ts'
import type { JsonObject } from '../../schema/chat.ts'
import type { Observation, SseEvent, UpstreamError } from '../dialect.ts'
import { readUpstreamError } from '../upstream-error.ts'
import { saidIn } from '../upstream-said.ts'
import { sanitized } from '../upstream-text.ts'

/** Of the exceptions of ConverseStream (docs.aws.amazon.com, API_runtime_ConverseStream, read 2026-11). */
const NAMES: Record<string, number> = {
  validationException: 400,
  accessDeniedException: 403,
  resourceNotFoundException: 404,
  modelTimeoutException: 408,
  throttlingException: 429,
  modelNotReadyException: 429,
  serviceQuotaExceededException: 429,
  // A 424 is the model's own failure while it answers, which is the server's to a caller.
  modelErrorException: 502,
  modelStreamErrorException: 502,
  internalServerException: 500,
  serviceUnavailableException: 503,
}

const EXCEPTIONS: Record<ErrorKind, string> = {
  invalid_request: 'ValidationException',
  authentication: 'AccessDeniedException',
  permission: 'AccessDeniedException',
  not_found: 'ResourceNotFoundException',
  too_large: 'ValidationException',
  rate_limit: 'ThrottlingException',
  billing: 'ServiceQuotaExceededException',
  api: 'InternalServerException',
  overloaded: 'ServiceUnavailableException',
  timeout: 'ModelTimeoutException',
}

/** `__type` is where clients of AWS look when the header with the name is not there. */
export function writeError(error: GatewayError): JsonObject {
  return { __type: EXCEPTIONS[FACTS[error.code].kind], message: wording(error) }
}

export function writeInBand(error: GatewayError): SseEvent[] {
  const name = EXCEPTIONS[FACTS[error.code].kind]
  return [{ event: name.charAt(0).toLowerCase() + name.slice(1), data: JSON.stringify({ message: wording(error) }) }]
}

/** Words that these models' hosts use for prompts that are too long, beside everybody's. */
const TOO_LONG = ['too many input tokens', 'expected maxlength', 'exceeds the maximum length', 'maximum tokens you requested exceeds']

const NOT_HERE = ['on-demand throughput isn', 'model identifier is invalid']

export function readError(status: number, body: string): UpstreamError {
  const said = readUpstreamError(status, body)
  const words = said.message.toLowerCase()
  // A 424 is the model's failure, not the request's.
  if (status === 424) return { ...said, status: 502 }
  // A model that is not served in this region, or not in this way, is told as a bad request.
  if (status === 400 && NOT_HERE.some(phrase => words.includes(phrase))) return { ...said, kind: 'model_gone' }
  if (said.kind === 'other' && TOO_LONG.some(phrase => words.includes(phrase))) return { ...said, kind: 'context_length' }
  return said
}

/** A frame that is an exception; null for every other event. */
export function inBandError(event: string | null, body: JsonObject): Observation['error'] {
  if (event === null || !(event === 'error' || event.endsWith('Exception'))) return null
  const said = saidIn(body)
  const original = body.originalStatusCode
  const status = Object.hasOwn(NAMES, event) ? (NAMES[event] as number) : null
  return {
    // A model's own refusal of the request passes through as what it was.
    status: status === 502 && typeof original === 'number' && original >= 400 && original < 500 ? original : status,
    code: event === 'error' ? (said?.code ?? null) : event,
    message: sanitized(said?.message ?? '') || 'an error without a message',
  }
}
