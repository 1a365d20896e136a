/**
 * One look over a JSON text before it is parsed: is the grammar kept, is the cost bounded, where do the top-level members lie?
 *
 * It has no recursion, so depth cannot hurt it, steps over long strings with `indexOf`, so that a long prompt costs little,
 * and stops at the first fault. The inside of strings is left to `JSON.parse`, which must read them anyway.
 */

/** A JSON Schema of a tool nests some twenty levels; nobody's prompt nests sixty. */
export const MAX_DEPTH = 64
/** Names in all objects together. Two thousand messages of role and content have four thousand. */
export const MAX_KEYS = 10_000
/** Objects and arrays together: each costs an allocation, `[[],[],...]` as well. */
export const MAX_CONTAINERS = 20_000
/** Everything together. What is accepted must be parsed: at this many numbers that takes 30 ms, at the 2,000,000 of 4 MB ten times it. */
export const MAX_VALUES = 200_000

/** What is wrong, and at which character. */
export type Fault = { at: number; why: string }
/** Where the top-level members lie, by index: the quotes of their names, their values; and how many names there are in all. */
export type Spans = { key_starts: number[]; key_ends: number[]; starts: number[]; ends: number[]; keys: number }

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

const NOT_FINITE = -2
const isDigit = (c: number) => c >= 0x30 && c <= 0x39

/** The first fault, or null and `spans` filled. */
export function scan(text: string, spans: Spans): Fault | null {
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
    if (end < 0) return c === 0x22 || c === 0x2d || isDigit(c) ? { at, why: badValue(c, end) } : unexpected(text, at, wants, depth)
    at = end
    if (depth === 1) spans.ends.push(at)
    wants = COMMA_OR_CLOSE
  }
  if (open.length > 0 || wants !== COMMA_OR_CLOSE) return { at: length, why: 'it ends in the middle' }
  return null
}

function badValue(first: number, end: number): string {
  if (first === 0x22) return 'a string never ends'
  return end === NOT_FINITE ? 'a number is too large' : 'a number is not written as JSON writes them'
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

/** Only once a repetition is known: where it is, for a text that the scan has passed. Names are compared as they read, not as they are spelled. */
export function firstDuplicate(text: string): Fault {
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
