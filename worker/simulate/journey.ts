/**
 * One simulated request: what it is given to travel with, and what is written down of its way.
 */
import type { Allowance } from '../dispatch/allowance.ts'
import type { Plan } from '../schema/decision.ts'
import type { OutcomeClass } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { Fate } from './weather.ts'

export type Told = {
  target: TargetId
  class: OutcomeClass
  sent_at_ms: Ms
  first_token_ms: Ms | null
  /** Of a call that another one outran. */
  waited_ms?: Ms
  retry_after_ms: Ms | null
  probe: boolean
}

export type Passenger = {
  number: number
  org: string
  plan: Plan
  started_at_ms: Ms
  /** What the n-th call, counted from one, meets at this target; the same whenever it is asked. */
  fateOf(target: TargetId, nth: number): Fate
  tell(told: Told): void
  draw(): number
  /** The isolate's. */
  retries: Allowance
  hedges: Allowance
}

export type Attempt = { target: TargetId; sent_at_ms: Ms; probe: boolean; class: OutcomeClass; hedge?: true }

export type Journey = {
  /** `cut`: the answer broke off after it had begun, and the caller was told. */
  how: 'answered' | 'cut' | 'failed'
  attempts: Attempt[]
  started_at_ms: Ms
  ended_at_ms: Ms
  /** Since the request began; null where nothing came. */
  first_token_ms: Ms | null
}
