/**
 * An answer in flight: `chat.completion.chunk` events to neutral events and back.
 *
 * Providers differ most in tool calls. OpenAI numbers them; some leave the number out, or number every call 0 and change only
 * its id; some send the name late. The reader settles this once: a neutral call has its own index, starts once with its
 * id and name, and its fragments follow as they arrive, untouched.
 */
import type { Json, JsonObject, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { carry, isObject, isShallow, rest } from '../check.ts'
import type { EventReader, EventWriter, SseEvent } from '../dialect.ts'
import { inBandError } from './error.ts'
import { readFinish, writeFinish } from './finish.ts'
import { reasoningOf } from './message.ts'
import { readPart } from './part.ts'
import { readUsage, writeUsage } from './usage.ts'

/** `obfuscation` is padding against traffic analysis, new in every chunk and without a meaning to carry. */
const CHUNK = new Set(['id', 'object', 'created', 'model', 'choices', 'usage', 'obfuscation'])
const CHOICE = new Set(['index', 'delta', 'message', 'finish_reason', 'logprobs', 'usage'])
const DELTA = new Set(['role', 'content', 'refusal', 'reasoning_content', 'reasoning', 'tool_calls', 'annotations'])

/** A call under way: `id` as the provider gave it, and what came before its name did. */
type Call = { index: number; id: string; name: string; waiting: string }
type Calls = { by_wire_index: Map<number, Call>; started: number }

export function reader(): EventReader {
  let started = false
  const carried = new Map<string, string>()
  const choices = new Map<number, Calls>()

  function read(event: SseEvent): StreamEvent[] {
    if (event.data.startsWith('[DONE]')) return [{ type: 'end' }]
    const chunk = parsed(event.data)
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
    if (isObject(chunk.usage)) out.push({ type: 'usage', usage: readUsage(chunk.usage) })
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
      endCalls(choice, out)
      out.push({ type: 'finish', choice, ...finish })
    }
    if (isObject(raw.usage)) out.push({ type: 'usage', usage: readUsage(raw.usage) })
  }

  function readDelta(delta: JsonObject, choice: number, out: StreamEvent[]): void {
    const reasoning = reasoningOf(delta)
    if (reasoning !== '') out.push({ type: 'reasoning', choice, text: reasoning })
    readContent(delta.content, choice, out)
    if (typeof delta.refusal === 'string' && delta.refusal !== '') out.push({ type: 'refusal', choice, text: delta.refusal })
    if (Array.isArray(delta.tool_calls)) for (const [i, call] of delta.tool_calls.entries()) readCall(call, i, choice, out)
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

  function readCall(raw: Json, position: number, choice: number, out: StreamEvent[]): void {
    if (!isObject(raw)) return
    if (typeof raw.type === 'string' && raw.type !== 'function') {
      out.push({ type: 'other', dialect: 'openai-chat', value: { choices: [{ index: choice, delta: { tool_calls: [raw] } }] } })
      return
    }
    const calls = callsOf(choice)
    const wire_index = typeof raw.index === 'number' ? raw.index : position
    const called = isObject(raw.function) ? raw.function : {}
    const id = typeof raw.id === 'string' ? raw.id : ''
    let call = calls.by_wire_index.get(wire_index)
    // Another id under the same number is another call.
    if (!call || (id !== '' && call.id !== '' && id !== call.id)) {
      if (call) endCall(call, choice, out)
      call = { index: calls.started++, id, name: '', waiting: '' }
      calls.by_wire_index.set(wire_index, call)
    }
    const fragment =
      typeof called.arguments === 'string' ? called.arguments : isObject(called.arguments) ? JSON.stringify(called.arguments) : ''
    if (call.name === '') {
      if (call.id === '') call.id = id
      if (typeof called.name === 'string' && called.name !== '') startCall(call, called.name, choice, out)
      else {
        call.waiting += fragment
        return
      }
    }
    if (fragment !== '') out.push({ type: 'tool_call_arguments', choice, index: call.index, fragment })
  }

  function startCall(call: Call, name: string, choice: number, out: StreamEvent[]): void {
    call.name = name
    // Clients answer a call by its id; a provider that gives none gets one made from its place.
    if (call.id === '') call.id = `call_${choice}_${call.index}`
    out.push({ type: 'tool_call_start', choice, index: call.index, id: call.id, name })
    if (call.waiting !== '') out.push({ type: 'tool_call_arguments', choice, index: call.index, fragment: call.waiting })
    call.waiting = ''
  }

  function endCall(call: Call, choice: number, out: StreamEvent[]): void {
    if (call.name !== '') out.push({ type: 'tool_call_end', choice, index: call.index })
  }

  function endCalls(choice: number, out: StreamEvent[]): void {
    const calls = callsOf(choice)
    for (const call of calls.by_wire_index.values()) endCall(call, choice, out)
    calls.by_wire_index.clear()
  }

  function callsOf(choice: number): Calls {
    const known = choices.get(choice)
    if (known) return known
    const calls: Calls = { by_wire_index: new Map(), started: 0 }
    choices.set(choice, calls)
    return calls
  }

  return { read }
}

function parsed(data: string): JsonObject | null {
  try {
    const value = JSON.parse(data) as Json
    return isObject(value) && isShallow(value, data.length) ? value : null
  } catch {
    return null
  }
}

const hasContent = (value: Json) => value !== null && value !== '' && (typeof value !== 'object' || Object.keys(value).length > 0)

export function writer(): EventWriter {
  /** What every chunk of the answer repeats. */
  let head: JsonObject = { id: '', object: 'chat.completion.chunk', created: 0, model: '' }
  let usage: TokenUsage | null = null
  const begun = new Set<number>()

  const data = (value: JsonObject): SseEvent => ({ event: null, data: JSON.stringify(value) })

  function chunk(choice: number, delta: JsonObject, logprobs?: Json, finish_reason: string | null = null): SseEvent[] {
    // The role stands in the first delta of each choice, as OpenAI has it.
    const first = !begun.has(choice)
    if (first) begun.add(choice)
    const written: JsonObject = { index: choice, delta: first ? { role: 'assistant', ...delta } : delta }
    if (logprobs !== undefined) written.logprobs = logprobs
    written.finish_reason = finish_reason
    return [data({ ...head, choices: [written] })]
  }

  function write(event: StreamEvent): SseEvent[] {
    switch (event.type) {
      case 'start':
        head = {
          id: event.id,
          object: 'chat.completion.chunk',
          created: event.created_at_s ?? 0,
          model: event.model,
          ...(event.dialect === 'openai-chat' ? event.extra : undefined),
        }
        return []
      case 'text':
        return chunk(event.choice, { content: event.text }, event.logprobs)
      case 'refusal':
        return chunk(event.choice, { refusal: event.text })
      case 'reasoning':
        return event.text === '' ? [] : chunk(event.choice, { reasoning_content: event.text })
      case 'tool_call_start':
        return chunk(event.choice, {
          tool_calls: [{ index: event.index, id: event.id, type: 'function', function: { name: event.name, arguments: '' } }],
        })
      case 'tool_call_arguments':
        return chunk(event.choice, { tool_calls: [{ index: event.index, function: { arguments: event.fragment } }] })
      case 'tool_call_end':
        return []
      case 'citation':
        return chunk(event.choice, { annotations: [event.value] })
      case 'finish':
        return chunk(event.choice, {}, undefined, writeFinish(event.finish, event.finish_raw))
      case 'usage':
        // Counts may come often and grow; this format has them once, behind everything else.
        usage = event.usage
        return []
      case 'error':
        return [data({ error: { message: event.message, type: 'server_error', param: null, code: event.code ?? event.status } })]
      case 'end':
        return [...usageChunk(), { event: null, data: '[DONE]' }]
      case 'other':
        if (event.dialect !== 'openai-chat' || !isObject(event.value)) return []
        // What stood beside the choices goes on standing there, in this chunk and the next ones.
        if (event.value.choices === undefined) head = { ...head, ...event.value }
        return [data({ ...head, choices: [], ...event.value })]
    }
  }

  function usageChunk(): SseEvent[] {
    const written = usage && writeUsage(usage, undefined)
    return written ? [data({ ...head, choices: [], usage: written })] : []
  }

  return { write }
}
