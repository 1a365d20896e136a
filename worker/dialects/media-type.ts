/**
 * Media types, for formats that must be told what is behind an address or inside a file where the caller's own does not say.
 */
import type { Part } from '../schema/chat.ts'

type Modality = Extract<Part, { type: 'media' }>['modality']

/** By the ending of a name: what models take, and no more. */
const BY_ENDING = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['mp4', 'video/mp4'],
  ['mov', 'video/quicktime'],
  ['mkv', 'video/x-matroska'],
  ['webm', 'video/webm'],
  ['mp3', 'audio/mpeg'],
  ['wav', 'audio/wav'],
  ['flac', 'audio/flac'],
  ['ogg', 'audio/ogg'],
  ['aac', 'audio/aac'],
  ['m4a', 'audio/mp4'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['html', 'text/html'],
  ['json', 'application/json'],
  ['doc', 'application/msword'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xls', 'application/vnd.ms-excel'],
  ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
])

/** From the ending of a file's name or of an address's path; null where it has none that is known. */
export function typeOfName(name: string): string | null {
  const path = name.slice(0, Math.min(...['?', '#'].map(mark => name.indexOf(mark)).map(at => (at < 0 ? name.length : at))))
  return BY_ENDING.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase()) ?? null
}

export function modalityOf(media_type: string): Modality {
  const kind = media_type.slice(0, media_type.indexOf('/'))
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'file'
}
