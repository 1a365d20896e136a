/**
 * The JSON object in the data of a stream event. Who watches an answer and who translates it look at the same event one after
 * the other, so it is parsed once and kept with the event.
 */
import type { Json, JsonObject } from '../schema/chat.ts'
import { isObject, isShallow } from './check.ts'
import type { SseEvent } from './dialect.ts'

/** Null where it is none. It may nest to any depth: for those who look at known members and walk no further. */
export function parsedJson(event: SseEvent): JsonObject | null {
  if (event.json !== undefined) return event.json
  let value: Json
  try {
    value = JSON.parse(event.data) as Json
  } catch {
    value = null
  }
  event.json = isObject(value) ? value : null
  return event.json
}

/** Null where it is none, or nests too deep to be walked. */
export function eventJson(event: SseEvent): JsonObject | null {
  const value = parsedJson(event)
  return value !== null && isShallow(value, event.data.length) ? value : null
}
