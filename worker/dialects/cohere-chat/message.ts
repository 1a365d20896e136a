/**
 * A conversation, in both directions. Calls stand beside the content of a message, the plan that led to them too, and each result is a
 * message of its own.
 */
import type { Json, JsonObject, Message, Part } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import { carryExtra, loseExtra } from '../marks.ts'
import { carried, readContent, type Writing, writePart } from './part.ts'

/** As in every format: a longer conversation is an attack or a loop. */
const MAX_MESSAGES = 2_000
const MESSAGE = new Set(['role', 'content', 'tool_calls', 'tool_call_id', 'tool_plan', 'citations'])
const CALL = new Set(['id', 'type', 'function'])
const ROLES = ['system', 'user', 'assistant', 'tool'] as const
/** A mark on the thought that stood as `tool_plan`. */
const PLAN = ' plan'

export function readMessages(check: Check, { messages: raw }: JsonObject): Message[] {
  if (!Array.isArray(raw)) refuse(check, 'messages', `must be an array of messages, not ${kindOf(raw)}.`)
  else if (raw.length === 0) refuse(check, 'messages', 'is empty: at least one message is needed.')
  else if (raw.length > MAX_MESSAGES) refuse(check, 'messages', `has ${raw.length} messages; at most ${MAX_MESSAGES} are taken.`)
  else return raw.flatMap((each, i) => readMessage(check, each, i))
  return []
}

function readMessage(check: Check, raw: Json, i: number): Message[] {
  const role = isObject(raw) ? ROLES.find(known => known === raw.role) : undefined
  if (!isObject(raw) || role === undefined) {
    refuse(check, `messages[${i}].role`, `must be one of ${ROLES.join(', ')}.`)
    return []
  }
  const extra = rest(raw, MESSAGE)
  const beside = extra ? { extra } : undefined
  if (role !== 'tool') return [{ role, parts: readSaid(raw), ...beside }]
  if (typeof raw.tool_call_id !== 'string') {
    refuse(check, `messages[${i}].tool_call_id`, 'must be the id of the call that this is the result of.')
    return []
  }
  return [
    { role, parts: [{ type: 'tool_result', call_id: raw.tool_call_id, parts: readContent(raw.content), is_error: false }], ...beside },
  ]
}

/** Of a message, in a request as in a reply: the plan, what is said, what it rests on, the calls. */
export function readSaid(raw: JsonObject): Part[] {
  const parts: Part[] = []
  if (typeof raw.tool_plan === 'string' && raw.tool_plan !== '')
    parts.push({ type: 'reasoning', text: raw.tool_plan, extra: { [PLAN]: true } })
  parts.push(...readContent(raw.content))
  const texts = parts.filter(part => part.type === 'text')
  for (const citation of Array.isArray(raw.citations) ? raw.citations : []) {
    const index = isObject(citation) && typeof citation.content_index === 'number' ? citation.content_index : 0
    const cited = texts[index] ?? texts[0]
    if (cited) cited.citations = [...(cited.citations ?? []), citation]
  }
  for (const call of Array.isArray(raw.tool_calls) ? raw.tool_calls : []) {
    const part = isObject(call) ? readCall(call) : null
    if (part) parts.push(part)
  }
  return parts
}

function readCall(raw: JsonObject): Part | null {
  const called = raw.function
  if (!isObject(called) || typeof called.name !== 'string') return null
  const given = called.arguments ?? ''
  const part: Part = {
    type: 'tool_call',
    id: typeof raw.id === 'string' ? raw.id : '',
    name: called.name,
    // A call without arguments is one with none, and says so in words that every client can read.
    arguments: typeof given !== 'string' ? JSON.stringify(given) : given === '' ? '{}' : given,
  }
  const extra = rest(raw, CALL)
  if (extra) part.extra = extra
  return part
}

export function writeMessages(messages: readonly Message[], to: Writing): JsonObject[] {
  return messages.flatMap((message, i) => {
    const field = (j: number) => to.place(i, j)
    if (message.name !== undefined) to.losses.push({ field: `${to.place(i)}.name`, how: 'dropped', note: 'nobody has a name here' })
    if (!to.own) loseExtra(message.extra, to.place(i), to.losses)
    const results = message.parts.flatMap((part, j) => (part.type === 'tool_result' ? [writeResult(part, field(j), to)] : []))
    const others = message.parts.filter(part => part.type !== 'tool_result')
    const said = others.length > 0 || (to.own && results.length === 0) ? [writeSaid(message, field, to)] : []
    const written = [...results, ...said.filter(one => to.own || Object.keys(one).length > 1)]
    if (to.own) for (const one of written) carryExtra(one, message.extra)
    return written
  })
}

function writeResult(part: Extract<Part, { type: 'tool_result' }>, field: string, to: Writing): JsonObject {
  if (part.is_error) to.losses.push({ field: `${field}.is_error`, how: 'dropped', note: 'the result says so in its own words' })
  const content = writeContent(part.parts, k => `${field}.content[${k}]`, to)
  return carried({ role: 'tool', tool_call_id: part.call_id, content }, part, field, to)
}

/** One text is a string, as everybody writes it. */
function writeContent(parts: Part[], field: (j: number) => string, to: Writing): Json {
  const blocks = parts.map((part, j) => writePart(part, field(j), to)).filter(block => block !== null)
  const [only] = blocks
  return blocks.length === 1 && only?.type === 'text' && Object.keys(only).length === 2 ? (only.text as string) : blocks
}

const ROLE: Record<Message['role'], string> = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant', tool: 'user' }

/** A message without its results: content, and for the assistant what stands beside it. */
export function writeSaid({ role, parts }: Pick<Message, 'role' | 'parts'>, field: (j: number) => string, to: Writing): JsonObject {
  const written: JsonObject = { role: ROLE[role] }
  const calls: JsonObject[] = []
  const citations: Json[] = []
  const content: JsonObject[] = []
  parts.forEach((part, j) => {
    if (part.type === 'tool_result') return
    if (part.type === 'tool_call') {
      const call = { id: part.id, type: 'function', function: { name: part.name, arguments: part.arguments } }
      calls.push(carried(call, part, field(j), to))
      return
    }
    if (part.type === 'reasoning' && to.own && part.extra?.[PLAN] === true) {
      written.tool_plan = part.text
      return
    }
    const block = writePart(part, field(j), to)
    if (block === null) return
    content.push(block)
    if (part.type !== 'text' || part.citations === undefined) return
    if (to.own) citations.push(...part.citations)
    else to.losses.push({ field: `${field(j)}.citations`, how: 'dropped' })
  })
  const [only] = content
  if (content.length === 1 && only?.type === 'text' && Object.keys(only).length === 2 && role !== 'assistant')
    written.content = only.text as string
  else if (content.length > 0 || (to.own && calls.length === 0 && written.tool_plan === undefined)) written.content = content
  if (calls.length > 0) written.tool_calls = calls
  if (citations.length > 0) written.citations = citations
  return written
}
