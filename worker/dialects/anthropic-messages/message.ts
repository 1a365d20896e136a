/**
 * Messages, in both directions. The system prompt stands apart here and comes first in the neutral form; the results of tools are
 * said by the user, all of one turn in one message.
 */
import type { ChatRequest, Json, JsonObject, Message } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { plainText, readContent, type Writing, writeContent } from './block.ts'

const MESSAGE = new Set(['role', 'content'])

export function readSystem(check: Check, system: Json | undefined): Message[] {
  if (system === undefined || system === null || system === '') return []
  const parts = readContent(system)
  if (typeof parts !== 'string') return parts.length > 0 ? [{ role: 'system', parts }] : []
  if (parts === '') refuse(check, 'system', `must be a string or a list of text blocks, not ${kindOf(system)}.`)
  else refuse(check, `system${parts}`, 'is missing or has the wrong type.')
  return []
}

export function readMessage(check: Check, raw: Json, i: number): Message {
  const message: Message = { role: 'user', parts: [] }
  if (!isObject(raw)) {
    refuse(check, `messages[${i}]`, `must be an object with role and content, not ${kindOf(raw)}.`)
    return message
  }
  if (raw.role !== 'user' && raw.role !== 'assistant' && raw.role !== 'system')
    refuse(check, `messages[${i}].role`, 'must be one of user, assistant.')
  else message.role = raw.role
  const parts = readContent(raw.content ?? null)
  if (typeof parts !== 'string') message.parts = parts
  else if (parts === '') refuse(check, `messages[${i}].content`, `must be a string or a list of blocks, not ${kindOf(raw.content)}.`)
  else
    refuse(
      check,
      `messages[${i}].content${parts}`,
      'must be a block with a type and what belongs to it, such as {"type":"text","text":"..."}.',
    )
  const extra = rest(raw, MESSAGE)
  if (extra) message.extra = extra
  if (message.role === 'user' && message.parts.length > 0 && message.parts.every(part => part.type === 'tool_result')) message.role = 'tool'
  return message
}

type Written = { role: 'user' | 'assistant' | 'system'; content: JsonObject[]; extra: JsonObject | undefined }

export function writeMessages(body: JsonObject, { messages }: ChatRequest, to: Writing): void {
  const system: JsonObject[] = []
  const written: Written[] = []
  messages.forEach((message, i) => {
    const content = writeContent(message.parts, j => to.place(i, j), to)
    if (message.name !== undefined) to.losses.push({ field: `${to.place(i)}.name`, how: 'dropped', note: 'nobody has a name here' })
    if (!to.own) loseExtra(message.extra, to.place(i), to.losses)
    const extra = to.own ? message.extra : undefined
    const { role } = message
    if (role === 'system' || role === 'developer') {
      if (to.own ? i === 0 : written.length === 0) system.push(...content)
      else if (to.own) written.push({ role: 'system', content, extra })
      else {
        to.losses.push({
          field: `${to.place(i)}.role`,
          how: 'approximated',
          note: 'said by the user: the system speaks only at the beginning here',
        })
        add(written, { role: 'user', content, extra }, to)
      }
      return
    }
    add(written, { role: role === 'assistant' ? 'assistant' : 'user', content, extra }, to)
  })
  if (written.length === 0 && system.length > 0 && !to.own) {
    to.losses.push({
      field: `${to.place(0)}.role`,
      how: 'approximated',
      note: 'said by the user: somebody must speak beside the system here',
    })
    written.push({ role: 'user', content: system.splice(0), extra: undefined })
  }
  if (system.length > 0) body.system = plainText(system) ?? system
  body.messages = written.map(({ role, content, extra }) => {
    const message: JsonObject = { role, content: plainText(content) ?? content }
    carryExtra(message, extra)
    return message
  })
}

/** Of another format: a message that says nothing is left out, and whatever follows the results of tools joins their message. */
function add(written: Written[], message: Written, to: Writing): void {
  if (to.own) {
    written.push(message)
    return
  }
  if (message.content.length === 0) return
  const last = written.at(-1)
  if (last?.role === 'user' && message.role === 'user' && last.content.at(-1)?.type === 'tool_result') last.content.push(...message.content)
  else written.push(message)
}
