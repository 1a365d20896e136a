/**
 * A whole reply, `response`, read into the neutral form and written from it. There is one answer here; its items are the parts.
 * Most of a response repeats the request; that is kept as a mark for this format and is nothing to others.
 */
import { err, ok, type Result } from '../../core/result.ts'
import { type Json, type JsonObject, type Loss, type Part, type Reply, type ReplyChoice, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { loseCounts } from '../beside.ts'
import { carry, isObject, isShallow, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import type { Writing } from './content.ts'
import { isCall, readFinish, writeFinish } from './finish.ts'
import { readItem, writeItems } from './item.ts'
import { readUsage, usageExtra, writeUsage } from './usage.ts'

const REPLY = new Set(['id', 'object', 'created_at', 'model', 'output', 'usage', 'status', 'incomplete_details', 'service_tier'])
/** The mark, and what goes under it: the request told again, and what the provider did with it. */
export const ECHO = ' echo'
const REPEATED = new Set([
  'background',
  'billing',
  'completed_at',
  'content_filters',
  'conversation',
  'error',
  'frequency_penalty',
  'input',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'moderation',
  'output_text',
  'parallel_tool_calls',
  'presence_penalty',
  'previous_response_id',
  'prompt',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'store',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
])
/** What clients expect of a response whose request was not one of this format. */
const SILENT: JsonObject = {
  error: null,
  instructions: null,
  metadata: {},
  parallel_tool_calls: true,
  temperature: null,
  tool_choice: 'auto',
  tools: [],
  top_p: null,
}

/** The reply, or in a few words why this is none. */
export function readReply(body: JsonObject): Result<Reply, string> {
  if (!Array.isArray(body.output)) return err('there is no output in it')
  if (!isShallow(body, Number.POSITIVE_INFINITY)) return err('it nests too deep')
  const parts: Part[] = []
  for (const raw of body.output) {
    const item = isObject(raw) ? readItem(raw) : ''
    // A reply that cannot be read in part is still an answer in its other parts.
    if (typeof item !== 'string') parts.push(...item)
  }
  const choice: ReplyChoice = { index: 0, parts, ...(readFinish(body, body.output.some(isCall)) ?? { finish: null, finish_raw: null }) }
  const logprobs = logprobsIn(body.output)
  if (logprobs.length > 0) choice.logprobs = { content: logprobs }
  const extra = extraOf(body)
  const usage_extra = isObject(body.usage) ? usageExtra(body.usage) : undefined
  if (usage_extra) extra.usage = usage_extra
  return ok({
    dialect: 'openai-responses',
    id: typeof body.id === 'string' ? body.id : '',
    model: typeof body.model === 'string' ? body.model : '',
    created_at_s: typeof body.created_at === 'number' ? body.created_at : null,
    choices: [choice],
    usage: isObject(body.usage) ? readUsage(body.usage, body.output) : UNKNOWN_USAGE,
    service_tier: typeof body.service_tier === 'string' ? body.service_tier : null,
    extra,
  })
}

/** Members beside the answer: what repeats the request under its mark, everything else by its name. */
export function extraOf(response: JsonObject): JsonObject {
  const extra: JsonObject = {}
  const echo: JsonObject = {}
  const beside = rest(response, REPLY) ?? {}
  for (const name of Object.keys(beside)) carry(REPEATED.has(name) ? echo : extra, name, beside[name] as Json)
  if (Object.keys(echo).length > 0) extra[ECHO] = echo
  return extra
}

function logprobsIn(output: Json[]): Json[] {
  return output.flatMap(item => {
    if (!isObject(item) || !Array.isArray(item.content)) return []
    return item.content.flatMap(part => (isObject(part) && Array.isArray(part.logprobs) ? part.logprobs : []))
  })
}

export function writeReply(reply: Reply): { body: JsonObject; losses: Loss[] } {
  const losses: Loss[] = []
  const own = reply.dialect === 'openai-responses'
  const [choice, ...others] = reply.choices
  const to: Writing = {
    from: reply.dialect,
    own,
    keeps: true,
    losses,
    place: (_, j) => (j === undefined ? 'choices[0]' : `choices[0].content[${j}]`),
  }
  let made = 0
  // Clients answer an item by its id; where the target gave none it is made from the answer's own.
  const self = (type: string): JsonObject => (own ? {} : itemSelf(type, reply.id, made++, 'completed'))
  const output = writeItems(choice?.parts ?? [], 'assistant', j => to.place(0, j), to, self)
  writeLogprobs(output, choice?.logprobs, losses)
  const body: JsonObject = {
    ...head(reply.id, reply.model, reply.created_at_s),
    ...writeFinish(choice?.finish ?? null, choice?.finish_raw ?? null),
    output,
  }
  const { usage: usage_extra, ...extra } = own ? reply.extra : {}
  const usage = writeUsage(reply.usage, isObject(usage_extra) ? usage_extra : undefined)
  if (usage) body.usage = usage
  if (reply.service_tier !== null) body.service_tier = reply.service_tier
  if (!own) Object.assign(body, SILENT)
  if (isObject(extra[ECHO])) Object.assign(body, extra[ECHO])
  carryExtra(body, extra)
  for (const other of others) losses.push({ field: `choices[${other.index}]`, how: 'dropped', note: 'there is one answer here' })
  if (!own) {
    loseExtra(choice?.extra, 'choices[0]', losses)
    loseExtra(reply.extra, '', losses)
    loseCounts(reply.usage, UNCOUNTED, losses)
  }
  return { body, losses }
}

/** Counts of input that this format does not tell apart. */
export const UNCOUNTED = ['cache_write_1h_tokens'] as const

export const head = (id: string, model: string, created_at_s: number | null): JsonObject => ({
  id,
  object: 'response',
  created_at: created_at_s ?? 0,
  model,
})

const PREFIXES: Record<string, string> = { message: 'msg', function_call: 'fc', reasoning: 'rs' }

/** What an item says of itself where the target had nothing to say. Unique in the answer, as the answer's id is among answers. */
export function itemSelf(type: string, reply_id: string, n: number, status: string): JsonObject {
  const id = `${PREFIXES[type] ?? 'item'}_${reply_id}_${n}`
  return type === 'reasoning' ? { id } : { id, status }
}

/** The likelihoods stand with the text they are of; where there are several texts they cannot be told apart and stand with the first. */
function writeLogprobs(output: JsonObject[], logprobs: Json | undefined, losses: Loss[]): void {
  let likely: Json[] | null = isObject(logprobs) && Array.isArray(logprobs.content) ? logprobs.content : null
  for (const item of output) {
    if (!Array.isArray(item.content)) continue
    for (const part of item.content) {
      if (!isObject(part) || part.type !== 'output_text') continue
      part.logprobs = likely ?? []
      likely = null
    }
  }
  if (likely !== null) losses.push({ field: 'choices[0].logprobs', how: 'dropped', note: 'there is no text they could stand with' })
}

export const silent = (): JsonObject => ({ ...SILENT })
