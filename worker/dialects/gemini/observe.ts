/**
 * Watching an answer go by. Every event of this format carries counts, so none can be forwarded unread.
 */
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { Observation, SseEvent } from '../dialect.ts'
import { eventJson } from '../event-json.ts'
import { inBandError } from './error.ts'
import { blockReason } from './reply.ts'
import { readUsage } from './usage.ts'

export function observe(seen: Observation, event: SseEvent): void {
  seen.events++
  const chunk = eventJson(event)
  seen.last_malformed = chunk === null
  if (chunk === null) seen.malformed++
  else look(seen, chunk)
}

/** A whole body is its own end. */
export function observeWhole(seen: Observation, body: JsonObject): void {
  seen.events++
  look(seen, body)
  if (Array.isArray(body.candidates) || blockReason(body) !== null) seen.terminated = true
}

function look(seen: Observation, body: JsonObject): void {
  const usage = isObject(body.usageMetadata) ? readUsage(body.usageMetadata, body.candidates) : null
  if (usage) seen.usage = usage
  seen.error ??= inBandError(body)
  const candidates = Array.isArray(body.candidates) ? body.candidates.filter(isObject) : []
  if (candidates.length === 0) {
    const blocked = blockReason(body)
    if (blocked !== null) ended(seen, blocked)
  }
  for (const candidate of candidates) {
    const content = isObject(candidate.content) ? candidate.content : {}
    for (const part of Array.isArray(content.parts) ? content.parts : []) if (isObject(part)) lookAtPart(seen, part)
    const { finishReason } = candidate
    if (typeof finishReason === 'string' && finishReason !== '' && finishReason !== 'FINISH_REASON_UNSPECIFIED') ended(seen, finishReason)
  }
}

function ended(seen: Observation, reason: string): void {
  seen.finish_raw = reason
  seen.finishes = (seen.finishes ?? 0) + 1
}

function lookAtPart(seen: Observation, part: JsonObject): void {
  const { text, functionCall } = part
  if (typeof text === 'string') {
    seen.output_chars += text.length
    if (text !== '') seen.content = true
    return
  }
  // Calls, images, code that was run: each is content as a whole.
  if (Object.keys(part).some(name => name !== 'thoughtSignature' && name !== 'thought')) seen.content = true
  if (isObject(functionCall)) seen.output_chars += lengthOf(functionCall)
}

function lengthOf({ name, args, partialArgs }: JsonObject): number {
  let length = typeof name === 'string' ? name.length : 0
  if (isObject(args)) length += JSON.stringify(args).length
  if (Array.isArray(partialArgs)) for (const piece of partialArgs) length += saidIn(piece)
  return length
}

const saidIn = (piece: Json) => (isObject(piece) && typeof piece.stringValue === 'string' ? piece.stringValue.length : 0)

export const dull = (): boolean => false
