/**
 * A conversation, in both directions: `systemInstruction` and `contents`. There are two roles here; results of calls stand with the
 * user's, and those that answer one turn's calls must stand in one turn.
 */
import type { Json, JsonObject, Message, Part } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { callIds } from './call-id.ts'
import { readParts } from './part.ts'
import { type Writing, writeParts } from './part-write.ts'

/** As in every format: a longer conversation is an attack or a loop. */
export const MAX_CONTENTS = 2_000
const CONTENT = new Set(['role', 'parts'])

export function readContents(check: Check, body: JsonObject): Message[] {
  const messages: Message[] = []
  const ids = callIds('')
  const system = body.systemInstruction
  if (system !== undefined && system !== null) {
    const parts = isObject(system) ? listOfParts(system.parts) : null
    if (parts === null) refuse(check, 'systemInstruction', 'must be an object with parts.')
    else messages.push(withExtra({ role: 'system', parts: readParts(parts, ids) }, rest(system as JsonObject, new Set(['parts']))))
  }
  const { contents } = body
  if (!Array.isArray(contents)) refuse(check, 'contents', `must be an array of turns, not ${kindOf(contents)}.`)
  else if (contents.length === 0) refuse(check, 'contents', 'is empty: at least one turn is needed.')
  else if (contents.length > MAX_CONTENTS) refuse(check, 'contents', `has ${contents.length} turns; at most ${MAX_CONTENTS} are taken.`)
  else {
    contents.forEach((raw, i) => {
      const parts = isObject(raw) ? listOfParts(raw.parts) : null
      if (!isObject(raw) || parts === null) refuse(check, `contents[${i}]`, 'must be an object with a role and a list of parts.')
      else messages.push(readContent(check, raw, readParts(parts, ids), i))
    })
  }
  return messages
}

/** A single part is taken for a list of one, as the API takes it. */
const listOfParts = (parts: Json | undefined): Json[] | null => (Array.isArray(parts) ? parts : isObject(parts) ? [parts] : null)

function readContent(check: Check, raw: JsonObject, parts: Part[], i: number): Message {
  const { role } = raw
  const extra = rest(raw, CONTENT)
  if (role === 'model') return withExtra({ role: 'assistant', parts }, extra)
  const holds_results = parts.length > 0 && parts.every(part => part.type === 'tool_result')
  const message: Message = { role: holds_results ? 'tool' : 'user', parts }
  if (role === 'user') return withExtra(message, extra)
  if (role !== undefined && role !== 'function') refuse(check, `contents[${i}].role`, 'must be "user" or "model".')
  // Left out, or the old name for results: written back as it was.
  return withExtra(message, { ...extra, role: role ?? null })
}

const withExtra = (message: Message, extra: JsonObject | undefined): Message => (extra ? { ...message, extra } : message)

export function writeContents(messages: readonly Message[], to: Writing): JsonObject {
  const instructions: JsonObject[] = []
  const contents: (JsonObject & { role: string; parts: JsonObject[] })[] = []
  let beside: JsonObject | undefined
  messages.forEach((message, i) => {
    const is_system = message.role === 'system' || message.role === 'developer'
    const field = (j: number) => to.place(i, j)
    if (message.name !== undefined) to.losses.push({ field: `${to.place(i)}.name`, how: 'dropped', note: 'nobody has a name here' })
    if (is_system && contents.length === 0) {
      instructions.push(...writeInstructions(message.parts, field, to))
      if (to.own) beside = message.extra
      else loseExtra(message.extra, to.place(i), to.losses)
      return
    }
    if (is_system)
      to.losses.push({ field: to.place(i), how: 'approximated', note: 'instructions stand at the start here; said as the user' })
    const parts = writeParts(message.parts, field, to)
    const role = message.role === 'assistant' ? 'model' : 'user'
    const last = contents.at(-1)
    if (!to.own) {
      loseExtra(message.extra, to.place(i), to.losses)
      if (parts.length === 0) return
      if (last?.role === role) {
        last.parts.push(...parts)
        return
      }
    }
    const content = { role, parts }
    contents.push(content)
    if (to.own) carryRole(content, message.extra)
  })
  const written: JsonObject = {}
  // Somebody has to have said something: alone, instructions are said as the user.
  if (contents.length === 0 && instructions.length > 0 && !to.own) {
    to.losses.push({ field: to.place(0), how: 'approximated', note: 'with nothing else to answer, instructions are said as the user' })
    return { contents: [{ role: 'user', parts: instructions }] }
  }
  if (instructions.length > 0 || beside) {
    const system: JsonObject = { parts: instructions }
    carryExtra(system, beside)
    written.systemInstruction = system
  }
  written.contents = contents
  return written
}

/** What stood beside the parts; a role that was left out is left out again. */
function carryRole(content: JsonObject, extra: JsonObject | undefined): void {
  carryExtra(content, extra)
  if (content.role === null) delete content.role
}

function writeInstructions(parts: readonly Part[], field: (j: number) => string, to: Writing): JsonObject[] {
  const written: Part[] = []
  const places: string[] = []
  parts.forEach((part, j) => {
    if (part.type === 'text' || to.own) {
      written.push(part)
      places.push(field(j))
    } else to.losses.push({ field: field(j), how: 'dropped', note: 'instructions are text here' })
  })
  return writeParts(written, j => places[j] as string, to)
}
