/**
 * An answer in flight, read: blocks that open, grow and close become neutral events in the order in which they came. A block of a
 * kind without a name is gathered and told whole when it closes. Counts come at the start and again, grown, at the end.
 */
import type { Json, JsonObject, StreamEvent, TokenUsage } from '../../schema/chat.ts'
import { carry, isObject, rest } from '../check.ts'
import type { EventReader, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { objectIn } from './block.ts'
import { inBandError } from './error.ts'
import { readFinish } from './finish.ts'
import { readThought } from './thought.ts'
import { readUsage, usageExtra } from './usage.ts'

const MESSAGE = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'usage'])
const DELTA = new Set(['stop_reason'])
/** Of a block that is gathered; what is larger than the largest event is cut and no longer JSON. */
const GATHERED_AT_MOST = 1024 * 1024

type Block =
  | { kind: 'said' }
  /** `whole`: its input stood in the opening event, as some providers send it. */
  | { kind: 'call'; index: number; whole: string; fragments: number }
  | { kind: 'gathered'; block: JsonObject; input: string }

export function reader(): EventReader {
  const blocks = new Map<number, Block>()
  let started = false
  let calls = 0
  let usage: TokenUsage | null = null
  let usage_extra: JsonObject = {}

  function read(event: SseEvent): StreamEvent[] {
    const body = eventJson(event)
    // A malformed event is `observe`'s to count; there is nothing in it to carry.
    if (body === null) return []
    const out: StreamEvent[] = []
    const type = typeof body.type === 'string' ? body.type : event.event
    const index = typeof body.index === 'number' ? body.index : 0
    switch (type) {
      case 'message_start':
        start(isObject(body.message) ? body.message : {}, out)
        break
      case 'content_block_start':
        if (isObject(body.content_block)) open(index, body.content_block, out)
        break
      case 'content_block_delta':
        if (isObject(body.delta)) grow(index, body.delta, out)
        break
      case 'content_block_stop':
        close(index, out)
        break
      case 'message_delta':
        finish(body, out)
        break
      case 'message_stop':
        out.push({ type: 'end' })
        break
      case 'ping':
        break
      default: {
        const error = inBandError(body)
        if (error) out.push({ type: 'error', ...error })
      }
    }
    return out
  }

  function start(message: JsonObject, out: StreamEvent[]): void {
    // A second beginning is a gateway that started over: what was open is over, and the answer goes on.
    for (const index of [...blocks.keys()]) close(index, out)
    const counts = isObject(message.usage) ? message.usage : null
    if (!started) {
      started = true
      const opening: StreamEvent = {
        type: 'start',
        dialect: 'anthropic-messages',
        id: typeof message.id === 'string' ? message.id : '',
        model: typeof message.model === 'string' ? message.model : '',
        created_at_s: null,
      }
      const extra = present(rest(message, MESSAGE))
      if (typeof counts?.service_tier === 'string') extra.service_tier = counts.service_tier
      usage_extra = (counts && usageExtra(counts)) ?? {}
      if (Object.keys(usage_extra).length > 0) extra.usage = usage_extra
      if (Object.keys(extra).length > 0) opening.extra = extra
      out.push(opening)
    }
    if (counts) tellUsage(counts, out)
  }

  function tellUsage(counts: JsonObject, out: StreamEvent[]): void {
    usage = readUsage(counts, usage)
    out.push({ type: 'usage', usage })
  }

  function open(index: number, block: JsonObject, out: StreamEvent[]): void {
    close(index, out)
    switch (block.type) {
      case 'text':
        blocks.set(index, { kind: 'said' })
        if (typeof block.text === 'string' && block.text !== '') out.push({ type: 'text', choice: 0, text: block.text })
        if (Array.isArray(block.citations)) for (const value of block.citations) out.push({ type: 'citation', choice: 0, value })
        return
      case 'thinking':
      case 'redacted_thinking': {
        blocks.set(index, { kind: 'said' })
        const thought = readThought(block)
        if (!thought) return
        const { type: _, ...said } = thought
        if (said.text !== '' || Object.keys(said).length > 1) out.push({ type: 'reasoning', choice: 0, ...said })
        return
      }
      case 'tool_use': {
        const whole = isObject(block.input) && Object.keys(block.input).length > 0 ? JSON.stringify(block.input) : ''
        blocks.set(index, { kind: 'call', index: calls, whole, fragments: 0 })
        const name = typeof block.name === 'string' ? block.name : ''
        out.push({ type: 'tool_call_start', choice: 0, index: calls++, id: typeof block.id === 'string' ? block.id : '', name })
        return
      }
      default:
        blocks.set(index, { kind: 'gathered', block: { ...block }, input: '' })
    }
  }

  function grow(index: number, delta: JsonObject, out: StreamEvent[]): void {
    const block = blocks.get(index)
    if (block?.kind === 'gathered') {
      gather(block, delta)
      return
    }
    if (typeof delta.text === 'string' && delta.text !== '') out.push({ type: 'text', choice: 0, text: delta.text })
    else if (typeof delta.thinking === 'string' && delta.thinking !== '') out.push({ type: 'reasoning', choice: 0, text: delta.thinking })
    else if (typeof delta.signature === 'string' && delta.signature !== '') {
      const { type: _, ...sealed } = readThought({ type: 'thinking', thinking: '', signature: delta.signature }) ?? { type: '', text: '' }
      out.push({ type: 'reasoning', choice: 0, ...sealed })
    } else if (delta.citation !== undefined) out.push({ type: 'citation', choice: 0, value: delta.citation })
    else if (typeof delta.partial_json === 'string' && delta.partial_json !== '' && block?.kind === 'call') {
      block.fragments++
      out.push({ type: 'tool_call_arguments', choice: 0, index: block.index, fragment: delta.partial_json })
    }
  }

  function close(index: number, out: StreamEvent[]): void {
    const block = blocks.get(index)
    blocks.delete(index)
    if (block?.kind === 'call') {
      if (block.fragments === 0 && block.whole !== '')
        out.push({ type: 'tool_call_arguments', choice: 0, index: block.index, fragment: block.whole })
      out.push({ type: 'tool_call_end', choice: 0, index: block.index })
    } else if (block?.kind === 'gathered') {
      if (block.input !== '') block.block.input = objectIn(block.input) ?? block.input
      out.push({ type: 'part', choice: 0, part: { type: 'other', dialect: 'anthropic-messages', value: block.block } })
    }
  }

  function finish(body: JsonObject, out: StreamEvent[]): void {
    for (const index of [...blocks.keys()]) close(index, out)
    const delta = isObject(body.delta) ? body.delta : {}
    const { type: _, delta: __, usage: ___, ...beside } = body
    const news = present({ ...beside, ...rest(delta, DELTA) })
    const counts = isObject(body.usage) ? body.usage : null
    const extra = counts && usageExtra(counts)
    if (extra) {
      usage_extra = { ...usage_extra, ...extra }
      news.usage = usage_extra
    }
    if (Object.keys(news).length > 0) out.push({ type: 'other', dialect: 'anthropic-messages', value: news })
    const ended = readFinish(delta.stop_reason)
    if (ended) out.push({ type: 'finish', choice: 0, ...ended })
    if (counts) tellUsage(counts, out)
  }

  return { read }
}

/** A tool's input comes as JSON in pieces; whatever else grows, grows under its own name. */
function gather(into: Extract<Block, { kind: 'gathered' }>, delta: JsonObject): void {
  for (const name of Object.keys(delta)) {
    const value = delta[name] as Json
    if (name === 'type') continue
    if (name === 'partial_json') {
      if (typeof value === 'string' && into.input.length < GATHERED_AT_MOST) into.input += value
      continue
    }
    const before = into.block[name]
    if (typeof before !== 'string' || typeof value !== 'string') carry(into.block, name, value)
    else if (before.length < GATHERED_AT_MOST) carry(into.block, name, before + value)
  }
}

/** Nulls say nothing, and would say it again in every stream. */
function present(members: JsonObject | undefined): JsonObject {
  const said: JsonObject = {}
  for (const name of Object.keys(members ?? {})) if (members?.[name] !== null) carry(said, name, members?.[name] as Json)
  return said
}
