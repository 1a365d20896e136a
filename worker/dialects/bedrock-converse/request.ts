/**
 * The request body of Converse and ConverseStream (docs.aws.amazon.com, API_runtime_Converse, read 2026-11), read into the neutral
 * form and written from it. The model and whether to stream stand in the address; who takes a call in this format puts them
 * beside the body's members, as `model` and `stream`.
 */
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ChatRequest, Json, JsonObject, Loss } from '../../schema/chat.ts'
import { boolean, type Check, carry, integer, isObject, kindOf, number, refuse, rest, text } from '../check.ts'
import type { TargetFacts, WrittenRequest } from '../dialect.ts'
import { isMark } from '../marks.ts'
import { messagePlace, partPlace } from '../place.ts'
import type { Writing } from './block-write.ts'
import { readMessages, writeMessages } from './message.ts'
import { writeModelFields } from './model-fields.ts'
import { readOutput, writeOutput } from './output.ts'
import { configFor, configOf, loseSettings } from './sampling.ts'
import { readToolChoice, readTools, writeToolConfig } from './tools.ts'

/** More than any model writes; a larger number is a mistake in units. */
const MAX_OUTPUT_TOKENS = 10_000_000
const MAX_STOPS = 2_500

const KNOWN = new Set([
  'model',
  'stream',
  'system',
  'messages',
  'toolConfig',
  'inferenceConfig',
  'outputConfig',
  'requestMetadata',
  'serviceTier',
])
const CONFIG = new Set(['maxTokens', 'temperature', 'topP', 'stopSequences'])

export function readRequest(body: JsonObject): Result<ChatRequest, GatewayError> {
  const check: Check = { error: null }
  const extra = rest(body, KNOWN) ?? {}
  const inside: Check = { error: null }
  const config = body.inferenceConfig ?? {}
  if (!isObject(config)) {
    refuse(check, 'inferenceConfig', `must be an object, not ${kindOf(config)}.`)
    return err(check.error as GatewayError)
  }
  const beside = rest(config, CONFIG)
  if (beside) extra.inferenceConfig = beside
  const request: ChatRequest = {
    dialect: 'bedrock-converse',
    model: text(check, body, 'model') ?? '',
    stream: boolean(check, body, 'stream') ?? false,
    messages: readMessages(check, body),
    tools: readTools(check, body, extra),
    tool_choice: readToolChoice(body, extra),
    parallel_tool_calls: null,
    output: readOutput(body, extra),
    max_output_tokens: integer(inside, config, 'maxTokens', 1, MAX_OUTPUT_TOKENS),
    temperature: number(inside, config, 'temperature', 0, 100),
    top_p: number(inside, config, 'topP', 0, 1),
    top_k: null,
    seed: null,
    stop: readStop(inside, config),
    frequency_penalty: null,
    presence_penalty: null,
    choices: 1,
    logprobs: null,
    // How much to think is said in the model's own fields, which are carried as they are.
    reasoning: null,
    user: null,
    metadata: readMetadata(check, body),
    service_tier: readTier(body, extra),
    // Counts always come with a stream here.
    stream_usage: body.stream === true,
    extra,
  }
  const error = check.error ?? (inside.error && within(inside.error))
  return error ? err(error) : ok(request)
}

function within(error: GatewayError): GatewayError {
  if (error.code !== 'invalid_request' || error.param === null) return error
  return { ...error, param: `inferenceConfig.${error.param}`, message: `inferenceConfig.${error.message}` }
}

function readStop(check: Check, config: JsonObject): string[] {
  const stop = config.stopSequences
  if (stop === undefined || stop === null) return []
  if (!Array.isArray(stop)) refuse(check, 'stopSequences', `must be an array of strings, not ${kindOf(stop)}.`)
  else if (stop.length > MAX_STOPS) refuse(check, 'stopSequences', `has ${stop.length} entries; at most ${MAX_STOPS} are taken.`)
  else if (!stop.every(entry => typeof entry === 'string')) refuse(check, 'stopSequences', 'must hold strings only.')
  else return stop
  return []
}

function readMetadata(check: Check, { requestMetadata }: JsonObject): JsonObject | null {
  if (requestMetadata === undefined || requestMetadata === null) return null
  if (isObject(requestMetadata)) return requestMetadata
  refuse(check, 'requestMetadata', `must be an object, not ${kindOf(requestMetadata)}.`)
  return null
}

function readTier({ serviceTier }: JsonObject, extra: JsonObject): string | null {
  if (isObject(serviceTier) && typeof serviceTier.type === 'string' && Object.keys(serviceTier).length === 1) return serviceTier.type
  if (serviceTier !== undefined) extra.serviceTier = serviceTier
  return null
}

/** Fields of this format that a caller of any other may send as well: they can mean nothing else. */
const TAKEN_FROM_ANYONE = ['additionalModelRequestFields', 'additionalModelResponseFieldPaths', 'guardrailConfig', 'performanceConfig']

/** For a target that is named in the address; what the model itself understands, the catalogue says of it. */
export function writeRequest(request: ChatRequest, _model: string, target?: TargetFacts): WrittenRequest {
  const losses: Loss[] = []
  const { dialect, extra } = request
  const own = dialect === 'bedrock-converse'
  const whose = target?.model_fields
  const to: Writing = {
    own,
    from: dialect,
    losses,
    place: (i, j) => (j === undefined ? messagePlace(request, i) : partPlace(request, i, j)),
    seals_of: whose === 'anthropic-messages' ? whose : null,
    caches: whose === 'anthropic-messages' || whose === 'nova',
  }
  const body = writeMessages(request.messages, to)
  const tools = writeToolConfig(request, to)
  if (tools) body.toolConfig = tools
  const fields = own ? {} : writeModelFields(request, target, to)
  if (Object.keys(fields).length > 0) body.additionalModelRequestFields = fields
  const config = own ? configOf(request) : configFor(request, whose === 'anthropic-messages', fields.thinking !== undefined, to)
  if (Object.keys(config).length > 0) body.inferenceConfig = config
  writeOutput(body, request, to)
  writeMetadata(body, request, to)
  writeTier(body, request, to)
  if (!own) loseSettings(request, losses)
  for (const name of Object.keys(extra)) {
    const value = extra[name] as Json
    if (isMark(name)) continue
    if (own) mergeOwn(body, name, value)
    else if (TAKEN_FROM_ANYONE.includes(name) && typeof value === 'object' && value !== null) mergeOwn(body, name, value)
    else losses.push({ field: name, how: 'dropped' })
  }
  return { body, losses }
}

/** Of two objects under one name the caller's members win. */
function mergeOwn(body: JsonObject, name: string, value: Json): void {
  const there = body[name]
  carry(body, name, isObject(there) && isObject(value) ? { ...there, ...value } : value)
}

/** At most 16, of plain characters (API_runtime_Converse, requestMetadata). */
const PLAIN = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/
const MAX_METADATA = 16

function writeMetadata(body: JsonObject, { metadata }: ChatRequest, to: Writing): void {
  if (metadata === null) return
  if (to.own) {
    body.requestMetadata = metadata
    return
  }
  const kept: JsonObject = {}
  let count = 0
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value === 'string' && name !== '' && PLAIN.test(name) && PLAIN.test(value) && count++ < MAX_METADATA)
      carry(kept, name, value)
    else to.losses.push({ field: `metadata.${name.slice(0, 64)}`, how: 'dropped', note: 'only short plain text is taken here' })
  }
  if (Object.keys(kept).length > 0) body.requestMetadata = kept
}

/** What other formats call the tiers; `auto` leaves it to the provider, as silence does here. */
const TIERS: Record<string, string | null> = { auto: null, default: 'default', standard: 'default', flex: 'flex', priority: 'priority' }

function writeTier(body: JsonObject, { service_tier }: ChatRequest, to: Writing): void {
  if (service_tier === null) return
  const tier = to.own ? service_tier : Object.hasOwn(TIERS, service_tier) ? TIERS[service_tier] : undefined
  if (tier === undefined) to.losses.push({ field: 'service_tier', how: 'dropped', note: 'there is no such tier here' })
  else if (tier !== null) body.serviceTier = { type: tier }
}
