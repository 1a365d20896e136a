/**
 * Neutral parts written as the parts of a turn here. What this format cannot say is named as a loss; where a seal is due and the
 * thought was another model's, the word that its documentation gives for such histories stands in.
 */
import type { DialectName, JsonObject, Loss, Part } from '../../schema/chat.ts'
import { callArguments, heldAsText } from '../call-arguments.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { fileData } from './part.ts'

export type Writing = {
  /** Back into the format that was read: takes everything. */
  own: boolean
  from: DialectName
  losses: Loss[]
  place(i: number, j?: number): string
  /** Names of the functions called so far, by the id of the call: a result is told here with the name. */
  names: Map<string, string>
  /** The model refuses a call in the history that has no seal. */
  checks_seals: boolean
}

/**
 * "If you transfer from another model, or insert a call that the API did not make" (ai.google.dev, Thought signatures, read
 * 2026-11): accepted in place of a seal.
 */
export const NO_SEAL = 'skip_thought_signature_validator'

/** `field` names the part at `j`. */
export function writeParts(parts: readonly Part[], field: (j: number) => string, to: Writing): JsonObject[] {
  const out: JsonObject[] = []
  /** The seal of a thought that stood right before. */
  let seal: string | null = null
  let has_call = false
  /** The last part written may take the seal of the thought behind it. */
  let open = false
  for (let j = 0; j < parts.length; j++) {
    const part = parts[j] as Part
    if (part.type === 'reasoning') {
      const signature = ownSeal(part, field(j), to)
      const before_call = parts[j + 1]?.type === 'tool_call'
      if (part.text !== '') {
        const thought: JsonObject = { thought: true, text: part.text }
        if (signature !== null && !before_call) thought.thoughtSignature = signature
        out.push(carried(thought, part, field(j), to))
      } else if (signature !== null && !before_call) {
        const last = out.at(-1)
        if (open && last) last.thoughtSignature = signature
        else out.push({ text: '', thoughtSignature: signature })
      }
      seal = before_call ? signature : null
      open = false
      continue
    }
    const written = writePart(part, field(j), to)
    if (written === null) continue
    if (part.type === 'tool_call') {
      if (seal !== null) written.thoughtSignature = seal
      else if (to.checks_seals && !to.own && !has_call) written.thoughtSignature = NO_SEAL
      has_call = true
    }
    seal = null
    open = (part.type === 'text' && part.text !== '') || part.type === 'media'
    out.push(carried(written, part, field(j), to))
  }
  return out
}

function ownSeal(part: Extract<Part, { type: 'reasoning' }>, field: string, to: Writing): string | null {
  const { signature, encrypted } = part
  if (signature === undefined && encrypted === undefined) return null
  if ((part.seal_of ?? to.from) === 'gemini' && signature !== undefined) return signature
  to.losses.push({
    field,
    how: part.text === '' ? 'dropped' : 'approximated',
    note: 'what signs or encrypts a thought is only for who made it',
  })
  return null
}

function carried(written: JsonObject, part: Part, field: string, to: Writing): JsonObject {
  if (to.own) carryExtra(written, part.extra)
  else loseExtra(part.extra, field, to.losses)
  if (part.cache && !to.own)
    to.losses.push({ field: `${field}.cache_control`, how: 'approximated', note: 'prompts are cached here without a marker' })
  if (part.type === 'text' && part.citations) to.losses.push({ field: `${field}.citations`, how: 'dropped' })
  return written
}

function writePart(part: Exclude<Part, { type: 'reasoning' }>, field: string, to: Writing): JsonObject | null {
  switch (part.type) {
    case 'text':
      // Empty text is refused here, and says nothing.
      return part.text === '' && !to.own ? null : { text: part.text }
    case 'media':
      return writeMedia(part, field, to)
    case 'tool_call': {
      to.names.set(part.id, part.name)
      const args = callArguments(part.arguments)
      if (args === null) to.losses.push({ field: `${field}.arguments`, how: 'approximated', note: 'they are no JSON object' })
      return { functionCall: { id: part.id, name: part.name, args: args ?? heldAsText(part.arguments) } }
    }
    case 'tool_result':
      return { functionResponse: writeResult(part, field, to) }
    case 'refusal':
      to.losses.push({ field, how: 'approximated', note: 'a refusal is text here' })
      return { text: part.text }
    case 'other':
      if (part.dialect === 'gemini') return { ...(part.value as JsonObject) }
      to.losses.push({ field, how: 'dropped', note: 'this format has no such part' })
      return null
  }
}

function writeMedia(part: Extract<Part, { type: 'media' }>, field: string, to: Writing): JsonObject | null {
  const { source, modality, name, detail } = part
  if (detail !== undefined)
    to.losses.push({ field: `${field}.detail`, how: 'dropped', note: 'how closely to look is set for all media here' })
  if (name !== undefined && !to.own) to.losses.push({ field: `${field}.name`, how: 'dropped', note: 'files have no names here' })
  if (source.at === 'base64') {
    const inlineData: JsonObject = { mimeType: source.media_type, data: source.data }
    if (name !== undefined && to.own) inlineData.displayName = name
    return { inlineData }
  }
  if (source.at === 'provider_file') {
    if (to.own) return { fileData: fileData(source.id, modality).value }
    to.losses.push({ field, how: 'dropped', note: 'a file kept at another provider cannot be sent here' })
    return null
  }
  const { value, guessed } = fileData(source.url, modality)
  if (guessed && !to.own)
    to.losses.push({ field, how: 'approximated', note: `sent as ${value.mimeType as string}, as its address does not tell` })
  return { fileData: value }
}

function writeResult(part: Extract<Part, { type: 'tool_result' }>, field: string, to: Writing): JsonObject {
  const texts: string[] = []
  const media: JsonObject[] = []
  part.parts.forEach((inner, k) => {
    const inner_field = `${field}.content[${k}]`
    if (inner.type === 'text') {
      texts.push(inner.text)
      carried({}, inner, inner_field, to)
    } else if (inner.type === 'reasoning') to.losses.push({ field: inner_field, how: 'dropped', note: 'a result holds no thoughts here' })
    else {
      const written = writePart(inner, inner_field, to)
      if (written) media.push(carried(written, inner, inner_field, to))
    }
  })
  const response: JsonObject = texts.length === 0 ? {} : { [part.is_error ? 'error' : 'output']: texts.join('\n') }
  if (part.is_error && texts.length === 0) response.error = ''
  // The name of a function that nobody called here is not known; in the deprecated form of calls it is the id.
  const written: JsonObject = { id: part.call_id, name: to.names.get(part.call_id) ?? part.call_id, response }
  if (media.length > 0) written.parts = media
  return written
}
