/**
 * How much more than it was asked for may be asked: a share of what comes. Retries in proportion to requests cannot make a
 * storm, however many fail; retries by number for each request can, and do when everything fails at once.
 *
 * A bucket for each key: every request puts its share in, every extra call takes one out. `reserve` is there from the beginning
 * and fills up by itself, for whoever has few requests. It is the isolate's own; no call is made to know it.
 */
import type { Ms } from '../schema/units.ts'

/** So many extra calls may be saved up: those of a burst, not of an hour. */
const SAVED_AT_MOST = 20
/** Keys are targets; the oldest goes when there are more than any catalogue has. */
const KEYS_AT_MOST = 2_000

type Bucket = { saved: number; at_ms: Ms }

export type Allowance = {
  earn(key: string, share: number, now_ms: Ms): void
  /** False where there is nothing left. */
  spend(key: string, now_ms: Ms): boolean
}

export function allowance(reserve: number, refill_ms: Ms): Allowance {
  const buckets = new Map<string, Bucket>()

  function bucketOf(key: string, now_ms: Ms): Bucket {
    let bucket = buckets.get(key)
    if (bucket !== undefined) return bucket
    if (buckets.size >= KEYS_AT_MOST) buckets.delete(buckets.keys().next().value ?? key)
    bucket = { saved: reserve, at_ms: now_ms }
    buckets.set(key, bucket)
    return bucket
  }
  return {
    earn(key, share, now_ms) {
      const bucket = bucketOf(key, now_ms)
      bucket.saved = Math.min(SAVED_AT_MOST, bucket.saved + share)
    },
    spend(key, now_ms) {
      const bucket = bucketOf(key, now_ms)
      // A clock that went back counts as one that stood still.
      const refilled = refill_ms > 0 ? (Math.max(0, now_ms - bucket.at_ms) / refill_ms) * reserve : 0
      if (bucket.saved < reserve) bucket.saved = Math.min(reserve, bucket.saved + refilled)
      bucket.at_ms = now_ms
      // A share of a tenth, ten times over, is a little less than one.
      if (bucket.saved < 1 - 1e-9) return false
      bucket.saved -= 1
      return true
    },
  }
}

/** Second calls for late first tokens: a share and nothing beside it, as at a low rate each of them doubles a cost that nobody shares. */
export const hedgeAllowance = (): Allowance => allowance(0, 0)

/** Calls to a target that just failed, beside the first ones to it: a share by policy, and three in ten seconds in any case. */
export const retryAllowance = (): Allowance => allowance(3, 10_000)
