/**
 * One number a target, from what it would do for this request and what the policy weighs.
 *
 * Each term is put on 0..1, higher is better, on a scale that is fixed: it does not depend on who else is eligible, so adding
 * a poor target never reorders the good ones. Money, time and energy are felt in ratios (three times cheaper is worth the same
 * at a cent as at a dollar), so their scale is logarithmic between two anchors, with a soft start so that free is 1 and not
 * infinite. Cost and energy are taken per token of the request, so that a weight means the same for a short prompt and a long
 * one; time is taken whole, because people wait it whole.
 *
 * An unknown cost or energy scores 0: what nobody vouches for counts as the worst there is, and never as free.
 */
import type { Objective } from '../../schema/policy.ts'
import type { Scratch } from './columns.ts'
import type { Seen } from './seen.ts'

/** From the cheapest small open model to the dearest frontier model, in micro-USD per token ($ per million tokens). */
const COST = scale(0.1, 100)
/** From about what a person notices to where they have left, in ms. */
const LATENCY = scale(300, 120_000)
/** From a 1B model to the largest ones, in Wh per token. */
const ENERGY = scale(0.000_01, 0.01)

/** Of two targets alike in quality, the better known one: half a standard deviation is taken off. */
export const RISK_AVERSION = 0.5

type Scale = { per_unit: number; over: number }

function scale(best: number, worst: number): Scale {
  return { per_unit: 1 / best, over: 1 / Math.log1p(worst / best) }
}

/** 1 at nothing, about .9 at the better anchor, 0 at the worse one; 0 for NaN. */
function goodness(value: number, { per_unit, over }: Scale): number {
  const good = 1 - Math.log1p(value * per_unit) * over
  return good > 0 ? good : 0
}

/** `quality`, `cost`, `latency` and `energy` weighed, less `penalty`, are the total. */
export type Terms = { quality: number; cost: number; latency: number; energy: number; penalty: number; total: number }

/** All terms of one target, for the record; `tokens` are those of the whole request, `penalty` what was taken from its total, negative where it was given. */
export function terms(index: number, { estimates, totals }: Scratch, tokens: number, penalty: number): Terms {
  return {
    quality: qualityTerm(estimates.quality[index] as number, estimates.quality_uncertainty[index] as number),
    cost: goodness((estimates.cost_micros[index] as number) / tokens, COST),
    latency: goodness(estimates.latency_ms[index] as number, LATENCY),
    energy: goodness((estimates.energy_wh[index] as number) / tokens, ENERGY),
    penalty,
    total: totals[index] as number,
  }
}

/**
 * The total of each of the first `count` of `indexes`, one term after the other. A logarithm is the dearest part of a decision, so
 * what weighs nothing is not worked out. `slow_penalty` is the policy's. Errors are no penalty: the gate alone judges them, because it also
 * finds out when they have ended. A penalty would take a failing target's requests away before its gate opens, and with the requests every
 * chance to see it recover.
 */
export function rate(
  indexes: Int32Array,
  count: number,
  scratch: Scratch,
  { slow }: Seen,
  tokens: number,
  objective: Objective,
  slow_penalty: number,
): void {
  const { totals, estimates } = scratch
  for (let at = 0; at < count; at++) {
    const i = indexes[at] as number
    totals[i] = objective.quality * qualityTerm(estimates.quality[i] as number, estimates.quality_uncertainty[i] as number)
  }
  if (objective.cost > 0) add(objective.cost, estimates.cost_micros, tokens, COST, indexes, count, totals)
  if (objective.latency > 0) add(objective.latency, estimates.latency_ms, 1, LATENCY, indexes, count, totals)
  if (objective.energy > 0) add(objective.energy, estimates.energy_wh, tokens, ENERGY, indexes, count, totals)
  const weights = objective.quality + objective.cost + objective.latency + objective.energy
  for (let at = 0; at < count; at++) {
    const i = indexes[at] as number
    totals[i] = (totals[i] as number) / weights - (slow[i] ? slow_penalty : 0)
  }
}

/** `goodness` of a whole column. Written out, because a call for each number would put each on the heap. */
function add(
  weight: number,
  values: Float64Array,
  per: number,
  { per_unit, over }: Scale,
  indexes: Int32Array,
  count: number,
  totals: Float64Array,
): void {
  for (let at = 0; at < count; at++) {
    const i = indexes[at] as number
    const good = 1 - Math.log1p(((values[i] as number) / per) * per_unit) * over
    if (good > 0) totals[i] = (totals[i] as number) + weight * good
  }
}

function qualityTerm(quality: number, uncertainty: number): number {
  const sure = quality - RISK_AVERSION * uncertainty
  return sure > 0 ? sure : 0
}
