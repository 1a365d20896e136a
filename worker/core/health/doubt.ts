/**
 * Failures that may have been their requests' own doing. Each counts for a part until it is confirmed: by another tenant who fails as well,
 * or by another target that answers the same request. Where the same request fails at another provider in the same way, what it had counted is taken back.
 */
import type { OutcomeClass } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { DecisionId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { withAge } from './fading.ts'
import type { Late } from './overdue.ts'
import type { Suspicion } from './suspicion.ts'
import { capOf } from './tenants.ts'

type Rules = HealthRules['suspicion']

const DOUBTFUL: ReadonlySet<OutcomeClass> = new Set(['server', 'garbage'])

/** A failure that may weigh more or nothing, once more is known. `weight`: what it counted for so far, 0..1. */
export type Doubt = Late & { weight: number; at_ms: Ms }

/** May it have been the request's doing? */
export const isDoubtful = (outcome: OutcomeClass): boolean => DOUBTFUL.has(outcome)

/** The request that had failed here was answered elsewhere (`confirmed`), or failed elsewhere in the same way (`withdrawn`). */
export function reconsidered(
  before: Suspicion,
  decision_id: DecisionId,
  verdict: 'confirmed' | 'withdrawn',
  now_ms: Ms,
  share: number,
  rules: Rules,
): Suspicion {
  const aged = before.doubts.some(doubt => doubt.decision_id === decision_id) ? withAge(before, now_ms, rules) : before
  const doubts = aged.doubts.filter(doubt => doubt.decision_id === decision_id)
  return doubts.reduce((sum, doubt) => withDoubtResolved(sum, doubt, verdict, share, rules), aged)
}

/** What is missing to its full weight is added, as far as its tenant still has room; or what it had added is taken away. */
export function withDoubtResolved(
  before: Suspicion,
  doubt: Doubt,
  verdict: 'confirmed' | 'withdrawn',
  share: number,
  rules: Rules,
): Suspicion {
  const tenant = before.tenants.find(each => each.org === doubt.org)
  const withdrawn = verdict === 'withdrawn'
  const missing = (doubt.weight > 0 ? 1 / doubt.weight : 0) - 1
  const more = (own: number, sum: Rules['fast'], given: number) =>
    withdrawn ? -own : Math.min(own * missing, Math.max(0, capOf(sum, share, rules) - given))
  const fast = more(doubt.fast, rules.fast, tenant?.fast ?? 0)
  const slow = more(doubt.slow, rules.slow, tenant?.slow ?? 0)
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
