/**
 * The request body of OpenAI Responses (platform.openai.com/docs/api-reference/responses/create, read 2026-11), read into the
 * neutral form and written from it.
 *
 * This format may lean on what the provider keeps: an earlier response, a conversation, a stored prompt. Such a request is `bound`:
 * it passes to a target of this format, which keeps it or says that it does not, and to no other.
 */
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ChatRequest, Json, JsonObject, Loss } from '../../schema/chat.ts'
import { boolean, type Check, integer, isObject, kindOf, number, refuse, rest, text } from '../check.ts'
import type { TargetFacts, WrittenRequest } from '../dialect.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { cannotBeTold } from '../openai-chat/reasoning.ts'
import { writeTier } from '../openai-chat/tier.ts'
import { fieldName, messagePlace, partPlace } from '../place.ts'
import type { Writing } from './content.ts'
import { readInput, readInstructions, referenceIn, writeInput } from './message.ts'
import { readOutput, writeOutput } from './output.ts'
import { readToolChoice, readTools, writeToolChoice, writeTools } from './tools.ts'

/** A conversation longer than this is an attack or a loop; a turn may have many items. */
export const MAX_ITEMS = 4_000
/** More than any model writes; a larger number is a mistake in units. */
const MAX_OUTPUT_TOKENS = 10_000_000

const KNOWN = new Set([
  'model',
  'input',
  'instructions',
  'stream',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'text',
  'max_output_tokens',
  'temperature',
  'top_p',
  'top_logprobs',
  'include',
  'reasoning',
  'user',
  'metadata',
  'service_tier',
])
/** What only who made it can go on from. */
const STORED = ['previous_response_id', 'conversation', 'prompt', 'background'] as const
/** Values that ask for what other formats do anyway: kept as a mark, no loss to them. */
const NATURAL: Record<string, Json> = { store: false, truncation: 'disabled', background: false }
const LOGPROBS = 'message.output_text.logprobs'
const ENCRYPTED = 'reasoning.encrypted_content'
/** Marks: the caller's `include`, where all of it is done elsewhere too; and members with a value that is natural elsewhere. */
const INCLUDE = ' include'
const AS_EVER = ' as_ever'

export function readRequest(body: JsonObject): Result<ChatRequest, GatewayError> {
  const check: Check = { error: null }
  const extra = rest(body, KNOWN) ?? {}
  const stream = boolean(check, body, 'stream') ?? false
  setNaturalAside(extra)
  const request: ChatRequest = {
    dialect: 'openai-responses',
    model: readModel(check, body),
    stream,
    messages: [...readInstructions(check, body.instructions, extra), ...readInput(check, body.input ?? [], MAX_ITEMS)],
    tools: readTools(check, body.tools),
    tool_choice: readToolChoice(check, body.tool_choice, extra),
    parallel_tool_calls: boolean(check, body, 'parallel_tool_calls'),
    output: readOutput(check, body, extra),
    max_output_tokens: integer(check, body, 'max_output_tokens', 1, MAX_OUTPUT_TOKENS),
    temperature: number(check, body, 'temperature', 0, 100),
    top_p: number(check, body, 'top_p', 0, 1),
    top_k: null,
    seed: null,
    stop: [],
    frequency_penalty: null,
    presence_penalty: null,
    choices: 1,
    logprobs: readLogprobs(check, body, extra),
    reasoning: readReasoning(check, body, extra),
    user: text(check, body, 'user'),
    metadata: readMetadata(check, body),
    service_tier: text(check, body, 'service_tier'),
    stream_usage: stream,
    extra,
  }
  bind(request)
  if (request.messages.length === 0 && request.bound === undefined) refuse(check, 'input', 'is empty: at least one message is needed.')
  return check.error ? err(check.error) : ok(request)
}

function readModel(check: Check, body: JsonObject): string {
  if (typeof body.model === 'string' && body.model !== '') return body.model
  refuse(check, 'model', 'is missing: a target, a model\'s name, "policy/<name>", or "auto" to let the router choose.')
  return ''
}

function setNaturalAside(extra: JsonObject): void {
  let aside: JsonObject | undefined
  for (const name of Object.keys(NATURAL)) {
    if (extra[name] !== NATURAL[name]) continue
    aside = { ...aside, [name]: extra[name] as Json }
    delete extra[name]
  }
  if (aside) extra[AS_EVER] = aside
}

function bind(request: ChatRequest): void {
  const field =
    STORED.find(name => (request.extra[name] ?? null) !== null) ?? (referenceIn(request.messages) ? 'input (item_reference)' : undefined)
  if (field !== undefined) request.bound = { dialect: 'openai-responses', field }
}

function readLogprobs(check: Check, body: JsonObject, extra: JsonObject): number | null {
  const top = integer(check, body, 'top_logprobs', 0, 20)
  const include = body.include ?? []
  if (!Array.isArray(include)) {
    refuse(check, 'include', `must be an array of strings, not ${kindOf(include)}.`)
    return null
  }
  if (include.some(name => name !== LOGPROBS && name !== ENCRYPTED)) extra.include = include
  else if (include.includes(ENCRYPTED)) extra[INCLUDE] = include
  return include.includes(LOGPROBS) || (top !== null && top > 0) ? (top ?? 0) : null
}

const REASONING = new Set(['effort', 'summary'])

function readReasoning(check: Check, body: JsonObject, extra: JsonObject): ChatRequest['reasoning'] {
  const { reasoning } = body
  if (reasoning === undefined || reasoning === null) return null
  if (!isObject(reasoning)) {
    refuse(check, 'reasoning', `must be an object, not ${kindOf(reasoning)}.`)
    return null
  }
  const effort = reasoning.effort ?? null
  const summary = reasoning.summary ?? null
  if (effort !== null && typeof effort !== 'string') refuse(check, 'reasoning.effort', `must be a string, not ${kindOf(effort)}.`)
  else if (summary !== null && typeof summary !== 'string') refuse(check, 'reasoning.summary', `must be a string, not ${kindOf(summary)}.`)
  else {
    if (rest(reasoning, REASONING)) extra.reasoning = reasoning
    if (effort === null && summary === null) return null
    return summary === null ? { effort, budget_tokens: null } : { effort, budget_tokens: null, summary }
  }
  return null
}

function readMetadata(check: Check, body: JsonObject): JsonObject | null {
  const { metadata } = body
  if (metadata === undefined || metadata === null) return null
  if (isObject(metadata)) return metadata
  refuse(check, 'metadata', `must be an object, not ${kindOf(metadata)}.`)
  return null
}

/** For a target that speaks this dialect and calls the model `model`. */
export function writeRequest(request: ChatRequest, model: string, target?: TargetFacts): WrittenRequest {
  const losses: Loss[] = []
  const own = request.dialect === 'openai-responses'
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
  writeInput(body, request, to)
  if (request.stream) body.stream = true
  if (request.tools.length > 0) {
    const tools = writeTools(request, to)
    if (tools.length > 0) body.tools = tools
  }
  set('tool_choice', writeToolChoice(request, to))
  set('parallel_tool_calls', request.parallel_tool_calls)
  set('text', writeOutput(request.output))
  set('max_output_tokens', request.max_output_tokens)
  set('temperature', request.temperature)
  set('top_p', request.top_p)
  if (request.logprobs !== null) {
    body.top_logprobs = request.logprobs
    body.include = [LOGPROBS]
  }
  if (!cannotBeTold(request, target, losses)) set('reasoning', writeReasoning(request, target, losses))
  set('user', request.user)
  set('metadata', request.metadata)
  set('service_tier', writeTier(request, losses))
  if (own) writeOwn(body, request.extra)
  else {
    keepNothing(body, target)
    loseUnspeakable(request, losses)
    loseExtra(request.dialect === 'openai-chat' ? sharedWithChat(body, request.extra) : request.extra, '', losses)
  }
  return { body, losses }
}

/** What OpenAI's two formats have alike and no other has: it stays what it is. Gives back the rest. */
function sharedWithChat(body: JsonObject, extra: JsonObject): JsonObject {
  const { verbosity, ...others } = extra
  if (typeof verbosity === 'string') body.text = { ...(isObject(body.text) ? body.text : {}), verbosity }
  else if (verbosity !== undefined) others.verbosity = verbosity
  for (const name of SHARED) {
    const value = others[name]
    if (value === undefined || value === null) continue
    body[name] = value
    delete others[name]
  }
  return others
}
const SHARED = ['prompt_cache_key', 'prompt_cache_retention', 'safety_identifier', 'store']

function writeOwn(body: JsonObject, extra: JsonObject): void {
  const { [INCLUDE]: include, [AS_EVER]: as_ever } = extra
  if (include !== undefined) body.include = include
  if (isObject(as_ever)) Object.assign(body, as_ever)
  carryExtra(body, extra)
}

/** Callers of other formats did not ask for their words to be kept; their thoughts then come encrypted, to be sent back. */
function keepNothing(body: JsonObject, target: TargetFacts | undefined): void {
  body.store = false
  if (target?.reasoning) body.include = [...(Array.isArray(body.include) ? body.include : []), ENCRYPTED]
}

/** Budgets of thought become the nearest of the efforts that this format has words for. */
const EFFORTS = [
  { up_to: 4_096, effort: 'low' },
  { up_to: 16_384, effort: 'medium' },
  { up_to: Number.POSITIVE_INFINITY, effort: 'high' },
]

function writeReasoning({ reasoning, dialect }: ChatRequest, target: TargetFacts | undefined, losses: Loss[]): JsonObject | null {
  if (reasoning === null) return null
  if (dialect !== 'openai-responses' && target?.reasoning === false) {
    if (reasoning.effort !== 'none')
      losses.push({ field: fieldName(dialect, 'reasoning'), how: 'dropped', note: 'this target does not think before it answers' })
    return null
  }
  const { budget_tokens, summary } = reasoning
  let { effort } = reasoning
  if (budget_tokens !== null) {
    effort ??= EFFORTS.find(row => budget_tokens <= row.up_to)?.effort as string
    losses.push({ field: fieldName(dialect, 'reasoning_budget'), how: 'approximated', note: `as effort ${effort}` })
  }
  const written: JsonObject = {}
  if (effort !== null) written.effort = effort
  if (summary !== undefined) written.summary = summary
  return Object.keys(written).length > 0 ? written : null
}

/** What other formats ask for and this one has no word for. */
function loseUnspeakable(request: ChatRequest, losses: Loss[]): void {
  const drop = (field: string, note?: string) =>
    losses.push(note === undefined ? { field, how: 'dropped' } : { field, how: 'dropped', note })
  if (request.stop.length > 0) drop(fieldName(request.dialect, 'stop'), 'an answer cannot be stopped by a word here')
  if (request.seed !== null) drop('seed')
  if (request.top_k !== null) drop('top_k')
  if (request.frequency_penalty) drop('frequency_penalty')
  if (request.presence_penalty) drop('presence_penalty')
  if (request.choices > 1) drop(fieldName(request.dialect, 'choices'), 'there is one answer here')
}
