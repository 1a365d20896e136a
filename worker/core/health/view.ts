/**
 * What one isolate knows of all targets, and when it must tell and be told: a state machine without a clock or a network, so
 * that the platform's rim (`store/health.ts`) and the simulation run the same rules.
 *
 * A failure is reported at once, an answer within a second, together with whatever else there is. One report is under way
 * at a time. Reports may be lost, or their replies: what was told is kept until it is confirmed, and told again under the same
 * number. When the object is out of reach, the isolate goes by its own
 * experience alone, and gives itself the leases that nobody else can.
 */
import type { Plan } from '../../schema/decision.ts'
import { type HealthReply, type HealthReport, type HealthSnapshot, NO_HEALTH, type Outcome } from '../../schema/health.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { fleet } from './fleet.ts'
import { LEASE_MS, LEASE_UNUSED_MS } from './gate.ts'
import { mergeHealth } from './merge.ts'

/** Older than this, and a request has it refreshed. */
export const SNAPSHOT_FRESH_MS: Ms = 2_000
/**
 * A request that finds it older waits this long for a newer one, beside whatever else it waits for. Many isolates each see few
 * requests, so without it most of an outage's victims would go by what was known before it; and a lease to probe would reach an
 * isolate that has no request to use it.
 */
export const REFRESH_WAIT_MS: Ms = 80
/** Where the way is known to be longer, a wait that ends before the reply is a wait for nothing: so much of the usual round trip, and no more than this. */
const REFRESH_WAIT_ROUND_TRIPS = 1.25
export const REFRESH_WAIT_MOST_MS: Ms = 160
/** Weight of the newest round trip in the usual one. */
const ROUND_TRIP_WEIGHT = 0.2
/** Answers wait this long for company, or for this many outcomes. */
export const REPORT_AFTER_MS: Ms = 1_000
export const REPORT_AT = 50
/** A report that has not come back by then is lost, and its request perhaps with it. */
export const REPORT_LIMIT_MS: Ms = 3_000
/** While the object does not answer: between two tries. */
const TRY_AGAIN_MS: Ms = 1_000
/** Outcomes kept for an object that does not answer; beyond, the oldest go. */
const OUTCOMES_KEPT = 500
/** A probe is asked for at most this often. */
const ASK_AGAIN_MS: Ms = 1_000
const NO_PROBES: ReadonlySet<TargetId> = new Set()
/** Says nothing about the target, and so need not hurry. */
const UNHURRIED = new Set(['ok', 'client', 'cancelled'])

export type Report = Omit<HealthReport, 'isolate' | 'region'>

export type IsolateView = {
  /** Never waits. `report`: a report should be sent; `old`: and its reply is worth waiting for, up to `wait_ms`. */
  see(now_ms: Ms): { health: HealthSnapshot; report: boolean; old: boolean; wait_ms: Ms }
  /** Open targets that this isolate may try once: `World.probes`. */
  probes(now_ms: Ms): ReadonlySet<TargetId>
  /** A plan will use the lease it has as first step, so that no other request does. True where that should be reported at once. */
  took(plan: Plan): boolean
  /** When to report: at once, after `REPORT_AFTER_MS`, or when somebody else does. */
  observe(outcome: Outcome, now_ms: Ms, draw: () => number): 'now' | 'later' | null
  /** Is there anything that waited for company? */
  waiting(): boolean
  /** What to send; null while another report is under way. */
  nextReport(now_ms: Ms): Report | null
  /** True where something came up meanwhile that should be reported at once. */
  replied(reply: HealthReply, now_ms: Ms): boolean
  /** It did not arrive, or nobody knows. */
  missed(report: Report, sent_at_ms: Ms): void
  /** False after a report that did not arrive. */
  reachable(): boolean
}

const isUrgent = ({ class: outcome, probe }: Outcome) => probe || !UNHURRIED.has(outcome)

export function isolateView(): IsolateView {
  let known = NO_HEALTH
  let merged: { health: HealthSnapshot; at_ms: Ms } = { health: NO_HEALTH, at_ms: 0 }
  const own = fleet()
  const leases = new Map<TargetId, Ms>()
  const asked_at_ms = new Map<TargetId, Ms>()
  /** Those the object has not confirmed, in order; the first of them has the number `from`, and so many are under way. */
  const outcomes: Outcome[] = []
  let from = 0
  let under_way = 0
  let wants_probe = new Set<TargetId>()
  let uses_probe = new Set<TargetId>()
  let seq = 0
  let reporting_until_ms: Ms | null = null
  let round_trip_ms: Ms = 0
  let waiting_until_ms: Ms = 0
  let try_again_at_ms: Ms = 0
  let unheard = false
  let fetched_at_ms: Ms = 0

  function forget(count: number): void {
    outcomes.splice(0, count)
    from += count
    under_way = Math.max(0, under_way - count)
  }

  const isFree = (now_ms: Ms) => reporting_until_ms === null || now_ms >= reporting_until_ms

  function wantProbes(health: HealthSnapshot, now_ms: Ms): boolean {
    let isNew = false
    for (const target in health.targets) {
      const state = health.targets[target]
      if (!state || (state.state !== 'open' && state.state !== 'probing') || (state.until_ms ?? now_ms) > now_ms) continue
      if ((leases.get(target) ?? 0) > now_ms || (asked_at_ms.get(target) ?? 0) + ASK_AGAIN_MS > now_ms) continue
      asked_at_ms.set(target, now_ms)
      // Out of reach, nobody can grant a lease: this isolate gives itself one, no oftener than one would have been given.
      if (unheard) {
        leases.set(target, now_ms + LEASE_MS)
        asked_at_ms.set(target, now_ms + LEASE_MS)
      } else {
        wants_probe.add(target)
        isNew = true
      }
    }
    return isNew
  }

  return {
    see(now_ms) {
      // Within one millisecond nothing changes but by a report, which clears this.
      if (merged.at_ms !== now_ms) merged = { health: mergeHealth(known, own.gates, now_ms), at_ms: now_ms }
      const wanted = wantProbes(merged.health, now_ms)
      const isOld = now_ms - fetched_at_ms > SNAPSHOT_FRESH_MS
      const report = (wanted || isOld) && isFree(now_ms) && now_ms >= try_again_at_ms
      const wait_ms = Math.min(REFRESH_WAIT_MOST_MS, Math.max(REFRESH_WAIT_MS, REFRESH_WAIT_ROUND_TRIPS * round_trip_ms))
      return { health: merged.health, report, old: report && !unheard, wait_ms }
    },

    probes(now_ms) {
      if (!leases.size) return NO_PROBES
      for (const [target, until_ms] of leases) if (until_ms <= now_ms) leases.delete(target)
      return new Set(leases.keys())
    },

    took({ steps: [first] }) {
      if (!first?.probe) return false
      leases.delete(first.target)
      uses_probe.add(first.target)
      return !unheard
    },

    observe(outcome, now_ms, draw) {
      own.observe(outcome, now_ms, draw)
      if (outcome.probe) leases.delete(outcome.target)
      merged.at_ms = 0
      outcomes.push(outcome)
      if (outcomes.length > OUTCOMES_KEPT) forget(1)
      if (now_ms < try_again_at_ms) return null
      if (isUrgent(outcome) || outcomes.length - under_way >= REPORT_AT) return 'now'
      if (now_ms < waiting_until_ms) return null
      waiting_until_ms = now_ms + REPORT_AFTER_MS
      return 'later'
    },

    waiting: () => outcomes.length > under_way,

    nextReport(now_ms) {
      if (!isFree(now_ms)) return null
      reporting_until_ms = now_ms + REPORT_LIMIT_MS
      seq += 1
      const report: Report = { v: 1, seq, from, outcomes: outcomes.slice(), wants_probe: [...wants_probe], uses_probe: [...uses_probe] }
      under_way = outcomes.length
      uses_probe = new Set()
      wants_probe = new Set()
      return report
    },

    replied({ snapshot, probes }, now_ms) {
      const took_ms = reporting_until_ms === null ? round_trip_ms : now_ms - (reporting_until_ms - REPORT_LIMIT_MS)
      round_trip_ms = round_trip_ms === 0 ? took_ms : round_trip_ms + ROUND_TRIP_WEIGHT * (took_ms - round_trip_ms)
      reporting_until_ms = null
      unheard = false
      fetched_at_ms = now_ms
      forget(under_way)
      if (snapshot.taken_at_ms >= known.taken_at_ms) known = snapshot
      merged = { health: known, at_ms: 0 }
      for (const target of probes) leases.set(target, now_ms + LEASE_UNUSED_MS)
      return uses_probe.size > 0 || outcomes.some(isUrgent)
    },

    missed(report, sent_at_ms) {
      reporting_until_ms = null
      unheard = true
      // It may have arrived all the same: what is sent again keeps its number.
      under_way = 0
      for (const target of report.uses_probe ?? []) uses_probe.add(target)
      try_again_at_ms = sent_at_ms + TRY_AGAIN_MS
    },

    reachable: () => !unheard,
  }
}
