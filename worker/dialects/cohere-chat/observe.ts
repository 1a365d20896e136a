/**
 * Watching an answer go by. The last event has the reason and the counts, and nothing comes behind it.
 */
import type { JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { inBandError } from './error.ts'
import { readUsage } from './usage.ts'

export function observe(seen: Observation, event: SseEvent): void {
  seen.events++
  const body = eventJson(event)
  seen.last_malformed = body === null
  if (body === null) {
    seen.malformed++
    return
  }
  seen.error ??= inBandError(body)
  const delta = isObject(body.delta) ? body.delta : {}
  if (isObject(delta.message)) lookAtMessage(seen, delta.message)
  if (body.type !== 'message-end' && event.event !== 'message-end') return
  ended(seen, delta)
  seen.terminated = true
}

/** A whole body is its own end. */
export function observeWhole(seen: Observation, body: JsonObject): void {
  seen.events++
  seen.error ??= inBandError(body)
  if (!isObject(body.message)) return
  lookAtMessage(seen, body.message)
  ended(seen, body)
  seen.terminated = true
}

function ended(seen: Observation, { finish_reason, usage }: JsonObject): void {
  if (isObject(usage)) seen.usage = readUsage(usage)
  if (typeof finish_reason === 'string' && finish_reason !== '') seen.finish_raw = finish_reason
}

function tell(seen: Observation, text: unknown): void {
  if (typeof text !== 'string' || text === '') return
  seen.output_chars += text.length
  seen.content = true
}

/** In a stream each member holds one thing, in a whole message a list of them. */
function lookAtMessage(seen: Observation, { tool_plan, content, tool_calls }: JsonObject): void {
  tell(seen, tool_plan)
  for (const block of Array.isArray(content) ? content : [content]) {
    if (typeof block === 'string') tell(seen, block)
    if (!isObject(block)) continue
    tell(seen, block.text)
    tell(seen, block.thinking)
  }
  for (const call of Array.isArray(tool_calls) ? tool_calls : [tool_calls]) {
    if (!isObject(call) || !isObject(call.function)) continue
    tell(seen, call.function.name)
    tell(seen, call.function.arguments)
  }
}

/** No event of this format is forwarded unread: nobody calls in it, so none is passed on. */
export const dull = (): boolean => false
