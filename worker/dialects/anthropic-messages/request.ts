/**
 * The request body of Anthropic Messages (platform.claude.com/docs/en/api/messages/create, read 2026-11), read into the neutral
 * form and written from it.
 *
 * Reading checks what the router itself uses and nothing more. What the neutral form cannot say (containers, MCP servers, how the
 * context is edited) is kept in `extra` in the caller's wording.
 */
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ChatRequest, Json, JsonObject, Loss, OutputFormat } from '../../schema/chat.ts'
import { boolean, type Check, integer, isObject, kindOf, number, refuse, rest, text } from '../check.ts'
import type { TargetFacts, WrittenRequest } from '../dialect.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { fieldName, messagePlace, partPlace } from '../place.ts'
import type { Writing } from './block.ts'
import { readMessage, readSystem, writeMessages } from './message.ts'
import { readThinking, writeThinking } from './thinking.ts'
import { readToolChoice, readTools, writeToolChoice, writeTools } from './tools.ts'

/** A conversation longer than this is an attack or a loop; each message also costs objects here. */
export const MAX_MESSAGES = 2_000
/** This only keeps a list of 100,000 from being searched for. */
const MAX_STOPS = 64
/** More than any model writes; a larger number is a mistake in units. */
const MAX_OUTPUT_TOKENS = 10_000_000
/** Where neither the caller nor the catalogue knows: what every model of this format writes. */
const DEFAULT_MAX_TOKENS = 4_096

const KNOWN = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'stream',
  'tools',
  'tool_choice',
  'stop_sequences',
  'temperature',
  'top_p',
  'top_k',
  'thinking',
  'output_config',
  'output_format',
  'metadata',
  'service_tier',
])
/** A mark: the form of the answer stood in `output_format`, where it stood before `output_config`. */
const OLD_FORMAT = ' output_format'

export function readRequest(body: JsonObject): Result<ChatRequest, GatewayError> {
  const check: Check = { error: null }
  const extra = rest(body, KNOWN) ?? {}
  const stream = boolean(check, body, 'stream') ?? false
  const config = readConfig(check, body, extra)
  const request: ChatRequest = {
    dialect: 'anthropic-messages',
    model: readModel(check, body),
    stream,
    messages: [...readSystem(check, body.system), ...readMessages(check, body)],
    tools: readTools(check, body.tools),
    ...readToolChoice(check, body.tool_choice, extra),
    output: config.output,
    // Zero asks for nothing but the prompt to be cached.
    max_output_tokens: integer(check, body, 'max_tokens', 0, MAX_OUTPUT_TOKENS),
    temperature: number(check, body, 'temperature', 0, 100),
    top_p: number(check, body, 'top_p', 0, 1),
    top_k: integer(check, body, 'top_k', -1, 1_000_000),
    seed: null,
    stop: readStop(check, body),
    frequency_penalty: null,
    presence_penalty: null,
    choices: 1,
    logprobs: null,
    reasoning: readThinking(check, body, config.effort, extra),
    user: readUser(check, body, extra),
    metadata: null,
    service_tier: text(check, body, 'service_tier'),
    stream_usage: stream,
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
  const stop = body.stop_sequences
  if (stop === undefined || stop === null) return []
  if (!Array.isArray(stop)) refuse(check, 'stop_sequences', `must be an array of strings, not ${kindOf(stop)}.`)
  else if (stop.length > MAX_STOPS) refuse(check, 'stop_sequences', `has ${stop.length} entries; at most ${MAX_STOPS} are taken.`)
  else if (!stop.every(entry => typeof entry === 'string'))
    refuse(check, `stop_sequences[${stop.findIndex(entry => typeof entry !== 'string')}]`, 'must be a string.')
  else return stop
  return []
}

const METADATA = new Set(['user_id'])

function readUser(check: Check, body: JsonObject, extra: JsonObject): string | null {
  const { metadata } = body
  if (metadata === undefined || metadata === null) return null
  if (!isObject(metadata)) {
    refuse(check, 'metadata', `must be an object, not ${kindOf(metadata)}.`)
    return null
  }
  if (rest(metadata, METADATA)) extra.metadata = metadata
  if (metadata.user_id === undefined || metadata.user_id === null || typeof metadata.user_id === 'string') return metadata.user_id ?? null
  refuse(check, 'metadata.user_id', `must be a string, not ${kindOf(metadata.user_id)}.`)
  return null
}

const CONFIG = new Set(['effort', 'format'])
const FORMAT = new Set(['type', 'schema'])

function readConfig(check: Check, body: JsonObject, extra: JsonObject): { output: OutputFormat; effort: string | null } {
  const none = { output: { form: 'text' } as const, effort: null }
  const config = body.output_config ?? {}
  if (!isObject(config)) {
    refuse(check, 'output_config', `must be an object, not ${kindOf(config)}.`)
    return none
  }
  if (config.effort !== undefined && config.effort !== null && typeof config.effort !== 'string') {
    refuse(check, 'output_config.effort', `must be a string, not ${kindOf(config.effort)}.`)
    return none
  }
  if (rest(config, CONFIG)) extra.output_config = config
  const effort = config.effort ?? null
  const old = config.format === undefined || config.format === null
  const format = (old ? body.output_format : config.format) ?? null
  const name = old ? 'output_format' : 'output_config.format'
  if (format === null) return { ...none, effort }
  if (!isObject(format) || typeof format.type !== 'string') {
    refuse(check, name, 'must be an object with a type: json_schema.')
    return none
  }
  if (format.type !== 'json_schema' || rest(format, FORMAT)) extra[old ? 'output_format' : 'output_config'] = old ? format : config
  else if (old) extra[OLD_FORMAT] = true
  if (format.type !== 'json_schema') return { ...none, effort }
  return { output: { form: 'json_schema', name: 'answer', schema: format.schema ?? {}, strict: null }, effort }
}

/** For a target that speaks this dialect and calls the model `model`. */
export function writeRequest(request: ChatRequest, model: string, target?: TargetFacts): WrittenRequest {
  const losses: Loss[] = []
  const own = request.dialect === 'anthropic-messages'
  const to: Writing = {
    from: request.dialect,
    own,
    keeps: own,
    losses,
    place: (i, j) => (j === undefined ? messagePlace(request, i) : partPlace(request, i, j)),
  }
  const body: JsonObject = { model }
  const set = (name: string, value: Json | null) => {
    if (value !== null) body[name] = value
  }
  // A format that leaves the limit out means as much as the model can.
  const max_tokens = request.max_output_tokens ?? (own ? null : (target?.output_tokens ?? DEFAULT_MAX_TOKENS))
  set('max_tokens', max_tokens)
  writeMessages(body, request, to)
  if (request.stream) body.stream = true
  if (request.tools.length > 0) {
    const tools = writeTools(request, to)
    if (tools.length > 0) body.tools = tools
  }
  set('tool_choice', writeToolChoice(request, to))
  const effort = writeThinking(body, request, max_tokens, target, to)
  writeConfig(body, request, effort, to)
  writeSampling(body, request, to)
  if (request.stop.length > 0) body.stop_sequences = request.stop
  if (request.user !== null) body.metadata = { user_id: request.user }
  set('service_tier', writeTier(request, to))
  if (own) carryExtra(body, request.extra)
  else {
    loseUnspeakable(request, losses)
    loseExtra(request.extra, '', losses)
  }
  return { body, losses }
}

function writeConfig(body: JsonObject, { output, extra, dialect }: ChatRequest, effort: string | null, to: Writing): void {
  const config: JsonObject = {}
  if (effort !== null) config.effort = effort
  if (output.form === 'json_schema') {
    const format: JsonObject = { type: 'json_schema', schema: output.schema }
    if (to.own && extra[OLD_FORMAT] === true) body.output_format = format
    else config.format = format
    if (output.description !== undefined) to.losses.push({ field: `${fieldName(dialect, 'output')}.description`, how: 'dropped' })
  } else if (output.form === 'json_object')
    to.losses.push({
      field: fieldName(dialect, 'output'),
      how: 'dropped',
      note: 'only a schema can be promised here; the prompt must ask for JSON',
    })
  if (Object.keys(config).length > 0) body.output_config = config
}

/** Temperature ends at 1 here, none goes with thought, and newer models refuse two ways of sampling at once. */
function writeSampling(body: JsonObject, { temperature, top_p, top_k }: ChatRequest, to: Writing): void {
  if (to.own) {
    if (temperature !== null) body.temperature = temperature
    if (top_p !== null) body.top_p = top_p
    if (top_k !== null) body.top_k = top_k
    return
  }
  const drop = (field: string, note: string) => to.losses.push({ field, how: 'dropped', note })
  const thinks = body.thinking !== undefined
  if (temperature !== null && temperature !== 1) {
    if (thinks) drop('temperature', 'not together with thought')
    else {
      body.temperature = Math.min(temperature, 1)
      if (temperature > 1) to.losses.push({ field: 'temperature', how: 'approximated', note: 'as 1, which is the most here' })
    }
  }
  if (top_p !== null && top_p !== 1) {
    if (thinks || body.temperature !== undefined) drop('top_p', thinks ? 'not together with thought' : 'not together with temperature')
    else body.top_p = top_p
  }
  if (top_k !== null && top_k > 0) {
    if (thinks) drop('top_k', 'not together with thought')
    else body.top_k = top_k
  }
}

const TIERS: Record<string, string> = { auto: 'auto', default: 'standard_only' }

function writeTier({ service_tier, dialect }: ChatRequest, to: Writing): string | null {
  if (service_tier === null || to.own) return service_tier
  if ((dialect === 'openai-chat' || dialect === 'openai-responses') && Object.hasOwn(TIERS, service_tier))
    return TIERS[service_tier] as string
  to.losses.push({ field: 'service_tier', how: 'dropped', note: 'this format has no such tier' })
  return null
}

/** What other formats ask for and this one has no word for. */
function loseUnspeakable(request: ChatRequest, losses: Loss[]): void {
  const drop = (field: string, note?: string) =>
    losses.push(note === undefined ? { field, how: 'dropped' } : { field, how: 'dropped', note })
  if (request.seed !== null) drop('seed')
  if (request.frequency_penalty) drop('frequency_penalty')
  if (request.presence_penalty) drop('presence_penalty')
  if (request.choices > 1) drop(fieldName(request.dialect, 'choices'), 'there is one answer here')
  if (request.logprobs !== null) drop(fieldName(request.dialect, 'logprobs'))
  if (request.metadata !== null) drop('metadata')
}
