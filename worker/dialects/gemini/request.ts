/**
 * The request body of `generateContent` and `streamGenerateContent` (ai.google.dev/api/generate-content, read 2026-11), as AI Studio
 * and Vertex take it, read into the neutral form and written from it.
 *
 * Two things that other formats have in the body stand in the address here: the model, and whether to stream. Who takes a call
 * in this format puts them beside the body's members, as `model` and `stream`; who makes one leaves them out of it.
 */
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ChatRequest, Json, JsonObject, Loss } from '../../schema/chat.ts'
import { boolean, type Check, carry, integer, isObject, kindOf, number, refuse, rest, text } from '../check.ts'
import type { TargetFacts, WrittenRequest } from '../dialect.ts'
import { isMark } from '../marks.ts'
import { fieldName, messagePlace, partPlace } from '../place.ts'
import { readContents, writeContents } from './content.ts'
import { readOutput, writeOutput } from './output.ts'
import type { Writing } from './part-write.ts'
import { readThinking, writeThinking } from './thinking.ts'
import { readToolChoice, readTools, writeToolChoice, writeTools } from './tools.ts'

/** More than any model writes; a larger number is a mistake in units. */
const MAX_OUTPUT_TOKENS = 10_000_000
const MAX_STOPS = 64
const MAX_CHOICES = 128

const KNOWN = new Set(['model', 'stream', 'systemInstruction', 'contents', 'tools', 'toolConfig', 'generationConfig', 'serviceTier'])
const CONFIG = new Set([
  'temperature',
  'topP',
  'topK',
  'seed',
  'stopSequences',
  'frequencyPenalty',
  'presencePenalty',
  'candidateCount',
  'responseLogprobs',
  'logprobs',
  'maxOutputTokens',
  'responseMimeType',
  'responseJsonSchema',
  'thinkingConfig',
])

export function readRequest(body: JsonObject): Result<ChatRequest, GatewayError> {
  const check: Check = { error: null }
  const extra = rest(body, KNOWN) ?? {}
  const config = body.generationConfig ?? {}
  if (!isObject(config)) {
    refuse(check, 'generationConfig', `must be an object, not ${kindOf(config)}.`)
    return err(check.error as GatewayError)
  }
  // What is wrong is named by its path, as the caller wrote it.
  const inside: Check = { error: null }
  const beside = rest(config, CONFIG) ?? {}
  const request: ChatRequest = {
    dialect: 'gemini',
    model: text(check, body, 'model') ?? '',
    stream: boolean(check, body, 'stream') ?? false,
    messages: readContents(check, body),
    tools: readTools(check, body),
    tool_choice: readToolChoice(check, body, extra),
    parallel_tool_calls: null,
    output: readOutput(config, beside),
    max_output_tokens: integer(inside, config, 'maxOutputTokens', 1, MAX_OUTPUT_TOKENS),
    temperature: number(inside, config, 'temperature', 0, 100),
    top_p: number(inside, config, 'topP', 0, 1),
    top_k: integer(inside, config, 'topK', -1, 1_000_000),
    seed: integer(inside, config, 'seed', -(2 ** 63), 2 ** 63),
    stop: readStop(inside, config),
    frequency_penalty: number(inside, config, 'frequencyPenalty', -100, 100),
    presence_penalty: number(inside, config, 'presencePenalty', -100, 100),
    choices: integer(inside, config, 'candidateCount', 1, MAX_CHOICES) ?? 1,
    logprobs: boolean(inside, config, 'responseLogprobs') ? (integer(inside, config, 'logprobs', 0, 20) ?? 0) : null,
    reasoning: readThinking(config, beside),
    user: null,
    metadata: null,
    service_tier: text(check, body, 'serviceTier'),
    // Counts always come with a stream here.
    stream_usage: body.stream === true,
    extra,
  }
  if (Object.keys(beside).length > 0) extra.generationConfig = beside
  const error = check.error ?? (inside.error && within(inside.error))
  return error ? err(error) : ok(request)
}

function within(error: GatewayError): GatewayError {
  if (error.code !== 'invalid_request' || error.param === null) return error
  return { ...error, param: `generationConfig.${error.param}`, message: `generationConfig.${error.message}` }
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

/** For a target that is named in the address, and of which it matters how it is told to think. */
export function writeRequest(request: ChatRequest, _model: string, target?: TargetFacts): WrittenRequest {
  const losses: Loss[] = []
  const { dialect, extra } = request
  const to: Writing = {
    own: dialect === 'gemini',
    from: dialect,
    losses,
    place: (i, j) => (j === undefined ? messagePlace(request, i) : partPlace(request, i, j)),
    names: new Map(),
    // The generation that learnt levels is the one that refuses calls without a seal.
    checks_seals: target?.thinking_by !== 'budget',
  }
  const body = writeContents(request.messages, to)
  const tools = writeTools(request.tools, to)
  if (tools.length > 0) body.tools = tools
  if (request.tool_choice !== null && (to.own || tools.length > 0)) body.toolConfig = writeToolChoice(request.tool_choice)
  if (request.parallel_tool_calls === false)
    losses.push({ field: fieldName(dialect, 'parallel_tool_calls'), how: 'dropped', note: 'calls may come together here' })
  const config = writeConfig(request, target, to)
  if (Object.keys(config).length > 0) body.generationConfig = config
  writeTier(body, request, to)
  if (request.user !== null) losses.push({ field: fieldName(dialect, 'user'), how: 'dropped' })
  if (request.metadata !== null) losses.push({ field: 'metadata', how: 'dropped' })
  for (const name of Object.keys(extra)) {
    const value = extra[name] as Json
    if (isMark(name) || (to.own && name === 'generationConfig')) continue
    if (to.own) carry(body, name, value)
    else if ((name === 'safetySettings' || name === 'safety_settings') && Array.isArray(value)) body.safetySettings = value
    else losses.push({ field: name, how: 'dropped' })
  }
  return { body, losses }
}

function writeConfig(request: ChatRequest, target: TargetFacts | undefined, to: Writing): JsonObject {
  const own_config = to.own && isObject(request.extra.generationConfig) ? request.extra.generationConfig : undefined
  const config: JsonObject = {}
  const set = (name: string, value: Json | null) => {
    if (value !== null) config[name] = value
  }
  set('temperature', request.temperature)
  set('topP', request.top_p)
  set('topK', request.top_k)
  set('seed', request.seed)
  if (request.stop.length > 0) config.stopSequences = request.stop
  set('frequencyPenalty', request.frequency_penalty)
  set('presencePenalty', request.presence_penalty)
  if (request.choices > 1) config.candidateCount = request.choices
  if (request.logprobs !== null) {
    config.responseLogprobs = true
    if (request.logprobs > 0) config.logprobs = request.logprobs
  }
  set('maxOutputTokens', request.max_output_tokens)
  Object.assign(config, writeOutput(request.output, own_config, to))
  set('thinkingConfig', writeThinking(request, target, to))
  return { ...config, ...own_config }
}

/** What other formats call the tiers; `auto` leaves it to the provider, as silence does here. */
const TIERS: Record<string, string | null> = { auto: null, default: 'standard', standard: 'standard', flex: 'flex', priority: 'priority' }

function writeTier(body: JsonObject, { service_tier }: ChatRequest, to: Writing): void {
  if (service_tier === null) return
  const tier = to.own ? service_tier : Object.hasOwn(TIERS, service_tier) ? TIERS[service_tier] : undefined
  if (tier === undefined) to.losses.push({ field: 'service_tier', how: 'dropped', note: 'there is no such tier here' })
  else if (tier !== null) body.serviceTier = tier
}
