/**
 * Content blocks, in both directions: text, images, documents, tool calls and their results, thoughts. A block of another kind (a
 * server's own tool and what it found) is carried whole.
 */
import type { DialectName, Json, JsonObject, Loss, Part } from '../../schema/chat.ts'
import { readMarker, writeMarker } from '../cache-marker.ts'
import { isObject, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { writeCitation } from './citation.ts'
import { readMedia, writeMedia } from './media.ts'
import { readThought, writeThought } from './thought.ts'

/**
 * Where a writing goes. `from`: whose words these are. `keeps`: the reader is a caller or this format itself, so another provider's
 * seal is given along; a target takes only its own.
 */
export type Writing = { from: DialectName | undefined; own: boolean; keeps: boolean; losses: Loss[]; place(i: number, j?: number): string }

const KNOWN: Record<string, ReadonlySet<string>> = {
  text: new Set(['type', 'text', 'cache_control', 'citations']),
  image: new Set(['type', 'source', 'cache_control']),
  document: new Set(['type', 'source', 'title', 'cache_control']),
  tool_use: new Set(['type', 'id', 'name', 'input', 'cache_control', 'caller']),
  tool_result: new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']),
  thinking: new Set(['type', 'thinking', 'signature']),
  redacted_thinking: new Set(['type', 'data']),
}
/** A mark: the model itself called this tool, which is what a call without a caller means as well. */
const CALLER = ' caller'

/** One block; the name of the member that is wrong; or, for a kind not known here, the block carried whole. */
export function readBlock(raw: JsonObject): Part | string {
  const part = knownBlock(raw)
  if (typeof part === 'string') return part
  if (part === null) return { type: 'other', dialect: 'anthropic-messages', value: raw }
  const known = KNOWN[raw.type as string]
  // What frames a document of plain text has been kept with it already.
  const extra = known && !part.extra?.document ? rest(raw, known) : undefined
  if (extra) part.extra = { ...part.extra, ...extra }
  if (part.type === 'tool_call' && raw.caller !== undefined) {
    const direct = isObject(raw.caller) && raw.caller.type === 'direct'
    part.extra = { ...part.extra, [direct ? CALLER : 'caller']: raw.caller }
  }
  readMarker(raw.cache_control, part)
  return part
}

function knownBlock(raw: JsonObject): Part | string | null {
  switch (raw.type) {
    case 'text': {
      if (typeof raw.text !== 'string') return 'text'
      const part: Part = { type: 'text', text: raw.text }
      if (Array.isArray(raw.citations) && raw.citations.length > 0) part.citations = raw.citations
      return part
    }
    case 'image':
    case 'document':
      return readMedia(raw)
    case 'tool_use':
      if (typeof raw.id !== 'string') return 'id'
      if (typeof raw.name !== 'string') return 'name'
      return { type: 'tool_call', id: raw.id, name: raw.name, arguments: JSON.stringify(raw.input ?? {}) }
    case 'tool_result': {
      if (typeof raw.tool_use_id !== 'string') return 'tool_use_id'
      const parts = readContent(raw.content ?? '')
      if (typeof parts === 'string') return `content${parts}`
      return { type: 'tool_result', call_id: raw.tool_use_id, parts, is_error: raw.is_error === true }
    }
    case 'thinking':
    case 'redacted_thinking':
      return readThought(raw) ?? (raw.type === 'thinking' ? 'thinking' : 'data')
    default:
      return null
  }
}

/** A string or a list of blocks; or the path of what is wrong. */
export function readContent(content: Json): Part[] | string {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  if (!Array.isArray(content)) return ''
  const parts: Part[] = []
  for (let j = 0; j < content.length; j++) {
    const raw = content[j] as Json
    if (!isObject(raw) || typeof raw.type !== 'string') return `[${j}]`
    const part = readBlock(raw)
    if (typeof part === 'string') return `[${j}].${part}`
    parts.push(part)
  }
  return parts
}

/** Null where nothing of it can be said here; then the loss is noted. */
export function writeBlock(part: Part, field: string, to: Writing): JsonObject | null {
  const block = bare(part, field, to)
  if (block === null) return null
  if (part.cache) block.cache_control = writeMarker(part.cache)
  if (!to.own) loseExtra(part.extra, field, to.losses)
  else if (part.extra) {
    const { document, source, [CALLER]: caller, ...extra } = part.extra
    if (caller !== undefined) block.caller = caller
    if (isObject(document)) carryExtra(block, document)
    if (isObject(block.source) && isObject(source)) carryExtra(block.source, source)
    else if (source !== undefined) block.source = source
    carryExtra(block, extra)
  }
  return block
}

function bare(part: Part, field: string, to: Writing): JsonObject | null {
  const lose = (how: Loss['how'], note: string, name = field) => {
    to.losses.push({ field: name, how, note })
    return null
  }
  switch (part.type) {
    case 'text':
      return writeText(part, field, to)
    case 'media': {
      const block = writeMedia(part, to.own)
      if (typeof block === 'string') return lose('dropped', block)
      if (part.detail !== undefined && part.detail !== 'auto' && !to.own)
        lose('dropped', 'images are always seen in full here', to.from === 'openai-chat' ? `${field}.image_url.detail` : `${field}.detail`)
      return block
    }
    case 'reasoning':
      if (to.keeps || ((part.seal_of ?? to.from) === 'anthropic-messages' && (part.signature ?? part.encrypted) !== undefined))
        return writeThought(part, to.from)
      return lose('dropped', 'a thought is taken back only with the signature of who made it')
    case 'tool_call':
      return { type: 'tool_use', id: callId(part.id), name: part.name, input: inputOf(part.arguments, field, to) }
    case 'tool_result': {
      const block: JsonObject = { type: 'tool_result', tool_use_id: callId(part.call_id) }
      const content = writeContent(part.parts, k => `${field}.content[${k}]`, to)
      if (content.length > 0) block.content = plainText(content) ?? content
      if (part.is_error) block.is_error = true
      return block
    }
    case 'refusal':
      lose('approximated', 'said as text')
      return part.text === '' ? null : { type: 'text', text: part.text }
    case 'other':
      if (part.dialect === 'anthropic-messages' && isObject(part.value)) return { ...part.value }
      return lose('dropped', 'this format has no such part')
  }
}

function writeText(part: Extract<Part, { type: 'text' }>, field: string, to: Writing): JsonObject | null {
  // This format refuses empty text, which says nothing.
  if (part.text === '' && !to.own && !part.citations) return null
  if (to.own && isObject(part.extra?.document))
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: part.text } }
  const block: JsonObject = { type: 'text', text: part.text }
  if (part.citations) {
    const citations = part.citations.map(writeCitation)
    if (citations.includes(null))
      to.losses.push({ field: `${field}.citations`, how: 'dropped', note: 'of other formats only web pages are cited here' })
    const kept = citations.filter(citation => citation !== null)
    if (kept.length > 0) block.citations = kept
  }
  return block
}

export function writeContent(parts: Part[], place: (k: number) => string, to: Writing): JsonObject[] {
  const content: JsonObject[] = []
  parts.forEach((part, k) => {
    const block = writeBlock(part, place(k), to)
    if (block) content.push(block)
  })
  return content
}

/** A single text without anything beside it is written as a plain string. */
export function plainText(content: JsonObject[]): string | null {
  const only = content[0]
  return content.length === 1 && only?.type === 'text' && Object.keys(only).length === 2 ? (only.text as string) : null
}

/** Anthropic takes letters, digits, `_` and `-` only; a call and its result are changed alike. */
const callId = (id: string) => (FOREIGN_LETTER.test(id) ? id.replace(/[^\w-]/g, '_') : id === '' ? 'call' : id)
const FOREIGN_LETTER = /[^\w-]/

function inputOf(text: string, field: string, to: Writing): JsonObject {
  if (text.trim() === '') return {}
  const parsed = objectIn(text)
  if (parsed) return parsed
  to.losses.push({ field: `${field}.arguments`, how: 'approximated', note: 'they are no JSON object, and are quoted in one' })
  return { arguments: text }
}

export function objectIn(text: string): JsonObject | null {
  try {
    const value = JSON.parse(text) as Json
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
