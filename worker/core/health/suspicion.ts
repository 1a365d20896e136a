/**
 * How far the recent outcomes of one target speak against it: evidence summed up, forgotten with time, and capped by tenant.
 *
 * Two CUSUMs run side by side. Each outcome adds the logarithm of how much likelier it is from a broken target than from a
 * healthy one; the sum never falls below nothing, and halves with its half-life. The fast one knows a target that fails half
 * the time and opens after four failures in a row; the slow one knows one that fails one time in seven. Measured against
 * ratio windows, consecutive counts and success-rate averages, this was the only rule that met an outage in four or five
 * requests at every traffic rate, a partial one in under a hundred, and a healthy target with 3 % errors almost never.
 *
 * A sum forgets, so a target asked once a minute would never reach the threshold; for those, five failures in a row do.
 *
 * One tenant can make any target fail with a request that breaks it. While others are being served there, no tenant's
 * failures count for more than half of what opens the gate.
 */
import type { Outcome } from '../../schema/health.ts'
import type { DecisionId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { EVIDENCE } from './evidence.ts'

/** Failure share of a healthy target. */
const P_HEALTHY = 0.03
const cusum = (p_broken: number, threshold: number, half_life_ms: Ms) => ({
  failure: Math.log(p_broken / P_HEALTHY),
  ok: Math.log((1 - p_broken) / (1 - P_HEALTHY)),
  threshold,
  half_life_ms,
})
/** Threshold 11, where 8.4 would still take four failures: it made 40 false alarms in a million at 3 % errors, this none. */
const FAST = cusum(0.5, 11, 120_000)
const SLOW = cusum(0.15, 9, 600_000)

/** Failures in a row, however far apart, that open the gate; a gap longer than the second number begins a new row. */
const ROW_LENGTH = 5
const ROW_GAP_MS = 600_000

/** Tenants told apart at once; the one heard of longest ago makes room, and what it added stays in the sum. */
const TENANTS_MAX = 8
/** "Being served": another tenant's request, sent this recently or since this tenant began to fail, was answered. */
const SERVED_JUST_NOW_MS = 5_000
const SERVED_MS = 30_000
/** Hanging requests that may still take their `late` back. */
const LATE_MAX = 16

const ERROR_RATE_HALF_LIFE_MS = 60_000
/** Less than this of a request left, and the error rate is unknown again. */
const ERROR_RATE_MIN_WEIGHT = 0.05

/** What one tenant's failures have put into the sums, and whether it was served. */
type Tenant = { org: string; fast: number; slow: number; failing_since_ms: Ms | null; ok_sent_ms: Ms | null; seen_ms: Ms }
/** Evidence given while the request hung; the amounts are forgotten as the sums are. */
type Late = { decision_id: DecisionId; org: string; fast: number; slow: number }

export type Suspicion = {
  at_ms: Ms
  fast: number
  slow: number
  row: number
  row_at_ms: Ms
  tenants: Tenant[]
  late: Late[]
  /** Decayed counts, for the error rate alone. */
  answered: number
  failed: number
}

export const noSuspicion = (now_ms: Ms): Suspicion => ({
  at_ms: now_ms,
  fast: 0,
  slow: 0,
  row: 0,
  row_at_ms: now_ms,
  tenants: [],
  late: [],
  answered: 0,
  failed: 0,
})

/** `share` lowers the thresholds: a target that has just come back is trusted half as far. */
export function isSuspicious(suspicion: Suspicion, share: number): boolean {
  return suspicion.fast >= FAST.threshold * share || suspicion.slow >= SLOW.threshold * share || suspicion.row >= ROW_LENGTH
}

export function errorRateOf(suspicion: Suspicion, now_ms: Ms): number | null {
  const weight = suspicion.answered + suspicion.failed
  const left = weight * halved(now_ms - suspicion.at_ms, ERROR_RATE_HALF_LIFE_MS)
  return left < ERROR_RATE_MIN_WEIGHT ? null : suspicion.failed / weight
}

/** One more outcome. Those that say nothing of the target's health change nothing, but may take back a `late`. */
export function suspect(before: Suspicion, outcome: Outcome, now_ms: Ms, share: number): Suspicion {
  const evidence = EVIDENCE[outcome.class]
  const aged = withAge(before, now_ms)
  const late = aged.late.find(entry => entry.decision_id === outcome.decision_id)
  if (evidence.says === 'failure') return late ? withoutLate(aged, late, false) : withFailure(aged, outcome, evidence.weight, now_ms, share)
  // We hung up on a hanging request: that it hung stays true. Any answer, though, means that it had only been slow.
  const settled = late ? withoutLate(aged, late, outcome.class !== 'cancelled') : aged
  return evidence.says === 'ok' ? withOk(settled, outcome, now_ms) : settled
}

/** A clock that went back counts as one that stood still. */
const halved = (passed_ms: Ms, half_life_ms: Ms) => 2 ** (-Math.max(0, passed_ms) / half_life_ms)

function scaled<Item extends { fast: number; slow: number }>(items: Item[], fast: number, slow: number): Item[] {
  return items.map(item => ({ ...item, fast: item.fast * fast, slow: item.slow * slow }))
}

function withAge(before: Suspicion, now_ms: Ms): Suspicion {
  const passed_ms = now_ms - before.at_ms
  const fast = halved(passed_ms, FAST.half_life_ms)
  const slow = halved(passed_ms, SLOW.half_life_ms)
  const rate = halved(passed_ms, ERROR_RATE_HALF_LIFE_MS)
  return {
    at_ms: now_ms,
    fast: before.fast * fast,
    slow: before.slow * slow,
    row: now_ms - before.row_at_ms > ROW_GAP_MS ? 0 : before.row,
    row_at_ms: before.row_at_ms,
    tenants: scaled(before.tenants, fast, slow),
    late: scaled(before.late, fast, slow),
    answered: before.answered * rate,
    failed: before.failed * rate,
  }
}

function withTenant(tenants: Tenant[], tenant: Tenant): Tenant[] {
  const others = tenants.filter(other => other.org !== tenant.org)
  if (others.length >= TENANTS_MAX) {
    const oldest = others.reduce((a, b) => (b.seen_ms < a.seen_ms ? b : a))
    others.splice(others.indexOf(oldest), 1)
  }
  return [...others, tenant]
}

const tenantOf = (suspicion: Suspicion, org: string, now_ms: Ms): Tenant =>
  suspicion.tenants.find(tenant => tenant.org === org) ?? {
    org,
    fast: 0,
    slow: 0,
    failing_since_ms: null,
    ok_sent_ms: null,
    seen_ms: now_ms,
  }

function othersAreServed(suspicion: Suspicion, org: string, failing_since_ms: Ms, now_ms: Ms): boolean {
  return suspicion.tenants.some(({ org: other, ok_sent_ms }) => {
    if (other === org || ok_sent_ms === null) return false
    return ok_sent_ms >= now_ms - SERVED_JUST_NOW_MS || (ok_sent_ms >= failing_since_ms && ok_sent_ms >= now_ms - SERVED_MS)
  })
}

function withFailure(before: Suspicion, outcome: Outcome, weight: number, now_ms: Ms, share: number): Suspicion {
  const tenant = tenantOf(before, outcome.org, now_ms)
  const failing_since_ms = tenant.failing_since_ms ?? now_ms
  const capped = othersAreServed(before, outcome.org, failing_since_ms, now_ms)
  const room = (threshold: number, given: number) => (capped ? Math.max(0, (threshold * share) / 2 - given) : Number.POSITIVE_INFINITY)
  const fast = Math.min(weight * FAST.failure, room(FAST.threshold, tenant.fast))
  const slow = Math.min(weight * SLOW.failure, room(SLOW.threshold, tenant.slow))
  const inRow = weight === 1 && !capped
  const entry = { decision_id: outcome.decision_id, org: outcome.org, fast, slow }
  return {
    ...before,
    fast: before.fast + fast,
    slow: before.slow + slow,
    row: before.row + (inRow ? 1 : 0),
    row_at_ms: inRow ? now_ms : before.row_at_ms,
    tenants: withTenant(before.tenants, {
      ...tenant,
      fast: tenant.fast + fast,
      slow: tenant.slow + slow,
      failing_since_ms,
      seen_ms: now_ms,
    }),
    late: outcome.class === 'late' ? [...before.late.slice(1 - LATE_MAX), entry] : before.late,
    failed: before.failed + weight,
  }
}

function withOk(before: Suspicion, outcome: Outcome, now_ms: Ms): Suspicion {
  const fast = Math.max(0, before.fast + FAST.ok)
  const slow = Math.max(0, before.slow + SLOW.ok)
  // The good word takes from what each has said against the target, in proportion, so that the parts stay parts of the sum.
  const fast_left = before.fast > 0 ? fast / before.fast : 0
  const slow_left = before.slow > 0 ? slow / before.slow : 0
  const tenants = scaled(before.tenants, fast_left, slow_left)
  const tenant = tenantOf({ ...before, tenants }, outcome.org, now_ms)
  const ok_sent_ms = Math.max(tenant.ok_sent_ms ?? 0, outcome.sent_at_ms)
  return {
    ...before,
    fast,
    slow,
    row: 0,
    tenants: withTenant(tenants, { ...tenant, failing_since_ms: null, ok_sent_ms, seen_ms: now_ms }),
    late: scaled(before.late, fast_left, slow_left),
    answered: before.answered + 1,
  }
}

/** The hanging request ended. `takenBack`: what its `late` had added is subtracted again. */
function withoutLate(before: Suspicion, late: Late, takenBack: boolean): Suspicion {
  const rest = before.late.filter(entry => entry !== late)
  if (!takenBack) return { ...before, late: rest }
  const less = (from: number, amount: number) => Math.max(0, from - amount)
  return {
    ...before,
    fast: less(before.fast, late.fast),
    slow: less(before.slow, late.slow),
    row: less(before.row, 1),
    tenants: before.tenants.map(tenant =>
      tenant.org === late.org ? { ...tenant, fast: less(tenant.fast, late.fast), slow: less(tenant.slow, late.slow) } : tenant,
    ),
    late: rest,
    failed: less(before.failed, 1),
  }
}
