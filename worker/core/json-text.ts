/**
 * A JSON body as its text and its value at once: the value to decide on, the text to pass on. Where caller and target
 * speak the same dialect the router replaces `model` inside the caller's own text, so that every other byte, and every
 * field nobody here has heard of, arrives as it was sent.
 *
 * One linear scan comes before `JSON.parse`. It checks the grammar, bounds what parsing could cost (depth, names,
 * values), and notes where each top-level member lies. It has no recursion, so depth cannot hurt it, and it steps over
 * long strings with `indexOf`, so that a long prompt costs little. Only then is the text parsed, whose cost is bounded by now.
 *
 * Names such as `__proto__` are data: `JSON.parse` makes them own properties, `splice` leaves their bytes alone, and
 * nothing here assigns by a name that came from outside.
 */
import type { Json, JsonObject } from '../schema/chat.ts'
import type { GatewayError } from './errors.ts'
import { err, ok, type Result } from './result.ts'

/** A JSON Schema of a tool nests some twenty levels; nobody's prompt nests sixty. */
export const MAX_DEPTH = 64
/** Names in all objects together. Two thousand messages of role and content have four thousand. */
export const MAX_KEYS = 10_000
/** Objects and arrays together: each costs an allocation, `[[],[],...]` as well. */
export const MAX_CONTAINERS = 20_000
/** Everything together. What is accepted must be parsed: at this many numbers that takes 30 ms, at the 2,000,000 of 4 MB ten times it. */
export const MAX_VALUES = 200_000

/** One member of the top-level object: `key_start` at its name's quote, `start` to `end` around its value. */
export type Member = { name: string; key_start: number; start: number; end: number }

export type JsonText = {
  text: string
  value: JsonObject
  /** Top-level members in the order they were written. */
  members: Member[]
  /** Where the value of a top-level member lies in `text`. */
  span(key: string): { start: number; end: number } | null
}

type Fault = { at: number; why: string }
type Spans = { key_starts: number[]; key_ends: number[]; starts: number[]; ends: number[]; keys: number }

/** A byte order mark stays visible, so that it can be refused: RFC 8259 section 8.1 forbids sending one. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function parseJsonText(bytes: Uint8Array): Result<JsonText, GatewayError> {
  if (bytes.length === 0)
    return refused('the body is empty. Send a JSON object such as {"model":"auto","messages":[{"role":"user","content":"Hello"}]}.')
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    return refused(`it is not UTF-8 text: byte ${firstBadByte(bytes)} cannot be read. Send UTF-8 without a byte order mark.`)
  }
  const spans: Spans = { key_starts: [], key_ends: [], starts: [], ends: [], keys: 0 }
  const fault = scan(text, spans)
  if (fault) return refusedAt(text, fault)
  let value: JsonObject
  try {
    // The scan saw an object at the top, so this is one.
    value = JSON.parse(text) as JsonObject
  } catch (problem) {
    return refusedAt(text, faultInString(problem))
  }
  if (spans.keys !== countKeys(value)) return refusedAt(text, firstDuplicate(text))
  const members = spans.starts.map((start, i) => memberAt(text, spans, i, start))
  return ok({ text, value, members, span: key => members.find(member => member.name === key) ?? null })
}

/**
 * The text with top-level members replaced, added (at the end) or, for `undefined`, removed together with one comma.
 * No other character is touched: not the order, not the spaces, not how a number was written.
 */
export function splice(json: JsonText, edits: Record<string, Json | undefined>): string {
  const { text, members } = json
  const drops = (member: Member | undefined) =>
    member !== undefined && Object.hasOwn(edits, member.name) && edits[member.name] === undefined
  let out = ''
  let copied = 0
  let kept = members.length
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as Member
    if (!Object.hasOwn(edits, member.name)) continue
    const value = edits[member.name]
    if (value !== undefined) {
      out += text.slice(copied, member.start) + JSON.stringify(value)
      copied = member.end
      continue
    }
    const first = i
    while (drops(members[i + 1])) i++
    kept -= i - first + 1
    const next = members[i + 1]
    const before = members[first - 1]
    // With a member behind the removed run, its comma goes too; at the end it is the comma before the run.
    out += text.slice(copied, next || !before ? member.key_start : before.end)
    copied = next ? next.key_start : (members[i] as Member).end
  }
  const added: string[] = []
  for (const name of Object.keys(edits)) {
    const value = edits[name]
    if (value !== undefined && !json.span(name)) added.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`)
  }
  if (added.length === 0) return out + text.slice(copied)
  const end = members.at(-1)?.end ?? text.indexOf('{') + 1
  return `${out}${text.slice(copied, Math.max(copied, end))}${kept > 0 ? ',' : ''}${added.join(',')}${text.slice(Math.max(copied, end))}`
}

const VALUE = 0
const VALUE_OR_CLOSE = 1
const KEY = 2
const KEY_OR_CLOSE = 3
const COLON = 4
const COMMA_OR_CLOSE = 5
const WANTED = [
  'a value',
  'a value or "]"',
  'a name in double quotes',
  'a name in double quotes or "}"',
  '":" after the name',
  '"," or the end of the list',
]

/** Checks everything but the inside of strings, which `JSON.parse` reads with a position of its own. */
function scan(text: string, spans: Spans): Fault | null {
  const length = text.length
  /** Open containers, innermost last: true for an object. */
  const open: boolean[] = []
  let wants = VALUE
  let containers = 0
  let values = 0
  let at = 0
  while (at < length) {
    const c = text.charCodeAt(at)
    if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) {
      at++
      continue
    }
    const depth = open.length
    if (c === 0x22 && (wants === KEY || wants === KEY_OR_CLOSE)) {
      const end = stringEnd(text, at)
      if (end < 0) return { at, why: 'a name in quotes never ends' }
      if (++spans.keys > MAX_KEYS) return { at, why: `there are more than ${MAX_KEYS} names in it` }
      if (depth === 1) {
        spans.key_starts.push(at)
        spans.key_ends.push(end)
      }
      at = end
      wants = COLON
      continue
    }
    if (c === 0x3a && wants === COLON) {
      wants = VALUE
      at++
      continue
    }
    if (c === 0x2c && wants === COMMA_OR_CLOSE && depth > 0) {
      wants = open[depth - 1] ? KEY : VALUE
      at++
      continue
    }
    if (c === 0x7d || c === 0x5d) {
      const closes =
        depth > 0 &&
        open[depth - 1] === (c === 0x7d) &&
        (wants === COMMA_OR_CLOSE || wants === (c === 0x7d ? KEY_OR_CLOSE : VALUE_OR_CLOSE))
      if (!closes) return unexpected(text, at, wants, depth)
      open.pop()
      at++
      if (depth === 2 && open[0]) spans.ends.push(at)
      wants = COMMA_OR_CLOSE
      continue
    }
    if (wants !== VALUE && wants !== VALUE_OR_CLOSE) return unexpected(text, at, wants, depth)
    if (++values > MAX_VALUES) return { at, why: `there are more than ${MAX_VALUES} values in it` }
    if (depth === 0 && c !== 0x7b) return notAnObject(text, at)
    if (depth === 1) spans.starts.push(at)
    if (c === 0x7b || c === 0x5b) {
      if (depth === MAX_DEPTH) return { at, why: `it nests deeper than ${MAX_DEPTH} levels` }
      if (++containers > MAX_CONTAINERS) return { at, why: `there are more than ${MAX_CONTAINERS} objects and arrays in it` }
      open.push(c === 0x7b)
      at++
      wants = c === 0x7b ? KEY_OR_CLOSE : VALUE_OR_CLOSE
      continue
    }
    const end = c === 0x22 ? stringEnd(text, at) : c === 0x2d || isDigit(c) ? numberEnd(text, at) : literalEnd(text, at)
    if (end < 0)
      return c === 0x22
        ? { at, why: 'a string never ends' }
        : end === NOT_FINITE
          ? { at, why: 'a number is too large' }
          : unexpected(text, at, wants, depth)
    at = end
    if (depth === 1) spans.ends.push(at)
    wants = COMMA_OR_CLOSE
  }
  if (open.length > 0 || wants !== COMMA_OR_CLOSE) return { at: length, why: 'it ends in the middle' }
  return null
}

/** Short strings are the rule and cheapest by hand; beyond this many characters `indexOf` is faster. */
const BY_HAND = 24

/** One past the closing quote, or -1. */
function stringEnd(text: string, quote: number): number {
  let at = quote + 1
  for (;;) {
    const stop = Math.min(at + BY_HAND, text.length)
    for (; at < stop; at++) {
      const c = text.charCodeAt(at)
      if (c === 0x22) return at + 1
      if (c === 0x5c) at++
    }
    const next = text.indexOf('"', at)
    if (next < 0) return -1
    // The quote is escaped when an odd number of backslashes stands before it.
    let slash = next
    while (slash > at && text.charCodeAt(slash - 1) === 0x5c) slash--
    if ((next - slash) % 2 === 0) return next + 1
    // After an escaped quote there are often more (code, JSON in a string): by hand again.
    at = next + 1
  }
}

const NOT_FINITE = -2
const isDigit = (c: number) => c >= 0x30 && c <= 0x39

/** One past the number, -1 where it is not one, or NOT_FINITE where it would read as infinity. */
function numberEnd(text: string, start: number): number {
  let at = start
  if (text.charCodeAt(at) === 0x2d) at++
  const whole = at
  while (isDigit(text.charCodeAt(at))) at++
  const whole_digits = at - whole
  if (whole_digits === 0 || (whole_digits > 1 && text.charCodeAt(whole) === 0x30)) return -1
  if (text.charCodeAt(at) === 0x2e) {
    const fraction = ++at
    while (isDigit(text.charCodeAt(at))) at++
    if (at === fraction) return -1
  }
  const e = text.charCodeAt(at)
  let exponent_digits = 0
  if (e === 0x65 || e === 0x45) {
    at++
    const sign = text.charCodeAt(at)
    if (sign === 0x2b || sign === 0x2d) at++
    const exponent = at
    while (isDigit(text.charCodeAt(at))) at++
    exponent_digits = at - exponent
    if (exponent_digits === 0) return -1
  }
  // 1.8e308 is the largest: only a long number or a three-digit exponent can reach it.
  if ((exponent_digits > 2 || whole_digits > 200) && !Number.isFinite(Number(text.slice(start, at)))) return NOT_FINITE
  return at
}

function literalEnd(text: string, at: number): number {
  if (text.startsWith('true', at) || text.startsWith('null', at)) return at + 4
  return text.startsWith('false', at) ? at + 5 : -1
}

/** Own names in all objects of a value, each object's once: fewer than in the text means that a name was repeated. */
function countKeys(value: JsonObject): number {
  const waiting: Json[] = [value]
  let count = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (Array.isArray(next)) {
      for (const item of next) if (typeof item === 'object' && item !== null) waiting.push(item)
      continue
    }
    const object = next as JsonObject
    for (const key in object) {
      count++
      const item = object[key]
      if (typeof item === 'object' && item !== null) waiting.push(item)
    }
  }
  return count
}

/** Only once a repetition is known: where it is, for a text that the scan has passed. Names are compared as they read, not as they are spelled. */
function firstDuplicate(text: string): Fault {
  const open: (Set<string> | null)[] = []
  let at = 0
  while (at < text.length) {
    const c = text.charCodeAt(at)
    if (c === 0x7b) open.push(new Set())
    else if (c === 0x5b) open.push(null)
    else if (c === 0x7d || c === 0x5d) open.pop()
    if (c !== 0x22) {
      at++
      continue
    }
    const end = stringEnd(text, at)
    const names = open.at(-1)
    if (names && isName(text, end)) {
      const name = JSON.parse(text.slice(at, end)) as string
      if (names.has(name))
        return { at, why: `the name ${JSON.stringify(name.slice(0, 60))} is in one object twice, and which one counts would be a guess` }
      names.add(name)
    }
    at = end
  }
  return { at: 0, why: 'a name is in one object twice' }
}

function isName(text: string, after: number): boolean {
  let at = after
  while (text.charCodeAt(at) <= 0x20) at++
  return text.charCodeAt(at) === 0x3a
}

function memberAt(text: string, spans: Spans, i: number, start: number): Member {
  const key_start = spans.key_starts[i] as number
  const key_end = spans.key_ends[i] as number
  const plain = text.slice(key_start + 1, key_end - 1)
  const name = plain.includes('\\') ? (JSON.parse(text.slice(key_start, key_end)) as string) : plain
  return { name, key_start, start, end: spans.ends[i] as number }
}

function notAnObject(text: string, at: number): Fault {
  const c = text.charCodeAt(at)
  if (c === 0xfeff) return { at, why: 'it begins with a byte order mark; send UTF-8 without one' }
  if (c === 0) return { at, why: 'it begins with a NUL byte; is it UTF-16? Send UTF-8' }
  if (c === 0x5b) return { at, why: 'it is an array; send one JSON object' }
  if (c === 0x22 || isDigit(c) || c === 0x2d || literalEnd(text, at) > 0) return { at, why: 'it is a single value; send one JSON object' }
  return unexpected(text, at, VALUE, 0)
}

function unexpected(text: string, at: number, wants: number, depth: number): Fault {
  const c = text.codePointAt(at) ?? 0
  const seen = c < 0x20 || c === 0x7f || c > 0x7e ? `U+${c.toString(16).toUpperCase().padStart(4, '0')}` : `"${String.fromCodePoint(c)}"`
  const wanted = depth === 0 && wants === COMMA_OR_CLOSE ? 'nothing more after the object' : depth === 0 ? 'a JSON object' : WANTED[wants]
  return { at, why: `expected ${wanted}, found ${seen}` }
}

/** What the scan leaves to `JSON.parse` is the inside of strings: raw control characters and unknown escapes. V8 says where. */
function faultInString(problem: unknown): Fault {
  const message = problem instanceof Error ? problem.message : ''
  const at = Number(/ at position (\d+)/.exec(message)?.[1] ?? 0)
  const why = message.includes('control character')
    ? 'a string holds a raw control character; write it as an escape such as \\n'
    : message.includes('escape')
      ? 'a string holds an escape that JSON does not have'
      : 'a string cannot be read'
  return { at, why }
}

function firstBadByte(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length) {
    const b = bytes[at] as number
    const more = b < 0x80 ? 0 : b >= 0xc2 && b <= 0xdf ? 1 : b >= 0xe0 && b <= 0xef ? 2 : b >= 0xf0 && b <= 0xf4 ? 3 : -1
    if (more < 0) return at
    for (let i = 1; i <= more; i++) {
      const next = bytes[at + i] ?? 0
      // Overlong forms, surrogates and code points beyond U+10FFFF show in the second byte (RFC 3629 section 4).
      const low = i > 1 ? 0x80 : b === 0xe0 ? 0xa0 : b === 0xf0 ? 0x90 : 0x80
      const high = i > 1 ? 0xbf : b === 0xed ? 0x9f : b === 0xf4 ? 0x8f : 0xbf
      if (next < low || next > high) return at
    }
    at += more + 1
  }
  return at
}

const refused = (message: string): Result<never, GatewayError> => err({ code: 'invalid_json', message })

function refusedAt(text: string, fault: Fault): Result<never, GatewayError> {
  let line = 1
  let line_start = 0
  for (let n = text.indexOf('\n'); n >= 0 && n < fault.at; n = text.indexOf('\n', n + 1)) {
    line++
    line_start = n + 1
  }
  return refused(`${fault.why} (line ${line}, column ${fault.at - line_start + 1}).`)
}
