/**
 * Thoughts that another format's provider signed or encrypted, on their way through this one: in `reasoning_details`, the list that
 * gateways have for it and that clients send back with the message. OpenAI itself has no place for them here.
 */
import type { DialectName, Json, JsonObject, Part } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import { sealText, unsealed } from '../seal.ts'

type Thought = Extract<Part, { type: 'reasoning' }>

/** The entry for a sealed thought; null where it has no seal, or one that nobody's name is on. `index` is what clients join a stream's entries by. */
export function writeThought(thought: Omit<Thought, 'type'>, of: DialectName | undefined, index: number): JsonObject | null {
  const whose = thought.seal_of ?? of
  const seal = whose === undefined ? null : sealText(thought, whose)
  if (seal === null) return null
  return thought.text === ''
    ? { type: 'reasoning.encrypted', data: seal, index }
    : { type: 'reasoning.text', text: thought.text, signature: seal, index }
}

/** The thoughts of a message that a caller sends back; null where the list is absent or another gateway's, which is carried. */
export function readThoughts(details: Json | undefined): Thought[] | null {
  if (!Array.isArray(details)) return null
  const thoughts: Thought[] = []
  for (const entry of details) {
    const seal = isObject(entry) ? (entry.signature ?? entry.data) : null
    const opened = typeof seal === 'string' ? unsealed(seal) : null
    if (opened === null || !isObject(entry)) return null
    thoughts.push({ type: 'reasoning', text: typeof entry.text === 'string' ? entry.text : '', ...opened })
  }
  return thoughts
}
