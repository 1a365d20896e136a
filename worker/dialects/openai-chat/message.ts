/**
 * Messages and their parts, in both directions.
 *
 * This format spreads one assistant turn over several members: `content`, `refusal`, `reasoning_content` (some say
 * `reasoning`), `tool_calls`. The neutral form has them as parts of one list, in that reading order. What the neutral form
 * has no name for stays in `extra`, and is written back only where it came from this format.
 */
import type { Json, JsonObject, Loss, MediaSource, Message, Part } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'

type MediaPart = Extract<Part, { type: 'media' }>

const ROLES: Record<string, Message['role']> = {
  system: 'system',
  developer: 'developer',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
}
const MESSAGE = new Set(['role', 'content', 'name', 'refusal', 'reasoning_content', 'reasoning', 'tool_calls', 'tool_call_id'])

export function readMessage(check: Check, raw: Json, i: number): Message {
  const parts: Part[] = []
  if (!isObject(raw)) {
    refuse(check, `messages[${i}]`, `must be an object with role and content, not ${kindOf(raw)}.`)
    return { role: 'user', parts }
  }
  const role = typeof raw.role === 'string' && Object.hasOwn(ROLES, raw.role) ? (ROLES[raw.role] as Message['role']) : null
  if (role === null) refuse(check, `messages[${i}].role`, 'must be one of system, developer, user, assistant, tool.')
  const message: Message = { role: role ?? 'user', parts }
  if (typeof raw.name === 'string') message.name = raw.name
  else if (raw.name !== undefined && raw.name !== null) refuse(check, `messages[${i}].name`, `must be a string, not ${kindOf(raw.name)}.`)
  const extra = rest(raw, MESSAGE)
  if (extra) message.extra = extra
  // The deprecated role differs from `tool` only by its name; it must be written back as it was.
  if (raw.role === 'function') message.extra = { ...message.extra, role: 'function' }
  if (role === 'assistant') readAssistant(check, raw, i, message)
  else if (role === 'tool') readToolResult(check, raw, i, parts)
  else if (raw.content === undefined || raw.content === null)
    refuse(check, `messages[${i}].content`, 'is missing: a string or a list of parts.')
  else readContent(check, raw.content, i, parts)
  return message
}

function readAssistant(check: Check, raw: JsonObject, i: number, message: Message): void {
  const { parts } = message
  const reasoning = reasoningOf(raw)
  if (reasoning) parts.push({ type: 'reasoning', text: reasoning })
  if (raw.content !== undefined && raw.content !== null) readContent(check, raw.content, i, parts)
  if (typeof raw.refusal === 'string') parts.push({ type: 'refusal', text: raw.refusal })
  else if (raw.refusal !== undefined && raw.refusal !== null)
    refuse(check, `messages[${i}].refusal`, `must be a string, not ${kindOf(raw.refusal)}.`)
  const calls = raw.tool_calls
  if (calls === undefined || calls === null) return
  if (!Array.isArray(calls)) {
    refuse(check, `messages[${i}].tool_calls`, `must be an array, not ${kindOf(calls)}.`)
    return
  }
  calls.forEach((call, j) => {
    const part = readToolCall(call)
    if (part) parts.push(part)
    else refuse(check, `messages[${i}].tool_calls[${j}]`, 'must have an id, and a function with a name and arguments as a string.')
  })
}

/** Two names are in use for the same text, and some providers send both. */
export function reasoningOf(raw: JsonObject): string {
  if (typeof raw.reasoning_content === 'string' && raw.reasoning_content !== '') return raw.reasoning_content
  return typeof raw.reasoning === 'string' ? raw.reasoning : ''
}

const CALL = new Set(['id', 'type', 'function', 'index'])

/** A call of another type than `function` is carried whole; null where it is not a call at all. */
export function readToolCall(call: Json): Part | null {
  if (!isObject(call)) return null
  if (typeof call.type === 'string' && call.type !== 'function')
    return { type: 'other', dialect: 'openai-chat', value: { tool_calls: [call] } }
  const called = call.function
  if (!isObject(called) || typeof called.name !== 'string') return null
  // Some models call a tool without arguments by leaving them out, and some libraries send them as an object.
  const given = called.arguments ?? ''
  const part: Part = {
    type: 'tool_call',
    id: typeof call.id === 'string' ? call.id : '',
    name: called.name,
    arguments: typeof given === 'string' ? given : JSON.stringify(given),
  }
  const extra = rest(call, CALL)
  if (extra) part.extra = extra
  return part
}

function readToolResult(check: Check, raw: JsonObject, i: number, parts: Part[]): void {
  const id = raw.tool_call_id ?? raw.name
  if (typeof id !== 'string') refuse(check, `messages[${i}].tool_call_id`, 'is missing: the id of the call that this message answers.')
  const result: Part[] = []
  if (raw.content !== undefined && raw.content !== null) readContent(check, raw.content, i, result)
  parts.push({ type: 'tool_result', call_id: typeof id === 'string' ? id : '', parts: result, is_error: false })
}

function readContent(check: Check, content: Json, i: number, parts: Part[]): void {
  if (typeof content === 'string') {
    parts.push({ type: 'text', text: content })
    return
  }
  if (!Array.isArray(content)) {
    refuse(check, `messages[${i}].content`, `must be a string or a list of parts, not ${kindOf(content)}.`)
    return
  }
  for (let j = 0; j < content.length; j++) {
    const raw = content[j] as Json
    const part = isObject(raw) && typeof raw.type === 'string' ? readPart(raw) : null
    if (part === null) refuse(check, `messages[${i}].content[${j}]`, 'must be an object with a type, such as {"type":"text","text":"..."}.')
    else if (typeof part === 'string') refuse(check, `messages[${i}].content[${j}].${part}`, 'is missing or has the wrong type.')
    else parts.push(part)
  }
}

const KNOWN_PART: Record<string, ReadonlySet<string>> = {
  text: new Set(['type', 'text', 'cache_control']),
  refusal: new Set(['type', 'refusal']),
  thinking: new Set(['type', 'thinking']),
  image_url: new Set(['type', 'image_url', 'cache_control']),
  video_url: new Set(['type', 'video_url', 'cache_control']),
  input_audio: new Set(['type', 'input_audio', 'cache_control']),
  file: new Set(['type', 'file', 'cache_control']),
}

/** One part of a content list; the name of the member that is wrong; or, for a type not known here, the part carried whole. */
export function readPart(raw: JsonObject): Part | string {
  const part = knownPart(raw)
  if (typeof part === 'string') return part
  if (part === null) return { type: 'other', dialect: 'openai-chat', value: raw }
  const known = KNOWN_PART[raw.type as string]
  const extra = known && rest(raw, known)
  if (extra) part.extra = extra
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

/** What a message becomes here, with what it loses; one neutral message may need several, as each tool result is its own. */
export type Writing = { own: boolean; losses: Loss[] }

export function writeMessage(message: Message, i: number, to: Writing): JsonObject[] {
  const out: JsonObject[] = []
  const content: JsonObject[] = []
  const written: JsonObject = { role: message.role === 'tool' ? 'user' : message.role }
  if (message.name !== undefined) written.name = message.name
  let reasoning = ''
  const calls: JsonObject[] = []

  for (let j = 0; j < message.parts.length; j++) {
    const part = message.parts[j] as Part
    const field = `messages[${i}].content[${j}]`
    switch (part.type) {
      case 'reasoning':
        reasoning += part.text
        if (part.signature !== undefined || part.encrypted !== undefined)
          to.losses.push({ field, how: 'dropped', note: 'signed or encrypted reasoning is bound to its provider' })
        continue
      case 'tool_call':
        calls.push({
          id: part.id,
          type: 'function',
          function: { name: part.name, arguments: part.arguments },
          ...ownExtra(part.extra, field, to),
        })
        continue
      case 'tool_result':
        out.push(writeToolResult(part, message, field, to))
        continue
      case 'refusal':
        if (message.role === 'assistant' && written.refusal === undefined) {
          written.refusal = part.text
          continue
        }
        break
      case 'other':
        if (part.dialect === 'openai-chat' && isObject(part.value) && Array.isArray(part.value.tool_calls)) {
          for (const call of part.value.tool_calls) if (isObject(call)) calls.push(call)
          continue
        }
        break
    }
    const one = writePart(part, field, to)
    if (one) content.push(one)
  }
  if (message.role === 'tool' && content.length === 0) return out
  if (content.length > 0 || message.role !== 'assistant') written.content = plainText(content) ?? content
  else if (written.refusal === undefined || calls.length > 0) written.content = calls.length > 0 || reasoning !== '' ? null : ''
  if (reasoning !== '') written.reasoning_content = reasoning
  if (calls.length > 0) written.tool_calls = calls
  out.push({ ...written, ...ownExtra(message.extra, `messages[${i}]`, to) })
  return out
}

/** A single text part without anything beside it is written as a plain string, which every provider reads. */
function plainText(content: JsonObject[]): string | null {
  if (content.length === 0) return ''
  const only = content[0] as JsonObject
  return content.length === 1 && only.type === 'text' && Object.keys(only).length === 2 ? (only.text as string) : null
}

function writeToolResult(part: Extract<Part, { type: 'tool_result' }>, message: Message, field: string, to: Writing): JsonObject {
  const content: JsonObject[] = []
  part.parts.forEach((inner, k) => {
    const one = writePart(inner, `${field}.content[${k}]`, to)
    if (one) content.push(one)
  })
  if (part.is_error) to.losses.push({ field: `${field}.is_error`, how: 'dropped', note: 'the text itself still tells the error' })
  const written: JsonObject = { role: 'tool', tool_call_id: part.call_id, content: plainText(content) ?? content }
  if (message.name !== undefined) written.name = message.name
  return message.role === 'tool' ? { ...written, ...ownExtra(message.extra, field, to) } : written
}

function writePart(part: Part, field: string, to: Writing): JsonObject | null {
  const written = bare(part, field, to)
  if (written === null) return null
  if (part.cache) {
    if (to.own) written.cache_control = part.cache.ttl === null ? { type: 'ephemeral' } : { type: 'ephemeral', ttl: part.cache.ttl }
    else to.losses.push({ field: `${field}.cache_control`, how: 'approximated', note: 'prompts are cached here without a marker' })
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
  if (part.modality === 'file') {
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

function ownExtra(extra: JsonObject | undefined, field: string, to: Writing): JsonObject | undefined {
  if (extra && !to.own) for (const name of Object.keys(extra)) to.losses.push({ field: `${field}.${name}`, how: 'dropped' })
  return to.own ? extra : undefined
}
