/**
 * May an answer to this request be taken up by another target where it breaks off, and how? What is said twice must be one
 * answer: of several, or of one with its likelihoods, it cannot be; and JSON that two models wrote is only believed where the
 * second said letter for letter what the first had.
 */
import type { ChatRequest } from '../../schema/chat.ts'
import type { Policy, Rescue } from '../../schema/policy.ts'

const exact = new WeakMap<Rescue, Rescue | null>()

export function rescueFor(request: ChatRequest, { rescue }: Policy): Rescue | undefined {
  const { stream, choices, logprobs, output, bound } = request
  if (!stream || rescue.by.length === 0 || choices > 1 || logprobs !== null || bound !== undefined) return undefined
  if (output.form === 'text') return rescue
  let only = exact.get(rescue)
  if (only === undefined) {
    only = rescue.by.includes('restart') ? { ...rescue, by: ['restart'] } : null
    exact.set(rescue, only)
  }
  return only ?? undefined
}
