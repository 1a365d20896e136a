/**
 * The parts of a message's content, in both directions: text, images, sound, files, thoughts, and whatever else a provider
 * may have invented, which is carried whole.
 */
import type { Json, JsonObject, Loss, MediaSource, Part } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { loseExtra } from '../marks.ts'

type MediaPart = Extract<Part, { type: 'media' }>

/** Where a writing goes: back into its own dialect, which takes everything, or from another, which loses what it has no place for. */
export type Writing = { own: boolean; losses: Loss[]; place(i: number, j?: number): string }

const KNOWN_PART: Record<string, ReadonlySet<string>> = {
  text: new Set(['type', 'text', 'cache_control']),
  refusal: new Set(['type', 'refusal']),
  thinking: new Set(['type', 'thinking']),
  image_url: new Set(['type', 'image_url', 'cache_control']),
  video_url: new Set(['type', 'video_url', 'cache_control']),
  input_audio: new Set(['type', 'input_audio', 'cache_control']),
  file: new Set(['type', 'file', 'cache_control']),
}

/** What the neutral form has of the object inside such a part. */
const KNOWN_INSIDE: Record<string, ReadonlySet<string>> = {
  image_url: new Set(['url', 'detail']),
  video_url: new Set(['url', 'detail']),
  input_audio: new Set(['data', 'format']),
  file: new Set(['file_id', 'file_data', 'filename']),
}

/** One part of a content list; the name of the member that is wrong; or, for a type not known here, the part carried whole. */
export function readPart(raw: JsonObject): Part | string {
  const part = knownPart(raw)
  if (typeof part === 'string') return part
  if (part === null) return { type: 'other', dialect: 'openai-chat', value: raw }
  const type = raw.type as string
  const known = KNOWN_PART[type]
  const extra = known && rest(raw, known)
  if (extra) part.extra = extra
  const inside = raw[type]
  const known_inside = KNOWN_INSIDE[type]
  // The caller's whole object is kept where it says more, and wins on the way back.
  if (known_inside && isObject(inside) && rest(inside, known_inside)) part.extra = { ...part.extra, [type]: inside }
  const marker = raw.cache_control
  if (isObject(marker)) part.cache = { ttl: typeof marker.ttl === 'string' ? marker.ttl : null }
  return part
}

function knownPart(raw: JsonObject): Part | string | null {
  switch (raw.type) {
    case 'text':
      return typeof raw.text === 'string' ? { type: 'text', text: raw.text } : 'text'
    case 'refusal':
      return typeof raw.refusal === 'string' ? { type: 'refusal', text: raw.refusal } : 'refusal'
    case 'thinking': {
      const thought = thinkingText(raw.thinking)
      return thought === null ? null : { type: 'reasoning', text: thought }
    }
    case 'image_url':
    case 'video_url': {
      // Some clients send the bare address instead of an object.
      const given = raw[raw.type]
      const holder = typeof given === 'string' ? { url: given } : given
      if (!isObject(holder) || typeof holder.url !== 'string') return `${raw.type}.url`
      const part: MediaPart = { type: 'media', modality: raw.type === 'image_url' ? 'image' : 'video', source: sourceOf(holder.url) }
      if (typeof holder.detail === 'string') part.detail = holder.detail
      return part
    }
    case 'input_audio': {
      const audio = raw.input_audio
      if (!isObject(audio) || typeof audio.data !== 'string') return 'input_audio.data'
      const format = typeof audio.format === 'string' ? audio.format : 'wav'
      return {
        type: 'media',
        modality: 'audio',
        source: { at: 'base64', data: audio.data, media_type: format === 'mp3' ? 'audio/mpeg' : `audio/${format}` },
      }
    }
    case 'file': {
      const file = raw.file
      if (!isObject(file)) return 'file'
      const part: MediaPart | null =
        typeof file.file_id === 'string'
          ? { type: 'media', modality: 'file', source: { at: 'provider_file', id: file.file_id } }
          : typeof file.file_data === 'string'
            ? { type: 'media', modality: 'file', source: fileSource(file.file_data) }
            : null
      if (part === null) return 'file.file_data'
      if (typeof file.filename === 'string') part.name = file.filename
      return part
    }
    default:
      return null
  }
}

/** Thoughts come as text, or as a list of text chunks. */
export function thinkingText(raw: Json | undefined): string | null {
  if (typeof raw === 'string') return raw
  if (!Array.isArray(raw)) return null
  let thought = ''
  for (const chunk of raw) if (isObject(chunk) && typeof chunk.text === 'string') thought += chunk.text
  return thought
}

/** `data:<media type>;base64,<data>` is inline; every other address is the target's to fetch, never ours. */
function sourceOf(url: string): MediaSource {
  if (!url.startsWith('data:')) return { at: 'url', url }
  const comma = url.indexOf(',')
  const head = url.slice(5, comma)
  if (comma < 0 || !head.endsWith(';base64')) return { at: 'url', url }
  return { at: 'base64', media_type: head.slice(0, -7), data: url.slice(comma + 1) }
}

function fileSource(data: string): MediaSource {
  if (data.startsWith('data:') || data.startsWith('https://') || data.startsWith('http://')) return sourceOf(data)
  return { at: 'base64', data, media_type: 'application/octet-stream' }
}

export function writePart(part: Part, field: string, to: Writing): JsonObject | null {
  const written = bare(part, field, to)
  if (written === null) return null
  if (part.cache) {
    if (to.own) written.cache_control = part.cache.ttl === null ? { type: 'ephemeral' } : { type: 'ephemeral', ttl: part.cache.ttl }
    else loseMarker(field, to)
  }
  if (part.type === 'text' && part.citations) to.losses.push({ field: `${field}.citations`, how: 'dropped' })
  return part.extra ? { ...written, ...ownExtra(part.extra, field, to) } : written
}

function bare(part: Part, field: string, to: Writing): JsonObject | null {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'refusal':
      return { type: 'refusal', refusal: part.text }
    case 'media':
      return writeMedia(part, field, to)
    case 'other':
      if (part.dialect === 'openai-chat' && isObject(part.value)) return { ...part.value }
      to.losses.push({ field, how: 'dropped', note: 'this format has no such part' })
      return null
    default:
      // Calls, results and reasoning are members of a message, not of its content.
      to.losses.push({ field, how: 'dropped', note: `a ${part.type} cannot stand here` })
      return null
  }
}

function writeMedia(part: MediaPart, field: string, to: Writing): JsonObject | null {
  const { source } = part
  const url = source.at === 'url' ? source.url : source.at === 'base64' ? `data:${source.media_type};base64,${source.data}` : null
  if ((part.modality === 'image' || part.modality === 'video') && url !== null) {
    const kind = part.modality === 'image' ? 'image_url' : 'video_url'
    return { type: kind, [kind]: part.detail === undefined ? { url } : { url, detail: part.detail } }
  }
  if (part.modality === 'audio' && source.at === 'base64') {
    const format = source.media_type === 'audio/mpeg' ? 'mp3' : source.media_type.replace(/^audio\//, '')
    return { type: 'input_audio', input_audio: { data: source.data, format } }
  }
  if (part.modality === 'file' && (to.own || source.at !== 'provider_file')) {
    const file: JsonObject = source.at === 'provider_file' ? { file_id: source.id } : { file_data: url }
    if (part.name !== undefined) file.filename = part.name
    return { type: 'file', file }
  }
  to.losses.push({
    field,
    how: 'dropped',
    note: source.at === 'url' ? 'audio by address cannot be sent here' : 'a file kept at another provider cannot be sent here',
  })
  return null
}

export function loseMarker(field: string, to: Writing): void {
  to.losses.push({ field: `${field}.cache_control`, how: 'approximated', note: 'prompts are cached here without a marker' })
}

/** Carried members go back only into their own dialect; elsewhere each is a loss. */
export function ownExtra(extra: JsonObject | undefined, field: string, to: Writing): JsonObject | undefined {
  if (!to.own) loseExtra(extra, field, to.losses)
  return to.own ? extra : undefined
}
