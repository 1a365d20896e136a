import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tidy } from '../../../worker/core/decide/record.ts'

describe('a number in a record', () => {
  it('has four significant digits', () => {
    expect([0.123456, 12.3456, 999.96, 1234.56, 0.000123456, -0.123456].map(tidy)).toEqual([0.1235, 12.35, 1000, 1235, 0.0001235, -0.1235])
  })
  it('is whole from a thousand on, however many digits that takes', () => expect(tidy(123_456.7)).toBe(123_457))
  it('is 0 where there is none', () => expect([0, -0, Number.NaN, Number.POSITIVE_INFINITY].map(tidy)).toEqual([0, 0, 0, 0]))
  it('is within half of its last digit', () => {
    void fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 999, noNaN: true }), value => {
        expect(Math.abs(tidy(value) - value)).toBeLessThanOrEqual(value * 0.000_500_1)
      }),
    )
  })
})
