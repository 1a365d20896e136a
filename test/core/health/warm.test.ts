import { describe, expect, it } from 'vitest'
import { knownEverywhere, pingsDue, type Sleeper } from '../../../worker/core/health/warm.ts'
import type { HealthSnapshot } from '../../../worker/schema/health.ts'
import type { Warm } from '../../../worker/schema/policy.ts'
import { START } from './outcomes.ts'

const MINUTE = 60_000
const WARM: Warm = { targets: ['p/*'], idle_ms: 4 * MINUTE, while_used_within_ms: 60 * MINUTE, requests_per_day: 10, cost_per_day_usd: 0.1 }
const NOTHING = { requests: 0, cost_micros: 0 }
const idle = (minutes: number | null, changes: Partial<Sleeper> = {}): Sleeper => ({
  target: 'p/m',
  last_ok_at_ms: minutes === null ? null : START - minutes * MINUTE,
  waking: null,
  cost_micros: 10,
  ...changes,
})
const due = (sleeper: Sleeper, { needed = false, warm = WARM, spent = NOTHING } = {}) =>
  pingsDue([sleeper], needed, warm, spent, START).length > 0

describe('a target that sleeps', () => {
  it.each([
    ['is left alone while it is awake', 2.9, false],
    ['is called a minute before it falls asleep, as the policy assumes', 3, true],
    ['is called while it was used within the hour', 60, true],
    ['is left to sleep when nobody has used it for longer', 60.1, false],
  ])('%s', (_, minutes, expected) => {
    expect(due(idle(minutes))).toBe(expected)
  })
  it('that was never used is left alone', () => {
    expect(due(idle(null))).toBe(false)
  })
  it('is woken early, however long it slept, while another is shut whose requests it may get', () => {
    expect(due(idle(600), { needed: true })).toBe(true)
    expect(due(idle(null), { needed: true })).toBe(true)
    expect(due(idle(1), { needed: true })).toBe(false)
  })
  it('goes by what was learned of it, once anything was', () => {
    const sleepsAfterTen = { chances: [0, 0.1, 0.9, 1], cold_ms: 8_000 }
    expect(due(idle(8.9, { waking: sleepsAfterTen }))).toBe(false)
    expect(due(idle(9, { waking: sleepsAfterTen }))).toBe(true)
  })
  it('is not called where it was learned that it does not sleep', () => {
    expect(due(idle(30, { waking: { chances: [0, 0, 0.1, 0.1], cold_ms: 0 } }))).toBe(false)
  })
})

describe('what pings may cost in a day', () => {
  it('is bounded in calls', () => {
    expect(due(idle(5), { spent: { requests: 9, cost_micros: 0 } })).toBe(true)
    expect(due(idle(5), { spent: { requests: 10, cost_micros: 0 } })).toBe(false)
    expect(due(idle(5), { warm: { ...WARM, requests_per_day: 0 } })).toBe(false)
  })
  it('is bounded in money, to the micro-dollar', () => {
    expect(due(idle(5), { spent: { requests: 0, cost_micros: 99_990 } })).toBe(true)
    expect(due(idle(5), { spent: { requests: 0, cost_micros: 99_991 } })).toBe(false)
  })
  it('forbids a target whose price is not known', () => {
    expect(due(idle(5, { cost_micros: Number.POSITIVE_INFINITY }))).toBe(false)
  })
  it('holds over all targets of one look', () => {
    const many = Array.from({ length: 8 }, (_, i) => idle(5, { target: `p/${i}` }))
    expect(pingsDue(many, false, WARM, { requests: 7, cost_micros: 0 }, START)).toEqual(['p/0', 'p/1', 'p/2'])
  })
})

describe('what is known of a target over all regions', () => {
  const region = (last_ok_at_ms: number | null, samples: number, cold_ms: number | null) =>
    ({
      v: 1,
      taken_at_ms: START,
      targets: { 'p/m': { last_ok_at_ms, samples, waking: cold_ms === null ? null : { chances: [1, 1, 1, 1], cold_ms } } },
    }) as unknown as HealthSnapshot
  it('is its last answer anywhere, and what was learned where most was seen', () => {
    const known = knownEverywhere([region(START - 9, 5, 100), region(START - 3, 50, 200), region(null, 99, null)], 'p/m')
    expect(known).toMatchObject({ last_ok_at_ms: START - 3, waking: { cold_ms: 200 } })
  })
  it('is nothing where no region has called it', () => {
    expect(knownEverywhere([region(START, 1, null)], 'q/n')).toEqual({ last_ok_at_ms: null, waking: null })
  })
})
