import { describe, expect, it } from 'vitest'
import { derived } from '../../../worker/core/decide/draw.ts'

describe('a number derived from a draw', () => {
  const draws = Array.from({ length: 10_000 }, (_, i) => (i + 0.5) / 10_000)
  it('is the same for the same draw and salt', () => expect(derived(0.123, 7)).toBe(derived(0.123, 7)))
  it('is spread evenly over 0 to 1', () => {
    const buckets = new Array(10).fill(0)
    for (const draw of draws) buckets[Math.floor(derived(draw, 3) * 10)]++
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150)
  })
  it('does not go along with the draw, nor with that of another salt', () => {
    const correlation = (a: number[], b: number[]) =>
      a.reduce((sum, value, i) => sum + (value - 0.5) * ((b[i] ?? 0) - 0.5), 0) / a.length / (1 / 12)
    const [one, other] = [5, 6].map(salt => draws.map(draw => derived(draw, salt)))
    expect(Math.abs(correlation(draws, one ?? []))).toBeLessThan(0.05)
    expect(Math.abs(correlation(one ?? [], other ?? []))).toBeLessThan(0.05)
  })
})
