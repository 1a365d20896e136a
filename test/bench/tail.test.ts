import { describe, expect, it } from 'vitest'
import { atMostMicros } from './tail.ts'

/** Sums of batches of four calls of 100 us, some with what came on top. */
const sums = (...more_us: number[]) => Array.from({ length: 200 }, (_, i) => 50 + 400 + (more_us[i] ?? 0))
const bound = (sums_us: number[], share = 0.01) => atMostMicros({ sums_us, calls: 4, way_us: 50, call_us: 50 }, share)

describe('what the sums of batches leave room for', () => {
  it('is more than a usual call, even where nothing was slow: one may have taken what others did not', () => {
    expect(bound(sums())).toBeGreaterThan(100)
    expect(bound(sums())).toBeLessThanOrEqual(255)
  })
  it('is not moved by fewer slow batches than calls are left out', () => {
    expect(bound(sums(...Array(8).fill(10_000)))).toBeLessThanOrEqual(10_255)
    expect(bound(sums(5_000, 5_000))).toBe(bound(sums()))
  })
  it('is moved by one more of them', () => {
    expect(bound(sums(...Array(20).fill(1_000)))).toBeGreaterThan(500)
  })
  it('is never below a slow call that there was', () => {
    const slow = Array.from({ length: 200 }, (_, i) => (i % 10 === 0 ? 700 : 0))
    expect(bound(sums(...slow))).toBeGreaterThanOrEqual(800)
  })
})
