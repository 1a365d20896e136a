/**
 * An answer in flight, read (docs.cohere.com/v2/docs/streaming, read 2026-11): the plan, blocks of text and thought, calls, what the
 * text rests on, and at the end the reason and the counts. Every event names its kind in `type` as well.
 */
import type { JsonObject, StreamEvent } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import type { EventReader, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { inBandError } from './error.ts'
import { readFinish } from './finish.ts'
import { readUsage, usageExtra } from './usage.ts'

type Call = { index: number; argued: boolean }
const END = new Set(['finish_reason', 'usage', 'error'])

export function reader(): EventReader {
  /** Calls under way, by the number that the events give them. */
  const calls = new Map<number, Call>()
  let begun = 0
  let started = false

  function read(event: SseEvent): StreamEvent[] {
    const body = eventJson(event)
    if (body === null) return []
    const error = inBandError(body)
    if (error) return [{ type: 'error', ...error }]
    const out: StreamEvent[] = []
    if (!started) {
      started = true
      out.push({ type: 'start', dialect: 'cohere-chat', id: typeof body.id === 'string' ? body.id : '', model: '', created_at_s: null })
    }
    const delta = isObject(body.delta) ? body.delta : {}
    const message = isObject(delta.message) ? delta.message : {}
    const index = typeof body.index === 'number' ? body.index : 0
    switch (typeof body.type === 'string' ? body.type : event.event) {
      case 'message-start':
      case 'content-end':
      case 'citation-end':
        break
      case 'tool-plan-delta':
        think(message.tool_plan, out)
        break
      case 'content-start':
      case 'content-delta':
        if (isObject(message.content)) say(message.content, out)
        break
      case 'tool-call-start':
        if (isObject(message.tool_calls)) startCall(index, message.tool_calls, out)
        break
      case 'tool-call-delta':
        if (isObject(message.tool_calls)) argue(index, message.tool_calls, out)
        break
      case 'tool-call-end':
        endCall(index, out)
        break
      case 'citation-start':
        if (isObject(message.citations)) out.push({ type: 'citation', choice: 0, value: message.citations })
        break
      case 'message-end':
        end(delta, out)
        break
      default:
        out.push({ type: 'other', dialect: 'cohere-chat', value: body })
    }
    return out
  }

  function think(text: unknown, out: StreamEvent[]): void {
    if (typeof text === 'string' && text !== '') out.push({ type: 'reasoning', choice: 0, text })
  }

  function say({ text, thinking }: JsonObject, out: StreamEvent[]): void {
    think(thinking, out)
    if (typeof text === 'string' && text !== '') out.push({ type: 'text', choice: 0, text })
  }

  function startCall(at: number, raw: JsonObject, out: StreamEvent[]): void {
    endCall(at, out)
    const called = isObject(raw.function) ? raw.function : {}
    const index = begun++
    calls.set(at, { index, argued: false })
    const name = typeof called.name === 'string' ? called.name : ''
    out.push({ type: 'tool_call_start', choice: 0, index, id: typeof raw.id === 'string' ? raw.id : '', name })
    argue(at, raw, out)
  }

  function argue(at: number, raw: JsonObject, out: StreamEvent[]): void {
    const call = calls.get(at)
    const fragment = isObject(raw.function) ? raw.function.arguments : undefined
    if (call === undefined || typeof fragment !== 'string' || fragment === '') return
    call.argued = true
    out.push({ type: 'tool_call_arguments', choice: 0, index: call.index, fragment })
  }

  /** A call without arguments is one with none, and says so in words that every client can read. */
  function endCall(at: number, out: StreamEvent[]): void {
    const call = calls.get(at)
    if (call === undefined) return
    calls.delete(at)
    if (!call.argued) out.push({ type: 'tool_call_arguments', choice: 0, index: call.index, fragment: '{}' })
    out.push({ type: 'tool_call_end', choice: 0, index: call.index })
  }

  function end(delta: JsonObject, out: StreamEvent[]): void {
    for (const at of [...calls.keys()]) endCall(at, out)
    const usage = isObject(delta.usage) ? delta.usage : null
    const news: JsonObject = rest(delta, END) ?? {}
    const usage_extra = usage && usageExtra(usage)
    if (usage_extra) news.usage = usage_extra
    if (Object.keys(news).length > 0) out.push({ type: 'other', dialect: 'cohere-chat', value: news })
    const finish = readFinish(delta.finish_reason)
    if (finish) out.push({ type: 'finish', choice: 0, ...finish })
    if (usage) out.push({ type: 'usage', usage: readUsage(usage) })
    out.push({ type: 'end' })
  }

  return { read }
}
