/**
 * Errors, both ways: ours in OpenAI's envelope, and an upstream's, whatever it sent, reduced to what the router acts on.
 */
import { type ErrorKind, FACTS, type GatewayError, paramOf, wording } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent, UpstreamError } from '../dialect.ts'
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

/** In a stream that has begun: the error as an event of its own, then the terminator, so that no client waits for more. */
export function writeInBand(error: GatewayError): SseEvent[] {
  return [
    { event: null, data: JSON.stringify(writeError(error)) },
    { event: null, data: '[DONE]' },
  ]
}

/** What was found in an error body, before it is judged. */
type Said = { message: string; code: string | null; type: string | null; param: string | null }

/** An upstream's error body, whatever it holds. Bodies beyond this are pages, not messages. */
const MAX_BODY = 64 * 1024

export function readError(status: number, body: string): UpstreamError {
  const said = saidIn(parsed(body.slice(0, MAX_BODY)), 0) ?? { message: body, code: null, type: null, param: null }
  const message = sanitized(said.message)
  return {
    status,
    code: said.code,
    type: said.type,
    param: said.param,
    message: message === '' ? `status ${status} without a message` : message,
    kind: kindOfError(status, said),
  }
}

/** An error that came inside a 200, in a stream or instead of an answer. */
export function inBandError(body: JsonObject): Observation['error'] {
  const { error } = body
  const holder = error !== undefined && error !== null && error !== false ? body : errorWithoutEnvelope(body)
  if (holder === null) return null
  const said = saidIn(holder, 0)
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

function parsed(body: string): Json {
  try {
    return JSON.parse(body) as Json
  } catch {
    return body
  }
}

/** Wrappers in wrappers: a gateway quotes its provider, which quotes its server. Three levels are all that was ever seen. */
const MAX_WRAPPERS = 4

/** Finds the message in the shapes in use: OpenAI, gateways that nest, FastAPI's `detail`, lists, plain strings. */
function saidIn(raw: Json | undefined, level: number): Said | null {
  if (level > MAX_WRAPPERS || raw === undefined || raw === null) return null
  if (typeof raw === 'string') {
    const inner = raw.trimStart().startsWith('{') ? parsed(raw) : raw
    return typeof inner === 'string' ? { message: raw, code: null, type: null, param: null } : saidIn(inner, level + 1)
  }
  if (Array.isArray(raw)) return saidIn(raw[0], level + 1)
  if (!isObject(raw)) return null
  const here = { code: word(raw.code), type: word(raw.type), param: word(raw.param) ?? place(raw.loc) }
  const inner =
    quoted(raw, level) ??
    saidIn(raw.error, level + 1) ??
    saidIn(raw.message, level + 1) ??
    saidIn(raw.msg, level + 1) ??
    saidIn(raw.detail, level + 1) ??
    saidIn(raw.errors, level + 1)
  if (inner === null) return here.code === null && here.type === null ? null : { message: here.code ?? here.type ?? '', ...here }
  return { message: inner.message, code: inner.code ?? here.code, type: inner.type ?? here.type, param: inner.param ?? here.param }
}

/** A gateway's own sentence is "Provider returned error"; what the provider said lies under `metadata.raw`. */
function quoted(raw: JsonObject, level: number): Said | null {
  return isObject(raw.metadata) ? saidIn(raw.metadata.raw, level + 1) : null
}

const word = (value: Json | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value.slice(0, 100) : typeof value === 'number' ? String(value) : null

/** FastAPI's `loc`: `["body","messages",0,"content"]`. */
function place(loc: Json | undefined): string | null {
  if (!Array.isArray(loc)) return null
  const path = loc.filter(step => step !== 'body').map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
  return path.join('').replace(/^\./, '').slice(0, 100) || null
}

/**
 * What providers say, in lower case, for the four refusals that the router treats apart. First match wins. Where a phrase
 * is known from one provider only, it is one that no other uses for something else.
 */
const WORDINGS: [UpstreamError['kind'], string[]][] = [
  [
    'context_length',
    [
      'context_length',
      'context length',
      'context window',
      'context size',
      'maximum prompt length',
      'prompt is too long',
      'input is too long',
      'input length',
      'too many tokens',
      'maximum number of tokens',
      'maximum number of input tokens',
      'reduce the length',
      'string_above_max_length',
      "exceeds the model's maximum",
      'longer than the maximum model length',
      'max_model_len',
      'prompt too long',
    ],
  ],
  [
    'content_filter',
    [
      'content_filter',
      'content filter',
      'content_policy',
      'content policy',
      'content management policy',
      'data_inspection_failed',
      'inappropriate content',
      'content exists risk',
      'considered high risk',
      'safety system',
      'moderation',
      'usage guidelines',
      'flagged',
    ],
  ],
  [
    'quota',
    [
      'insufficient_quota',
      'exceeded_current_quota',
      'exceeded your current quota',
      'insufficient balance',
      'insufficient credit',
      'insufficient_credit',
      'insufficient funds',
      'requires more credits',
      'out of credits',
      'credit balance',
      'credit limit',
      'billing',
      'payment',
      'arrearage',
      'spending limit',
      'spend limit',
      'monthly limit',
      'used all available credits',
    ],
  ],
  [
    'model_gone',
    [
      'model_not_found',
      'model not found',
      'model not exist',
      'model_decommissioned',
      'decommissioned',
      'model_not_available',
      'no longer available',
      'no longer supported',
      'has been deprecated',
      'has been shut down',
      'not a valid model',
      'invalid model',
      'unknown model',
      'unknown_model',
      'no endpoints found',
      'unable to access model',
      'model_not_supported',
    ],
  ],
]

function kindOfError(status: number, said: Said): UpstreamError['kind'] {
  const words = `${said.code ?? ''} ${said.type ?? ''} ${said.message.slice(0, 1_000)}`.toLowerCase()
  for (const [kind, phrases] of WORDINGS) {
    // A model that a 5xx calls missing is a server that lost its bearings, and will find it again.
    if (kind === 'model_gone' && status >= 500) continue
    if (phrases.some(phrase => words.includes(phrase))) return kind
  }
  if (status === 402) return 'quota'
  // "The model `x` does not exist", "model "x" not found, try pulling it first".
  if ((status === 404 || status === 400) && words.includes('model') && (words.includes('does not exist') || words.includes('not found')))
    return 'model_gone'
  return 'other'
}
