/**
 * A decision id: `dec_` and a UUID of version 7 (RFC 9562, section 5.7), which begins with the time. D1's indexes are sorted
 * by it, and rows that arrive together then lie together: where the ids are random, each row costs a page of its own in
 * each index, which made storing a row almost twice as dear (DECISIONS.md). What is left to chance, 74 bits, is beyond guessing, and
 * an id opens nothing to anyone but its organisation.
 */
import type { DecisionId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

/** The time takes the place of the first 48 random bits of a UUID of version 4. */
export function newDecisionId(now_ms: Ms): DecisionId {
  const time = now_ms.toString(16).padStart(12, '0')
  return `dec_${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}
