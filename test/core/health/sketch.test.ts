import { describe, expect, it } from 'vitest'
import { mergedSketches, quantileOf, type Sketch, sketched, weightOf } from '../../../worker/core/health/sketch.ts'

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
