/**
 * The parts of a message, in both directions. What the user says is `input_*`, what the model says `output_text` or `refusal`.
 */
import type { DialectName, JsonObject, Loss, MediaSource, Message, Part } from '../../schema/chat.ts'
import { readMarker, writeMarker } from '../cache-marker.ts'
import { isObject, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { CONTENT } from '../place.ts'
import { writeCitation } from './citation.ts'

type MediaPart = Extract<Part, { type: 'media' }>

/**
 * Where a writing goes. `from`: whose words these are. `keeps`: the reader is a caller or this format itself, so another provider's
 * seal is given along; a target takes only its own.
 */
export type Writing = { from: DialectName | undefined; own: boolean; keeps: boolean; losses: Loss[]; place(i: number, j?: number): string }

const TEXT = new Set(['type', 'text', 'annotations', 'logprobs', 'cache_control'])
const KNOWN: Record<string, ReadonlySet<string>> = {
  input_text: TEXT,
  output_text: TEXT,
  text: TEXT,
  refusal: new Set(['type', 'refusal']),
  input_image: new Set(['type', 'image_url', 'file_id', 'detail', 'cache_control']),
  input_file: new Set(['type', 'file_data', 'file_id', 'file_url', 'filename', 'cache_control']),
  input_audio: new Set(['type', 'input_audio', 'cache_control']),
}

/** One part; the name of the member that is wrong; or, for a type not known here, the part carried whole. */
export function readPart(raw: JsonObject): Part | string {
  const part = knownPart(raw)
  if (typeof part === 'string') return part
  if (part === null) return { type: 'other', dialect: 'openai-responses', value: { [CONTENT]: raw } }
  const known = KNOWN[raw.type as string]
  const extra = known && rest(raw, known)
  if (extra) part.extra = { ...part.extra, ...extra }
  readMarker(raw.cache_control, part)
  return part
}

function knownPart(raw: JsonObject): Part | string | null {
  switch (raw.type) {
    case 'input_text':
    case 'output_text':
    case 'text': {
      if (typeof raw.text !== 'string') return 'text'
      const part: Part = { type: 'text', text: raw.text }
      if (Array.isArray(raw.annotations) && raw.annotations.length > 0) part.citations = raw.annotations
      return part
    }
    case 'refusal':
      return typeof raw.refusal === 'string' ? { type: 'refusal', text: raw.refusal } : 'refusal'
    case 'input_image': {
      const source = fileAt(raw.file_id) ?? addressIn(raw.image_url)
      if (source === null) return 'image_url'
      const part: MediaPart = { type: 'media', modality: 'image', source }
      if (typeof raw.detail === 'string') part.detail = raw.detail
      return part
    }
    case 'input_file': {
      const data = typeof raw.file_data === 'string' ? raw.file_data : null
      const inline: MediaSource | null =
        data === null ? null : data.startsWith('data:') ? addressIn(data) : { at: 'base64', data, media_type: 'application/octet-stream' }
      const source = fileAt(raw.file_id) ?? inline ?? addressIn(raw.file_url)
      if (source === null) return 'file_data'
      const part: MediaPart = { type: 'media', modality: 'file', source }
      if (typeof raw.filename === 'string') part.name = raw.filename
      return part
    }
    case 'input_audio': {
      const audio = raw.input_audio
      if (!isObject(audio) || typeof audio.data !== 'string') return 'input_audio.data'
      const format = typeof audio.format === 'string' ? audio.format : 'wav'
      const media_type = format === 'mp3' ? 'audio/mpeg' : `audio/${format}`
      return { type: 'media', modality: 'audio', source: { at: 'base64', data: audio.data, media_type } }
    }
    default:
      return null
  }
}

const fileAt = (id: unknown): MediaSource | null => (typeof id === 'string' ? { at: 'provider_file', id } : null)

/** `data:<media type>;base64,<data>` is inline; every other address is the target's to fetch, never ours. */
function addressIn(url: unknown): MediaSource | null {
  if (typeof url !== 'string') return null
  const comma = url.indexOf(',')
  const head = url.slice(5, comma)
  if (!url.startsWith('data:') || comma < 0 || !head.endsWith(';base64')) return { at: 'url', url }
  return { at: 'base64', media_type: head.slice(0, -7), data: url.slice(comma + 1) }
}

/** Null where nothing of it can be said here; then the loss is noted. */
export function writePart(part: Part, role: Message['role'], field: string, to: Writing): JsonObject | null {
  const written = bare(part, role, field, to)
  if (written === null) return null
  if (part.cache) {
    if (to.own) written.cache_control = writeMarker(part.cache)
    else to.losses.push({ field: `${field}.cache_control`, how: 'approximated', note: 'prompts are cached here without a marker' })
  }
  if (!to.own) loseExtra(part.extra, field, to.losses)
  else if (part.extra) {
    // What belongs to the message that this part begins is written there.
    const { message: _, ...extra } = part.extra
    carryExtra(written, extra)
  }
  return written
}

function bare(part: Part, role: Message['role'], field: string, to: Writing): JsonObject | null {
  switch (part.type) {
    case 'text': {
      if (role !== 'assistant') {
        if (part.citations && !to.own) to.losses.push({ field: `${field}.citations`, how: 'dropped' })
        const text: JsonObject = { type: 'input_text', text: part.text }
        if (part.citations && to.own) text.annotations = part.citations
        return text
      }
      const annotations = (part.citations ?? []).map(value => writeCitation(value, part.text.length))
      if (annotations.includes(null))
        to.losses.push({ field: `${field}.citations`, how: 'dropped', note: 'of other formats only web pages are cited here' })
      return { type: 'output_text', text: part.text, annotations: annotations.filter(annotation => annotation !== null) }
    }
    case 'refusal':
      return { type: 'refusal', refusal: part.text }
    case 'media': {
      const written = writeMedia(part, to.own || to.from === 'openai-chat')
      if (typeof written !== 'string') return written
      to.losses.push({ field, how: 'dropped', note: written })
      return null
    }
    case 'other':
      if (part.dialect === 'openai-responses' && isObject(part.value) && isObject(part.value[CONTENT])) return { ...part.value[CONTENT] }
      to.losses.push({ field, how: 'dropped', note: 'this format has no such part' })
      return null
    default:
      to.losses.push({ field, how: 'dropped', note: `a ${part.type} cannot stand here` })
      return null
  }
}

/** The part, or in a few words why there is none. Both formats of OpenAI know the same files. */
function writeMedia({ source, modality, detail, name }: MediaPart, knows_file: boolean): JsonObject | string {
  if (source.at === 'provider_file' && !knows_file) return 'a file kept at another provider'
  const url = source.at === 'url' ? source.url : source.at === 'base64' ? `data:${source.media_type};base64,${source.data}` : null
  if (modality === 'image') {
    const where: JsonObject = source.at === 'provider_file' ? { file_id: source.id } : { image_url: url }
    return { type: 'input_image', ...where, ...(detail === undefined ? undefined : { detail }) }
  }
  if (modality === 'file') {
    const where: JsonObject =
      source.at === 'provider_file' ? { file_id: source.id } : source.at === 'url' ? { file_url: url } : { file_data: url }
    return { type: 'input_file', ...where, ...(name === undefined ? undefined : { filename: name }) }
  }
  if (modality !== 'audio' || source.at !== 'base64') return `${modality} cannot be sent here`
  const format = source.media_type === 'audio/mpeg' ? 'mp3' : source.media_type.replace(/^audio\//, '')
  return { type: 'input_audio', input_audio: { data: source.data, format } }
}
