/**
 * Watching an answer go by. `observe` folds one event into what has been seen; `dull` tells, without parsing, that a chunk of
 * bytes holds nothing but more of the same, so that most of a long answer costs a look at its bytes.
 */
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent } from '../dialect.ts'
import { parsedJson } from '../event-json.ts'
import { inBandError } from './error.ts'
import { thinkingText } from './part.ts'
import { readUsage } from './usage.ts'

/** Finish reasons by which a provider says that it failed in the middle, with the status it would have been. */
const FAILED_FINISHES: Record<string, number> = { error: 502, insufficient_system_resource: 503 }

/** Folds one event into what has been seen. Never throws. */
export function observe(seen: Observation, event: SseEvent): void {
  seen.events++
  if (event.data.startsWith('[DONE]')) {
    seen.terminated = true
    seen.last_malformed = false
    return
  }
  const chunk = parsedJson(event)
  seen.last_malformed = chunk === null
  if (chunk === null) {
    seen.malformed++
    return
  }
  look(seen, chunk, 'delta')
  if (seen.error === null && event.event === 'error') seen.error = inBandError({ error: chunk })
}

/** The same for a whole, non-streamed body, which is its own end. */
export function observeWhole(seen: Observation, body: JsonObject): void {
  seen.events++
  look(seen, body, 'message')
  if (Array.isArray(body.choices)) seen.terminated = true
}

function look(seen: Observation, body: JsonObject, holder: 'delta' | 'message'): void {
  const { choices } = body
  if (isObject(body.usage)) seen.usage = readUsage(body.usage)
  const error = inBandError(body)
  if (error) seen.error ??= error
  if (!Array.isArray(choices)) return
  for (const choice of choices) {
    if (!isObject(choice)) continue
    if (isObject(choice[holder])) lookAtMessage(seen, choice[holder] as JsonObject)
    if (isObject(choice.usage) && !isObject(body.usage)) seen.usage = readUsage(choice.usage)
    const finish = choice.finish_reason
    if (typeof finish !== 'string' || finish === '') continue
    seen.finish_raw = finish
    if (Object.hasOwn(FAILED_FINISHES, finish)) {
      seen.error ??= { status: FAILED_FINISHES[finish] as number, code: finish, message: `the answer ended with finish_reason ${finish}` }
    }
  }
}

function lookAtMessage(seen: Observation, message: JsonObject): void {
  const before = seen.output_chars
  const { content } = message
  if (typeof content === 'string') seen.output_chars += content.length
  else if (Array.isArray(content)) {
    for (const part of content) {
      if (!isObject(part)) continue
      seen.output_chars += typeof part.text === 'string' ? part.text.length : (thinkingText(part.thinking)?.length ?? 0)
    }
  }
  // Where both names are sent they hold the same text, and it was generated once.
  if (typeof message.reasoning_content === 'string' && message.reasoning_content !== '')
    seen.output_chars += message.reasoning_content.length
  else if (typeof message.reasoning === 'string') seen.output_chars += message.reasoning.length
  if (typeof message.refusal === 'string') seen.output_chars += message.refusal.length
  if (Array.isArray(message.tool_calls) && message.tool_calls.length > 0) {
    seen.content = true
    for (const call of message.tool_calls) if (isObject(call)) countCall(seen, call.function)
  }
  if (isObject(message.function_call)) {
    seen.content = true
    countCall(seen, message.function_call)
  }
  // Sound and images have no length in characters, but they are content.
  if (isObject(message.audio) || (Array.isArray(message.images) && message.images.length > 0)) seen.content = true
  if (seen.output_chars > before) seen.content = true
}

function countCall(seen: Observation, called: Json | undefined): void {
  if (!isObject(called)) return
  if (typeof called.name === 'string') seen.output_chars += called.name.length
  if (typeof called.arguments === 'string') seen.output_chars += called.arguments.length
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const RETURN = 0x0d

const ascii = (text: string) => Uint8Array.from(text, letter => letter.charCodeAt(0))
const DATA = ascii('data:')
const CHOICES = ascii('choices"')
const NULL = ascii('null')
/** Names whose value must be null, by their first letter. `error` is refused as a value too (`"object":"error"`). */
const TELLING: (Uint8Array | undefined)[] = []
for (const name of ['finish_reason"', 'usage"', 'error"']) TELLING[name.charCodeAt(0)] = ascii(name)

/**
 * May this chunk be forwarded unparsed? True only where it is whole events, each a `data:` line with an object that has
 * `choices` and in which `finish_reason`, `usage` and `error` are absent or null. Everything else, `[DONE]` included, is not dull.
 *
 * A needle cannot be split over two chunks, as a dull chunk begins with an event and ends with the blank line behind one.
 * The caller's side of it: ask only while its own parser stands between two events; with half an event in hand, parse.
 * A name spelled with escapes (`"finish\u005freason"`) could hide, so an escaped letter makes a chunk not dull either.
 */
export function dull(chunk: Uint8Array): boolean {
  const length = chunk.length
  let at = 0
  while (at < length) {
    // One event: `data:`, an optional space, an object on one line, a blank line.
    if (!holds(chunk, at, DATA)) return false
    at += DATA.length
    if (chunk[at] === 0x20) at++
    if (chunk[at] !== 0x7b) return false
    let choices = false
    let byte = chunk[++at]
    while (byte !== NEWLINE && byte !== RETURN) {
      if (byte === undefined) return false
      if (byte === QUOTE) {
        const first = chunk[at + 1] as number
        const telling = TELLING[first]
        if (telling !== undefined && holds(chunk, at + 1, telling)) {
          at = afterNull(chunk, at + 1 + telling.length)
          if (at < 0) return false
          byte = chunk[at]
          continue
        }
        if (first === 0x63 && holds(chunk, at + 1, CHOICES)) choices ||= isName(chunk[at + 1 + CHOICES.length])
      } else if (byte === BACKSLASH) {
        // `\u0041` to `\u007a` are letters; `\u003c` and the like are what careful encoders escape.
        const next = chunk[at + 1]
        if (next === 0x75 && chunk[at + 2] === 0x30 && chunk[at + 3] === 0x30 && ((chunk[at + 4] as number) & 0xfc) === 0x34) return false
        at++
      }
      byte = chunk[++at]
    }
    // Cut off in the middle, it is no object: `observe` counts it.
    if (!choices || chunk[at - 1] !== 0x7d) return false
    for (let blank = 0; blank < 2; blank++) {
      if (chunk[at] === RETURN) at++
      if (chunk[at] !== NEWLINE) return false
      at++
    }
  }
  return length > 0
}

const isName = (after: number | undefined) => after === 0x3a || after === 0x20

function holds(chunk: Uint8Array, at: number, what: Uint8Array): boolean {
  for (let i = 0; i < what.length; i++) if (chunk[at + i] !== what[i]) return false
  return true
}

/** From behind a name: past `: null`, or -1 where the value is another, or this was no name at all. */
function afterNull(chunk: Uint8Array, from: number): number {
  let at = from
  while (chunk[at] === 0x20) at++
  if (chunk[at] !== 0x3a) return -1
  at++
  while (chunk[at] === 0x20) at++
  return holds(chunk, at, NULL) ? at + NULL.length : -1
}
