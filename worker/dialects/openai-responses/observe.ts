/**
 * Watching an answer go by. `observe` folds one event into what has been seen; `dull` tells, without parsing, that a chunk of
 * bytes holds nothing but more of the same.
 */
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent } from '../dialect.ts'
import { parsedJson } from '../event-json.ts'
import { inBandError } from './error.ts'
import { isCall, readFinish } from './finish.ts'
import { readUsage } from './usage.ts'

/** Events that bring a new piece of the answer, in `delta`. */
const GROWING = new Set([
  'response.output_text.delta',
  'response.refusal.delta',
  'response.reasoning_summary_text.delta',
  'response.reasoning_text.delta',
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
  'response.mcp_call_arguments.delta',
  'response.code_interpreter_call_code.delta',
  'response.audio.delta',
])

/** Folds one event into what has been seen. Never throws. */
export function observe(seen: Observation, event: SseEvent): void {
  seen.events++
  // Some servers add the terminator of OpenAI's other format.
  if (event.data.startsWith('[DONE]')) {
    seen.terminated = true
    seen.last_malformed = false
    return
  }
  const body = parsedJson(event)
  seen.last_malformed = body === null
  if (body === null) {
    seen.malformed++
    return
  }
  const type = typeof body.type === 'string' ? body.type : (event.event ?? '')
  if (GROWING.has(type)) {
    count(seen, body.delta)
    return
  }
  switch (type) {
    case 'response.output_item.added':
      if (isObject(body.item)) lookAtItem(seen, body.item)
      return
    case 'response.completed':
    case 'response.incomplete':
    case 'response.cancelled':
    case 'response.failed':
      seen.terminated = true
      if (isObject(body.response)) lookAtEnd(seen, type === 'response.failed' ? { ...body.response, status: 'failed' } : body.response)
      return
    case 'response.created':
    case 'response.in_progress':
      return
    default:
      if (type === 'error' || body.error !== undefined) seen.error ??= inBandError(type === 'error' ? { ...body, type } : body)
  }
}

/** The same for a whole, non-streamed body, which is its own end. */
export function observeWhole(seen: Observation, body: JsonObject): void {
  seen.events++
  const { output } = body
  if (Array.isArray(output)) {
    for (const item of output) {
      if (!isObject(item)) continue
      lookAtItem(seen, item)
      count(seen, item.arguments)
      for (const list of [item.content, item.summary]) {
        if (!Array.isArray(list)) continue
        for (const part of list) if (isObject(part)) count(seen, part.text ?? part.refusal)
      }
    }
    seen.terminated = body.status !== 'in_progress' && body.status !== 'queued'
  }
  lookAtEnd(seen, body)
}

function lookAtEnd(seen: Observation, response: JsonObject): void {
  if (typeof response.id === 'string') seen.answer_id = response.id
  if (isObject(response.usage)) seen.usage = readUsage(response.usage, response.output)
  const error = inBandError(response)
  if (error) seen.error ??= error
  else if (Array.isArray(response.output)) seen.finish_raw = readFinish(response, response.output.some(isCall))?.finish_raw ?? null
}

/** A message and a thought have content when they grow; a call, and a provider's own tool at work, are content by being there. */
function lookAtItem(seen: Observation, item: JsonObject): void {
  if (item.type === 'message' || item.type === 'reasoning') return
  seen.content = true
  count(seen, item.name)
}

function count(seen: Observation, text: Json | undefined): void {
  if (typeof text !== 'string' || text === '') return
  seen.output_chars += text.length
  seen.content = true
}

const ascii = (text: string) => Uint8Array.from(text, letter => letter.charCodeAt(0))
const EVENT = ascii('event:')
const DATA = ascii('data:')
const HEAD = ascii('{"type":"response.')
const TYPE = ascii('type"')
/** What may stand behind `response.`: the commonest of what grows. */
const DULL = ['output_text.delta"', 'function_call_arguments.delta"', 'reasoning_summary_text.delta"', 'reasoning_text.delta"'].map(ascii)
const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const RETURN = 0x0d

/**
 * May this chunk be forwarded unparsed? True only where it is whole events, each one `data:` line with an object whose first member is
 * its type, whose type is that of a growing part, and in which no second `type` could change it. Everything else is not dull.
 *
 * The name of the event, which clients may go by, must be the same. A name spelled with escapes (`"\u0074ype"`) could hide, so an
 * escaped letter makes a chunk not dull either.
 */
export function dull(chunk: Uint8Array): boolean {
  const length = chunk.length
  let at = 0
  while (at < length) {
    let name_at = -1
    if (holds(chunk, at, EVENT)) {
      at += EVENT.length
      if (chunk[at] === 0x20) at++
      name_at = at
      while (at < length && chunk[at] !== NEWLINE && chunk[at] !== RETURN) at++
      at = lineEnd(chunk, at)
      if (at < 0) return false
    }
    if (!holds(chunk, at, DATA)) return false
    at += DATA.length
    if (chunk[at] === 0x20) at++
    if (!holds(chunk, at, HEAD)) return false
    const type_at = at + HEAD.length
    const growing = DULL.find(type => holds(chunk, type_at, type))
    if (growing === undefined) return false
    // Without its closing quote, and with `response.` before it.
    const type_length = growing.length - 1 + 9
    if (name_at >= 0 && !sameName(chunk, name_at, type_at - 9, type_length)) return false
    at = type_at + growing.length
    let byte = chunk[at]
    while (byte !== NEWLINE && byte !== RETURN) {
      if (byte === undefined) return false
      if (byte === QUOTE && chunk[at + 1] === 0x74 && holds(chunk, at + 1, TYPE)) return false
      if (byte === BACKSLASH) {
        // `\u0041` to `\u007a` are letters; `\u003c` and the like are what careful encoders escape.
        const next = chunk[at + 1]
        if (next === 0x75 && chunk[at + 2] === 0x30 && chunk[at + 3] === 0x30 && ((chunk[at + 4] as number) & 0xfc) === 0x34) return false
        at++
      }
      byte = chunk[++at]
    }
    at = lineEnd(chunk, at)
    if (at < 0) return false
    at = lineEnd(chunk, at)
    if (at < 0) return false
  }
  return length > 0
}

function holds(chunk: Uint8Array, at: number, what: Uint8Array): boolean {
  for (let i = 0; i < what.length; i++) if (chunk[at + i] !== what[i]) return false
  return true
}

function sameName(chunk: Uint8Array, name_at: number, type_at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (chunk[name_at + i] !== chunk[type_at + i]) return false
  const after = chunk[name_at + length]
  return after === NEWLINE || after === RETURN
}

function lineEnd(chunk: Uint8Array, from: number): number {
  const at = chunk[from] === RETURN ? from + 1 : from
  return chunk[at] === NEWLINE ? at + 1 : -1
}
