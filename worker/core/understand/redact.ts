/**
 * Reversible redaction: personal data leaves as placeholders (`<EMAIL_1>`) and comes back as itself. The same value has the same
 * placeholder through a whole conversation, counted from its beginning, so that the next turn of it, which brings the answer back with
 * the values in it, reads word for word as the target wrote it.
 *
 * Text is looked into, wherever it stands: messages, results and arguments of tools, metadata. Pictures, sound and files are not, nor are
 * the definitions of tools, which are the program's own words.
 *
 * Placeholders need no escape in JSON. Values that would, such as a private key of many lines, are escaped where they come back within
 * the arguments of a tool. Thoughts are redacted as well, but their seals are not touched: the text below a seal is again what was sealed.
 */
import type { ChatRequest, Json, JsonObject, Message, Part, StreamEvent } from '../../schema/chat.ts'
import type { PersonalDataType } from '../../schema/features.ts'
import type { NameTable } from './name-table.ts'
import { findNames, wordsOfName } from './names.ts'
import { findPersonalData } from './personal-data.ts'

export type Redaction = {
  request: ChatRequest
  /** Placeholders by type; empty where there was nothing to hide. */
  counts: Partial<Record<PersonalDataType, number>>
  /** A whole answer, as JSON of any dialect: every text in it is restored. */
  restored(answer: JsonObject): JsonObject
  /** For one stream; what it holds back is at most a placeholder long. */
  restorer(): Restorer
}

export type Restorer = {
  follow(event: StreamEvent): StreamEvent[]
  /** What is still held when a stream ends without saying so. */
  rest(): StreamEvent[]
}

const PLACEHOLDER = /<([A-Z][A-Z_]*)_(\d{1,6})>/g
/** What may become a placeholder when more comes. */
const BEGINNING = /<(?:[A-Z][A-Z_]*(?:\d{0,6})?)?$/
/** Members whose text is itself JSON. */
const JSON_WITHIN = new Set(['arguments', 'partial_json'])

/**
 * `types`: what is hidden. The request is not changed; where it holds nothing of these types, it is given back as it is. Without `names` no
 * name is looked for. What is a name in one place of the conversation is hidden in all of it, whatever stands beside it there: an answer that
 * came back with a name in it leaves again as it was written.
 */
export function redacted(request: ChatRequest, types: readonly PersonalDataType[], names: NameTable | null = null): Redaction {
  const spelled = names !== null && types.includes('name') ? spellingOf(request, names) : null
  const ledger = ledgerOf(types, spelled, JSON.stringify([request.messages, request.user, request.metadata, request.extra]))
  const hide = ledger.hide
  const hidden: ChatRequest = {
    ...request,
    messages: request.messages.map(message => messageWith(message, hide)),
    user: request.user === null ? null : hide(request.user),
    metadata: request.metadata === null ? null : (mapped(request.metadata, hide) as JsonObject),
    extra: mapped(request.extra, hide) as JsonObject,
  }
  const { values } = ledger
  return {
    request: values.size === 0 ? request : hidden,
    counts: ledger.counts,
    restored: answer =>
      values.size === 0 ? answer : (mapped(answer, (text, key) => restoredText(text, values, JSON_WITHIN.has(key))) as JsonObject),
    restorer: () => restorerOf(values),
  }
}

type Hide = (text: string) => string

/** `everything`: the whole request as text, so that no placeholder is given out that stands in it already. */
function ledgerOf(types: readonly PersonalDataType[], names: RegExp | null, everything: string) {
  const wanted = new Set<string>(types)
  const placeholders = new Map<string, string>()
  const values = new Map<string, string>()
  const counts: Redaction['counts'] = {}
  const numbers = new Map<PersonalDataType, number>()
  const placeholderFor = (type: PersonalDataType, value: string): string => {
    const known = placeholders.get(value)
    if (known !== undefined) return known
    let number = (numbers.get(type) ?? 0) + 1
    while (everything.includes(`<${type.toUpperCase()}_${number}>`)) number++
    numbers.set(type, number)
    counts[type] = (counts[type] ?? 0) + 1
    const made = `<${type.toUpperCase()}_${number}>`
    placeholders.set(value, made)
    values.set(made, value)
    return made
  }
  const hide: Hide = text => {
    const found: { type: PersonalDataType; from: number; to: number }[] = []
    const finds = {
      every: true as const,
      has: () => false,
      add(type: PersonalDataType, from: number, to: number) {
        if (wanted.has(type)) found.push({ type, from, to })
      },
    }
    findPersonalData(text, 0, text.length, finds)
    if (names !== null) {
      // A name within an address or a key is hidden with it.
      const others = [...found]
      for (const { index, 0: name } of text.matchAll(names)) {
        const to = index + name.length
        if (!others.some(each => each.from < to && index < each.to)) finds.add('name', index, to)
      }
      found.sort((a, b) => a.from - b.from)
    }
    let out = ''
    let done = 0
    for (const { type, from, to } of found) {
      if (from < done) continue
      out += text.slice(done, from) + placeholderFor(type, text.slice(from, to))
      done = to
    }
    return done === 0 ? text : out + text.slice(done)
  }
  return { hide, values, counts }
}

/** Of so many names all places are hidden: more are no conversation, but a list of people. */
const NAMES_MAX = 500

/** Every name that the messages hold, and the words of them that are names alone, as one expression; the longest first. */
function spellingOf({ messages }: ChatRequest, table: NameTable): RegExp | null {
  const names = new Set<string>()
  const collect: Hide = text => {
    const found: string[] = []
    const add = (_: string, from: number, to: number) => {
      if (found.length < NAMES_MAX) found.push(text.slice(from, to))
    }
    findNames(text, 0, text.length, { add }, table)
    for (const name of found) if (names.size < NAMES_MAX) for (const each of [name, ...wordsOfName(name, table)]) names.add(each)
    return text
  }
  for (const message of messages) for (const part of message.parts) partWith(part, collect)
  if (names.size === 0) return null
  const longest = [...names].sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
  return new RegExp(`(?<![\\p{L}\\p{N}_])(?:${longest.map(literal).join('|')})(?![\\p{L}\\p{N}_])`, 'gu')
}

const literal = (name: string) => name.replace(/[^\p{L}\p{N}]/gu, mark => `\\u{${mark.codePointAt(0)?.toString(16)}}`)

function messageWith(message: Message, hide: Hide): Message {
  const { name, extra } = message
  return {
    ...message,
    parts: message.parts.map(part => partWith(part, hide)),
    ...(name !== undefined && { name: hide(name) }),
    ...(extra !== undefined && { extra: mapped(extra, hide) as JsonObject }),
  }
}

function partWith(part: Part, hide: Hide): Part {
  switch (part.type) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return { ...part, text: hide(part.text) }
    case 'tool_call':
      return { ...part, arguments: argumentsWith(part.arguments, hide) }
    case 'tool_result':
      return { ...part, parts: part.parts.map(each => partWith(each, hide)) }
    case 'other':
      return { ...part, value: mapped(part.value, hide) }
    case 'media':
      return part
  }
}

/** A number among them that is hidden becomes a text, as a placeholder is none. What is no JSON is taken as it is. */
function argumentsWith(text: string, hide: Hide): string {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    return hide(text)
  }
  const number = (given: number) => {
    const hidden = hide(String(given))
    return hidden === String(given) ? given : hidden
  }
  const changed = mapped(value, hide, number)
  // Untouched arguments keep their own spaces and order.
  return JSON.stringify(changed) === JSON.stringify(value) ? text : JSON.stringify(changed)
}

/** Every text in a value, with the name of the member it stands under. */
function mapped(value: Json, text: (text: string, key: string) => string, number?: (given: number) => Json, key = ''): Json {
  if (typeof value === 'string') return text(value, key)
  if (typeof value === 'number') return number ? number(value) : value
  if (Array.isArray(value)) return value.map(each => mapped(each, text, number, key))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mapped(member, text, number, name)]))
}

type Values = ReadonlyMap<string, string>

/** `in_json`: the text is the inside of JSON, where a value stands escaped. */
function restoredText(text: string, values: Values, in_json: boolean): string {
  if (!text.includes('<')) return text
  return text.replace(PLACEHOLDER, found => {
    const value = values.get(found)
    if (value === undefined) return found
    return in_json ? JSON.stringify(value).slice(1, -1) : value
  })
}

/** Of a stream, what could still become a placeholder is held back until it is one or is none, or something else comes. */
function restorerOf(values: Values): Restorer {
  const held = new Map<string, { event: Piece; text: string }>()

  const pieceOf = (event: Piece): StreamEvent[] => {
    const place = placeOf(event)
    const before = held.get(place)
    const text = (before?.text ?? '') + textIn(event)
    const keep = BEGINNING.exec(text)?.index ?? text.length
    const ready = restoredText(text.slice(0, keep), values, event.type === 'tool_call_arguments')
    if (keep < text.length) held.set(place, { event, text: text.slice(keep) })
    else held.delete(place)
    return ready === '' && textIn(event) !== '' ? [] : [withText(event, ready)]
  }
  /** Of one answer, but for the piece that goes on; or of all. */
  const rest = (choice?: number, besides?: string): StreamEvent[] => {
    const out: StreamEvent[] = []
    for (const [place, { event, text }] of held) {
      if (place === besides || (choice !== undefined && event.choice !== choice)) continue
      held.delete(place)
      out.push(bare(withText(event, text)))
    }
    return out
  }
  return {
    // Pieces of one place follow each other; whatever else comes of the same answer ends them.
    follow(event) {
      if (isPiece(event)) return [...rest(event.choice, placeOf(event)), ...pieceOf(event)]
      if (event.type === 'end' || event.type === 'error') return [...rest(), event]
      return 'choice' in event ? [...rest(event.choice), event] : [event]
    },
    rest: () => rest(),
  }
}

type Piece = Extract<StreamEvent, { type: 'text' | 'refusal' | 'reasoning' | 'tool_call_arguments' }>

const isPiece = (event: StreamEvent): event is Piece =>
  event.type === 'text' || event.type === 'refusal' || event.type === 'reasoning' || event.type === 'tool_call_arguments'

const textIn = (event: Piece) => (event.type === 'tool_call_arguments' ? event.fragment : event.text)
const placeOf = (event: Piece) => `${event.type} ${event.choice} ${event.type === 'tool_call_arguments' ? event.index : 0}`

const withText = (event: Piece, text: string): Piece =>
  event.type === 'tool_call_arguments' ? { ...event, fragment: text } : { ...event, text }

/** What was held of a piece goes alone: its probabilities and seal went with the piece. */
function bare(event: Piece): StreamEvent {
  if (event.type === 'text') return { type: 'text', choice: event.choice, text: event.text }
  if (event.type === 'reasoning') return { type: 'reasoning', choice: event.choice, text: event.text }
  return event
}
