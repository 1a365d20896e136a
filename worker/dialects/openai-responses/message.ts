/**
 * The conversation, in both directions: `instructions` and the items of `input` on this side, messages on the other. What one
 * side of the conversation says in a row (a thought, a message, calls) is one neutral message, but never two messages in one.
 */
import type { ChatRequest, Json, JsonObject, Message, Part } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse } from '../check.ts'
import { loseExtra } from '../marks.ts'
import { INSTRUCTIONS, isContent } from '../place.ts'
import type { Writing } from './content.ts'
import { plainText, readItem, writeItems } from './item.ts'

const ROLES = new Set(['system', 'developer', 'user', 'assistant'])
/** Items that answer a call. */
const ANSWERS = /(_output|_approval_response)$/

export function readInstructions(check: Check, raw: Json | undefined, extra: JsonObject): Message[] {
  if (raw === undefined || raw === null || raw === '') return []
  if (typeof raw === 'string') return [{ role: 'system', parts: [{ type: 'text', text: raw }], extra: { [INSTRUCTIONS]: true } }]
  // The service itself gives a list back where a stored prompt was used.
  if (Array.isArray(raw)) extra.instructions = raw
  else refuse(check, 'instructions', `must be a string, not ${kindOf(raw)}.`)
  return []
}

export function readInput(check: Check, input: Json | undefined, most: number): Message[] {
  if (typeof input === 'string') return [{ role: 'user', parts: [{ type: 'text', text: input }] }]
  if (!Array.isArray(input)) refuse(check, 'input', `must be a string or an array of items, not ${kindOf(input)}.`)
  else if (input.length > most) refuse(check, 'input', `has ${input.length} items; at most ${most} are taken.`)
  else {
    const messages: Message[] = []
    for (let i = 0; i < input.length; i++) readInto(check, messages, input[i] as Json, i)
    return messages
  }
  return []
}

function readInto(check: Check, messages: Message[], raw: Json, i: number): void {
  if (!isObject(raw)) {
    refuse(check, `input[${i}]`, `must be an object with a type, not ${kindOf(raw)}.`)
    return
  }
  const is_message = raw.type === 'message' || raw.type === undefined || raw.type === null
  if (is_message && (typeof raw.role !== 'string' || !ROLES.has(raw.role))) {
    refuse(check, `input[${i}].role`, 'must be one of system, developer, user, assistant.')
    return
  }
  const parts = readItem(is_message ? { ...raw, type: 'message' } : raw)
  if (typeof parts === 'string') {
    refuse(check, `input[${i}]${parts}`, 'is missing or has the wrong type.')
    return
  }
  const role = is_message ? (raw.role as Message['role']) : sideOf(raw)
  const last = messages.at(-1)
  const joins =
    role === 'tool'
      ? last?.role === 'tool'
      : role === 'assistant' && last?.role === 'assistant' && !(is_message && last.parts.some(isContent))
  if (joins && last) last.parts.push(...parts)
  else messages.push({ role, parts })
}

function sideOf({ type }: JsonObject): Message['role'] {
  return typeof type === 'string' && ANSWERS.test(type) ? 'tool' : 'assistant'
}

export function writeInput(body: JsonObject, { messages }: ChatRequest, to: Writing): void {
  const input: JsonObject[] = []
  messages.forEach((message, i) => {
    const { parts, role, name, extra } = message
    if (to.own && extra?.[INSTRUCTIONS] === true) {
      body.instructions = parts.map(part => (part.type === 'text' ? part.text : '')).join('')
      return
    }
    if (name !== undefined) to.losses.push({ field: `${to.place(i)}.name`, how: 'dropped', note: 'nobody has a name here' })
    loseExtra(extra, to.place(i), to.losses)
    const items = writeItems(parts, role, j => to.place(i, j), to)
    if (items.length === 0 && to.own && parts.length === 0 && role !== 'assistant') items.push({ type: 'message', role, content: '' })
    for (const item of items) input.push(item.type === 'message' && !saysMore(item) ? easy(item) : item)
  })
  body.input = input
}

/** An item with an id of its own has its parts spelled out; every other message may be the short form that all servers read. */
const saysMore = (item: JsonObject) => item.id !== undefined || item.status !== undefined

function easy({ type: _, content, ...item }: JsonObject): JsonObject {
  const parts = content as JsonObject[] | string
  return { ...item, content: typeof parts === 'string' ? parts : (plainText(parts) ?? parts) }
}

/** Items that point into what the provider keeps. */
export function referenceIn(messages: Message[]): Part | undefined {
  for (const { parts } of messages)
    for (const part of parts) if (part.type === 'other' && isObject(part.value) && part.value.type === 'item_reference') return part
  return undefined
}
