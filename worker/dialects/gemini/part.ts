/**
 * The parts of a turn, in both directions.
 *
 * A seal (`thoughtSignature`) stands here on whichever part came of the thought: on the call, on the last text, on the thought
 * itself. In the neutral form it belongs to a thought, which may be without words; so a sealed call becomes a sealed thought and
 * a call, and on the way back a thought that stands right before a call gives it its seal.
 */
import type { Json, JsonObject, MediaSource, Part } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { modalityOf, typeOfName } from '../media-type.ts'
import type { CallIds } from './call-id.ts'

type MediaPart = Extract<Part, { type: 'media' }>

/** What the neutral form has of each kind of part. */
const KNOWN: Record<string, ReadonlySet<string>> = {
  text: new Set(['text', 'thought', 'thoughtSignature']),
  functionCall: new Set(['functionCall', 'thoughtSignature']),
  functionResponse: new Set(['functionResponse', 'thoughtSignature']),
  inlineData: new Set(['inlineData', 'thoughtSignature']),
  fileData: new Set(['fileData', 'thoughtSignature']),
}
const KINDS = Object.keys(KNOWN)
const CALL = new Set(['id', 'name', 'args'])
const RESULT = new Set(['id', 'name', 'response', 'parts'])
const BLOB = new Set(['mimeType', 'data', 'displayName'])

/** Reads a turn's parts into neutral ones; `into` is what came of the turn so far. */
export function readParts(raws: readonly Json[], ids: CallIds, into: Part[] = []): Part[] {
  for (const raw of raws) if (isObject(raw)) readPart(raw, ids, into)
  return into
}

function readPart(raw: JsonObject, ids: CallIds, into: Part[]): void {
  const kind = KINDS.find(name => raw[name] !== undefined)
  const part = kind === undefined ? null : known(kind, raw, ids)
  if (kind === undefined || part === null) {
    into.push({ type: 'other', dialect: 'gemini', value: raw })
    return
  }
  const extra = rest(raw, KNOWN[kind] as ReadonlySet<string>)
  if (extra) part.extra = { ...part.extra, ...extra }
  const signature = typeof raw.thoughtSignature === 'string' && raw.thoughtSignature !== '' ? raw.thoughtSignature : null
  if (signature === null) {
    into.push(part)
    return
  }
  if (part.type === 'reasoning') into.push({ ...part, signature })
  else if (part.type === 'tool_call') into.push(...sealBefore(into, signature), part)
  else {
    if (!(part.type === 'text' && part.text === '' && !part.extra)) into.push(part)
    into.push({ type: 'reasoning', text: '', signature })
  }
}

/** The words of the thought that a call came of stand before it, unsigned; without any, the seal is a thought of its own. */
function sealBefore(into: Part[], signature: string): Part[] {
  const last = into.at(-1)
  if (last?.type !== 'reasoning' || last.signature !== undefined) return [{ type: 'reasoning', text: '', signature }]
  last.signature = signature
  return []
}

function known(kind: string, raw: JsonObject, ids: CallIds): Part | null {
  const value = raw[kind] as Json
  if (kind === 'text') {
    if (typeof value !== 'string') return null
    return raw.thought === true ? { type: 'reasoning', text: value } : { type: 'text', text: value }
  }
  if (!isObject(value)) return null
  switch (kind) {
    case 'functionCall':
      return readCall(value, ids)
    case 'functionResponse':
      return readResult(value, ids)
    case 'inlineData':
      return readBlob(value)
    default:
      return readFile(value)
  }
}

function readCall(value: JsonObject, ids: CallIds): Part | null {
  // A call in pieces is a stream's, and put together there.
  if (typeof value.name !== 'string' || value.partialArgs !== undefined || value.willContinue === true) return null
  const part: Part = {
    type: 'tool_call',
    id: ids.call(value.name, value.id),
    name: value.name,
    arguments: JSON.stringify(isObject(value.args) ? value.args : {}),
  }
  if (rest(value, CALL)) part.extra = { functionCall: value }
  return part
}

function readResult(value: JsonObject, ids: CallIds): Part | null {
  if (typeof value.name !== 'string') return null
  const { response } = value
  const parts: Part[] = []
  let is_error = false
  let said_in_full = true
  if (isObject(response) && Object.keys(response).length === 1 && typeof (response.output ?? response.error) === 'string') {
    is_error = response.output === undefined
    parts.push({ type: 'text', text: (response.output ?? response.error) as string })
  } else if (response !== undefined && !(isObject(response) && Object.keys(response).length === 0)) {
    said_in_full = false
    parts.push({ type: 'text', text: JSON.stringify(response) })
  }
  if (Array.isArray(value.parts)) readParts(value.parts, ids, parts)
  const part: Part = { type: 'tool_result', call_id: ids.answer(value.name, value.id), parts, is_error }
  if (!said_in_full || rest(value, RESULT)) part.extra = { functionResponse: value }
  return part
}

function readBlob(value: JsonObject): Part | null {
  if (typeof value.data !== 'string' || typeof value.mimeType !== 'string') return null
  const source: MediaSource = { at: 'base64', data: value.data, media_type: value.mimeType }
  const part: MediaPart & { extra?: JsonObject } = { type: 'media', modality: modalityOf(value.mimeType), source }
  if (typeof value.displayName === 'string') part.name = value.displayName
  if (rest(value, BLOB)) part.extra = { inlineData: value }
  return part
}

function readFile(value: JsonObject): Part | null {
  const { fileUri, mimeType } = value
  if (typeof fileUri !== 'string') return null
  const type = typeof mimeType === 'string' ? mimeType : typeOfName(fileUri)
  const source: MediaSource = /^https?:/.test(fileUri) ? { at: 'url', url: fileUri } : { at: 'provider_file', id: fileUri }
  const part: MediaPart & { extra?: JsonObject } = { type: 'media', modality: type === null ? 'file' : modalityOf(type), source }
  const told = typeof mimeType === 'string' ? { fileUri, mimeType } : { fileUri }
  // The caller's whole object is kept where it says more than an address does, and wins on the way back.
  if (JSON.stringify(value) !== JSON.stringify(fileData(fileUri, part.modality).value) || told.mimeType === undefined)
    part.extra = { fileData: value }
  return part
}

/** What models take of each kind, where an address says nothing. */
const USUAL = { image: 'image/jpeg', audio: 'audio/mpeg', video: 'video/mp4', file: 'application/pdf' } as const

/** `guessed`: the media type rests on nothing but the kind of thing that the caller calls it. */
export function fileData(fileUri: string, modality: MediaPart['modality']): { value: JsonObject; guessed: boolean } {
  const type = typeOfName(fileUri)
  const fits = type !== null && modalityOf(type) === modality
  return { value: { fileUri, mimeType: fits ? type : USUAL[modality] }, guessed: !fits }
}
