/**
 * Does a target fall asleep, and what does it cost to wake it? Learned from the first answer after each idle time: it was a cold
 * start where its first token took several times as long as this target otherwise needs. Counted by how long the target had been
 * idle, so the share of cold starts shows by itself when it falls asleep.
 */
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'

/** Idle times are told apart at these bounds; below the first a target is awake. Counts are stored by them, so no policy can change them. */
const IDLE_MS = [60_000, 180_000, 600_000, 1_800_000] as const
export type Readiness = { cold: number[]; seen: number[]; cold_ms: Ms; starts: number }
/** Rides on the snapshot: chance of a cold start by idle time, and what it then adds; null where nothing was learned. */
export type Waking = { chances: number[]; cold_ms: Ms } | null

type Rules = HealthRules['cold_start']

/** Counts are halved beyond this, so that a target that changes is learned anew. */
const SEEN_AT_MOST = 50

export const newReadiness = (): Readiness => ({ cold: [0, 0, 0, 0], seen: [0, 0, 0, 0], cold_ms: 0, starts: 0 })

/** In which span of idle times; -1 where it was awake. */
export function idleSpan(idle_ms: Ms): number {
  let span = -1
  while (span + 1 < IDLE_MS.length && idle_ms >= (IDLE_MS[span + 1] ?? 0)) span++
  return span
}

/** `usual_ms`: its time to first token when awake; null where not known. Log-normal times with a spread of .8 exceed three times that once in 12 to 20. */
export function isColdStart(idle_ms: Ms, first_token_ms: Ms, usual_ms: Ms | null, { ratio, at_least_ms }: Rules): boolean {
  return idleSpan(idle_ms) >= 0 && usual_ms !== null && first_token_ms > Math.max(ratio * usual_ms, usual_ms + at_least_ms)
}

export function wakingLearned(before: Readiness, idle_ms: Ms, first_token_ms: Ms, usual_ms: Ms | null, rules: Rules): Readiness {
  const span = idleSpan(idle_ms)
  if (span < 0 || usual_ms === null) return before
  const cold = isColdStart(idle_ms, first_token_ms, usual_ms, rules)
  const keep = (before.seen[span] ?? 0) >= SEEN_AT_MOST ? 0.5 : 1
  const add = (counts: number[], more: number) => counts.map((count, i) => (i === span ? count * keep + more : count))
  const starts = Math.min(SEEN_AT_MOST, before.starts + (cold ? 1 : 0))
  return {
    cold: add(before.cold, cold ? 1 : 0),
    seen: add(before.seen, 1),
    cold_ms: cold ? before.cold_ms + (first_token_ms - usual_ms - before.cold_ms) / starts : before.cold_ms,
    starts,
  }
}

export function wakingOf({ cold, seen, cold_ms, starts }: Readiness): Waking {
  if (seen.every(count => count === 0)) return null
  return {
    chances: seen.map((count, i) => (count === 0 ? Number.NaN : (cold[i] ?? 0) / count)).map(orNearest),
    cold_ms: starts > 0 ? Math.round(cold_ms) : 0,
  }
}

/** A span never seen is like the next shorter one that was, else like the next longer. */
function orNearest(chance: number, at: number, all: number[]): number {
  for (let i = at; i >= 0; i--) if (!Number.isNaN(all[i])) return all[i] ?? 0
  for (let i = at + 1; i < all.length; i++) if (!Number.isNaN(all[i])) return all[i] ?? 0
  return chance
}

/** What is to be expected of a start after this idle time, in ms. */
export const wakingMs = ({ chances, cold_ms }: NonNullable<Waking>, idle_ms: Ms): Ms => (chances[idleSpan(idle_ms)] ?? 0) * cold_ms

/** More often than this it has to be woken: then it counts as asleep. */
const ASLEEP_CHANCE = 0.3

/** How long it may be idle before it is likely asleep; null where it is not within the longest time that was seen. */
export function asleepAfterMs({ chances }: NonNullable<Waking>): Ms | null {
  const span = chances.findIndex(chance => chance >= ASLEEP_CHANCE)
  return span < 0 ? null : (IDLE_MS[span] ?? null)
}
