/**
 * Messages and their parts, in both directions.
 *
 * This format spreads one assistant turn over several members: `content`, `refusal`, `reasoning_content` (some say
 * `reasoning`), `tool_calls`. The neutral form has them as parts of one list, in that reading order. What the neutral form
 * has no name for stays in `extra`, and is written back only where it came from this format.
 */
import type { Json, JsonObject, Message, Part } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { isSealed } from '../seal.ts'
import { loseMarker, ownExtra, readPart, type Writing, writePart } from './part.ts'
import { readThoughts } from './thought.ts'

const ROLES: Record<string, Message['role']> = {
  system: 'system',
  developer: 'developer',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
}
const MESSAGE = new Set([
  'role',
  'content',
  'name',
  'refusal',
  'reasoning_content',
  'reasoning',
  'tool_calls',
  'tool_call_id',
  'reasoning_details',
])

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
  const sealed = readThoughts(raw.reasoning_details)
  const reasoning = sealed ? '' : reasoningOf(raw)
  if (sealed) parts.push(...sealed)
  else if (raw.reasoning_details !== undefined) message.extra = { ...message.extra, reasoning_details: raw.reasoning_details }
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
const CALLED = new Set(['name', 'arguments'])

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
  if (rest(called, CALLED)) part.extra = { ...part.extra, function: called }
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

/** One neutral message may need several here, as each tool result is a message of its own. */
export function writeMessage(message: Message, i: number, to: Writing): JsonObject[] {
  const out: JsonObject[] = []
  const content: JsonObject[] = []
  const written: JsonObject = { role: message.role === 'tool' ? 'user' : message.role }
  if (message.name !== undefined) written.name = message.name
  let reasoning = ''
  const calls: JsonObject[] = []
  for (let j = 0; j < message.parts.length; j++) {
    const part = message.parts[j] as Part
    const field = to.place(i, j)
    switch (part.type) {
      case 'reasoning':
        reasoning += part.text
        if (isSealed(part))
          to.losses.push({
            field,
            how: part.text === '' ? 'dropped' : 'approximated',
            note: 'what signs or encrypts a thought is only for who made it',
          })
        continue
      case 'tool_call':
        if (part.cache) loseMarker(field, to)
        calls.push({
          id: part.id,
          type: 'function',
          function: { name: part.name, arguments: part.arguments },
          ...ownExtra(part.extra, field, to),
        })
        continue
      case 'tool_result':
        out.push(writeToolResult(part, message, field, content, to))
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
  out.push({ ...written, ...(message.extra && ownExtra(message.extra, to.place(i), to)) })
  return out
}

/** A single text part without anything beside it is written as a plain string, which every provider reads. */
function plainText(content: JsonObject[]): string | null {
  if (content.length === 0) return ''
  const only = content[0] as JsonObject
  return content.length === 1 && only.type === 'text' && Object.keys(only).length === 2 ? (only.text as string) : null
}

/** A result is text here: what another format's tool shows is shown by the user, in the message behind the results. */
function writeToolResult(
  part: Extract<Part, { type: 'tool_result' }>,
  message: Message,
  field: string,
  shown: JsonObject[],
  to: Writing,
): JsonObject {
  const content: JsonObject[] = []
  part.parts.forEach((inner, k) => {
    const place = `${field}.content[${k}]`
    const one = writePart(inner, place, to)
    if (!one) return
    if (to.own || inner.type !== 'media') content.push(one)
    else {
      shown.push(one)
      to.losses.push({ field: place, how: 'emulated', note: 'shown by the user, as the result of a tool is text here' })
    }
  })
  if (part.cache) loseMarker(field, to)
  if (part.extra) ownExtra(part.extra, field, to)
  if (part.is_error) to.losses.push({ field: `${field}.is_error`, how: 'dropped', note: 'the text itself still tells the error' })
  const written: JsonObject = { role: 'tool', tool_call_id: part.call_id, content: plainText(content) ?? content }
  if (message.name !== undefined) written.name = message.name
  return message.role === 'tool' ? { ...written, ...ownExtra(message.extra, field, to) } : written
}
