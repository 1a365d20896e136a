/**
 * Items: the list that both the input and the output are. A message is an item and so is each call, each result and each thought; in
 * the neutral form they are parts. An item's own id and status name what the provider keeps and mean nothing elsewhere: they are
 * kept as a mark, beside the first part of the item.
 */
import type { Json, JsonObject, Message, Part } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { isContent } from '../place.ts'
import { sealText, unsealed } from '../seal.ts'
import { readPart, type Writing, writePart } from './content.ts'

type Thought = Extract<Part, { type: 'reasoning' }>

/** The mark: what the item says of itself. */
export const ITEM = ' item'
const SELF = ['id', 'status'] as const
const MESSAGE = new Set(['type', 'role', 'content', 'id', 'status'])
const CALL = new Set(['type', 'call_id', 'name', 'arguments', 'id', 'status'])
const RESULT = new Set(['type', 'call_id', 'output', 'id', 'status'])
const REASONING = new Set(['type', 'summary', 'content', 'encrypted_content', 'id', 'status'])

/** The parts of an item, or the path of what is wrong with it. */
export function readItem(raw: JsonObject): Part[] | string {
  switch (raw.type) {
    case 'message':
      return readMessageItem(raw)
    case 'function_call': {
      if (typeof raw.call_id !== 'string') return '.call_id'
      if (typeof raw.name !== 'string') return '.name'
      const given = raw.arguments ?? ''
      const part: Part = {
        type: 'tool_call',
        id: raw.call_id,
        name: raw.name,
        arguments: typeof given === 'string' ? given : JSON.stringify(given),
      }
      return [marked(part, raw, CALL)]
    }
    case 'function_call_output': {
      if (typeof raw.call_id !== 'string') return '.call_id'
      const parts = readContent(raw.output ?? '')
      if (typeof parts === 'string') return `.output${parts}`
      return [marked({ type: 'tool_result', call_id: raw.call_id, parts, is_error: false }, raw, RESULT)]
    }
    case 'reasoning':
      return [readReasoning(raw)]
    default:
      return [{ type: 'other', dialect: 'openai-responses', value: raw }]
  }
}

/** `role` is the message's in a request, and always the assistant's in a reply. */
function readMessageItem(raw: JsonObject): Part[] | string {
  const parts = readContent(raw.content ?? null)
  if (typeof parts === 'string') return `.content${parts}`
  const first = parts[0]
  // A message without words is kept for its own format, and is nothing to others.
  if (first === undefined) return raw.role === 'assistant' ? [{ type: 'other', dialect: 'openai-responses', value: raw }] : []
  marked(first, raw, MESSAGE, 'message')
  return parts
}

/** A string or a list of parts; or the path of what is wrong. */
export function readContent(content: Json): Part[] | string {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  if (!Array.isArray(content)) return ''
  const parts: Part[] = []
  for (let j = 0; j < content.length; j++) {
    const raw = content[j] as Json
    if (!isObject(raw) || typeof raw.type !== 'string') return `[${j}]`
    const part = readPart(raw)
    if (typeof part === 'string') return `[${j}].${part}`
    parts.push(part)
  }
  return parts
}

/** Notes what the item says of itself, and what of it no name covers: under `under` where the part has members of its own. */
function marked<P extends Part>(part: P, raw: JsonObject, known: ReadonlySet<string>, under?: string): P {
  let self: JsonObject | undefined
  for (const name of SELF) {
    const value = raw[name]
    if (value !== undefined) self = { ...self, [name]: value }
  }
  if (self) part.extra = { ...part.extra, [ITEM]: self }
  const extra = rest(raw, known)
  if (extra) part.extra = under === undefined ? { ...part.extra, ...extra } : { ...part.extra, [under]: extra }
  return part
}

function readReasoning(raw: JsonObject): Thought {
  const summaries = textsOf(raw.summary)
  const thought: Thought = { type: 'reasoning', text: summaries.length > 0 ? summaries.join('\n\n') : textsOf(raw.content).join('') }
  if (typeof raw.encrypted_content === 'string')
    Object.assign(thought, unsealed(raw.encrypted_content) ?? { encrypted: raw.encrypted_content })
  marked(thought, raw, REASONING)
  // What cannot be made again from the text is kept as it was.
  if (summaries.length > 1) remember(thought, { summary: raw.summary as Json })
  if (raw.content !== undefined) remember(thought, { content: raw.content, summary: raw.summary ?? [] })
  return thought
}

function remember(thought: Thought, members: JsonObject): void {
  const before = thought.extra?.[ITEM]
  thought.extra = { ...thought.extra, [ITEM]: { ...(isObject(before) ? before : undefined), ...members } }
}

function textsOf(list: Json | undefined): string[] {
  if (!Array.isArray(list)) return []
  return list.flatMap(entry => (isObject(entry) && typeof entry.text === 'string' ? [entry.text] : []))
}

/**
 * The items of these parts, in their order. `self` gives an item what it says of itself where the part does not know it. Where a part
 * that is content knows it, a new message begins.
 */
export function writeItems(
  parts: Part[],
  role: Message['role'],
  place: (j: number) => string,
  to: Writing,
  self: (type: string) => JsonObject = () => ({}),
): JsonObject[] {
  const items: JsonObject[] = []
  let content: JsonObject[] | null = null
  parts.forEach((part, j) => {
    const field = place(j)
    if (!isContent(part)) {
      content = null
      const item = writeItem(part, field, to, self)
      if (item) items.push(item)
      return
    }
    const written = writePart(part, role, field, to)
    if (written === null) return
    const mark = part.extra?.[ITEM]
    if (content === null || isObject(mark)) {
      content = []
      const message = part.extra?.message
      items.push({
        type: 'message',
        ...(to.own && isObject(mark) ? mark : self('message')),
        ...(to.own && isObject(message) ? message : undefined),
        role: role === 'tool' ? 'user' : role,
        content,
      })
    }
    content.push(written)
  })
  return items
}

function writeItem(part: Part, field: string, to: Writing, self: (type: string) => JsonObject): JsonObject | null {
  const item = bare(part, field, to, self)
  if (item === null) return null
  if (part.cache && !to.own)
    to.losses.push({ field: `${field}.cache_control`, how: 'approximated', note: 'prompts are cached here without a marker' })
  if (to.own) carryExtra(item, part.extra)
  else loseExtra(part.extra, field, to.losses)
  return item
}

function bare(part: Part, field: string, to: Writing, self: (type: string) => JsonObject): JsonObject | null {
  const mark = to.own && isObject(part.extra?.[ITEM]) ? part.extra[ITEM] : null
  switch (part.type) {
    case 'tool_call':
      return { type: 'function_call', ...(mark ?? self('function_call')), call_id: part.id, name: part.name, arguments: part.arguments }
    case 'tool_result': {
      if (part.is_error) to.losses.push({ field: `${field}.is_error`, how: 'dropped', note: 'the text itself still tells the error' })
      const output: JsonObject[] = []
      part.parts.forEach((inner, k) => {
        const written = writePart(inner, 'user', `${field}.content[${k}]`, to)
        if (written) output.push(written)
      })
      return { type: 'function_call_output', ...mark, call_id: part.call_id, output: plainText(output) ?? output }
    }
    case 'reasoning':
      return writeReasoning(part, mark ?? self('reasoning'), field, to)
    case 'other':
      if (part.dialect === 'openai-responses' && isObject(part.value)) return { ...part.value }
      to.losses.push({ field, how: 'dropped', note: 'this format has no such part' })
      return null
    default:
      return null
  }
}

/** A target takes a thought back only where it can read it again; a caller is given every one. */
function writeReasoning(part: Thought, self: JsonObject, field: string, to: Writing): JsonObject | null {
  const whose = part.seal_of ?? to.from
  const seal = whose === 'openai-responses' ? (part.encrypted ?? null) : whose === undefined ? null : sealText(part, whose)
  if (!to.keeps && (whose !== 'openai-responses' || seal === null)) {
    to.losses.push({ field, how: 'dropped', note: 'a thought is taken back only with what its own provider encrypted' })
    return null
  }
  const item: JsonObject = { type: 'reasoning', summary: part.text === '' ? [] : [{ type: 'summary_text', text: part.text }], ...self }
  if (seal !== null) item.encrypted_content = seal
  return item
}

/** A single text without anything beside it is written as a plain string; no part at all as an empty one. */
export function plainText(content: JsonObject[]): string | null {
  const only = content[0]
  if (only === undefined) return ''
  const { type, text, annotations } = only
  if (content.length > 1 || (type !== 'input_text' && type !== 'output_text')) return null
  const plain = annotations === undefined || (Array.isArray(annotations) && annotations.length === 0)
  return plain && Object.keys(only).length === (annotations === undefined ? 2 : 3) ? (text as string) : null
}
