/**
 * Watching an answer go by. The counts come behind the reason to end, or in front of it; once both are there, nothing more comes.
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
  const error = inBandError(event.event, body)
  if (error) seen.error ??= error
  else if (event.event === 'contentBlockDelta' && isObject(body.delta)) lookAtDelta(seen, body.delta)
  else if (event.event === 'contentBlockStart' && isObject(body.start)) lookAtStart(seen, body.start)
  else if (event.event === 'messageStop') ended(seen, body)
  else if (event.event === 'metadata' && isObject(body.usage)) seen.usage = readUsage(body.usage)
  if (seen.finish_raw !== null && seen.usage !== null) seen.terminated = true
}

/** A whole body is its own end. */
export function observeWhole(seen: Observation, body: JsonObject): void {
  seen.events++
  if (isObject(body.usage)) seen.usage = readUsage(body.usage)
  const message = isObject(body.output) ? body.output.message : undefined
  if (!isObject(message)) return
  ended(seen, body)
  seen.terminated = true
  for (const block of Array.isArray(message.content) ? message.content : []) if (isObject(block)) lookAtBlock(seen, block)
}

function ended(seen: Observation, { stopReason }: JsonObject): void {
  if (typeof stopReason === 'string' && stopReason !== '') seen.finish_raw = stopReason
}

function tell(seen: Observation, text: unknown): void {
  if (typeof text !== 'string' || text === '') return
  seen.output_chars += text.length
  seen.content = true
}

function lookAtStart(seen: Observation, start: JsonObject): void {
  if (isObject(start.toolUse)) tell(seen, start.toolUse.name)
  else if (Object.keys(start).length > 0) seen.content = true
}

function lookAtDelta(seen: Observation, delta: JsonObject): void {
  const { text, toolUse, reasoningContent } = delta
  if (typeof text === 'string') tell(seen, text)
  else if (isObject(toolUse)) tell(seen, typeof toolUse.input === 'string' ? toolUse.input : JSON.stringify(toolUse.input ?? ''))
  else if (isObject(reasoningContent)) {
    tell(seen, reasoningContent.text)
    if (typeof reasoningContent.redactedContent === 'string') seen.content = true
  } else seen.content = true
}

function lookAtBlock(seen: Observation, block: JsonObject): void {
  const { text, toolUse, reasoningContent } = block
  if (typeof text === 'string') tell(seen, text)
  else if (isObject(toolUse)) {
    tell(seen, toolUse.name)
    tell(seen, JSON.stringify(toolUse.input ?? {}))
  } else if (isObject(reasoningContent)) {
    if (isObject(reasoningContent.reasoningText)) tell(seen, reasoningContent.reasoningText.text)
    seen.content = true
  } else seen.content = true
}

/** Frames are binary and small; none is forwarded unread. */
export const dull = (): boolean => false
