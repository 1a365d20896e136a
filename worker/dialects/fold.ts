/**
 * The two forms of an answer, each made from the other: a stream's events gathered into the reply they add up to, and a reply
 * told as the events of a stream. For a target that streams without being asked, or does not although it was, and for
 * whoever must know what a stream has said so far. Neutral on both sides: no dialect is named here.
 */
import { type JsonObject, type Part, type Reply, type ReplyChoice, type StreamEvent, UNKNOWN_USAGE } from '../schema/chat.ts'
import { carry, isObject } from './check.ts'
import { isSealed } from './seal.ts'

type Told = StreamEvent & { choice: number }

/** What the events add up to. An error or a missing end does not show here; whoever watches the stream has seen it. */
export function replyOf(events: Iterable<StreamEvent>): Reply {
  const reply: Reply = { id: '', model: '', created_at_s: null, choices: [], usage: UNKNOWN_USAGE, service_tier: null, extra: {} }
  const choices = new Map<number, ReplyChoice>()
  const calls = new Map<string, Extract<Part, { type: 'tool_call' }>>()
  for (const event of events) {
    if (event.type === 'start') open(reply, event)
    else if (event.type === 'usage') reply.usage = event.usage
    else if (event.type === 'other' && isObject(event.value) && event.value.choices === undefined) merge(reply, event.value)
    else if ('choice' in event) {
      const choice = choices.get(event.choice) ?? { index: event.choice, parts: [], finish: null, finish_raw: null }
      choices.set(event.choice, choice)
      tell(choice, event, calls)
    }
  }
  reply.choices = [...choices.values()].sort((a, b) => a.index - b.index)
  return reply
}

function open(reply: Reply, start: Extract<StreamEvent, { type: 'start' }>): void {
  if (start.dialect) reply.dialect = start.dialect
  reply.id = start.id
  reply.model = start.model
  reply.created_at_s = start.created_at_s
  if (start.extra) merge(reply, start.extra)
}

function merge(reply: Reply, beside: JsonObject): void {
  for (const [name, value] of Object.entries(beside)) {
    if (name === 'service_tier' && typeof value === 'string') reply.service_tier = value
    else carry(reply.extra, name, value)
  }
}

function tell(choice: ReplyChoice, event: Told, calls: Map<string, Extract<Part, { type: 'tool_call' }>>): void {
  const { parts } = choice
  const last = parts.at(-1)
  switch (event.type) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      if (event.text !== '') {
        // A thought that was signed is closed; what follows is the next one.
        if (last?.type === event.type && !(last.type === 'reasoning' && isSealed(last))) last.text += event.text
        else parts.push({ type: event.type, text: event.text })
      }
      if (event.type === 'text' && isObject(event.logprobs)) choice.logprobs = joined(choice.logprobs, event.logprobs)
      if (event.type === 'reasoning') sign(parts, event)
      return
    case 'tool_call_start': {
      const call: Part = { type: 'tool_call', id: event.id, name: event.name, arguments: '' }
      parts.push(call)
      calls.set(`${event.choice}/${event.index}`, call)
      return
    }
    case 'tool_call_arguments': {
      const call = calls.get(`${event.choice}/${event.index}`)
      if (call) call.arguments += event.fragment
      return
    }
    case 'citation': {
      const text = parts.findLast(part => part.type === 'text')
      if (text?.type === 'text') text.citations = [...(text.citations ?? []), event.value]
      else parts.push({ type: 'text', text: '', citations: [event.value] })
      return
    }
    case 'part':
      parts.push(event.part)
      return
    case 'finish':
      choice.finish = event.finish
      choice.finish_raw = event.finish_raw
      return
  }
}

function sign(parts: Part[], event: Extract<StreamEvent, { type: 'reasoning' }>): void {
  if (!isSealed(event)) return
  let thought = parts.at(-1)
  if (thought?.type !== 'reasoning' || isSealed(thought)) {
    thought = { type: 'reasoning', text: '' }
    parts.push(thought)
  }
  if (event.signature !== undefined) thought.signature = event.signature
  if (event.encrypted !== undefined) thought.encrypted = event.encrypted
  if (event.seal_of !== undefined) thought.seal_of = event.seal_of
}

/** Lists of the same name one behind the other: `content`, `refusal`. */
function joined(before: ReplyChoice['logprobs'], after: JsonObject): JsonObject {
  const whole: JsonObject = isObject(before) ? { ...before } : {}
  for (const [name, list] of Object.entries(after)) {
    const so_far = whole[name]
    carry(whole, name, Array.isArray(so_far) && Array.isArray(list) ? [...so_far, ...list] : (list ?? so_far ?? null))
  }
  return whole
}

/** The same answer as a stream tells it, each part in one piece. */
export function eventsOf(reply: Reply): StreamEvent[] {
  const { dialect, id, model, created_at_s } = reply
  const beside: JsonObject = reply.service_tier === null ? reply.extra : { ...reply.extra, service_tier: reply.service_tier }
  const start: StreamEvent = { type: 'start', id, model, created_at_s }
  if (dialect) start.dialect = dialect
  if (Object.keys(beside).length > 0) start.extra = beside
  return [start, ...reply.choices.flatMap(eventsOfChoice), { type: 'usage', usage: reply.usage }, { type: 'end' }]
}

function eventsOfChoice(said: ReplyChoice): StreamEvent[] {
  const choice = said.index
  const events: StreamEvent[] = []
  let calls = 0
  for (const part of said.parts) {
    if (part.type === 'text') {
      if (part.text !== '') events.push({ type: 'text', choice, text: part.text })
      for (const value of part.citations ?? []) events.push({ type: 'citation', choice, value })
    } else if (part.type === 'refusal') events.push({ type: 'refusal', choice, text: part.text })
    else if (part.type === 'reasoning') events.push(thoughtOf(part, choice))
    else if (part.type === 'tool_call') {
      events.push({ type: 'tool_call_start', choice, index: calls, id: part.id, name: part.name })
      if (part.arguments !== '') events.push({ type: 'tool_call_arguments', choice, index: calls, fragment: part.arguments })
      events.push({ type: 'tool_call_end', choice, index: calls++ })
    } else events.push({ type: 'part', choice, part })
  }
  if (said.logprobs !== undefined) {
    const text = events.find(event => event.type === 'text')
    if (text?.type === 'text') text.logprobs = said.logprobs
    else events.push({ type: 'text', choice, text: '', logprobs: said.logprobs })
  }
  if (said.finish !== null) events.push({ type: 'finish', choice, finish: said.finish, finish_raw: said.finish_raw ?? said.finish })
  return events
}

function thoughtOf(part: Extract<Part, { type: 'reasoning' }>, choice: number): StreamEvent {
  const event: StreamEvent = { type: 'reasoning', choice, text: part.text }
  if (part.signature !== undefined) event.signature = part.signature
  if (part.encrypted !== undefined) event.encrypted = part.encrypted
  if (part.seal_of !== undefined) event.seal_of = part.seal_of
  return event
}
