import { describe, expect, it } from 'vitest'
import { mergedSketches, quantileOf, type Sketch, weightOf } from '../../../worker/core/health/sketch.ts'
import { sketched, sketchedBeyond } from './usual.ts'

const of = (values: number[], now_ms = 0) =>
  values.reduce((sketch: Sketch | null, value) => sketched(sketch, value, now_ms), null) as Sketch
const upTo = (n: number) => Array.from({ length: n }, (_, i) => (i + 1) * 10)

describe('a sketch of times', () => {
  it.each([0.5, 0.9, 0.99])('knows the quantile %d to an eighth', share => {
    const found = quantileOf(of(upTo(1_000)).counts, share) as number
    expect(Math.abs(found / (share * 10_000) - 1)).toBeLessThan(0.13)
  })
  it('knows nothing without samples', () => expect(quantileOf([], 0.99)).toBeNull())
  it('is merged by adding', () => {
    const [one, other] = [of(upTo(300)), of(upTo(700))]
    expect(weightOf(mergedSketches([one, null, other]))).toBe(1_000)
  })
  it('forgets by half in half an hour, and takes any time and any clock', () => {
    expect(weightOf(sketched(of(upTo(100)), 5, 1_800_000).counts)).toBeCloseTo(51, 5)
    expect(weightOf(sketched(of(upTo(100), 1_000_000), 1e12, 0).counts)).toBe(101)
  })
})

describe('a sample of which only the least is known', () => {
  it('is one sample, none of it below that', () => {
    const before = of(upTo(1_000))
    const after = sketchedBeyond(before, 5_000, 0)
    expect(weightOf(after.counts)).toBeCloseTo(1_001)
    const below = before.counts.findIndex((count, i) => count !== after.counts[i])
    expect(quantileOf(after.counts.slice(0, below + 1), 1)).toBeLessThan(5_000 * 1.25)
  })
  it('is spread over what is above as that is', () => {
    const sketch = sketchedBeyond(of([100, 1_000, 1_000, 10_000]), 500, 0)
    expect(sketch.counts.filter(count => count > 0)).toEqual([1, 2 + 2 / 3, 1 + 1 / 3])
  })
  it('beyond all that was ever seen, counts as that least', () =>
    expect(quantileOf(sketchedBeyond(of([100]), 8_000, 0).counts, 1)).toBeGreaterThan(7_000))
  it('is the first of all, as well', () => expect(weightOf(sketchedBeyond(null, 300, 0).counts)).toBe(1))
  it('leaves the quantiles of a target that is hedged where they are', () => {
    // From 0.1 to 39 s, evenly on the logarithmic scale, and in no order.
    const values = Array.from({ length: 1_200 }, (_, i) => 100 * 1.01 ** ((i * 677) % 600))
    const cut_ms = 10_000
    let kept: Sketch | null = null
    let dropped: Sketch | null = null
    for (const [i, value] of values.entries()) {
      // Of the slow ones every other is outrun, and only known to be slow.
      const is_outrun = value > cut_ms && i % 2 === 0
      if (!is_outrun) dropped = sketched(dropped, value, 0)
      kept = is_outrun ? sketchedBeyond(kept, cut_ms, 0) : sketched(kept, value, 0)
    }
    const truth = quantileOf(of(values).counts, 0.9) as number
    expect(quantileOf((kept as Sketch).counts, 0.9)).toBe(truth)
    expect(quantileOf((dropped as Sketch).counts, 0.9)).toBeLessThan(truth)
  })
})
