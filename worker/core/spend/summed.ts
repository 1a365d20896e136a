/**
 * What two calls used together. Several calls for one request all cost money, whichever of them the caller was answered by.
 */
import type { TokenUsage } from '../../schema/chat.ts'

/** A count that only one of them told is that one's: the other had none of it, or nobody knows. */
export function summed(one: TokenUsage, other: TokenUsage): TokenUsage {
  const sum = { ...other, ...one }
  for (const name of Object.keys(sum) as (keyof TokenUsage)[]) {
    const [a, b] = [one[name] ?? null, other[name] ?? null]
    ;(sum as Record<string, number | null>)[name] = a === null ? b : b === null ? a : a + b
  }
  // The whole is only told where both told theirs.
  if (one.told_cost_micros === undefined || other.told_cost_micros === undefined) delete sum.told_cost_micros
  return sum
}
