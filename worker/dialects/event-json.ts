/**
 * The JSON object in the data of a stream event, as every reader of streams wants it.
 */
import type { Json, JsonObject } from '../schema/chat.ts'
import { isObject, isShallow } from './check.ts'

/** Null where it is none, or nests too deep to be walked. */
export function eventJson(data: string): JsonObject | null {
  try {
    const value = JSON.parse(data) as Json
    return isObject(value) && isShallow(value, data.length) ? value : null
  } catch {
    return null
  }
}
