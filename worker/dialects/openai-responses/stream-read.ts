/**
 * An answer in flight, read. This format tells everything several times: each piece, each part when it is done, each item when it
 * is done, and at last the whole response. The pieces are taken; what is told when done only fills in what no piece told.
 */
import type { Json, JsonObject, StreamEvent } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { EventReader, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { CONTENT } from '../place.ts'
import { unsealed } from '../seal.ts'
import { inBandError } from './error.ts'
import { isCall, readFinish } from './finish.ts'
import { extraOf } from './reply.ts'
import { readUsage, usageExtra } from './usage.ts'

/** Told piece by piece; every other item is told whole when it is done. */
const TOLD = new Set(['message', 'function_call', 'reasoning'])

export function reader(): EventReader {
  /** Neutral calls by output index, with how many pieces came. */
  const calls = new Map<string, { index: number; ended: boolean }>()
  /** Parts of which a piece was told, so that what tells them whole adds nothing. */
  const told = new Set<string>()
  let called = false
  let errored = false
  /** The summary that thoughts are being told in: the next one begins a paragraph. */
  let summary: string | null = null

  function read(event: SseEvent): StreamEvent[] {
    const body = eventJson(event)
    // A malformed event is `observe`'s to count; there is nothing in it to carry. A server that ends on `[DONE]` has told its end.
    if (body === null) return []
    const out: StreamEvent[] = []
    const item = name(body.output_index) || name(body.item_id)
    switch (typeof body.type === 'string' ? body.type : event.event) {
      case 'response.created':
        if (isObject(body.response)) start(body.response, out)
        break
      case 'response.output_item.added':
        if (isObject(body.item)) open(item, body.item, out)
        break
      case 'response.output_item.done':
        if (isObject(body.item)) close(item, body.item, out)
        break
      case 'response.content_part.done':
        if (isObject(body.part)) closePart(body.part, out)
        break
      case 'response.output_text.delta':
        tellText(`${item}/${name(body.content_index)}`, body.delta, body.logprobs, out)
        break
      case 'response.output_text.done':
        if (!told.has(`${item}/${name(body.content_index)}`)) tellText(`${item}/${name(body.content_index)}`, body.text, body.logprobs, out)
        break
      case 'response.output_text.annotation.added':
        if (body.annotation !== undefined) out.push({ type: 'citation', choice: 0, value: body.annotation })
        break
      case 'response.refusal.delta':
        told.add(`${item}/refusal`)
        if (typeof body.delta === 'string' && body.delta !== '') out.push({ type: 'refusal', choice: 0, text: body.delta })
        break
      case 'response.refusal.done':
        if (!told.has(`${item}/refusal`) && typeof body.refusal === 'string' && body.refusal !== '')
          out.push({ type: 'refusal', choice: 0, text: body.refusal })
        break
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        tellThought(item, name(body.summary_index), body.delta, out)
        break
      case 'response.reasoning_summary_text.done':
      case 'response.reasoning_text.done':
        if (!told.has(`${item}/thought/${name(body.summary_index)}`)) tellThought(item, name(body.summary_index), body.text, out)
        break
      case 'response.function_call_arguments.delta':
        tellArguments(item, body.delta, out)
        break
      case 'response.function_call_arguments.done':
        if (!told.has(`${item}/arguments`)) tellArguments(item, body.arguments, out)
        break
      case 'response.completed':
      case 'response.incomplete':
      case 'response.cancelled':
      case 'response.failed':
        finish(body, out)
        break
      case 'error':
        tellError(body, out)
        break
    }
    return out
  }

  function start(response: JsonObject, out: StreamEvent[]): void {
    const opening: StreamEvent = {
      type: 'start',
      dialect: 'openai-responses',
      id: typeof response.id === 'string' ? response.id : '',
      model: typeof response.model === 'string' ? response.model : '',
      created_at_s: typeof response.created_at === 'number' ? response.created_at : null,
    }
    const extra = extraOf(response)
    if (Object.keys(extra).length > 0) opening.extra = extra
    out.push(opening)
  }

  function open(key: string, item: JsonObject, out: StreamEvent[]): void {
    if (isCall(item)) called = true
    if (item.type !== 'function_call') return
    const index = calls.size
    calls.set(key, { index, ended: false })
    const id = typeof item.call_id === 'string' ? item.call_id : typeof item.id === 'string' ? item.id : ''
    out.push({ type: 'tool_call_start', choice: 0, index, id, name: typeof item.name === 'string' ? item.name : '' })
  }

  function close(key: string, item: JsonObject, out: StreamEvent[]): void {
    if (isCall(item)) called = true
    if (item.type === 'function_call') {
      if (!calls.has(key)) open(key, item, out)
      if (!told.has(`${key}/arguments`)) tellArguments(key, item.arguments, out)
      endCall(key, out)
    } else if (item.type === 'reasoning') {
      if (typeof item.encrypted_content === 'string' && item.encrypted_content !== '')
        out.push({ type: 'reasoning', choice: 0, text: '', ...(unsealed(item.encrypted_content) ?? { encrypted: item.encrypted_content }) })
      summary = null
    } else if (typeof item.type === 'string' && !TOLD.has(item.type))
      out.push({ type: 'part', choice: 0, part: { type: 'other', dialect: 'openai-responses', value: item } })
  }

  function endCall(key: string, out: StreamEvent[]): void {
    const call = calls.get(key)
    if (call === undefined || call.ended) return
    call.ended = true
    out.push({ type: 'tool_call_end', choice: 0, index: call.index })
  }

  /** A part of a message that no delta tells. */
  function closePart(part: JsonObject, out: StreamEvent[]): void {
    const { type } = part
    if (type === 'output_text' || type === 'refusal' || type === 'reasoning_text' || type === 'summary_text') return
    out.push({ type: 'part', choice: 0, part: { type: 'other', dialect: 'openai-responses', value: { [CONTENT]: part } } })
  }

  function tellText(key: string, text: Json | undefined, logprobs: Json | undefined, out: StreamEvent[]): void {
    told.add(key)
    const likely = Array.isArray(logprobs) && logprobs.length > 0
    if (typeof text !== 'string' || (text === '' && !likely)) return
    if (likely) out.push({ type: 'text', choice: 0, text, logprobs: { content: logprobs } })
    else out.push({ type: 'text', choice: 0, text })
  }

  function tellThought(item: string, which: string, text: Json | undefined, out: StreamEvent[]): void {
    told.add(`${item}/thought/${which}`)
    if (typeof text !== 'string' || text === '') return
    const continues = summary === null || summary === `${item}/${which}`
    summary = `${item}/${which}`
    out.push({ type: 'reasoning', choice: 0, text: continues ? text : `\n\n${text}` })
  }

  function tellArguments(key: string, fragment: Json | undefined, out: StreamEvent[]): void {
    told.add(`${key}/arguments`)
    const call = calls.get(key)
    if (call && typeof fragment === 'string' && fragment !== '')
      out.push({ type: 'tool_call_arguments', choice: 0, index: call.index, fragment })
  }

  function tellError(body: JsonObject, out: StreamEvent[]): void {
    const error = inBandError(body)
    // A failure is told twice, by its event and by the response that failed.
    if (error && !errored) out.push({ type: 'error', ...error })
    errored = true
  }

  function finish(body: JsonObject, out: StreamEvent[]): void {
    for (const key of calls.keys()) endCall(key, out)
    const response = isObject(body.response) ? body.response : {}
    if (body.type === 'response.failed' || response.status === 'failed')
      tellError({ ...body, response: { status: 'failed', ...response } }, out)
    const news = extraOf(response)
    if (typeof response.service_tier === 'string') news.service_tier = response.service_tier
    const usage_extra = isObject(response.usage) ? usageExtra(response.usage) : undefined
    if (usage_extra) news.usage = usage_extra
    if (Object.keys(news).length > 0) out.push({ type: 'other', dialect: 'openai-responses', value: news })
    const calls_in = called || (Array.isArray(response.output) && response.output.some(isCall))
    const ended = errored ? null : readFinish(response, calls_in)
    if (ended) out.push({ type: 'finish', choice: 0, ...ended })
    if (isObject(response.usage)) out.push({ type: 'usage', usage: readUsage(response.usage, response.output) })
    out.push({ type: 'end' })
  }

  return { read }
}

/** Items and parts are told apart by number, or by id; whatever else stands there tells nothing apart. */
const name = (value: Json | undefined): string => (typeof value === 'number' || typeof value === 'string' ? `${value}` : '')
