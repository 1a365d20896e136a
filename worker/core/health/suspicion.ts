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
 * Slow is not broken. That a first token is overdue, told while the request still hangs, counts only while the target is silent for
 * everybody: once any first token has come since the request was sent, it is answering, and this one is only slow or unlucky.
 * Of a target that is known to be slow the same holds of a request that was given up at its deadline.
 */
import type { Outcome, OutcomeClass } from '../../schema/health.ts'
import type { DecisionId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { EVIDENCE } from './evidence.ts'

/** Failure share of a healthy target: a fifth more than its last hour had, within bounds. Of one not yet known, 2 % are assumed. */
const P_HEALTHY_MIN = 0.02
const P_HEALTHY_MAX = 0.08
const P_HEALTHY_MARGIN = 1.2
const ASSUMED_SHARE = 0.02
const ASSUMED_WEIGHT = 50
const BASE_HALF_LIFE_MS = 3_600_000
/** A broken target fails at least three times as often as a healthy one, or the two could not be told apart. */
const BROKEN_RATIO = 3

/** Thresholds as far down as false alarms stay under five in a million at 3 % errors (`npm run simulate:report`): four failures in a row, or five where 5 % are normal. */
const FAST = { p_broken: 0.5, threshold: 10, half_life_ms: 120_000 }
const SLOW = { p_broken: 0.15, threshold: 9, half_life_ms: 600_000 }

/** What one failure and one answer add, in nats, under the present idea of what is healthy. */
function likelihoods({ p_broken }: typeof FAST, p_healthy: number): { failure: number; ok: number } {
  const broken = Math.max(p_broken, BROKEN_RATIO * p_healthy)
  return { failure: Math.log(broken / p_healthy), ok: Math.log((1 - broken) / (1 - p_healthy)) }
}

/** Failures in a row, however far apart, that open the gate; a gap longer than the second number begins a new row. */
const ROW_LENGTH = 5
const ROW_GAP_MS = 600_000

/** Tenants told apart at once; of those that fail, or of those that are answered, the one heard of longest ago makes room, and what it added stays in the sum. */
const TENANTS_MAX = 8
/** "Being served": another tenant's request, sent this recently or since this tenant began to fail, was answered. */
const SERVED_JUST_NOW_MS = 5_000
const SERVED_MS = 30_000
/** A tenant that fails this often in a row, while others are answered in between, fails by its own doing. */
const OWN_ROW = 2
/** One tenant's part of what opens the gate, while others are served: a little more than half, so that two who always fail open it although sums fade. */
const TENANT_SHARE = 0.52
/** Hanging requests that may still take their `late` back. */
const LATE_MAX = 16
/** Failures that may have been their requests' doing: what they weigh until confirmed, how long another tenant's failure confirms them, and how many are kept. */
const UNCONFIRMED_WEIGHT = 0.35
const CONFIRM_MS = 30_000
const DOUBTS_MAX = 32
const DOUBTFUL: ReadonlySet<OutcomeClass> = new Set(['server', 'garbage'])

const ERROR_RATE_HALF_LIFE_MS = 60_000
/** Less than this of a request left, and the error rate is unknown again. */
const ERROR_RATE_MIN_WEIGHT = 0.05

/** What one tenant's failures have put into the sums, and whether it was served. */
type Tenant = {
  org: string
  fast: number
  slow: number
  /** Failures since it was last answered. */
  row: number
  failing_since_ms: Ms | null
  ok_sent_ms: Ms | null
  failed_ms: Ms | null
  seen_ms: Ms
}
/** Evidence given while the request hung; the amounts are forgotten as the sums are. */
type Late = { decision_id: DecisionId; org: string; fast: number; slow: number }
/** A failure that may weigh more or nothing, once more is known. `weight`: what it counted for so far, 0..1. */
type Doubt = Late & { weight: number; at_ms: Ms }

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
export function isSuspicious(suspicion: Suspicion, share: number, under_way = 0): boolean {
  const p_healthy = healthyShareOf(suspicion)
  const enough = (sum: typeof FAST) => sum.threshold * share - (under_way === 0 ? 0 : under_way * likelihoods(sum, p_healthy).ok)
  return suspicion.fast >= enough(FAST) || suspicion.slow >= enough(SLOW) || suspicion.row >= ROW_LENGTH + under_way
}

/** Nothing speaks against it any more. */
export const isCalm = ({ fast }: Suspicion): boolean => fast === 0

/** May it have been the request's doing? */
export const isDoubtful = (outcome: OutcomeClass): boolean => DOUBTFUL.has(outcome)

export function healthyShareOf({ base_seen, base_failed }: Suspicion): number {
  const share = (base_failed + ASSUMED_SHARE * ASSUMED_WEIGHT) / (base_seen + ASSUMED_WEIGHT)
  return Math.min(P_HEALTHY_MAX, Math.max(P_HEALTHY_MIN, P_HEALTHY_MARGIN * share))
}

export function errorRateOf(suspicion: Suspicion, now_ms: Ms): number | null {
  const weight = suspicion.answered + suspicion.failed
  const left = weight * halved(now_ms - suspicion.at_ms, ERROR_RATE_HALF_LIFE_MS)
  return left < ERROR_RATE_MIN_WEIGHT ? null : suspicion.failed / weight
}

/** One more outcome. Those that say nothing of the target's health change nothing, but may take back a `late`. `slow`: it is known to be. */
export function suspect(before: Suspicion, outcome: Outcome, now_ms: Ms, share: number, slow = false): Suspicion {
  const evidence = EVIDENCE[outcome.class]
  const aged = withToken(withAge(before, now_ms), outcome, now_ms)
  const late = aged.late.find(entry => entry.decision_id === outcome.decision_id)
  if (evidence.says === 'failure') {
    if (isOnlySlow(aged, outcome, now_ms, slow)) return late ? withoutLate(aged, late, true) : aged
    return late ? withoutLate(aged, late, false) : withFailure(aged, outcome, evidence.weight, now_ms, share)
  }
  // We hung up on a hanging request: that it hung stays true. Any answer, though, means that it had only been slow.
  const settled = late ? withoutLate(aged, late, outcome.class !== 'cancelled') : aged
  return evidence.says === 'ok' ? withOk(settled, outcome, now_ms) : settled
}

/** What came in this part of a wait, counted from its beginning, may have been the last that came. */
const LAST_TOKENS_SHARE = { late: 1 / 6, timeout: 1 / 2 }

/**
 * Is that it took so long no sign that it is broken? A `late` with a first token is one that has come after all. Else some other
 * request's first token must have come meanwhile, and of one that was given up on the target must be known to be slow.
 */
export function isOnlySlow({ token_at_ms }: Suspicion, outcome: Outcome, now_ms: Ms, slow: boolean): boolean {
  const { class: kind, first_token_ms, sent_at_ms } = outcome
  if (kind !== 'late' && kind !== 'timeout') return false
  if (first_token_ms !== null) return kind === 'late'
  const answering = token_at_ms !== null && token_at_ms > sent_at_ms + LAST_TOKENS_SHARE[kind] * (now_ms - sent_at_ms)
  return answering && (kind === 'late' || slow)
}

function withToken(before: Suspicion, { sent_at_ms, first_token_ms }: Outcome, now_ms: Ms): Suspicion {
  if (first_token_ms === null) return before
  return { ...before, token_at_ms: Math.max(before.token_at_ms ?? 0, Math.min(now_ms, sent_at_ms + first_token_ms)) }
}

/** A clock that went back counts as one that stood still. */
const halved = (passed_ms: Ms, half_life_ms: Ms) => 2 ** (-Math.max(0, passed_ms) / half_life_ms)

function scaled<Item extends { fast: number; slow: number }>(items: Item[], fast: number, slow: number): Item[] {
  // In calm times all are nothing, and stay it.
  if (items.every(item => item.fast === 0 && item.slow === 0)) return items
  return items.map(item => ({ ...item, fast: item.fast * fast, slow: item.slow * slow }))
}

function withAge(before: Suspicion, now_ms: Ms): Suspicion {
  const passed_ms = now_ms - before.at_ms
  const fast = halved(passed_ms, FAST.half_life_ms)
  const slow = halved(passed_ms, SLOW.half_life_ms)
  const rate = halved(passed_ms, ERROR_RATE_HALF_LIFE_MS)
  const base = halved(passed_ms, BASE_HALF_LIFE_MS)
  return {
    ...before,
    at_ms: now_ms,
    fast: before.fast * fast,
    slow: before.slow * slow,
    row: now_ms - before.row_at_ms > ROW_GAP_MS ? 0 : before.row,
    row_at_ms: before.row_at_ms,
    tenants: scaled(before.tenants, fast, slow),
    late: scaled(before.late, fast, slow),
    doubts: scaled(before.doubts, fast, slow),
    base_seen: before.base_seen * base,
    base_failed: before.base_failed * base,
    answered: before.answered * rate,
    failed: before.failed * rate,
  }
}

function withTenant(tenants: Tenant[], tenant: Tenant): Tenant[] {
  const others = tenants.filter(other => other.org !== tenant.org)
  if (others.length >= TENANTS_MAX) {
    // One that keeps failing is not forgotten for those that are answered, or it would be believed anew each time; nor those for it.
    const failing = others.filter(({ row }) => row > 0)
    const crowd = failing.length > TENANTS_MAX / 2 ? failing : others.filter(({ row }) => row === 0)
    const oldest = crowd.reduce((a, b) => (b.seen_ms < a.seen_ms ? b : a))
    others.splice(others.indexOf(oldest), 1)
  }
  return [...others, tenant]
}

const tenantOf = (tenants: Tenant[], org: string, now_ms: Ms): Tenant =>
  tenants.find(tenant => tenant.org === org) ?? {
    org,
    fast: 0,
    slow: 0,
    row: 0,
    failing_since_ms: null,
    ok_sent_ms: null,
    failed_ms: null,
    seen_ms: now_ms,
  }

/** `just_now`: they were a moment ago · `since`: since this tenant began to fail, which only a working target can have done. */
function othersServed(suspicion: Suspicion, org: string, failing_since_ms: Ms, now_ms: Ms): { just_now: boolean; since: boolean } {
  let just_now = false
  let since = false
  for (const { org: other, ok_sent_ms } of suspicion.tenants) {
    if (other === org || ok_sent_ms === null) continue
    if (ok_sent_ms >= now_ms - SERVED_JUST_NOW_MS) just_now = true
    if (ok_sent_ms >= failing_since_ms && ok_sent_ms >= now_ms - SERVED_MS) since = true
  }
  return { just_now, since }
}

function withFailure(before: Suspicion, outcome: Outcome, own_weight: number, now_ms: Ms, share: number): Suspicion {
  const { org, decision_id } = outcome
  const tenant = tenantOf(before.tenants, org, now_ms)
  const failing_since_ms = tenant.failing_since_ms ?? now_ms
  const others = othersServed(before, org, failing_since_ms, now_ms)
  const capped = others.just_now || others.since
  if (others.since && tenant.row >= OWN_ROW) {
    return { ...before, tenants: withTenant(before.tenants, { ...tenant, row: tenant.row + 1, seen_ms: now_ms }) }
  }
  const doubtful = isDoubtful(outcome.class)
  const confirmed = doubtful && before.tenants.some(each => each.org !== org && failedLately(each, now_ms))
  const weight = confirmed ? 1 : doubtful && capped ? Math.min(own_weight, UNCONFIRMED_WEIGHT) : own_weight
  const p_healthy = healthyShareOf(before)
  const room = (threshold: number, given: number) => (capped ? Math.max(0, capOf(threshold, share) - given) : Number.POSITIVE_INFINITY)
  const fast = Math.min(weight * likelihoods(FAST, p_healthy).failure, room(FAST.threshold, tenant.fast))
  const slow = Math.min(weight * likelihoods(SLOW, p_healthy).failure, room(SLOW.threshold, tenant.slow))
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
  const believed = after.doubts.filter(doubt => doubt.org !== org && doubt.weight < 1 && doubt.at_ms >= now_ms - CONFIRM_MS)
  return believed.reduce((sum, doubt) => withDoubtResolved(sum, doubt, 'confirmed', share), after)
}

/** What one tenant may put into a sum that opens at `threshold * share`. */
const capOf = (threshold: number, share: number) => threshold * share * TENANT_SHARE

const failedLately = ({ failed_ms }: Tenant, now_ms: Ms) => failed_ms !== null && failed_ms >= now_ms - CONFIRM_MS

/** The request that had failed here was answered elsewhere (`confirmed`), or failed elsewhere in the same way (`withdrawn`). */
export function reconsidered(
  before: Suspicion,
  decision_id: DecisionId,
  verdict: 'confirmed' | 'withdrawn',
  now_ms: Ms,
  share: number,
): Suspicion {
  const aged = before.doubts.some(doubt => doubt.decision_id === decision_id) ? withAge(before, now_ms) : before
  const doubts = aged.doubts.filter(doubt => doubt.decision_id === decision_id)
  return doubts.reduce((sum, doubt) => withDoubtResolved(sum, doubt, verdict, share), aged)
}

/** What is missing to its full weight is added, as far as its tenant still has room; or what it had added is taken away. */
function withDoubtResolved(before: Suspicion, doubt: Doubt, verdict: 'confirmed' | 'withdrawn', share: number): Suspicion {
  const tenant = before.tenants.find(each => each.org === doubt.org)
  const withdrawn = verdict === 'withdrawn'
  const missing = (doubt.weight > 0 ? 1 / doubt.weight : 0) - 1
  const more = (own: number, threshold: number, given: number) =>
    withdrawn ? -own : Math.min(own * missing, Math.max(0, capOf(threshold, share) - given))
  const fast = more(doubt.fast, FAST.threshold, tenant?.fast ?? 0)
  const slow = more(doubt.slow, SLOW.threshold, tenant?.slow ?? 0)
  const weight = withdrawn ? -doubt.weight : 1 - doubt.weight
  const least0 = (value: number) => Math.max(0, value)
  return {
    ...before,
    fast: least0(before.fast + fast),
    slow: least0(before.slow + slow),
    row: withdrawn ? least0(before.row - (doubt.weight === 1 ? 1 : 0)) : before.row,
    tenants: before.tenants.map(each =>
      each === tenant ? { ...each, fast: least0(each.fast + fast), slow: least0(each.slow + slow) } : each,
    ),
    doubts: before.doubts.filter(each => each.decision_id !== doubt.decision_id),
    fresh_failed: least0(before.fresh_failed + weight),
    failed: least0(before.failed + weight),
  }
}

function withOk(before: Suspicion, outcome: Outcome, now_ms: Ms): Suspicion {
  const p_healthy = healthyShareOf(before)
  const fast = Math.max(0, before.fast + likelihoods(FAST, p_healthy).ok)
  const slow = Math.max(0, before.slow + likelihoods(SLOW, p_healthy).ok)
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
    fresh_failed: less(before.fresh_failed, 1),
    failed: less(before.failed, 1),
  }
}
