/**
 * Thoughts: `thinking` with its signature, `redacted_thinking` with its data. Anthropic wants both back unchanged while tools are in
 * use, and takes nobody else's. Another provider's seal is laid into the same fields for the caller to keep (`seal.ts`).
 */
import type { DialectName, JsonObject, Part } from '../../schema/chat.ts'
import { sealText, unsealed } from '../seal.ts'

type Thought = Extract<Part, { type: 'reasoning' }>

export function readThought(raw: JsonObject): Thought | null {
  if (raw.type === 'redacted_thinking') {
    if (typeof raw.data !== 'string') return null
    return { type: 'reasoning', text: '', ...(unsealed(raw.data) ?? { encrypted: raw.data }) }
  }
  if (typeof raw.thinking !== 'string') return null
  const thought: Thought = { type: 'reasoning', text: raw.thinking }
  // Not every provider of this format signs.
  if (typeof raw.signature !== 'string' || raw.signature === '') return thought
  return { ...thought, ...(unsealed(raw.signature) ?? { signature: raw.signature }) }
}

/** The opaque field of this thought for whoever is to keep it: the seal itself where it is this format's, else marked with whose it is. */
export function sealOf(thought: Omit<Thought, 'type'>, from: DialectName | undefined): string {
  const whose = thought.seal_of ?? from
  if (whose === undefined) return ''
  return whose === 'anthropic-messages' ? (thought.signature ?? thought.encrypted ?? '') : (sealText(thought, whose) ?? '')
}

export const isRedacted = (thought: Omit<Thought, 'type'>) => thought.text === '' && thought.encrypted !== undefined

export function writeThought(thought: Thought, from: DialectName | undefined): JsonObject {
  const seal = sealOf(thought, from)
  return isRedacted(thought) ? { type: 'redacted_thinking', data: seal } : { type: 'thinking', thinking: thought.text, signature: seal }
}
