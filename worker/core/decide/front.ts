/**
 * The Pareto front of a request: the eligible targets that no other one beats in everything. Whatever the weights, a sensible
 * choice is one of these; so it tells those who pay for a policy what other weights could have bought.
 *
 * Quality counts as it is scored (less its doubt); cost, latency and energy as estimated, and what is unknown as the worst there is.
 *
 * A record keeps the best few of the front, a dry run all of it. A target need not be compared with everyone: each term of a total
 * falls with what it counts, so who beats it in everything has no lower total and comes before it.
 */
import type { Estimates } from './estimate.ts'
import { at, type Ranking } from './ranking.ts'
import { RISK_AVERSION } from './score.ts'

/** Two totals this close may be equal but for how floats are rounded. */
const ROUNDING = 1e-9

/**
 * The first `most` of the front by their totals, best first. `aside`: those whose totals were lowered beyond their terms, who may beat
 * one with a higher total. `raised` and `by`: a target whose total was raised, and by how much; -1 where there is none.
 */
export function bestOfFront(
  byTotal: Ranking,
  estimates: Estimates,
  most: number,
  aside: readonly number[],
  raised: number,
  by: number,
): number[] {
  const front: number[] = []
  for (let place = 0; place < byTotal.length && front.length < most; place++) {
    const index = at(byTotal, place)
    const total = (byTotal.totals[index] as number) - (index === raised ? by : 0) - ROUNDING
    if (!isBeaten(index, total, byTotal, estimates) && !aside.some(other => beats(other, index, estimates))) front.push(index)
  }
  return front
}

function isBeaten(index: number, total: number, byTotal: Ranking, estimates: Estimates): boolean {
  for (let place = 0; place < byTotal.length; place++) {
    const other = at(byTotal, place)
    if ((byTotal.totals[other] as number) < total) return false
    if (beats(other, index, estimates)) return true
  }
  return false
}

/** As good in everything, and better in something. */
function beats(one: number, other: number, { quality, quality_uncertainty, cost_micros, latency_ms, energy_wh }: Estimates): boolean {
  const latency = (latency_ms[one] as number) - (latency_ms[other] as number)
  if (latency > 0) return false
  const cost_one = known(cost_micros[one] as number)
  const cost_other = known(cost_micros[other] as number)
  if (cost_one > cost_other) return false
  const short_one = RISK_AVERSION * (quality_uncertainty[one] as number) - (quality[one] as number)
  const short_other = RISK_AVERSION * (quality_uncertainty[other] as number) - (quality[other] as number)
  if (short_one > short_other) return false
  const energy_one = known(energy_wh[one] as number)
  const energy_other = known(energy_wh[other] as number)
  if (energy_one > energy_other) return false
  return latency < 0 || cost_one < cost_other || short_one < short_other || energy_one < energy_other
}

const known = (value: number) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)
