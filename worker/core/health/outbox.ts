/**
 * What one who sees outcomes has yet to tell, on its way to who keeps the gates: an isolate's to its object, a relay's to the head
 * of its region. One report is under way at a time. Reports may be lost, or their replies: what was told is kept until it is
 * confirmed, and told again under the same number, so that it counts once (`heard.ts`).
 */
import type { HealthReport, Outcome } from '../../schema/health.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'

export type Report = Omit<HealthReport, 'isolate' | 'region'>

/** A report that has not come back by then is lost, and its request perhaps with it. */
export const REPORT_LIMIT_MS: Ms = 3_000
/** Outcomes kept for who does not answer; beyond, the oldest go. */
const OUTCOMES_KEPT = 500
/** Weight of the newest round trip in the usual one. */
const ROUND_TRIP_WEIGHT = 0.2

export type Outbox = {
  /** `urgent`: it may not wait for company. */
  add(outcome: Outcome, urgent: boolean): void
  /** A lease to try this target is asked for, or one that was given has a request. */
  wants(target: TargetId): void
  uses(target: TargetId): void
  /** So many requests have begun. Told once: of a report that is lost they are not told again, which makes judgement a little stricter. */
  began(count: number): void
  /** What no report has taken along yet. */
  waiting(): number
  /** Has it, of what was sent or not, something that may not wait? */
  urgent(): boolean
  /** No report is under way, or it is given up. */
  isFree(now_ms: Ms): boolean
  next(now_ms: Ms): Report | null
  confirmed(now_ms: Ms): void
  /** It did not arrive, or nobody knows. */
  missed(report: Report): void
  /** When the last report set out, and how long the way there and back usually takes; 0 where none has. */
  sent_at_ms: Ms
  round_trip_ms: Ms
}

/** Says nothing about the target, and so need not hurry. */
const UNHURRIED = new Set(['ok', 'client', 'cancelled'])
export const isUrgent = ({ class: outcome, probe }: Outcome) => probe || !UNHURRIED.has(outcome)

export function outbox(): Outbox {
  /** Those that are not confirmed, in order; the first of them has the number `from`, and so many are under way. */
  const outcomes: Outcome[] = []
  let from = 0
  let under_way = 0
  /** The number of the last one that may not wait. */
  let urgent_number = -1
  let wants_probe = new Set<TargetId>()
  let uses_probe = new Set<TargetId>()
  let seq = 0
  let free_at_ms: Ms | null = null
  let begun = 0

  function forget(count: number): void {
    outcomes.splice(0, count)
    from += count
    under_way = Math.max(0, under_way - count)
  }
  const isFree = (now_ms: Ms) => free_at_ms === null || now_ms >= free_at_ms

  const box: Outbox = {
    sent_at_ms: 0,
    round_trip_ms: 0,
    add(outcome, urgent) {
      outcomes.push(outcome)
      if (urgent) urgent_number = from + outcomes.length - 1
      if (outcomes.length > OUTCOMES_KEPT) forget(1)
    },
    wants: target => void wants_probe.add(target),
    uses: target => void uses_probe.add(target),
    began(count) {
      begun += count
    },
    waiting: () => outcomes.length - under_way,
    urgent: () => uses_probe.size > 0 || urgent_number >= from,
    isFree,
    next(now_ms) {
      if (!isFree(now_ms)) return null
      free_at_ms = now_ms + REPORT_LIMIT_MS
      box.sent_at_ms = now_ms
      seq += 1
      const report: Report = {
        v: 1,
        seq,
        from,
        outcomes: outcomes.slice(),
        wants_probe: [...wants_probe],
        uses_probe: [...uses_probe],
        begun,
      }
      under_way = outcomes.length
      uses_probe = new Set()
      wants_probe = new Set()
      begun = 0
      return report
    },
    confirmed(now_ms) {
      if (free_at_ms !== null) {
        const took_ms = now_ms - box.sent_at_ms
        box.round_trip_ms = box.round_trip_ms === 0 ? took_ms : box.round_trip_ms + ROUND_TRIP_WEIGHT * (took_ms - box.round_trip_ms)
      }
      free_at_ms = null
      forget(under_way)
    },
    missed(report) {
      free_at_ms = null
      // It may have arrived all the same: what is sent again keeps its number.
      under_way = 0
      for (const target of report.uses_probe ?? []) uses_probe.add(target)
    },
  }
  return box
}
