/**
 * The request body of Cohere's chat, version 2 (docs.cohere.com/reference/chat, read 2026-11), read into the neutral form and written
 * from it.
 */
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ChatRequest, Json, JsonObject, Loss, OutputFormat } from '../../schema/chat.ts'
import { boolean, type Check, carry, integer, isObject, kindOf, number, refuse, rest, text } from '../check.ts'
import type { TargetFacts, WrittenRequest } from '../dialect.ts'
import { isMark } from '../marks.ts'
import { fieldName, messagePlace, partPlace } from '../place.ts'
import { readMessages, writeMessages } from './message.ts'
import type { Writing } from './part.ts'
import { readToolChoice, readTools, writeTools } from './tools.ts'

/** More than any model writes or thinks; a larger number is a mistake in units. */
const MOST_TOKENS = 10_000_000
const MAX_STOPS = 100

const KNOWN = new Set([
  'model',
  'stream',
  'messages',
  'tools',
  'tool_choice',
  'strict_tools',
  'response_format',
  'max_tokens',
  'temperature',
  'p',
  'k',
  'seed',
  'stop_sequences',
  'frequency_penalty',
  'presence_penalty',
  'thinking',
])

export function readRequest(body: JsonObject): Result<ChatRequest, GatewayError> {
  const check: Check = { error: null }
  const extra = rest(body, KNOWN) ?? {}
  const request: ChatRequest = {
    dialect: 'cohere-chat',
    model: text(check, body, 'model') ?? '',
    stream: boolean(check, body, 'stream') ?? false,
    messages: readMessages(check, body),
    tools: readTools(check, body),
    tool_choice: readToolChoice(body, extra),
    parallel_tool_calls: null,
    output: readOutput(body, extra),
    max_output_tokens: integer(check, body, 'max_tokens', 1, MOST_TOKENS),
    temperature: number(check, body, 'temperature', 0, 100),
    top_p: number(check, body, 'p', 0, 1),
    top_k: integer(check, body, 'k', 0, 10_000),
    seed: integer(check, body, 'seed', 0, Number.MAX_SAFE_INTEGER),
    stop: readStop(check, body),
    frequency_penalty: number(check, body, 'frequency_penalty', 0, 1),
    presence_penalty: number(check, body, 'presence_penalty', 0, 1),
    choices: 1,
    // Asked for by a yes or no, and told in a shape of its own: carried.
    logprobs: null,
    reasoning: readThinking(check, body, extra),
    user: null,
    metadata: null,
    service_tier: null,
    // Counts always come with a stream here.
    stream_usage: body.stream === true,
    extra,
  }
  return check.error ? err(check.error) : ok(request)
}

function readStop(check: Check, { stop_sequences: stop }: JsonObject): string[] {
  if (stop === undefined || stop === null) return []
  if (!Array.isArray(stop) || !stop.every(entry => typeof entry === 'string'))
    refuse(check, 'stop_sequences', `must be an array of strings, not ${kindOf(stop)}.`)
  else if (stop.length > MAX_STOPS) refuse(check, 'stop_sequences', `has ${stop.length} entries; at most ${MAX_STOPS} are taken.`)
  else return stop
  return []
}

const THINKING = new Set(['type', 'token_budget'])

function readThinking(check: Check, { thinking }: JsonObject, extra: JsonObject): ChatRequest['reasoning'] {
  if (thinking === undefined || thinking === null) return null
  if (!isObject(thinking) || (thinking.type !== 'enabled' && thinking.type !== 'disabled') || rest(thinking, THINKING)) {
    extra.thinking = thinking
    return null
  }
  if (thinking.type === 'disabled') return { effort: 'none', budget_tokens: null }
  return { effort: null, budget_tokens: integer(check, thinking, 'token_budget', 1, MOST_TOKENS) }
}

/** A schema has no name here. */
const UNNAMED = 'answer'
const FORMAT = new Set(['type', 'json_schema'])

function readOutput({ response_format: format }: JsonObject, extra: JsonObject): OutputFormat {
  if (format === undefined || format === null) return { form: 'text' }
  if (isObject(format) && !rest(format, FORMAT)) {
    if (format.type === 'text') return { form: 'text' }
    if (format.type === 'json_object') {
      return isObject(format.json_schema)
        ? { form: 'json_schema', name: UNNAMED, schema: format.json_schema, strict: null }
        : { form: 'json_object' }
    }
  }
  extra.response_format = format
  return { form: 'text' }
}

/** Fields of this format that a caller of any other may send as well: they can mean nothing else. */
const TAKEN_FROM_ANYONE = ['documents', 'citation_options', 'safety_mode']

export function writeRequest(request: ChatRequest, model: string, target?: TargetFacts): WrittenRequest {
  const losses: Loss[] = []
  const { dialect, extra, output } = request
  const own = dialect === 'cohere-chat'
  const to: Writing = {
    own,
    from: dialect,
    losses,
    place: (i, j) => (j === undefined ? messagePlace(request, i) : partPlace(request, i, j)),
  }
  // Two endpoints share one address here, and which is meant must be said.
  const body: JsonObject = { model, stream: request.stream, messages: writeMessages(request.messages, to) }
  writeTools(body, request, to)
  if (output.form === 'json_object') body.response_format = { type: 'json_object' }
  if (output.form === 'json_schema') {
    body.response_format = { type: 'json_object', json_schema: output.schema }
    if (output.description !== undefined) losses.push({ field: `${fieldName(dialect, 'output')}.description`, how: 'dropped' })
  }
  writeSampling(body, request, losses)
  writeThinking(body, request, target, losses)
  loseOthers(request, losses)
  for (const name of Object.keys(extra)) {
    const value = extra[name] as Json
    if (isMark(name)) continue
    if (own || TAKEN_FROM_ANYONE.includes(name)) carry(body, name, value)
    else if (value !== null) losses.push({ field: name, how: 'dropped' })
  }
  return { body, losses }
}

function writeSampling(body: JsonObject, request: ChatRequest, losses: Loss[]): void {
  const { max_output_tokens, temperature, top_p, top_k, seed, stop } = request
  if (max_output_tokens !== null) body.max_tokens = max_output_tokens
  if (temperature !== null) body.temperature = temperature
  if (top_p !== null) body.p = top_p
  if (top_k !== null) body.k = top_k
  if (stop.length > 0) body.stop_sequences = stop
  if (seed !== null && seed >= 0) body.seed = seed
  else if (seed !== null) losses.push({ field: 'seed', how: 'dropped', note: 'none below zero here' })
  for (const name of ['frequency_penalty', 'presence_penalty'] as const) {
    const value = request[name]
    if (value === null) continue
    // From 0 to 1 here, where others go from -2 to 2.
    const kept = Math.min(1, Math.max(0, value))
    body[name] = kept
    if (kept !== value) losses.push({ field: name, how: 'approximated', note: `as ${kept}` })
  }
}

function writeThinking(body: JsonObject, { reasoning, dialect }: ChatRequest, target: TargetFacts | undefined, losses: Loss[]): void {
  if (reasoning === null) return
  const { effort, budget_tokens, summary } = reasoning
  if (summary !== undefined)
    losses.push({ field: fieldName(dialect, 'reasoning_summary'), how: 'dropped', note: 'thoughts are told here as they are' })
  const field = fieldName(dialect, budget_tokens === null ? 'reasoning' : 'reasoning_budget')
  if (effort === 'none' && budget_tokens === null) body.thinking = { type: 'disabled' }
  else if (target?.reasoning === false) losses.push({ field, how: 'dropped', note: 'this target does not think before it answers' })
  else if (budget_tokens !== null) body.thinking = { type: 'enabled', token_budget: budget_tokens }
  else {
    body.thinking = { type: 'enabled' }
    if (effort !== null) losses.push({ field, how: 'approximated', note: 'thought of the length the model sees fit' })
  }
}

function loseOthers({ dialect, choices, logprobs, user, metadata, service_tier }: ChatRequest, losses: Loss[]): void {
  const lose = (field: string, note?: string) =>
    losses.push(note === undefined ? { field, how: 'dropped' } : { field, how: 'dropped', note })
  if (choices > 1) lose(fieldName(dialect, 'choices'), 'one answer a request here')
  if (logprobs !== null) lose(fieldName(dialect, 'logprobs'))
  if (user !== null) lose(fieldName(dialect, 'user'))
  if (metadata !== null) lose('metadata')
  if (service_tier !== null && service_tier !== 'auto') lose('service_tier')
}
