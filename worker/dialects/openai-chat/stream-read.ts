/**
 * An answer in flight, read: `chat.completion.chunk` events to neutral events, in the order in which they came. What a provider says
 * beside its answer is told when it is new or has changed; most repeat theirs in every chunk.
 */
import type { Json, JsonObject, StreamEvent } from '../../schema/chat.ts'
import { carry, isObject, rest } from '../check.ts'
import type { EventReader, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { inBandError } from './error.ts'
import { readFinish } from './finish.ts'
import { reasoningOf } from './message.ts'
import { readPart } from './part.ts'
import { toolCalls } from './tool-calls.ts'
import { readUsage, usageExtra } from './usage.ts'

/** `obfuscation` is padding against traffic analysis, new in every chunk and without a meaning to carry. */
const CHUNK = new Set(['id', 'object', 'created', 'model', 'choices', 'usage', 'obfuscation'])
const CHOICE = new Set(['index', 'delta', 'message', 'finish_reason', 'logprobs', 'usage'])
const DELTA = new Set(['role', 'content', 'refusal', 'reasoning_content', 'reasoning', 'tool_calls', 'annotations'])

export function reader(): EventReader {
  let started = false
  const carried = new Map<string, string>()
  const calls = toolCalls()

  function read(event: SseEvent): StreamEvent[] {
    if (event.data.startsWith('[DONE]')) return [{ type: 'end' }]
    const chunk = eventJson(event)
    // A malformed event is `observe`'s to count; there is nothing in it to carry.
    if (chunk === null) return []
    const out: StreamEvent[] = []
    const news = newsIn(chunk)
    // Azure opens with a chunk about its filters that belongs to no answer yet.
    const opens =
      !started && ((typeof chunk.id === 'string' && chunk.id !== '') || (Array.isArray(chunk.choices) && chunk.choices.length > 0))
    if (opens) {
      started = true
      const start: StreamEvent = {
        type: 'start',
        dialect: 'openai-chat',
        id: typeof chunk.id === 'string' ? chunk.id : '',
        model: typeof chunk.model === 'string' ? chunk.model : '',
        created_at_s: typeof chunk.created === 'number' ? chunk.created : null,
      }
      if (news) start.extra = news
      out.push(start)
    } else if (news) out.push({ type: 'other', dialect: 'openai-chat', value: news })
    const error = inBandError(event.event === 'error' && chunk.error === undefined ? { error: chunk } : chunk)
    if (error) out.push({ type: 'error', ...error })
    if (Array.isArray(chunk.choices)) for (const choice of chunk.choices) if (isObject(choice)) readChoice(choice, out)
    if (isObject(chunk.usage)) {
      const beside = usageExtra(chunk.usage)
      if (beside) out.push({ type: 'other', dialect: 'openai-chat', value: { usage: beside } })
      out.push({ type: 'usage', usage: readUsage(chunk.usage) })
    }
    return out
  }

  /** Members beside the known ones, where they are new or have changed: most providers repeat theirs in every chunk. */
  function newsIn(chunk: JsonObject): JsonObject | undefined {
    const beside = rest(chunk, CHUNK)
    if (!beside) return undefined
    let news: JsonObject | undefined
    for (const name of Object.keys(beside)) {
      if (name === 'error') continue
      const value = beside[name] as Json
      const written = JSON.stringify(value)
      if (value === null || carried.get(name) === written) continue
      carried.set(name, written)
      news ??= {}
      carry(news, name, value)
    }
    return news
  }

  function readChoice(raw: JsonObject, out: StreamEvent[]): void {
    const choice = typeof raw.index === 'number' ? raw.index : 0
    const logprobs = raw.logprobs ?? undefined
    const before = out.length
    if (isObject(raw.delta)) readDelta(raw.delta, choice, out)
    if (logprobs !== undefined) {
      const text = out.slice(before).find(event => event.type === 'text')
      if (text?.type === 'text') text.logprobs = logprobs
      else out.push({ type: 'text', choice, text: '', logprobs })
    }
    const beside = rest(raw, CHOICE)
    if (beside && Object.values(beside).some(hasContent))
      out.push({ type: 'other', dialect: 'openai-chat', value: { choices: [{ index: choice, delta: {}, ...beside }] } })
    const finish = readFinish(raw.finish_reason)
    if (finish) {
      calls.end(choice, out)
      out.push({ type: 'finish', choice, ...finish })
    }
    if (isObject(raw.usage)) out.push({ type: 'usage', usage: readUsage(raw.usage) })
  }

  function readDelta(delta: JsonObject, choice: number, out: StreamEvent[]): void {
    const reasoning = reasoningOf(delta)
    if (reasoning !== '') out.push({ type: 'reasoning', choice, text: reasoning })
    readContent(delta.content, choice, out)
    if (typeof delta.refusal === 'string' && delta.refusal !== '') out.push({ type: 'refusal', choice, text: delta.refusal })
    if (Array.isArray(delta.tool_calls)) for (const [i, call] of delta.tool_calls.entries()) calls.read(call, i, choice, out)
    if (Array.isArray(delta.annotations)) for (const value of delta.annotations) out.push({ type: 'citation', choice, value })
    const beside = rest(delta, DELTA)
    if (beside && Object.values(beside).some(hasContent))
      out.push({ type: 'other', dialect: 'openai-chat', value: { choices: [{ index: choice, delta: beside }] } })
  }

  function readContent(content: Json | undefined, choice: number, out: StreamEvent[]): void {
    if (typeof content === 'string' && content !== '') out.push({ type: 'text', choice, text: content })
    if (!Array.isArray(content)) return
    for (const raw of content) {
      const part = isObject(raw) ? readPart(raw) : ''
      if (typeof part === 'string') continue
      if (part.type === 'text' || part.type === 'reasoning' || part.type === 'refusal') {
        if (part.text !== '') out.push({ type: part.type, choice, text: part.text })
      } else out.push({ type: 'other', dialect: 'openai-chat', value: { choices: [{ index: choice, delta: { content: [raw as Json] } }] } })
    }
  }

  return { read }
}

const hasContent = (value: Json) => value !== null && value !== '' && (typeof value !== 'object' || Object.keys(value).length > 0)
