/**
 * The request body of OpenAI Chat Completions (platform.openai.com/docs/api-reference/chat/create, read 2026-11), as OpenAI
 * and some fifty compatible providers take it, read into the neutral form and written from it.
 *
 * Reading checks what the router itself uses and nothing more: a field that only the target understands is the target's to
 * judge. What the neutral form cannot say is kept in `extra` in the caller's wording, and wins on the way back into this dialect.
 */
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ChatRequest, Json, JsonObject, Loss } from '../../schema/chat.ts'
import { boolean, type Check, carry, integer, isObject, kindOf, number, refuse, rest, text } from '../check.ts'
import type { TargetFacts, WrittenRequest } from '../dialect.ts'
import { isMark } from '../marks.ts'
import { messagePlace, partPlace } from '../place.ts'
import { readMessage, writeMessage } from './message.ts'
import { readOutput, writeOutput } from './output.ts'
import type { Writing } from './part.ts'
import { readReasoning, writeReasoning } from './reasoning.ts'
import { writeTier } from './tier.ts'
import { readToolChoice, readTools, writeToolChoice, writeTools } from './tools.ts'

/** A conversation longer than this is an attack or a loop; each message also costs objects here. */
export const MAX_MESSAGES = 2_000
/** OpenAI takes 4, others up to 16; this only keeps a list of 100,000 from being searched for. */
const MAX_STOPS = 64
/** More than any model writes; a larger number is a mistake in units. */
const MAX_OUTPUT_TOKENS = 10_000_000
/** OpenAI's own limit on `n`. */
const MAX_CHOICES = 128

const KNOWN = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'functions',
  'tool_choice',
  'function_call',
  'parallel_tool_calls',
  'response_format',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'top_k',
  'seed',
  'stop',
  'frequency_penalty',
  'presence_penalty',
  'n',
  'logprobs',
  'top_logprobs',
  'reasoning_effort',
  'reasoning',
  'user',
  'metadata',
  'service_tier',
])

export function readRequest(body: JsonObject): Result<ChatRequest, GatewayError> {
  const check: Check = { error: null }
  const extra = rest(body, KNOWN) ?? {}
  const stream = boolean(check, body, 'stream') ?? false
  const request: ChatRequest = {
    dialect: 'openai-chat',
    model: readModel(check, body),
    stream,
    messages: readMessages(check, body),
    tools: readTools(check, body),
    tool_choice: readToolChoice(check, body, extra),
    parallel_tool_calls: boolean(check, body, 'parallel_tool_calls'),
    output: readOutput(check, body, extra),
    max_output_tokens:
      integer(check, body, 'max_completion_tokens', 1, MAX_OUTPUT_TOKENS) ?? integer(check, body, 'max_tokens', 1, MAX_OUTPUT_TOKENS),
    temperature: number(check, body, 'temperature', 0, 100),
    top_p: number(check, body, 'top_p', 0, 1),
    top_k: integer(check, body, 'top_k', -1, 1_000_000),
    seed: integer(check, body, 'seed', -(2 ** 63), 2 ** 63),
    stop: readStop(check, body),
    frequency_penalty: number(check, body, 'frequency_penalty', -100, 100),
    presence_penalty: number(check, body, 'presence_penalty', -100, 100),
    choices: integer(check, body, 'n', 1, MAX_CHOICES) ?? 1,
    logprobs: readLogprobs(check, body),
    reasoning: readReasoning(check, body, extra),
    user: text(check, body, 'user'),
    metadata: readMetadata(check, body),
    service_tier: text(check, body, 'service_tier'),
    stream_usage: readStreamUsage(check, body, extra) && stream,
    extra,
  }
  return check.error ? err(check.error) : ok(request)
}

function readModel(check: Check, body: JsonObject): string {
  if (typeof body.model === 'string' && body.model !== '') return body.model
  refuse(check, 'model', 'is missing: a target, a model\'s name, "policy/<name>", or "auto" to let the router choose.')
  return ''
}

function readMessages(check: Check, body: JsonObject) {
  const raw = body.messages
  if (!Array.isArray(raw)) refuse(check, 'messages', `must be an array of messages, not ${kindOf(raw)}.`)
  else if (raw.length === 0) refuse(check, 'messages', 'is empty: at least one message is needed.')
  else if (raw.length > MAX_MESSAGES) refuse(check, 'messages', `has ${raw.length} messages; at most ${MAX_MESSAGES} are taken.`)
  else return raw.map((message, i) => readMessage(check, message, i))
  return []
}

function readStop(check: Check, body: JsonObject): string[] {
  const { stop } = body
  if (stop === undefined || stop === null) return []
  if (typeof stop === 'string') return [stop]
  if (!Array.isArray(stop)) refuse(check, 'stop', `must be a string or an array of strings, not ${kindOf(stop)}.`)
  else if (stop.length > MAX_STOPS) refuse(check, 'stop', `has ${stop.length} entries; at most ${MAX_STOPS} are taken.`)
  else if (!stop.every(entry => typeof entry === 'string'))
    refuse(check, `stop[${stop.findIndex(entry => typeof entry !== 'string')}]`, 'must be a string.')
  else return stop
  return []
}

function readLogprobs(check: Check, body: JsonObject): number | null {
  const wanted = boolean(check, body, 'logprobs') ?? false
  const top = integer(check, body, 'top_logprobs', 0, 20)
  return wanted || (top !== null && top > 0) ? (top ?? 0) : null
}

function readMetadata(check: Check, body: JsonObject): JsonObject | null {
  const { metadata } = body
  if (metadata === undefined || metadata === null) return null
  if (isObject(metadata)) return metadata
  refuse(check, 'metadata', `must be an object, not ${kindOf(metadata)}.`)
  return null
}

const STREAM_OPTIONS = new Set(['include_usage'])

function readStreamUsage(check: Check, body: JsonObject, extra: JsonObject): boolean {
  const options = body.stream_options
  if (options === undefined || options === null) return false
  if (!isObject(options)) {
    refuse(check, 'stream_options', `must be an object, not ${kindOf(options)}.`)
    return false
  }
  const wanted = options.include_usage ?? false
  if (typeof wanted !== 'boolean') refuse(check, 'stream_options.include_usage', `must be true or false, not ${kindOf(wanted)}.`)
  const others = rest(options, STREAM_OPTIONS)
  if (others) extra.stream_options = others
  return wanted === true
}

/** For a target that speaks this dialect and calls the model `model`. */
export function writeRequest(request: ChatRequest, model: string, target?: TargetFacts): WrittenRequest {
  const losses: Loss[] = []
  const to: Writing = {
    own: request.dialect === 'openai-chat',
    losses,
    place: (i, j) => (j === undefined ? messagePlace(request, i) : partPlace(request, i, j)),
  }
  const body: JsonObject = { model, messages: request.messages.flatMap((message, i) => writeMessage(message, i, to)) }
  const set = (name: string, value: Json | null) => {
    if (value !== null) body[name] = value
  }
  if (request.stream) body.stream = true
  if (request.tools.length > 0) writeTools(body, request.tools, request.dialect, to)
  set('tool_choice', writeToolChoice(request.tool_choice))
  set('parallel_tool_calls', request.parallel_tool_calls)
  set('response_format', writeOutput(request.output))
  set('max_completion_tokens', request.max_output_tokens)
  set('temperature', request.temperature)
  set('top_p', request.top_p)
  if (to.own) set('top_k', request.top_k)
  else if (request.top_k !== null) losses.push({ field: 'top_k', how: 'dropped' })
  set('seed', request.seed)
  if (request.stop.length > 0) body.stop = request.stop
  set('frequency_penalty', request.frequency_penalty)
  set('presence_penalty', request.presence_penalty)
  if (request.choices > 1) body.n = request.choices
  if (request.logprobs !== null) {
    body.logprobs = true
    if (request.logprobs > 0) body.top_logprobs = request.logprobs
  }
  writeReasoning(body, request, target, to)
  set('user', request.user)
  set('metadata', request.metadata)
  set('service_tier', writeTier(request, losses))
  if (request.stream_usage) body.stream_options = { include_usage: true }
  for (const name of Object.keys(request.extra)) {
    const value = request.extra[name] as Json
    if (isMark(name)) continue
    // A null says nothing and is no loss.
    if (!to.own) {
      if (value !== null) losses.push({ field: name, how: 'dropped' })
    } else if (name === 'stream_options' && isObject(value) && isObject(body.stream_options))
      body.stream_options = { ...value, ...body.stream_options }
    else carry(body, name, value)
  }
  return { body, losses }
}
