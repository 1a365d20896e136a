/**
 * Seals: a provider signs its thoughts, or gives them out encrypted, and wants them back unchanged in the next turn. Where caller
 * and target speak different dialects, the seal travels through the caller's conversation in whatever opaque field its format
 * has (Anthropic's `signature`, OpenAI's `encrypted_content`), marked with whose it is, and is taken out again on the way back.
 *
 * A caller can forge one; it then sends its target a signature which that target refuses, as it could without us.
 */
import { DIALECTS, type DialectName, type Part } from '../schema/chat.ts'

type Sealed = Pick<Extract<Part, { type: 'reasoning' }>, 'signature' | 'encrypted' | 'seal_of'>

const PREFIX = 'sb1.'

/** The seal of a thought for a format that is not its own, or null where it has none. */
export function sealText({ signature, encrypted }: Sealed, of: DialectName): string | null {
  if (encrypted !== undefined) return `${PREFIX}${of}.e.${encrypted}`
  return signature === undefined ? null : `${PREFIX}${of}.s.${signature}`
}

/** What `sealText` made; null for every other text, which is the format's own. */
export function unsealed(text: string): Sealed | null {
  if (!text.startsWith(PREFIX)) return null
  const dot = text.indexOf('.', PREFIX.length)
  const seal_of = DIALECTS.find(name => name === text.slice(PREFIX.length, dot))
  if (seal_of === undefined || text[dot + 2] !== '.') return null
  const value = text.slice(dot + 3)
  if (text[dot + 1] === 's') return { signature: value, seal_of }
  return text[dot + 1] === 'e' ? { encrypted: value, seal_of } : null
}

export const isSealed = (part: Sealed) => part.signature !== undefined || part.encrypted !== undefined
