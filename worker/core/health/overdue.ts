/**
 * Slow is not broken. That a first token is overdue, told while the request still hangs, counts only while the target is silent for
 * everybody: once any first token has come since the request was sent, it is answering, and this one is only slow or unlucky.
 * Of a target that is known to be slow the same holds of a request that was given up at its deadline.
 */
import type { Outcome } from '../../schema/health.ts'
import type { DecisionId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import type { Suspicion } from './suspicion.ts'

/** Evidence given while the request hung; the amounts are forgotten as the sums are. */
export type Late = { decision_id: DecisionId; org: string; fast: number; slow: number }

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

export function withToken(before: Suspicion, { sent_at_ms, first_token_ms }: Outcome, now_ms: Ms): Suspicion {
  if (first_token_ms === null) return before
  return { ...before, token_at_ms: Math.max(before.token_at_ms ?? 0, Math.min(now_ms, sent_at_ms + first_token_ms)) }
}

/** The hanging request ended. `takenBack`: what its `late` had added is subtracted again. */
export function withoutLate(before: Suspicion, late: Late, takenBack: boolean): Suspicion {
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
