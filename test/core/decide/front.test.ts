import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scratchFor } from '../../../worker/core/decide/columns.ts'
import { decide } from '../../../worker/core/decide/decide.ts'
import { explain } from '../../../worker/core/decide/explain.ts'
import { bestOfFront } from '../../../worker/core/decide/front.ts'
import { ranking, whole } from '../../../worker/core/decide/ranking.ts'
import { RISK_AVERSION, rate } from '../../../worker/core/decide/score.ts'
import type { Seen } from '../../../worker/core/decide/seen.ts'
import type { Objective } from '../../../worker/schema/policy.ts'
import { catalogueOf, chat, FEATURES, worldWith } from './small-world.ts'

type Facts = { quality: number; uncertainty?: number; cost: number; latency: number; energy: number; slow?: boolean }

const EVEN: Objective = { quality: 1, cost: 1, latency: 1, energy: 1 }

/** The best `most` of the front, and all who might be on it in the order of their totals, of which one may have been raised. */
function frontOf(all: readonly Facts[], objective: Objective, most: number, raised = -1) {
  const scratch = scratchFor(all.length)
  all.forEach(({ quality, uncertainty = 0, cost, latency, energy }, i) => {
    scratch.estimates.quality[i] = quality
    scratch.estimates.quality_uncertainty[i] = uncertainty
    scratch.estimates.cost_micros[i] = cost
    scratch.estimates.latency_ms[i] = latency
    scratch.estimates.energy_wh[i] = energy
  })
  const indexes = () => Int32Array.from(all.keys())
  const slow = Uint8Array.from(all, each => (each.slow ? 1 : 0))
  rate(indexes(), all.length, scratch, { slow } as Seen, 10, objective, 0.1)
  if (raised >= 0) scratch.totals[raised] = (scratch.totals[raised] as number) + 0.2
  const aside = all.flatMap((each, i) => (each.slow ? [i] : []))
  return {
    front: bestOfFront(ranking(indexes(), all.length, scratch.totals), scratch.estimates, most, aside, raised, 0.2),
    order: whole(ranking(indexes(), all.length, scratch.totals)),
  }
}

const losses = ({ quality, uncertainty = 0, cost, latency, energy }: Facts) =>
  [RISK_AVERSION * uncertainty - quality, cost, latency, energy].map(each => (Number.isNaN(each) ? Number.POSITIVE_INFINITY : each))
const beats = (a: Facts, b: Facts) => {
  const pairs = losses(a).map((each, i) => [each, losses(b)[i] as number] as const)
  return pairs.every(([x, y]) => x <= y) && pairs.some(([x, y]) => x < y)
}

describe('the Pareto front', () => {
  it('is those that no other beats in everything, whatever is unknown and in whatever order they come', () => {
    const few = (...values: number[]) => fc.constantFrom(...values)
    const facts = fc.record({
      quality: few(0.2, 0.5, 0.8),
      cost: few(0, 10, 20, Number.NaN),
      latency: few(100, 200),
      energy: few(1, 2, Number.NaN),
    })
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 12 }), all => {
        const expected = all.flatMap((each, i) => (all.some(other => beats(other, each)) ? [] : [i]))
        expect(frontOf(all, EVEN, Number.POSITIVE_INFINITY).front.sort((a, b) => a - b)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('is known in its best few without a look at all, whoever is marked down or preferred', () => {
    const some = (...values: number[]) => fc.constantFrom(...values)
    const fact = fc.record({
      quality: some(-0.1, 0.2, 0.5, 0.8),
      uncertainty: some(0, 0.1),
      cost: some(0, 10, 20, 5_000_000, Number.NaN),
      latency: some(100, 200, 900_000),
      energy: some(1, 2, Number.NaN),
      slow: fc.boolean(),
    })
    const weight = some(0, 0.3, 1)
    const objective = fc.record({ quality: some(0.1, 1), cost: weight, latency: weight, energy: weight })
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 30 }), objective, fc.nat(30), (all, objective, raised) => {
        const { front, order } = frontOf(all, objective, 4, raised < all.length ? raised : -1)
        const isBeaten = (each: number) => all.some(other => beats(other, all[each] as Facts))
        expect(front).toEqual(order.filter(each => !isBeaten(each)).slice(0, 4))
      }),
      { numRuns: 500 },
    )
  })

  it('is in the record, best first, and in the explanation', () => {
    const catalogue = catalogueOf(
      [{ id: 'p' }],
      [
        { id: 'p/good', quality: 0.8, input_usd: 3 },
        { id: 'p/cheap', quality: 0.5, input_usd: 0.1, output_usd: 0.1, params_b: 8 },
        { id: 'p/waste', quality: 0.5, input_usd: 4 },
      ],
    )
    const result = decide(chat(), FEATURES, worldWith({ catalogue }))
    expect(result.ok && result.value.front).toEqual(['p/good', 'p/cheap'])
    expect(result.ok && explain(result.value).join(' ')).toContain('at once: p/good, p/cheap.')
  })
})
