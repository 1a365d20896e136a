/**
 * Images, documents, sound and video: bytes in base64 or a place in S3, and the name of the format. No address on the web is taken.
 */
import type { JsonObject, MediaSource, Part } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import type { Writing } from './block-write.ts'

type MediaPart = Extract<Part, { type: 'media' }>
type Kind = 'image' | 'document' | 'audio' | 'video'

/** What is taken of each kind, by its media type. */
const FORMATS: Record<Kind, [media_type: string, format: string][]> = {
  image: [
    ['image/png', 'png'],
    ['image/jpeg', 'jpeg'],
    ['image/gif', 'gif'],
    ['image/webp', 'webp'],
  ],
  document: [
    ['application/pdf', 'pdf'],
    ['text/csv', 'csv'],
    ['application/msword', 'doc'],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
    ['application/vnd.ms-excel', 'xls'],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
    ['text/html', 'html'],
    ['text/plain', 'txt'],
    ['text/markdown', 'md'],
  ],
  audio: [
    ['audio/mpeg', 'mp3'],
    ['audio/wav', 'wav'],
    ['audio/aac', 'aac'],
    ['audio/flac', 'flac'],
    ['audio/ogg', 'ogg'],
    ['audio/mp4', 'm4a'],
    ['audio/opus', 'opus'],
    ['audio/webm', 'webm'],
  ],
  video: [
    ['video/mp4', 'mp4'],
    ['video/quicktime', 'mov'],
    ['video/x-matroska', 'mkv'],
    ['video/webm', 'webm'],
    ['video/x-flv', 'flv'],
    ['video/mpeg', 'mpeg'],
    ['video/x-ms-wmv', 'wmv'],
    ['video/3gpp', 'three_gp'],
  ],
}
const KIND_OF = { image: 'image', file: 'document', audio: 'audio', video: 'video' } as const
const MODALITY_OF = { image: 'image', document: 'file', audio: 'audio', video: 'video' } as const
export const isMediaKind = (name: string): name is Kind => Object.hasOwn(FORMATS, name)

const BLOCK = new Set(['format', 'source', 'name'])
const INSIDE = new Set(['bytes', 's3Location'])

/** Null where the source is none of the two, such as text of a document: then the block is carried whole. */
export function readMedia(kind: Kind, block: JsonObject): MediaPart | null {
  const { format, source } = block
  if (typeof format !== 'string' || !isObject(source) || rest(block, BLOCK) || rest(source, INSIDE)) return null
  const media_type = FORMATS[kind].find(([, name]) => name === format)?.[0]
  if (media_type === undefined) return null
  const from = sourceOf(source, media_type)
  if (from === null) return null
  const part: MediaPart = { type: 'media', modality: MODALITY_OF[kind], source: from }
  if (kind === 'document' && typeof block.name === 'string') part.name = block.name
  return part
}

function sourceOf({ bytes, s3Location }: JsonObject, media_type: string): MediaSource | null {
  if (typeof bytes === 'string' && s3Location === undefined) return { at: 'base64', data: bytes, media_type }
  return null
}

/** `named`: documents must have a name here, and no two the same. */
export function writeMedia(part: MediaPart, field: string, named: { documents: number }, to: Writing): JsonObject | null {
  const lose = (how: 'dropped' | 'approximated', note: string, member = '') => {
    to.losses.push({ field: `${field}${member}`, how, note })
    return null
  }
  const { source, modality, name, detail } = part
  if (detail !== undefined) lose('dropped', 'how closely to look cannot be said here', '.detail')
  if (source.at === 'provider_file') return lose('dropped', 'a file kept at another provider cannot be sent here')
  if (source.at === 'url') return lose('dropped', 'nothing is fetched from an address here, only from S3')
  const kind = KIND_OF[modality]
  const media_type = source.media_type.split(';')[0] as string
  const format = FORMATS[kind].find(([type]) => type === media_type)?.[1]
  if (format === undefined) return lose('dropped', `${media_type.slice(0, 60)} is no format that is taken here`)
  const block: JsonObject = { format, source: { bytes: source.data } }
  if (kind === 'document') {
    named.documents++
    const fit = to.own ? name : name && fitted(name)
    block.name = fit || `document ${named.documents}`
    if (name !== undefined && !to.own && fit !== withoutEnding(name))
      lose('approximated', 'names are letters, digits and single blanks here', '.name')
  } else if (name !== undefined) lose('dropped', 'only documents have names here', '.name')
  return { [kind]: block }
}

/** The format says what the ending would. */
const withoutEnding = (name: string) => name.replace(/\.[A-Za-z0-9]{1,5}$/, '')

/** Letters, digits, single blanks, hyphens, brackets: what a document's name may hold (API_runtime_DocumentBlock). */
const fitted = (name: string) =>
  withoutEnding(name)
    .replaceAll(/[^A-Za-z0-9\s()[\]-]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 200)
