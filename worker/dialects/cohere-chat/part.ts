/**
 * What a message holds, in both directions: text, images, thoughts, and documents, which have no name here and are carried whole.
 */
import type { DialectName, Json, JsonObject, Loss, MediaSource, Part } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'

/** Where a writing goes: back into this format, or into it from another one. */
export type Writing = { own: boolean; from: DialectName; losses: Loss[]; place(i: number, j?: number): string }

const KNOWN: Record<string, ReadonlySet<string>> = {
  text: new Set(['type', 'text']),
  thinking: new Set(['type', 'thinking']),
  image_url: new Set(['type', 'image_url']),
}
const IMAGE = new Set(['url', 'detail'])

/** A string, one block or a list of blocks. What is no block is left out. */
export function readContent(content: Json | undefined): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  if (isObject(content)) return [readPart(content)]
  return Array.isArray(content) ? content.filter(isObject).map(readPart) : []
}

function readPart(raw: JsonObject): Part {
  const part = known(raw)
  if (part === null) return { type: 'other', dialect: 'cohere-chat', value: raw }
  const extra = rest(raw, KNOWN[raw.type as string] as ReadonlySet<string>)
  if (extra) part.extra = { ...part.extra, ...extra }
  return part
}

function known(raw: JsonObject): Part | null {
  switch (raw.type) {
    case 'text':
      return typeof raw.text === 'string' ? { type: 'text', text: raw.text } : null
    case 'thinking':
      return typeof raw.thinking === 'string' ? { type: 'reasoning', text: raw.thinking } : null
    case 'image_url': {
      const image = raw.image_url
      if (!isObject(image) || typeof image.url !== 'string') return null
      const part: Part = { type: 'media', modality: 'image', source: sourceOf(image.url) }
      if (typeof image.detail === 'string') part.detail = image.detail
      if (rest(image, IMAGE)) part.extra = { image_url: image }
      return part
    }
    default:
      return null
  }
}

/** `data:<media type>;base64,<data>` is inline; every other address is the target's to fetch. */
function sourceOf(url: string): MediaSource {
  const [, media_type, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? []
  return media_type !== undefined && data !== undefined ? { at: 'base64', media_type, data } : { at: 'url', url }
}

/** The block that this part is; null where there is none, which is then said. */
export function writePart(part: Part, field: string, to: Writing): JsonObject | null {
  const written = bare(part, field, to)
  if (written === null) return null
  return carried(written, part, field, to)
}

/** What stands beside a part: members without a name here go back into their own format, a mark of what to cache goes nowhere. */
export function carried(written: JsonObject, { cache, extra }: Pick<Part, 'cache' | 'extra'>, field: string, to: Writing): JsonObject {
  if (cache) to.losses.push({ field: `${field}.cache_control`, how: 'approximated', note: 'prompts are cached here without a marker' })
  if (to.own) carryExtra(written, extra)
  else loseExtra(extra, field, to.losses)
  return written
}

function bare(part: Part, field: string, to: Writing): JsonObject | null {
  const lose = (note: string) => {
    to.losses.push({ field, how: 'dropped', note })
    return null
  }
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'refusal':
      to.losses.push({ field, how: 'approximated', note: 'a refusal is text here' })
      return { type: 'text', text: part.text }
    case 'reasoning':
      // A thought goes back to who had it; elsewhere it is somebody else's.
      return to.own ? { type: 'thinking', thinking: part.text } : lose('the thought of another model')
    case 'media': {
      const { source, detail } = part
      if (part.modality !== 'image' || source.at === 'provider_file') return lose('only images by address or inline are taken here')
      const url = source.at === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`
      return { type: 'image_url', image_url: detail === undefined ? { url } : { url, detail } }
    }
    case 'other':
      return part.dialect === 'cohere-chat' && isObject(part.value) ? { ...part.value } : lose('this format has no such part')
    default:
      return lose(`a ${part.type} cannot stand here`)
  }
}
