/**
 * The facts of the targets as columns of numbers, one entry a target: reading down a column costs a nanosecond a target, where
 * going from object to object costs ten. Worked out once for a policy and a catalogue.
 *
 * And the columns that a request fills in. They are the same memory for every request, since a decision is made in one go
 * and nobody else runs meanwhile: nothing of them is read before this request has written it, and nothing outlives it.
 */
import type { DialectName } from '../../schema/chat.ts'
import type { Refusal } from '../../schema/decision.ts'
import { TASKS } from '../../schema/features.ts'
import type { Ms } from '../../schema/units.ts'
import { abilitiesOf } from './abilities.ts'
import type { Estimates } from './estimate.ts'
import type { LiveTarget } from './world.ts'

export type Columns = {
  abilities: Int32Array
  context_tokens: Float64Array
  output_tokens: Float64Array
  /** By task, and within it by target. */
  quality: readonly Float64Array[]
  quality_uncertainty: readonly Float64Array[]
  /** Mean prior over all tasks, for prompts whose task is unclear. */
  mean_quality: Float64Array
  mean_uncertainty: Float64Array
  /** In force until `prices_until_ms`; NaN where unknown. */
  input_micros_per_mtok: Float64Array
  output_micros_per_mtok: Float64Array
  prices_until_ms: Ms
  /** Up to so many tokens of prompt none of them costs more by the token for a long one. */
  usual_price_tokens: number
  /** NaN where unknown. */
  wh_per_input_token: Float64Array
  wh_per_output_token: Float64Array
  first_token_ms: Float64Array
  /** 1 where it may have to load its weights first. */
  may_sleep: Uint8Array
  /** What they speak, and who speaks which. */
  dialects: readonly DialectName[]
  dialect: Uint8Array
}

export function columnsOf(targets: readonly LiveTarget[]): Columns {
  const column = (of: (target: LiveTarget) => number | null | undefined) => Float64Array.from(targets, each => of(each) ?? Number.NaN)
  const dialects = [...new Set(targets.map(each => each.provider.dialect))]
  return {
    abilities: Int32Array.from(targets, abilitiesOf),
    context_tokens: column(each => each.target.capability.context_tokens),
    output_tokens: column(each => each.target.capability.output_tokens),
    quality: TASKS.map((_, task) => column(each => each.quality[task] ?? 0)),
    quality_uncertainty: TASKS.map((_, task) => column(each => each.quality_uncertainty[task] ?? 0)),
    mean_quality: column(each => mean(each.quality)),
    mean_uncertainty: column(each => mean(each.quality_uncertainty)),
    input_micros_per_mtok: column(each => each.price?.input_micros_per_mtok),
    output_micros_per_mtok: column(each => each.price?.output_micros_per_mtok),
    usual_price_tokens: Math.min(...targets.map(each => each.price?.longer?.above_tokens ?? Number.POSITIVE_INFINITY)),
    prices_until_ms: Math.min(...targets.map(each => each.price_until_ms)),
    wh_per_input_token: column(each => each.wh_per_input_token),
    wh_per_output_token: column(each => each.wh_per_output_token),
    first_token_ms: column(each => each.first_token_ms),
    may_sleep: Uint8Array.from(targets, each => (each.readiness === 'serverless' ? 1 : 0)),
    dialects,
    dialect: Uint8Array.from(targets, each => dialects.indexOf(each.provider.dialect)),
  }
}

/** What a request fills in, by target unless it says otherwise. */
export type Scratch = {
  /** Why it is out, or null. */
  refusals: (Refusal | null)[]
  estimates: Estimates
  totals: Float64Array
  /** Lists of indexes, as long as what they hold. */
  passing: Int32Array
  callable: Int32Array
}

export function scratchFor(count: number): Scratch {
  const column = () => new Float64Array(count)
  return {
    refusals: new Array(count).fill(null),
    estimates: {
      quality: column(),
      quality_uncertainty: column(),
      cost_micros: column(),
      first_token_ms: column(),
      latency_ms: column(),
      energy_wh: column(),
    },
    totals: column(),
    passing: new Int32Array(count),
    callable: new Int32Array(count),
  }
}

function mean(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / Math.max(1, values.length)
}
