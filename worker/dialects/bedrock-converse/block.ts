/**
 * The blocks of a message, read. A block has one member, named after what it is. What asks to cache the prompt is a
 * block of its own behind the one it marks; in the neutral form it is a mark on that one.
 */
import type { Json, JsonObject, Part } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { isMediaKind, readMedia } from './media.ts'

export const OWN = 'bedrock-converse' as const
/** A result told as JSON and not as its text. */
export const AS_JSON = ' json'
const CALL = new Set(['toolUseId', 'name', 'input'])
const RESULT = new Set(['toolUseId', 'content', 'status'])
const CITED = new Set(['content', 'citations'])

/** Reads blocks into parts; a mark goes onto the part before it. */
export function readBlocks(blocks: readonly Json[]): Part[] {
  const parts: Part[] = []
  for (const raw of blocks) {
    if (!isObject(raw)) continue
    const before = parts.at(-1)
    const ttl = cacheTtl(raw)
    if (ttl !== undefined && before && before.cache === undefined) before.cache = { ttl }
    else parts.push(readBlock(raw))
  }
  return parts
}

/** Undefined where this is no mark, or one that says more than how long. */
export function cacheTtl(block: JsonObject): string | null | undefined {
  const point = block.cachePoint
  if (!isObject(point) || Object.keys(block).length !== 1 || point.type !== 'default') return undefined
  const { type: _, ttl, ...others } = point
  if (Object.keys(others).length > 0) return undefined
  return ttl === undefined ? null : typeof ttl === 'string' ? ttl : undefined
}

function readBlock(raw: JsonObject): Part {
  // Some answers have a `type` beside; what the block is, the other member says.
  const names = Object.keys(raw).filter(name => name !== 'type')
  const name = names.length === 1 ? (names[0] as string) : ''
  const part = knownBlock(name, raw[name])
  if (part === null) return { type: 'other', dialect: OWN, value: raw }
  if (raw.type !== undefined) part.extra = { ...part.extra, type: raw.type }
  return part
}

function knownBlock(name: string, value: Json | undefined): Part | null {
  if (name === 'text') return typeof value === 'string' ? { type: 'text', text: value } : null
  if (!isObject(value)) return null
  if (isMediaKind(name)) return readMedia(name, value)
  switch (name) {
    case 'toolUse':
      return readCall(value)
    case 'toolResult':
      return readResult(value)
    case 'reasoningContent':
      return readThought(value)
    case 'citationsContent':
      return readCited(value)
    default:
      return null
  }
}

function readCall(value: JsonObject): Part | null {
  if (typeof value.toolUseId !== 'string' || typeof value.name !== 'string') return null
  const part: Part = { type: 'tool_call', id: value.toolUseId, name: value.name, arguments: JSON.stringify(value.input ?? {}) }
  // A call that the provider answers itself says so in a member of its own.
  if (rest(value, CALL) || !isObject(value.input)) part.extra = { toolUse: value }
  return part
}

function readResult(value: JsonObject): Part | null {
  if (typeof value.toolUseId !== 'string') return null
  const parts = Array.isArray(value.content) ? value.content.filter(isObject).map(readInner) : []
  const part: Part = { type: 'tool_result', call_id: value.toolUseId, parts, is_error: value.status === 'error' }
  const extra = rest(value, RESULT)
  if (extra || (value.status !== undefined && value.status !== 'error'))
    part.extra = { toolResult: { ...extra, ...(value.status === 'error' ? undefined : { status: value.status ?? null }) } }
  return part
}

function readInner(raw: JsonObject): Part {
  if (raw.json !== undefined && Object.keys(raw).length === 1)
    return { type: 'text', text: JSON.stringify(raw.json), extra: { [AS_JSON]: true } }
  return readBlock(raw)
}

function readThought(value: JsonObject): Part | null {
  const { reasoningText, redactedContent } = value
  if (typeof redactedContent === 'string' && reasoningText === undefined) return { type: 'reasoning', text: '', encrypted: redactedContent }
  if (!isObject(reasoningText) || redactedContent !== undefined || typeof reasoningText.text !== 'string') return null
  const { text, signature } = reasoningText
  return typeof signature === 'string' ? { type: 'reasoning', text, signature } : { type: 'reasoning', text }
}

function readCited(value: JsonObject): Part | null {
  if (!Array.isArray(value.content) || !Array.isArray(value.citations) || rest(value, CITED)) return null
  const texts = value.content.map(each =>
    isObject(each) && Object.keys(each).length === 1 && typeof each.text === 'string' ? each.text : null,
  )
  if (texts.length !== 1 || texts[0] === null) return null
  return { type: 'text', text: texts[0] as string, citations: value.citations }
}
