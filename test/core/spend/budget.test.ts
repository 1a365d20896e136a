import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_LEDGER, held, overBudget, settled, windowAt } from '../../../worker/core/spend/budget.ts'
import type { Budget } from '../../../worker/schema/limits.ts'

const at = (instant: string) => Date.parse(instant)
const budget = (rest: Partial<Budget> = {}): Budget => ({ window: 'day', limit_micros: 1_000, kind: 'hard', ...rest })
const NOON = at('2026-11-24T12:00:00Z')

describe('a window', () => {
  it.each([
    ['day', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z'],
    ['week', '2026-11-23T00:00:00Z', '2026-11-30T00:00:00Z'],
    ['month', '2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z'],
  ] as const)('%s is from %s to %s', (window, start, end) => {
    expect(windowAt(window, NOON)).toEqual({ start_ms: at(start), resets_at_ms: at(end) })
  })
  it('of a month ends with its own last day, and of December with the year', () => {
    expect(windowAt('month', at('2028-02-29T23:59:59.999Z')).resets_at_ms).toBe(at('2028-03-01'))
    expect(windowAt('month', at('2026-12-31')).resets_at_ms).toBe(at('2027-01-01'))
  })
  it('of a week begins on Monday', () => {
    expect(windowAt('week', at('2026-11-29T23:59:59.999Z')).start_ms).toBe(at('2026-11-23'))
    expect(windowAt('week', at('2026-11-30')).start_ms).toBe(at('2026-11-30'))
  })
  it('holds its instant, and meets the next one', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('day' as const, 'week' as const, 'month' as const),
        fc.integer({ min: 0, max: 4e12 }),
        (window, now_ms) => {
          const { start_ms, resets_at_ms } = windowAt(window, now_ms)
          expect(start_ms).toBeLessThanOrEqual(now_ms)
          expect(resets_at_ms).toBeGreaterThan(now_ms)
          expect(windowAt(window, resets_at_ms).start_ms).toBe(resets_at_ms)
          expect(windowAt(window, start_ms)).toEqual({ start_ms, resets_at_ms })
        },
      ),
    )
  })
})

describe('a request fits', () => {
  it('up to the limit and not one micro-dollar beyond', () => {
    const ledger = { spent_micros: 600, held_micros: 300 }
    expect(overBudget('org', budget(), ledger, 100, NOON)).toBeNull()
    expect(overBudget('org', budget(), ledger, 101, NOON)).toMatchObject({
      code: 'budget_exhausted',
      spent_micros: 600,
      held_micros: 300,
      resets_at_ms: at('2026-11-25'),
    })
  })
  it('of unknown price while anything is left', () => {
    expect(overBudget('org', budget(), { spent_micros: 999, held_micros: 0 }, null, NOON)).toBeNull()
    expect(overBudget('org', budget(), { spent_micros: 1_000, held_micros: 0 }, null, NOON)).not.toBeNull()
  })
  it('never under a limit of nothing', () => {
    expect(overBudget('org', budget({ limit_micros: 0 }), EMPTY_LEDGER, 0, NOON)).not.toBeNull()
  })
})

describe('a ledger', () => {
  it('swaps the hold for the cost', () => {
    expect(settled(held(EMPTY_LEDGER, 500), 500, 120)).toEqual({ spent_micros: 120, held_micros: 0 })
  })
  it('spends the hold where the cost stays unknown', () => {
    expect(settled(held(EMPTY_LEDGER, 500), 500, null)).toEqual({ spent_micros: 500, held_micros: 0 })
  })
  it('never lets holds and costs together pass the limit, however requests come and go, while no cost exceeds its hold', () => {
    const request = fc.record({ estimate: fc.nat(300), cost_share: fc.double({ min: 0, max: 1, noNaN: true }), settles: fc.boolean() })
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), requests => {
        let ledger = EMPTY_LEDGER
        const open: { estimate: number; cost: number }[] = []
        for (const { estimate, cost_share, settles } of requests) {
          if (overBudget('org', budget(), ledger, estimate, NOON) === null) {
            ledger = held(ledger, estimate)
            open.push({ estimate, cost: Math.floor(estimate * cost_share) })
          }
          const ended = settles ? open.pop() : undefined
          if (ended) ledger = settled(ledger, ended.estimate, ended.cost)
          expect(ledger.spent_micros + ledger.held_micros).toBeLessThanOrEqual(1_000)
        }
        for (const { estimate, cost } of open) ledger = settled(ledger, estimate, cost)
        expect(ledger.held_micros).toBe(0)
      }),
    )
  })
})
