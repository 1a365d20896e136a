/**
 * How often somebody may try, counted in this isolate, and, where the Worker has a rate limit binding for it, in the whole data
 * centre. Being limited is known from memory, so that one who is limited costs nothing more: neither a read of storage nor a call.
 *
 * It counts what went wrong (keys that are none) or what is dear (the admin API); a request with a good key never comes here.
 */
import type { Ms } from '../schema/units.ts'

export const PERIOD_MS: Ms = 60_000
/** Beyond, who was heard of longest ago is forgotten. */
const KEPT = 10_000

export type Attempts = {
  /** How long to wait; null for one who may go on. */
  wait_ms(who: string, now_ms: Ms): Ms | null
  /** One more. The binding counts it as well, which need not be waited for. */
  count(who: string, now_ms: Ms): Promise<void>
}

type Counted = { since_ms: Ms; count: number; limited_until_ms: Ms }

/** `at_most` in a minute. `binding` may be absent. */
export function attempts(at_most: number, binding: RateLimit | undefined): Attempts {
  const counted = new Map<string, Counted>()
  function entryOf(who: string, now_ms: Ms): Counted {
    const known = counted.get(who)
    const entry =
      known && now_ms - known.since_ms < PERIOD_MS ? known : { since_ms: now_ms, count: 0, limited_until_ms: known?.limited_until_ms ?? 0 }
    counted.delete(who)
    counted.set(who, entry)
    if (counted.size > KEPT) counted.delete(counted.keys().next().value ?? who)
    return entry
  }
  return {
    wait_ms(who, now_ms) {
      const { limited_until_ms = 0 } = counted.get(who) ?? {}
      return limited_until_ms > now_ms ? limited_until_ms - now_ms : null
    },
    async count(who, now_ms) {
      const entry = entryOf(who, now_ms)
      entry.count += 1
      if (entry.count >= at_most) entry.limited_until_ms = entry.since_ms + PERIOD_MS
      try {
        if (binding && !(await binding.limit({ key: who })).success)
          entry.limited_until_ms = Math.max(entry.limited_until_ms, now_ms + PERIOD_MS)
      } catch {
        // Where the binding does not answer, this isolate's own count has to do.
      }
    },
  }
}
