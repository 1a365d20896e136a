/**
 * Neutral parts written as blocks. What this format cannot say is named as a loss; a thought goes back only with a seal that its
 * reader can open.
 */
import type { DialectName, Json, JsonObject, Loss, Part } from '../../schema/chat.ts'
import { callArguments, heldAsText } from '../call-arguments.ts'
import { isObject } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { AS_JSON, OWN } from './block.ts'
import { writeMedia } from './media.ts'

export type Writing = {
  /** Back into the format that was read: takes everything. */
  own: boolean
  from: DialectName
  losses: Loss[]
  place(i: number, j?: number): string
  /** Whose seals the model reads beside its own. */
  seals_of: DialectName | null
  /** The model takes marks of what to cache. */
  caches: boolean
}

/** `field` names the part at `j`; `named` counts the documents of the whole conversation. */
export function writeBlocks(parts: readonly Part[], field: (j: number) => string, named: { documents: number }, to: Writing): JsonObject[] {
  const out: JsonObject[] = []
  parts.forEach((part, j) => {
    const block = writeBlock(part, field(j), named, to)
    if (block === null) return
    out.push(block)
    if (!to.own) loseExtra(part.extra, field(j), to.losses)
    if (part.cache) out.push(...cachePoint(part.cache.ttl, field(j), to))
  })
  return out
}

/** The times to live that can be asked for here. */
const TTLS = ['5m', '1h']

export function cachePoint(ttl: string | null, field: string, to: Writing): JsonObject[] {
  const lose = (how: 'dropped' | 'approximated', note: string) => to.losses.push({ field: `${field}.cache_control`, how, note })
  if (!to.own && !to.caches) {
    lose('approximated', 'this model caches prompts without a marker, or not at all')
    return []
  }
  if (ttl === null) return [{ cachePoint: { type: 'default' } }]
  if (to.own || TTLS.includes(ttl)) return [{ cachePoint: { type: 'default', ttl } }]
  lose('approximated', 'kept for the usual time')
  return [{ cachePoint: { type: 'default' } }]
}

function writeBlock(part: Part, field: string, named: { documents: number }, to: Writing): JsonObject | null {
  const type: JsonObject | undefined = to.own && part.extra?.type !== undefined ? { type: part.extra.type } : undefined
  switch (part.type) {
    case 'text':
      // Blank text is refused here, and says nothing.
      if (!to.own && part.text.trim() === '') return null
      if (part.citations === undefined) return { text: part.text, ...type }
      if (to.own) return { citationsContent: { content: [{ text: part.text }], citations: part.citations } }
      to.losses.push({ field: `${field}.citations`, how: 'dropped' })
      return { text: part.text }
    case 'media':
      return writeMedia(part, field, named, to)
    case 'tool_call': {
      const input = callArguments(part.arguments)
      if (input === null && !to.own) to.losses.push({ field: `${field}.arguments`, how: 'approximated', note: 'they are no JSON object' })
      const call: JsonObject = { toolUseId: fittedId(part.id), name: part.name, input: input ?? heldAsText(part.arguments) }
      return { toolUse: to.own && isObject(part.extra?.toolUse) ? part.extra.toolUse : call, ...type }
    }
    case 'tool_result':
      return { toolResult: writeResult(part, field, named, to) }
    case 'reasoning':
      return writeThought(part, field, to)
    case 'refusal':
      to.losses.push({ field, how: 'approximated', note: 'a refusal is text here' })
      return { text: part.text }
    case 'other':
      if (part.dialect === OWN) return { ...(part.value as JsonObject) }
      to.losses.push({ field, how: 'dropped', note: 'this format has no such part' })
      return null
  }
}

/** Letters, digits, `_` and `-`, at most 64; an id means nothing but itself, so the same one is always fitted the same way. */
const fittedId = (id: string) => (/^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : id.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(-64) || 'call')

function writeResult(part: Extract<Part, { type: 'tool_result' }>, field: string, named: { documents: number }, to: Writing): JsonObject {
  const content = part.parts.flatMap((inner, k): JsonObject[] => {
    if (inner.type === 'text' && to.own && inner.extra?.[AS_JSON] === true) return [{ json: JSON.parse(inner.text) as Json }]
    const place = `${field}.content[${k}]`
    if (inner.type === 'reasoning' || inner.type === 'tool_call' || inner.type === 'tool_result') {
      to.losses.push({ field: place, how: 'dropped', note: `a ${inner.type} cannot stand in a result` })
      return []
    }
    const block = writeBlock(inner, place, named, to)
    if (block && !to.own) {
      loseExtra(inner.extra, place, to.losses)
      if (inner.cache) to.losses.push({ field: `${place}.cache_control`, how: 'dropped', note: 'no mark can stand in a result' })
    }
    return block ? [block] : []
  })
  const result: JsonObject = { toolUseId: fittedId(part.call_id), content }
  if (part.is_error) result.status = 'error'
  if (to.own && isObject(part.extra?.toolResult)) carryExtra(result, part.extra.toolResult)
  return result
}

function writeThought(part: Extract<Part, { type: 'reasoning' }>, field: string, to: Writing): JsonObject | null {
  const { text, signature, encrypted } = part
  const whose = part.seal_of ?? to.from
  const readable = whose === OWN || whose === to.seals_of
  if (encrypted !== undefined && readable && text === '') return { reasoningContent: { redactedContent: encrypted } }
  if (signature !== undefined && readable) return { reasoningContent: { reasoningText: { text, signature } } }
  if (to.own && signature === undefined && encrypted === undefined) return { reasoningContent: { reasoningText: { text } } }
  to.losses.push({ field, how: 'dropped', note: 'a thought is taken back here only with the seal of who made it' })
  return null
}
