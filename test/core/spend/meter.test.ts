import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { add, emptyMeter, fallsTo, SLOTS, slotOf, sumAt } from '../../../worker/core/spend/meter.ts'

const NOW = Date.parse('2026-11-24T12:00:00Z')
const second = slotOf(NOW, 1_000)

describe('a meter', () => {
  it('lets go of what happened when it is a minute old, and not before', () => {
    const meter = emptyMeter()
    add(meter, second, 3)
    add(meter, second + 10, 2)
    expect([0, 10, 60, 61, 70, 71].map(later => sumAt(meter, second + later))).toEqual([3, 5, 5, 2, 2, 0])
  })
  it('takes back where it was put, and never below nothing', () => {
    const meter = emptyMeter()
    add(meter, second, 100)
    add(meter, second + 5, 7)
    add(meter, second, -40)
    expect(sumAt(meter, second + 5)).toBe(67)
    add(meter, second, -1_000)
    expect(sumAt(meter, second + 5)).toBe(7)
  })
  it('says when it will have fallen', () => {
    const meter = emptyMeter()
    add(meter, second, 3)
    add(meter, second + 10, 2)
    const at = NOW + 20_000
    expect(fallsTo(meter, 5, at, 1_000)).toBe(at)
    expect(fallsTo(meter, 4, at, 1_000)).toBe(NOW + SLOTS * 1_000)
    expect(fallsTo(meter, 1, at, 1_000)).toBe(NOW + (SLOTS + 10) * 1_000)
  })
  it('never says less than truly happened in any minute, and is right about when it falls', () => {
    const event = fc.record({ wait_ms: fc.nat(20_000), count: fc.integer({ min: 1, max: 9 }) })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), events => {
        const meter = emptyMeter()
        const happened: { at_ms: number; count: number }[] = []
        let now_ms = NOW
        for (const { wait_ms, count } of events) {
          now_ms += wait_ms
          add(meter, slotOf(now_ms, 1_000), count)
          happened.push({ at_ms: now_ms, count })
          const true_sum = happened.filter(({ at_ms }) => at_ms > now_ms - 60_000).reduce((sum, each) => sum + each.count, 0)
          const said = sumAt(meter, slotOf(now_ms, 1_000))
          expect(said).toBeGreaterThanOrEqual(true_sum)
          expect(sumAt(meter, slotOf(fallsTo(meter, said - 1, now_ms, 1_000), 1_000))).toBeLessThan(said)
        }
      }),
    )
  })
})
