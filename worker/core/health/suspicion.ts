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
 * What counts as a failure's weight depends on what is normal for this target: `p_healthy` is learned from its own last hour, so
 * that a target with 5 % of errors is not ejected for being itself, and one with none is caught sooner.
 *
 * One tenant can make any target fail with a request that breaks it. While others are being served there, no tenant's failures
 * count for much more than half of what opens the gate, and from the third in a row on for nothing; and a failure that may be the request's own doing counts for a third until it
 * is confirmed: by another tenant who fails as well, or by another target that answers the same request. Where the
 * same request fails at another provider in the same way, what it had counted is taken back.
 *
 * The numbers are those of a policy's `health` (`schema/health-rules.ts`). Beside this file: what is normal (`normal.ts`), who said what (`tenants.ts`), how it
 * is forgotten (`fading.ts`), that slow is not broken (`overdue.ts`), and failures that may be the request's own (`doubt.ts`).
 */
import type { Outcome } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'
import { type Doubt, isDoubtful, withDoubtResolved } from './doubt.ts'
import { EVIDENCE } from './evidence.ts'
import { ERROR_RATE_HALF_LIFE_MS, halved, scaled, withAge } from './fading.ts'
import { healthyShareOf, likelihoods } from './normal.ts'
import { isOnlySlow, type Late, withoutLate, withToken } from './overdue.ts'
import { capOf, failedLately, othersServed, type Tenant, tenantOf, withTenant } from './tenants.ts'

type Rules = HealthRules['suspicion']

/** Bounds on what is stored: hanging requests that may still take their `late` back, and failures that may turn out to be their requests' doing. */
const LATE_MAX = 16
const DOUBTS_MAX = 32
/** Less than this of a request left, and the error rate is unknown again. */
const ERROR_RATE_MIN_WEIGHT = 0.05

export type Suspicion = {
  at_ms: Ms
  fast: number
  slow: number
  row: number
  row_at_ms: Ms
  tenants: Tenant[]
  late: Late[]
  doubts: Doubt[]
  /** The last hour, decayed: what is normal here. What came since the last calm moment is kept apart, as it may be an outage beginning. */
  base_seen: number
  base_failed: number
  fresh_seen: number
  fresh_failed: number
  /** When the first request that failed since the last calm moment was sent; null in calm times. */
  failing_from_ms: Ms | null
  /** When the latest first token that is known of came. */
  token_at_ms: Ms | null
  /** Decayed counts, for the error rate alone. */
  answered: number
  failed: number
}

/** `before`: what is normal there and who was served, which outlive the suspicion. */
export const noSuspicion = (now_ms: Ms, before?: Suspicion): Suspicion => ({
  at_ms: now_ms,
  fast: 0,
  slow: 0,
  row: 0,
  row_at_ms: now_ms,
  tenants: (before?.tenants ?? []).flatMap(({ org, ok_sent_ms, seen_ms }) =>
    ok_sent_ms === null ? [] : [{ org, fast: 0, slow: 0, row: 0, failing_since_ms: null, ok_sent_ms, failed_ms: null, seen_ms }],
  ),
  late: [],
  doubts: [],
  base_seen: before?.base_seen ?? 0,
  base_failed: before?.base_failed ?? 0,
  fresh_seen: 0,
  fresh_failed: 0,
  failing_from_ms: null,
  token_at_ms: before?.token_at_ms ?? null,
  answered: 0,
  failed: 0,
})

/** It answered this tenant, which is no evidence while nobody else asks, but says of another's failures that they may be its own. */
export function served(before: Suspicion, { org, sent_at_ms }: Outcome, now_ms: Ms): Suspicion {
  const tenant = tenantOf(before.tenants, org, now_ms)
  const ok_sent_ms = Math.max(tenant.ok_sent_ms ?? 0, sent_at_ms)
  return { ...before, tenants: withTenant(before.tenants, { ...tenant, ok_sent_ms, seen_ms: now_ms }) }
}

/**
 * `share` lowers the thresholds: a target that has just come back is trusted half as far. `under_way`: so many requests may be on their
 * way there of which nothing was heard yet (`surge.ts`); until something is, they count as answered.
 */
export function isSuspicious(suspicion: Suspicion, share: number, rules: Rules, under_way = 0): boolean {
  const p_healthy = healthyShareOf(suspicion, rules)
  const enough = (sum: Rules['fast']) => sum.open_at * share - (under_way === 0 ? 0 : under_way * likelihoods(sum, p_healthy, rules).ok)
  return suspicion.fast >= enough(rules.fast) || suspicion.slow >= enough(rules.slow) || suspicion.row >= rules.row_length + under_way
}

/** Nothing speaks against it any more. */
export const isCalm = ({ fast }: Suspicion): boolean => fast === 0

export function errorRateOf(suspicion: Suspicion, now_ms: Ms): number | null {
  const weight = suspicion.answered + suspicion.failed
  const left = weight * halved(now_ms - suspicion.at_ms, ERROR_RATE_HALF_LIFE_MS)
  return left < ERROR_RATE_MIN_WEIGHT ? null : suspicion.failed / weight
}

/** One more outcome. Those that say nothing of the target's health change nothing, but may take back a `late`. `slow`: it is known to be. */
export function suspect(before: Suspicion, outcome: Outcome, now_ms: Ms, share: number, rules: Rules, slow = false): Suspicion {
  const evidence = EVIDENCE[outcome.class]
  const aged = withToken(withAge(before, now_ms, rules), outcome, now_ms)
  const late = aged.late.find(entry => entry.decision_id === outcome.decision_id)
  if (evidence.says === 'failure') {
    if (isOnlySlow(aged, outcome, now_ms, slow)) return late ? withoutLate(aged, late, true) : aged
    return late ? withoutLate(aged, late, false) : withFailure(aged, outcome, evidence.weight, now_ms, share, rules)
  }
  // We hung up on a hanging request: that it hung stays true. Any answer, though, means that it had only been slow.
  const settled = late ? withoutLate(aged, late, outcome.class !== 'cancelled') : aged
  return evidence.says === 'ok' ? withOk(settled, outcome, now_ms, rules) : settled
}

function withFailure(before: Suspicion, outcome: Outcome, own_weight: number, now_ms: Ms, share: number, rules: Rules): Suspicion {
  const { org, decision_id } = outcome
  const tenant = tenantOf(before.tenants, org, now_ms)
  const failing_since_ms = tenant.failing_since_ms ?? now_ms
  const others = othersServed(before.tenants, org, failing_since_ms, now_ms, rules)
  const capped = others.just_now || others.since
  if (others.since && tenant.row >= rules.tenant_row) {
    return { ...before, tenants: withTenant(before.tenants, { ...tenant, row: tenant.row + 1, seen_ms: now_ms }) }
  }
  const doubtful = isDoubtful(outcome.class)
  const confirmed = doubtful && before.tenants.some(each => each.org !== org && failedLately(each, now_ms, rules))
  const weight = confirmed ? 1 : doubtful && capped ? Math.min(own_weight, rules.unconfirmed_weight) : own_weight
  const p_healthy = healthyShareOf(before, rules)
  const room = (sum: Rules['fast'], given: number) => (capped ? Math.max(0, capOf(sum, share, rules) - given) : Number.POSITIVE_INFINITY)
  const fast = Math.min(weight * likelihoods(rules.fast, p_healthy, rules).failure, room(rules.fast, tenant.fast))
  const slow = Math.min(weight * likelihoods(rules.slow, p_healthy, rules).failure, room(rules.slow, tenant.slow))
  const inRow = weight === 1 && !capped
  const entry = { decision_id, org, fast, slow }
  const after: Suspicion = {
    ...before,
    fast: before.fast + fast,
    slow: before.slow + slow,
    failing_from_ms: before.failing_from_ms ?? outcome.sent_at_ms,
    row: before.row + (inRow ? 1 : 0),
    row_at_ms: inRow ? now_ms : before.row_at_ms,
    tenants: withTenant(before.tenants, {
      ...tenant,
      fast: tenant.fast + fast,
      slow: tenant.slow + slow,
      row: tenant.row + 1,
      failing_since_ms,
      failed_ms: now_ms,
      seen_ms: now_ms,
    }),
    late: outcome.class === 'late' ? [...before.late.slice(1 - LATE_MAX), entry] : before.late,
    doubts: doubtful ? [...before.doubts.slice(1 - DOUBTS_MAX), { ...entry, weight, at_ms: now_ms }] : before.doubts,
    fresh_seen: before.fresh_seen + 1,
    fresh_failed: before.fresh_failed + weight,
    failed: before.failed + weight,
  }
  if (!confirmed) return after
  // Two tenants fail: those who were doubted before are believed now.
  const believed = after.doubts.filter(doubt => doubt.org !== org && doubt.weight < 1 && doubt.at_ms >= now_ms - rules.confirm_ms)
  return believed.reduce((sum, doubt) => withDoubtResolved(sum, doubt, 'confirmed', share, rules), after)
}

function withOk(before: Suspicion, outcome: Outcome, now_ms: Ms, rules: Rules): Suspicion {
  const p_healthy = healthyShareOf(before, rules)
  const fast = Math.max(0, before.fast + likelihoods(rules.fast, p_healthy, rules).ok)
  const slow = Math.max(0, before.slow + likelihoods(rules.slow, p_healthy, rules).ok)
  // Calm again: what failed since the last time was no outage, and so belongs to what is normal here.
  const calm = fast === 0
  // The good word takes from what each has said against the target, in proportion, so that the parts stay parts of the sum.
  const fast_left = before.fast > 0 ? fast / before.fast : 0
  const slow_left = before.slow > 0 ? slow / before.slow : 0
  const tenants = scaled(before.tenants, fast_left, slow_left)
  const tenant = tenantOf(tenants, outcome.org, now_ms)
  const ok_sent_ms = Math.max(tenant.ok_sent_ms ?? 0, outcome.sent_at_ms)
  return {
    ...before,
    fast,
    slow,
    row: 0,
    tenants: withTenant(tenants, { ...tenant, row: 0, failing_since_ms: null, ok_sent_ms, seen_ms: now_ms }),
    late: scaled(before.late, fast_left, slow_left),
    doubts: scaled(before.doubts, fast_left, slow_left),
    base_seen: before.base_seen + (calm ? before.fresh_seen + 1 : 0),
    base_failed: before.base_failed + (calm ? before.fresh_failed : 0),
    fresh_seen: calm ? 0 : before.fresh_seen + 1,
    fresh_failed: calm ? 0 : before.fresh_failed,
    failing_from_ms: calm ? null : before.failing_from_ms,
    answered: before.answered + 1,
  }
}
