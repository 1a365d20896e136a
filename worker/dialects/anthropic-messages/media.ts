/**
 * Images and documents, in both directions. A document that is plain text is a text part here, and what frames it (title, context,
 * whether to cite it) stays beside; to formats without documents the text is what matters.
 */
import type { JsonObject, MediaSource, Part } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'

type MediaPart = Extract<Part, { type: 'media' }>

/** The part, or the name of the member that is wrong; null for a source that only this format has, such as a list of blocks. */
export function readMedia(raw: JsonObject): Part | string | null {
  const source = raw.source
  if (!isObject(source)) return 'source'
  if (raw.type === 'document' && source.type === 'text') {
    if (typeof source.data !== 'string') return 'source.data'
    return { type: 'text', text: source.data, extra: { document: rest(raw, FRAMED) ?? {}, ...beside(source) } }
  }
  const where = readSource(source)
  if (where === null || typeof where === 'string') return where
  const part: Part & MediaPart = { type: 'media', modality: raw.type === 'image' ? 'image' : 'file', source: where }
  const more = beside(source)
  if (more) part.extra = more
  if (raw.type === 'document' && typeof raw.title === 'string') part.name = raw.title
  return part
}
/** What of a source no name covers. */
function beside(source: JsonObject): JsonObject | undefined {
  const more = rest(source, SOURCE)
  return more && { source: more }
}
const SOURCE = new Set(['type', 'data', 'media_type', 'url', 'file_id'])

const FRAMED = new Set(['type', 'source', 'cache_control'])

function readSource(source: JsonObject): MediaSource | string | null {
  switch (source.type) {
    case 'base64':
      if (typeof source.data !== 'string') return 'source.data'
      if (typeof source.media_type !== 'string') return 'source.media_type'
      return { at: 'base64', data: source.data, media_type: source.media_type }
    case 'url':
      return typeof source.url === 'string' ? { at: 'url', url: source.url } : 'source.url'
    case 'file':
      return typeof source.file_id === 'string' ? { at: 'provider_file', id: source.file_id } : 'source.file_id'
    default:
      return null
  }
}

/** The block, or in a few words why there is none. */
export function writeMedia(part: MediaPart, own: boolean): JsonObject | string {
  const { source, modality } = part
  if (modality !== 'image' && modality !== 'file') return `${modality} cannot be sent here`
  const type = modality === 'image' ? 'image' : 'document'
  const block = (written: JsonObject): JsonObject =>
    type === 'document' && part.name !== undefined ? { type, source: written, title: part.name } : { type, source: written }
  if (source.at === 'provider_file') return own ? block({ type: 'file', file_id: source.id }) : 'a file kept at another provider'
  if (source.at === 'url')
    return own || !source.url.startsWith('data:') ? block({ type: 'url', url: source.url }) : 'inline data that is not base64'
  const { data, media_type } = source
  if (own || type === 'image' || media_type === PDF) return block({ type: 'base64', media_type, data })
  if (media_type.startsWith('text/')) {
    const text = decoded(data)
    return text === null ? 'it is not base64' : block({ type: 'text', media_type: 'text/plain', data: text })
  }
  // Some clients send a file's bytes without saying what they are.
  if (media_type === 'application/octet-stream' && (part.name?.toLowerCase().endsWith('.pdf') || data.startsWith(PDF_IN_BASE64)))
    return block({ type: 'base64', media_type: PDF, data })
  return `files of type ${media_type} cannot be sent here`
}

const PDF = 'application/pdf'
/** `%PDF` */
const PDF_IN_BASE64 = 'JVBER'

function decoded(base64: string): string | null {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), letter => letter.charCodeAt(0)))
  } catch {
    // What the caller sent is not base64, and the target would not read it either.
    return null
  }
}
