/**
 * What two calls used together. Several calls for one request all cost money, whichever of them the caller was answered by.
 */
import type { TokenUsage } from '../../schema/chat.ts'

/** A count that only one of them told is that one's: the other had none of it, or nobody knows. */
export function summed(one: TokenUsage, other: TokenUsage): TokenUsage {
  const sum = { ...one }
  for (const name of Object.keys(one) as (keyof TokenUsage)[]) {
    const [a, b] = [one[name], other[name]]
    sum[name] = a === null ? b : b === null ? a : a + b
  }
  return sum
}
