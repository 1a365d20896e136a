import { describe, expect, it } from 'vitest'
import { apgrInterval, curveOf, ranked } from '../../../../policies/training/routing/apgr.ts'

const gains = Float64Array.from([1, 0, 0, 1, 0, 0, 0, 0, 0, 0])

describe('APGR', () => {
  it('is near one where all that gains is sent first', () => {
    expect(curveOf(ranked(gains, gains)).apgr).toBeCloseTo(0.9)
  })
  it('is a half where gain is spread evenly', () => {
    expect(curveOf(new Float64Array(100).fill(1)).apgr).toBeCloseTo(0.5)
  })
  it('is above one where sending more only harms', () => {
    expect(curveOf([1, 1, 0, 0, 0, 0, 0, 0, 0, -1]).apgr).toBeGreaterThan(1)
  })
  it('is not told where the strong model gains nothing', () => {
    expect(curveOf([0, 0, -1]).apgr).toBeNaN()
  })
})

describe('CPT', () => {
  it('is the least share of strong calls at which so much of the gap is closed', () => {
    const { cpt50, cpt80 } = curveOf(ranked(gains, gains))
    expect([cpt50, cpt80]).toEqual([0.1, 0.2])
  })
})

describe('equal scores', () => {
  it('are put in an order that does not depend on the gains', () => {
    const all = new Float64Array(1_000).fill(0.3)
    const some = Float64Array.from(all, (_, i) => (i < 100 ? 1 : 0))
    expect(Math.abs(curveOf(ranked(all, some)).apgr - 0.5)).toBeLessThan(0.1)
  })
})

describe('the interval', () => {
  it('holds the value, and is narrower with more prompts', () => {
    const few = Float64Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 1 : 0))
    const many = Float64Array.from({ length: 3_000 }, (_, i) => (i % 3 === 0 ? 1 : 0))
    const [a, b] = [apgrInterval(few), apgrInterval(many)]
    expect(a.low).toBeLessThan(0.5)
    expect(a.high).toBeGreaterThan(0.5)
    expect(b.high - b.low).toBeLessThan((a.high - a.low) / 3)
  })
})
