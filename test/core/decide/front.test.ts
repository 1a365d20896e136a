import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scratchFor } from '../../../worker/core/decide/columns.ts'
import { decide } from '../../../worker/core/decide/decide.ts'
import { explain } from '../../../worker/core/decide/explain.ts'
import { paretoFront } from '../../../worker/core/decide/front.ts'
import { catalogueOf, chat, FEATURES, worldWith } from './small-world.ts'

type Facts = { quality: number; cost: number; latency: number; energy: number }

function frontOf(all: readonly Facts[]): number[] {
  const { estimates } = scratchFor(all.length)
  all.forEach(({ quality, cost, latency, energy }, i) => {
    estimates.quality[i] = quality
    estimates.cost_micros[i] = cost
    estimates.latency_ms[i] = latency
    estimates.energy_wh[i] = energy
  })
  return paretoFront(Int32Array.from(all.keys()), all.length, estimates).sort((a, b) => a - b)
}

const losses = ({ quality, cost, latency, energy }: Facts) =>
  [-quality, cost, latency, energy].map(each => (Number.isNaN(each) ? Number.POSITIVE_INFINITY : each))
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
        expect(frontOf(all)).toEqual(expected)
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
