/**
 * Watching an answer go by. `observe` folds one event into what has been seen; `dull` tells, without parsing, that a chunk of
 * bytes holds nothing but more of the same.
 */
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent } from '../dialect.ts'
import { parsedJson } from '../event-json.ts'
import { inBandError } from './error.ts'
import { readUsage } from './usage.ts'

/** Folds one event into what has been seen. Never throws. */
export function observe(seen: Observation, event: SseEvent): void {
  seen.events++
  const body = parsedJson(event)
  seen.last_malformed = body === null
  if (body === null) {
    seen.malformed++
    return
  }
  switch (typeof body.type === 'string' ? body.type : event.event) {
    case 'message_start':
      if (isObject(body.message) && isObject(body.message.usage))
        seen.usage = readUsage(body.message.usage, seen.usage, body.message.container)
      return
    case 'content_block_start':
      if (isObject(body.content_block)) lookAtBlock(seen, body.content_block)
      return
    case 'content_block_delta':
      if (isObject(body.delta)) lookAtDelta(seen, body.delta)
      return
    case 'message_delta':
      if (isObject(body.usage)) seen.usage = readUsage(body.usage, seen.usage, isObject(body.delta) ? body.delta.container : undefined)
      if (isObject(body.delta)) lookAtEnd(seen, body.delta)
      return
    case 'message_stop':
      seen.terminated = true
      return
    case 'content_block_stop':
    case 'ping':
      return
    default:
      seen.error ??= inBandError(event.event === 'error' && body.error === undefined ? { type: 'error', error: body } : body)
  }
}

/** The same for a whole, non-streamed body, which is its own end. */
export function observeWhole(seen: Observation, body: JsonObject): void {
  seen.events++
  const error = inBandError(body)
  if (error) seen.error ??= error
  if (isObject(body.usage)) seen.usage = readUsage(body.usage, null, body.container)
  if (!Array.isArray(body.content)) return
  for (const block of body.content) {
    if (!isObject(block)) continue
    lookAtBlock(seen, block)
    if (isObject(block.input) && Object.keys(block.input).length > 0) seen.output_chars += JSON.stringify(block.input).length
  }
  lookAtEnd(seen, body)
  seen.terminated = true
}

function lookAtEnd(seen: Observation, holder: JsonObject): void {
  if (typeof holder.stop_reason === 'string' && holder.stop_reason !== '') seen.finish_raw = holder.stop_reason
}

function lookAtBlock(seen: Observation, block: JsonObject): void {
  if (block.type === 'text') count(seen, block.text)
  else if (block.type === 'thinking') count(seen, block.thinking)
  else {
    // A call, a server's own tool and what it found, a thought under lock: all of them are the answer.
    seen.content = true
    count(seen, block.name)
  }
}

function lookAtDelta(seen: Observation, delta: JsonObject): void {
  count(seen, delta.text)
  count(seen, delta.thinking)
  count(seen, delta.partial_json)
}

function count(seen: Observation, text: Json | undefined): void {
  if (typeof text !== 'string' || text === '') return
  seen.output_chars += text.length
  seen.content = true
}

const ascii = (text: string) => Uint8Array.from(text, letter => letter.charCodeAt(0))
const EVENT = ascii('event: content_block_delta')
const DATA = ascii('data:')
const HEAD = ascii('{"type":"content_block_delta","index":')
const DELTA = ascii(',"delta":{"type":"')
/** What may grow, each with the member that holds the new piece. */
const GROWING = ['text_delta","text":"', 'input_json_delta","partial_json":"', 'thinking_delta","thinking":"'].map(ascii)
const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const CLOSE = 0x7d

/**
 * May this chunk be forwarded unparsed? True only where it is whole events, each exactly one `content_block_delta` whose only string
 * that is free to choose is the piece of text: to its last byte the event has the one form that is checked here, so nothing
 * else can stand in it. Anthropic pads its events with spaces before the closing braces; some encoders put one behind `:` and `,`.
 */
export function dull(chunk: Uint8Array): boolean {
  const length = chunk.length
  let at = 0
  while (at < length) {
    const named = after(chunk, at, EVENT)
    if (named > 0) {
      at = lineEnd(chunk, named)
      if (at < 0) return false
    }
    at = after(chunk, at, DATA)
    if (at < 0) return false
    if (chunk[at] === SPACE) at++
    at = after(chunk, at, HEAD)
    if (at < 0) return false
    const digits = at
    while (isDigit(chunk[at])) at++
    if (at === digits) return false
    at = after(chunk, at, DELTA)
    if (at < 0) return false
    let piece = -1
    for (const growing of GROWING) {
      piece = after(chunk, at, growing)
      if (piece > 0) break
    }
    if (piece < 0) return false
    at = pastString(chunk, piece)
    for (let braces = 0; braces < 2; braces++) {
      while (chunk[at] === SPACE) at++
      if (chunk[at] !== CLOSE) return false
      at++
    }
    while (chunk[at] === SPACE) at++
    at = lineEnd(chunk, at)
    if (at < 0) return false
    at = lineEnd(chunk, at)
    if (at < 0) return false
  }
  return length > 0
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39

/** Past `what`, which may have a space behind each colon and comma; -1 where something else stands here. */
function after(chunk: Uint8Array, from: number, what: Uint8Array): number {
  let at = from
  for (let i = 0; i < what.length; i++) {
    const byte = what[i]
    if (chunk[at] !== byte) return -1
    at++
    if ((byte === 0x3a || byte === 0x2c) && chunk[at] === SPACE && what[i + 1] !== SPACE) at++
  }
  return at
}

/** From inside a string to behind its closing quote; the length of the chunk where it does not close. A raw line end is not JSON. */
function pastString(chunk: Uint8Array, from: number): number {
  let at = from
  let byte = chunk[at]
  while (byte !== undefined && byte !== QUOTE) {
    if (byte === NEWLINE || byte === RETURN) return chunk.length
    at += byte === BACKSLASH ? 2 : 1
    byte = chunk[at]
  }
  return at + 1
}

function lineEnd(chunk: Uint8Array, from: number): number {
  const at = chunk[from] === RETURN ? from + 1 : from
  return chunk[at] === NEWLINE ? at + 1 : -1
}
