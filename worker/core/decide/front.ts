/**
 * The Pareto front of a request: the eligible targets that no other one beats in everything. Whatever the weights, a sensible
 * choice is one of these; so it tells those who pay for a policy what other weights could have bought.
 *
 * Quality counts as it is scored (less its doubt); cost, latency and energy as estimated, and what is unknown as the worst there is.
 * It runs for every request, so the numbers of those on the front so far lie side by side in memory.
 */
import type { Estimates } from './estimate.ts'
import { RISK_AVERSION } from './score.ts'

/** Of each on the front: shortfall of quality, cost, latency, energy, all the lower the better. */
const FACETS = 4
let facets = new Float64Array(64 * FACETS)

/**
 * The indexes of those on the front, in no order, of the first `count` of `indexes`. Those with the best totals first is fastest: most
 * of the others are beaten by one of the first few.
 */
export function paretoFront(indexes: Int32Array, count: number, estimates: Estimates): number[] {
  const { quality, quality_uncertainty, cost_micros, latency_ms, energy_wh } = estimates
  const front: number[] = []
  if (facets.length < count * FACETS) facets = new Float64Array(count * FACETS)
  for (let at = 0; at < count; at++) {
    const index = indexes[at] as number
    const shortfall = RISK_AVERSION * (quality_uncertainty[index] as number) - (quality[index] as number)
    const cost = known(cost_micros[index] as number)
    const latency = known(latency_ms[index] as number)
    const energy = known(energy_wh[index] as number)
    let isBeaten = false
    for (let place = 0; place < front.length; place++) {
      const from = place * FACETS
      const a = facets[from] as number
      const b = facets[from + 1] as number
      const c = facets[from + 2] as number
      const d = facets[from + 3] as number
      if (a <= shortfall && b <= cost && c <= latency && d <= energy) {
        // Equal in everything: neither beats the other, and nothing that this one beats can be on the front.
        isBeaten = a < shortfall || b < cost || c < latency || d < energy
        if (isBeaten) break
      } else if (a >= shortfall && b >= cost && c >= latency && d >= energy) {
        drop(front, place--)
      }
    }
    if (isBeaten) continue
    const to = front.length * FACETS
    facets[to] = shortfall
    facets[to + 1] = cost
    facets[to + 2] = latency
    facets[to + 3] = energy
    front.push(index)
  }
  return front
}

const known = (value: number) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)

/** The last one takes its place. */
function drop(front: number[], place: number): void {
  const last = front.length - 1
  front[place] = front[last] as number
  facets.copyWithin(place * FACETS, last * FACETS, front.length * FACETS)
  front.pop()
}
