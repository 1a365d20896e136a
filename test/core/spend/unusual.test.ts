/** What is usual, and what is many times that, without any storage. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  correctIn,
  emptyHours,
  forgetHours,
  HOUR_MS,
  HOURS_LEARNED,
  type Hours,
  holdIn,
  hourOf,
  learnAnew,
  markUnusual,
  overUsual,
  settleIn,
  usualSpend,
} from '../../../worker/core/spend/unusual.ts'
import type { Unusual } from '../../../worker/schema/limits.ts'

const NOW = Date.parse('2026-11-24T12:30:00Z')
const HOUR = hourOf(NOW)
const RULE: Unusual = { times: 10, at_least_micros: 0, after_hours: 3, kind: 'hard' }
const spend = (hours: Hours, at_ms: number, micros: number) => {
  holdIn(hours, at_ms, micros)
  settleIn(hours, at_ms, micros, micros)
}
/** Spend by the hour before now, the last one first; null for an idle one. */
function spentBefore(...spent: (number | null)[]): Hours {
  const hours = emptyHours()
  spent.forEach((micros, i) => {
    if (micros !== null) spend(hours, NOW - (i + 1) * HOUR_MS, micros)
  })
  return hours
}

describe('what is usual', () => {
  it('is the median of the hours in which anything was spent', () => {
    expect(usualSpend(spentBefore(100, 300, 200), HOUR, 3)).toBe(200)
    expect(usualSpend(spentBefore(100, null, 300, null, null, 200, 201), HOUR, 3)).toBe(201)
  })
  it('is not known before there are enough of them, and idle ones are none', () => {
    expect([usualSpend(spentBefore(100, 200), HOUR, 3), usualSpend(spentBefore(100, null, 200), HOUR, 3)]).toEqual([null, null])
  })
  it('is of a week: what lies further back has no say', () => {
    const old = emptyHours()
    for (let i = 1; i <= 3; i++) spend(old, NOW - (HOURS_LEARNED + i) * HOUR_MS, 100)
    expect(usualSpend(old, HOUR, 3)).toBeNull()
    forgetHours(old, NOW)
    expect(old.by_hour.size).toBe(0)
  })
  it('leaves out this hour, which is the one that is judged', () => {
    const hours = spentBefore(100, 100, 100)
    spend(hours, NOW, 10_000_000)
    expect(usualSpend(hours, HOUR, 3)).toBe(100)
  })
  it('is worked out anew when the hour has passed, and when an old one turns out dearer', () => {
    const hours = spentBefore(100, 100, 100)
    expect(usualSpend(hours, HOUR, 3)).toBe(100)
    for (let i = 1; i <= 3; i++) correctIn(hours, NOW - i * HOUR_MS, 50)
    expect(usualSpend(hours, HOUR, 3)).toBe(150)
    for (let i = 0; i < 4; i++) spend(hours, NOW + i * HOUR_MS, 900)
    expect(usualSpend(hours, HOUR + 4, 3)).toBe(900)
  })
  it('is not moved by hours that were unusual, however many', () => {
    const hours = spentBefore(100, 100, 100)
    for (let i = 0; i < 20; i++) {
      spend(hours, NOW + i * HOUR_MS, 5_000)
      markUnusual(hours, NOW + i * HOUR_MS)
    }
    expect(usualSpend(hours, HOUR + 20, 3)).toBe(100)
  })
  it('lies between the least and the most of what was spent, and a few wild hours do not move it beyond what others spent', () => {
    const honest = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 11, maxLength: 100 })
    const wild = fc.array(fc.integer({ min: 1, max: 1e12 }), { maxLength: 5 })
    fc.assert(
      fc.property(honest, wild, (usual, others) => {
        const micros = usualSpend(spentBefore(...others, ...usual), HOUR, 3) ?? -1
        expect(micros).toBeGreaterThanOrEqual(Math.min(...usual, ...others))
        expect(micros).toBeLessThanOrEqual(Math.max(...usual))
      }),
    )
  })
})

describe('an hour that costs many times the usual', () => {
  it('is stopped to its end, and says what is usual and how much it would be', () => {
    const hours = spentBefore(100, 100, 100)
    spend(hours, NOW, 900)
    holdIn(hours, NOW, 60)
    expect(overUsual('key:a', RULE, hours, 40, NOW)).toBeNull()
    expect(overUsual('key:a', RULE, hours, 41, NOW)).toEqual({
      ok: false,
      code: 'unusual_spend',
      account: 'key:a',
      usual_micros: 100,
      at_most_micros: 1_000,
      spent_micros: 900,
      held_micros: 60,
      resets_at_ms: Date.parse('2026-11-24T13:00:00Z'),
    })
    expect(overUsual('key:a', RULE, hours, 41, NOW + HOUR_MS)).toBeNull()
  })
  it('is none below the amount that is worth a word, nor before anything is known', () => {
    const small = spentBefore(1, 1, 1)
    spend(small, NOW, 999)
    expect(overUsual('org', { ...RULE, at_least_micros: 1_000 }, small, 1, NOW)).toBeNull()
    expect(overUsual('org', { ...RULE, at_least_micros: 1_000 }, small, 2, NOW)).not.toBeNull()
    expect(overUsual('org', RULE, spentBefore(1, 1), 1e12, NOW)).toBeNull()
  })
  it('is let go on by an admin: it is learned anew, with what is under way still held', () => {
    const hours = spentBefore(100, 100, 100)
    holdIn(hours, NOW, 5_000)
    expect(overUsual('org', RULE, hours, 1, NOW)).not.toBeNull()
    learnAnew(hours)
    expect(overUsual('org', RULE, hours, 1, NOW)).toBeNull()
    settleIn(hours, NOW, 5_000, 4_000)
    expect([...hours.by_hour.values()]).toEqual([{ spent_micros: 4_000, held_micros: 0, unusual: false }])
  })
  it('never passes ten times the usual by more than one request’s error of estimate, whatever comes and however it ends', () => {
    const request = fc.record({ estimate: fc.integer({ min: 0, max: 500 }), cost: fc.integer({ min: 0, max: 700 }), waits: fc.boolean() })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 200 }), requests => {
        const hours = spentBefore(100, 100, 100)
        const open: (typeof requests)[number][] = []
        let error = 0
        const end = (of: (typeof requests)[number]) => {
          settleIn(hours, NOW, of.estimate, of.cost)
          error += Math.max(0, of.cost - of.estimate)
        }
        for (const each of requests) {
          if (overUsual('org', RULE, hours, each.estimate, NOW)) continue
          holdIn(hours, NOW, each.estimate)
          if (each.waits) open.push(each)
          else end(each)
        }
        for (const each of open) end(each)
        const { spent_micros, held_micros } = hours.by_hour.get(HOUR) ?? { spent_micros: 0, held_micros: 0 }
        expect(held_micros).toBe(0)
        expect(spent_micros).toBeLessThanOrEqual(1_000 + error)
      }),
    )
  })
})
