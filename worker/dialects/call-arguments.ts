/**
 * What a tool is called with. In the neutral form it is text, as OpenAI has it and as a stream brings it, in pieces; other formats
 * want the object that the text stands for. Models now and then write text that is no object: it goes on under one name, so
 * that whoever reads the conversation next still sees what was said.
 */
import type { Json, JsonObject } from '../schema/chat.ts'
import { isObject, isShallow } from './check.ts'

/** Null where the text is no object. A call without arguments is written as empty text by some. */
export function callArguments(text: string): JsonObject | null {
  if (text.trim() === '') return {}
  try {
    const value = JSON.parse(text) as Json
    return isObject(value) && isShallow(value, text.length) ? value : null
  } catch {
    return null
  }
}

/** For text that is no object. */
export const heldAsText = (text: string): JsonObject => ({ arguments: text })
