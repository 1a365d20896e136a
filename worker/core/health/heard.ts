/**
 * Which outcomes of a report are new. A report may arrive while its reply does not: the isolate then sends its outcomes
 * again, with the same numbers, perhaps with later ones behind them, and those that were counted are passed over.
 */
import type { HealthReport, Outcome } from '../../schema/health.ts'

/** Isolates remembered; one that falls out can at worst have a repeated report count twice. */
const ISOLATES_KEPT = 5_000
/** Outcomes taken from one report: twice what an isolate keeps. */
const OUTCOMES_AT_MOST = 1_000

export type Heard = { fresh(report: HealthReport): Outcome[] }

export function heard(): Heard {
  /** The number behind the last one that was counted. */
  const next = new Map<string, number>()
  return {
    fresh({ isolate, seq, from, outcomes }) {
      const due = next.get(isolate) ?? 0
      // A report by an older version is one whole, by its own number.
      const first = from ?? seq
      const behind = from === undefined ? seq + 1 : from + outcomes.length
      next.delete(isolate)
      next.set(isolate, Math.max(due, behind))
      if (next.size > ISOLATES_KEPT) next.delete(next.keys().next().value ?? isolate)
      if (from === undefined) return first < due ? [] : outcomes.slice(0, OUTCOMES_AT_MOST)
      return outcomes.slice(Math.max(0, due - first)).slice(0, OUTCOMES_AT_MOST)
    },
  }
}
