/**
 * How many relays stand between a region's isolates and the one object that knows its health. An object takes some thousand calls a
 * second and no more, and evidence must not be divided among several, or each would be the slower to see. So where calls become too
 * many they are taken by relays, which pass on what they are told in a few reports a second: the object still hears of every
 * outcome, and there is still one gate and one lease for each target.
 *
 * The object counts, and says how many; isolates read it in the answer to any report. The number rises within seconds, and falls
 * only after half a minute at a quarter of the load that would raise it, so that it does not swing.
 */
import type { Relays } from '../../schema/health.ts'
import type { Ms } from '../../schema/units.ts'

/** Calls a second that raise the number, of each object; the platform's guidance is 200 to 500 with writes to storage, and its limit 1,000. */
export const CALLS_AT_MOST = 400
/** What each is to get after a change, so that the next is not soon. */
const CALLS_AIMED = 250
/** Fewer than this for each of them, for so long, and there are too many. */
export const CALLS_AT_LEAST = 100
export const FEW_FOR_MS: Ms = 30_000
/** Calls are counted over this time. */
export const COUNTED_MS: Ms = 2_000
const COUNTED_LEAST_MS: Ms = 500
/** Of so many, each of which reports twenty times a second at worst, the object hears what it can bear; they take 8,000 calls a second. */
const RELAYS_AT_MOST = 20

export const NO_RELAYS: Relays = { count: 0, since_ms: 0 }

/** The number that was said last. */
export const newer = (one: Relays, other: Relays | undefined): Relays => (other && other.since_ms > one.since_ms ? other : one)

/** Which of them serves this isolate; null where the object itself does. `place`: drawn once by each isolate, from [0, 1). */
export const relayOf = ({ count }: Relays, place: number): number | null => (count < 2 ? null : Math.floor(place * count))

/** Under this name the object of a region is a relay of it. */
export const relayName = (region: string, relay: number): string => `${region}#${relay}`

export type RelayCount = {
  /** So many isolates have called, here or at a relay that says what it knows. */
  called(calls: number, told: Relays | undefined, now_ms: Ms): void
  relays(): Relays
}

export function relayCount(): RelayCount {
  let relays = NO_RELAYS
  let from_ms: Ms | null = null
  let counted = 0
  let few_since_ms: Ms | null = null

  function judge(calls_per_s: number, now_ms: Ms): void {
    const { count } = relays
    const isMany = calls_per_s > CALLS_AT_MOST * Math.max(1, count)
    const isFew = count > 0 && calls_per_s < CALLS_AT_LEAST * count
    few_since_ms = isFew ? (few_since_ms ?? now_ms) : null
    if (!isMany && (few_since_ms === null || now_ms - few_since_ms < FEW_FOR_MS)) return
    few_since_ms = null
    const wanted = Math.min(RELAYS_AT_MOST, Math.ceil(calls_per_s / CALLS_AIMED))
    // One relay would only be a longer way.
    if (wanted !== count) relays = { count: wanted < 2 ? 0 : wanted, since_ms: now_ms }
  }

  return {
    called(calls, told, now_ms) {
      // An object that begins anew learns from its relays that it has some.
      relays = newer(relays, told)
      // The call that begins a count is no part of it. Counts that a clock which went back left ahead begin again.
      if (from_ms === null || now_ms < from_ms) {
        from_ms = now_ms
        counted = 0
        return
      }
      counted += calls
      const passed_ms = now_ms - from_ms
      // Where so many come at once that the time need not be waited for, it is not.
      const enough = (CALLS_AT_MOST * Math.max(1, relays.count) * COUNTED_MS) / 1_000
      if (passed_ms < COUNTED_MS && counted <= enough) return
      judge((counted * 1_000) / Math.max(passed_ms, COUNTED_LEAST_MS), now_ms)
      from_ms = now_ms
      counted = 0
    },
    relays: () => relays,
  }
}
