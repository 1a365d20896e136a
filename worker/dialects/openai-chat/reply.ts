/**
 * A whole reply, `chat.completion`, read into the neutral form and written from it. A message's members become parts in the
 * order a reader meets them: reasoning, text, refusal, tool calls, and last whatever this file has no name for, carried whole.
 */
import { err, ok, type Result } from '../../core/result.ts'
import {
  type DialectName,
  type Json,
  type JsonObject,
  type Loss,
  type Part,
  type Reply,
  type ReplyChoice,
  UNKNOWN_USAGE,
} from '../../schema/chat.ts'
import { loseCounts } from '../beside.ts'
import { carry, isObject, isShallow, rest } from '../check.ts'
import { loseExtra } from '../marks.ts'
import { writeCitation } from './citation.ts'
import { readFinish, writeFinish } from './finish.ts'
import { readToolCall, reasoningOf } from './message.ts'
import { readPart } from './part.ts'
import { writeThought } from './thought.ts'
import { readUsage, usageExtra, writeUsage } from './usage.ts'

const REPLY = new Set(['id', 'object', 'created', 'model', 'choices', 'usage', 'service_tier'])
const CHOICE = new Set(['index', 'message', 'finish_reason', 'logprobs'])
const MESSAGE = new Set(['role', 'content', 'refusal', 'reasoning_content', 'reasoning', 'tool_calls', 'annotations'])

/** The reply, or in a few words why this is none. */
export function readReply(body: JsonObject): Result<Reply, string> {
  if (!Array.isArray(body.choices)) return err('there are no choices in it')
  if (!isShallow(body, Number.POSITIVE_INFINITY)) return err('it nests too deep')
  const choices: ReplyChoice[] = []
  for (const raw of body.choices) {
    if (!isObject(raw) || !isObject(raw.message)) return err('a choice has no message')
    choices.push(readChoice(raw, raw.message, choices.length))
  }
  const extra = rest(body, REPLY) ?? {}
  const usage_extra = isObject(body.usage) ? usageExtra(body.usage) : undefined
  if (usage_extra) extra.usage = usage_extra
  return ok({
    dialect: 'openai-chat',
    id: typeof body.id === 'string' ? body.id : '',
    model: typeof body.model === 'string' ? body.model : '',
    created_at_s: typeof body.created === 'number' ? body.created : null,
    choices,
    usage: isObject(body.usage) ? readUsage(body.usage) : UNKNOWN_USAGE,
    service_tier: typeof body.service_tier === 'string' ? body.service_tier : null,
    extra,
  })
}

function readChoice(raw: JsonObject, message: JsonObject, position: number): ReplyChoice {
  const choice: ReplyChoice = {
    index: typeof raw.index === 'number' ? raw.index : position,
    parts: readParts(message),
    ...(readFinish(raw.finish_reason) ?? { finish: null, finish_raw: null }),
  }
  if (raw.logprobs !== undefined && raw.logprobs !== null) choice.logprobs = raw.logprobs
  const extra = rest(raw, CHOICE)
  if (extra) choice.extra = extra
  return choice
}

function readParts(message: JsonObject): Part[] {
  const parts: Part[] = []
  const reasoning = reasoningOf(message)
  if (reasoning) parts.push({ type: 'reasoning', text: reasoning })
  const { content, annotations } = message
  if (typeof content === 'string' && content !== '') parts.push({ type: 'text', text: content })
  if (Array.isArray(content)) {
    for (const raw of content) {
      const part = isObject(raw) ? readPart(raw) : 'content'
      // A reply that cannot be read in part is still an answer in its other parts.
      if (typeof part !== 'string') parts.push(part)
    }
  }
  const text = parts.findLast(part => part.type === 'text')
  if (text?.type === 'text' && Array.isArray(annotations) && annotations.length > 0) text.citations = annotations
  if (typeof message.refusal === 'string' && message.refusal !== '') parts.push({ type: 'refusal', text: message.refusal })
  if (Array.isArray(message.tool_calls)) {
    for (const call of message.tool_calls) {
      const part = readToolCall(call)
      if (part) parts.push(part)
    }
  }
  const others = rest(message, MESSAGE)
  if (others) parts.push({ type: 'other', dialect: 'openai-chat', value: others })
  return parts
}

export function writeReply(reply: Reply): { body: JsonObject; losses: Loss[] } {
  const losses: Loss[] = []
  const { usage: usage_extra, ...extra } = reply.dialect === 'openai-chat' ? reply.extra : {}
  const body: JsonObject = {
    id: reply.id,
    object: 'chat.completion',
    created: reply.created_at_s ?? 0,
    model: reply.model,
    choices: reply.choices.map((choice, i) => writeChoice(choice, reply.dialect, `choices[${i}]`, losses)),
  }
  const usage = writeUsage(reply.usage, isObject(usage_extra) ? usage_extra : undefined)
  if (usage) body.usage = usage
  if (reply.service_tier !== null) body.service_tier = reply.service_tier
  for (const name of Object.keys(extra)) carry(body, name, extra[name] as Json)
  if (reply.dialect !== 'openai-chat') {
    loseExtra(reply.extra, '', losses)
    loseCounts(reply.usage, UNCOUNTED, losses)
  }
  return { body, losses }
}

/** Counts of input that this format does not tell apart. */
export const UNCOUNTED = ['cache_write_1h_tokens'] as const
/** To a client of this format a turn is over or it is not. */
export const PAUSE: Loss = { field: 'stop_reason', how: 'approximated', note: 'a pause is told as a stop' }

function writeChoice(choice: ReplyChoice, from: DialectName | undefined, field: string, losses: Loss[]): JsonObject {
  const own = from === 'openai-chat'
  const message: JsonObject = { role: 'assistant', content: null, refusal: null }
  const written: JsonObject = {
    index: choice.index,
    message,
    logprobs: choice.logprobs ?? null,
    finish_reason: writeFinish(choice.finish, choice.finish_raw),
    ...(own ? choice.extra : undefined),
  }
  if (!own) loseExtra(choice.extra, field, losses)
  if (choice.finish === 'pause') losses.push(PAUSE)
  let text: string | null = null
  let refusal: string | null = null
  let reasoning = ''
  const calls: Json[] = []
  const citations: Json[] = []
  const thoughts: Json[] = []
  for (const part of choice.parts) {
    if (!own) loseExtra(part.extra, field, losses)
    switch (part.type) {
      case 'text':
        for (const value of part.citations ?? []) {
          const annotation = writeCitation(value, text?.length ?? 0, part.text.length)
          if (annotation) citations.push(annotation)
          else losses.push({ field: `${field}.citations`, how: 'dropped', note: 'only web pages are cited here' })
        }
        text = (text ?? '') + part.text
        break
      case 'reasoning': {
        reasoning += part.text
        const thought = writeThought(part, from, thoughts.length)
        if (thought) thoughts.push(thought)
        break
      }
      case 'refusal':
        refusal = (refusal ?? '') + part.text
        break
      case 'tool_call':
        calls.push({
          id: part.id,
          type: 'function',
          function: { name: part.name, arguments: part.arguments },
          ...(own ? part.extra : undefined),
        })
        break
      case 'other':
        if (part.dialect === 'openai-chat' && isObject(part.value)) mergeOther(message, part.value, calls)
        else losses.push({ field, how: 'dropped', note: 'a part of a kind that this format does not have' })
        break
      default:
        losses.push({ field, how: 'dropped', note: `${part.type} has no place in a reply here` })
    }
  }
  message.content = text
  message.refusal = refusal
  if (reasoning !== '') message.reasoning_content = reasoning
  if (thoughts.length > 0) message.reasoning_details = thoughts
  if (citations.length > 0) message.annotations = citations
  if (calls.length > 0) message.tool_calls = calls
  return written
}

/** Carried members go back beside the others; carried calls go back among the calls. */
function mergeOther(message: JsonObject, value: JsonObject, calls: Json[]): void {
  for (const name of Object.keys(value)) {
    if (name === 'tool_calls' && Array.isArray(value.tool_calls)) calls.push(...value.tool_calls)
    else carry(message, name, value[name] as Json)
  }
}
