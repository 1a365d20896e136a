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
import type { TargetHealth } from '../../schema/health.ts'
import type { Objective } from '../../schema/policy.ts'
import type { Estimates } from './estimate.ts'

/** From the cheapest small open model to the dearest frontier model, in micro-USD per token ($ per million tokens). */
const COST = scale(0.1, 100)
/** From about what a person notices to where they have left, in ms. */
const LATENCY = scale(300, 120_000)
/** From a 1B model to the largest ones, in Wh per token. */
const ENERGY = scale(0.000_01, 0.01)

/** Of two targets alike in quality, the better known one: half a standard deviation is taken off. */
const RISK_AVERSION = 0.5

/**
 * Flagged as slow against its own past, beyond what the latency estimate already says. Errors are no penalty: the gate alone
 * judges them, because it also finds out when they have ended. A penalty would take a failing target's requests away before
 * its gate opens, and with the requests every chance to see it recover.
 */
const SLOW_PENALTY = 0.1

type Scale = { per_unit: number; over: number }

function scale(best: number, worst: number): Scale {
  return { per_unit: 1 / best, over: 1 / Math.log1p(worst / best) }
}

/** 1 at nothing, about .9 at the better anchor, 0 at the worse one; 0 for NaN. */
function goodness(value: number, { per_unit, over }: Scale): number {
  const good = 1 - Math.log1p(value * per_unit) * over
  return good > 0 ? good : 0
}

export type Terms = { quality: number; cost: number; latency: number; energy: number; penalty: number; total: number }

export function terms(
  i: number,
  estimates: Estimates,
  tokens: number,
  objective: Objective,
  health: TargetHealth | undefined,
  into: Terms,
): Terms {
  const quality = (estimates.quality[i] ?? 0) - RISK_AVERSION * (estimates.quality_uncertainty[i] ?? 0)
  into.quality = quality > 0 ? quality : 0
  into.cost = goodness((estimates.cost_micros[i] ?? Number.NaN) / tokens, COST)
  into.latency = goodness(estimates.latency_ms[i] ?? Number.NaN, LATENCY)
  into.energy = goodness((estimates.energy_wh[i] ?? Number.NaN) / tokens, ENERGY)
  into.penalty = health?.slow ? SLOW_PENALTY : 0
  const weighed =
    objective.quality * into.quality + objective.cost * into.cost + objective.latency * into.latency + objective.energy * into.energy
  into.total = weighed / (objective.quality + objective.cost + objective.latency + objective.energy) - into.penalty
  return into
}

export const noTerms = (): Terms => ({ quality: 0, cost: 0, latency: 0, energy: 0, penalty: 0, total: 0 })
