/**
 * A JSON body as its text and its value at once: the value to decide on, the text to pass on. Where caller and target
 * speak the same dialect the router replaces `model` inside the caller's own text, so that every other byte, and every
 * field nobody here has heard of, arrives as it was sent.
 *
 * One linear scan (`json-scan.ts`) comes before `JSON.parse`. It checks the grammar, bounds what parsing could cost (depth,
 * names, values), and notes where each top-level member lies. Only then is the text parsed.
 *
 * Names such as `__proto__` are data: `JSON.parse` makes them own properties, `splice` leaves their bytes alone, and
 * nothing here assigns by a name that came from outside.
 */
import type { Json, JsonObject } from '../schema/chat.ts'
import type { GatewayError } from './errors.ts'
import { type Fault, firstDuplicate, type Spans, scan } from './json-scan.ts'
import { err, ok, type Result } from './result.ts'

/** One member of the top-level object: `key_start` at its name's quote, `start` to `end` around its value. */
export type Member = { name: string; key_start: number; start: number; end: number }

export type JsonText = {
  text: string
  value: JsonObject
  /** Top-level members in the order they were written. */
  members: Member[]
  /** Where a top-level member lies in `text`. */
  span(key: string): Member | null
}

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

function memberAt(text: string, spans: Spans, i: number, start: number): Member {
  const key_start = spans.key_starts[i] as number
  const key_end = spans.key_ends[i] as number
  const plain = text.slice(key_start + 1, key_end - 1)
  const name = plain.includes('\\') ? (JSON.parse(text.slice(key_start, key_end)) as string) : plain
  return { name, key_start, start, end: spans.ends[i] as number }
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
  for (let at = 0; at < fault.at; at++) {
    if (text.charCodeAt(at) !== 0x0a) continue
    line++
    line_start = at + 1
  }
  return refused(`${fault.why} (line ${line}, column ${fault.at - line_start + 1}).`)
}
