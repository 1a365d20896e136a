/**
 * A conversation, in both directions: `system` and `messages`. The user's and the assistant's turns alternate here, and results of
 * calls stand with the user's.
 */
import type { Json, JsonObject, Message, Part } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { readBlocks } from './block.ts'
import { type Writing, writeBlocks } from './block-write.ts'

/** As in every format: a longer conversation is an attack or a loop. */
export const MAX_MESSAGES = 2_000
const MESSAGE = new Set(['role', 'content'])

export function readMessages(check: Check, body: JsonObject): Message[] {
  const messages: Message[] = []
  const { system, messages: raw } = body
  if (system !== undefined && system !== null) {
    if (Array.isArray(system)) messages.push({ role: 'system', parts: readBlocks(system) })
    else refuse(check, 'system', `must be an array of blocks, not ${kindOf(system)}.`)
  }
  if (!Array.isArray(raw)) refuse(check, 'messages', `must be an array of messages, not ${kindOf(raw)}.`)
  else if (raw.length === 0) refuse(check, 'messages', 'is empty: at least one message is needed.')
  else if (raw.length > MAX_MESSAGES) refuse(check, 'messages', `has ${raw.length} messages; at most ${MAX_MESSAGES} are taken.`)
  else {
    raw.forEach((each, i) => {
      const message = readMessage(check, each, i)
      if (message) messages.push(message)
    })
  }
  return messages
}

function readMessage(check: Check, raw: Json, i: number): Message | null {
  if (!isObject(raw) || !Array.isArray(raw.content)) {
    refuse(check, `messages[${i}]`, 'must be an object with a role and a list of blocks as content.')
    return null
  }
  if (raw.role !== 'user' && raw.role !== 'assistant') {
    refuse(check, `messages[${i}].role`, 'must be "user" or "assistant".')
    return null
  }
  const parts = readBlocks(raw.content)
  const holds_results = parts.length > 0 && parts.every(part => part.type === 'tool_result')
  const message: Message = { role: raw.role === 'user' && holds_results ? 'tool' : raw.role, parts }
  const extra = rest(raw, MESSAGE)
  return extra ? { ...message, extra } : message
}

export function writeMessages(messages: readonly Message[], to: Writing): JsonObject {
  const system: JsonObject[] = []
  const written: (JsonObject & { role: string; content: JsonObject[] })[] = []
  const named = { documents: 0 }
  messages.forEach((message, i) => {
    const field = (j: number) => to.place(i, j)
    if (message.name !== undefined) to.losses.push({ field: `${to.place(i)}.name`, how: 'dropped', note: 'nobody has a name here' })
    if (!to.own) loseExtra(message.extra, to.place(i), to.losses)
    const is_system = message.role === 'system' || message.role === 'developer'
    if (is_system && written.length === 0) {
      system.push(...writeBlocks(textsOf(message.parts, field, to), field, named, to))
      return
    }
    if (is_system)
      to.losses.push({ field: to.place(i), how: 'approximated', note: 'instructions stand at the start here; said as the user' })
    const content = writeBlocks(message.parts, field, named, to)
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const last = written.at(-1)
    if (!to.own && content.length === 0) return
    if (!to.own && last?.role === role) {
      last.content.push(...content)
      return
    }
    const one = { role, content }
    if (to.own) carryExtra(one, message.extra)
    written.push(one)
  })
  // Somebody has to have said something: alone, instructions are said as the user.
  if (written.length === 0 && system.length > 0 && !to.own) {
    to.losses.push({ field: to.place(0), how: 'approximated', note: 'with nothing else to answer, instructions are said as the user' })
    return { messages: [{ role: 'user', content: system }] }
  }
  return system.length > 0 || (to.own && messages[0]?.role === 'system') ? { system, messages: written } : { messages: written }
}

function textsOf(parts: Part[], field: (j: number) => string, to: Writing): Part[] {
  if (to.own) return parts
  parts.forEach((part, j) => {
    if (part.type !== 'text') to.losses.push({ field: field(j), how: 'dropped', note: 'instructions are text here' })
  })
  return parts.filter(part => part.type === 'text')
}
