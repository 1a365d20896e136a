import { describe, expect, it } from 'vitest'
import { budgetLoop, overspent } from './budget-loop.ts'
import { broken, killLoop } from './kill-loop.ts'

/** On two quiet cores this file takes 85 s. A machine that is too busy for forty rounds in this time has not shown what it should. */
const AT_MOST_MS = 360_000

describe('a router that is killed while it works, with a D1 that fails more often than not', () => {
  it('has one row for whatever was answered or recorded first, and three ledgers that agree', { timeout: 420_000 }, async () => {
    const report = await killLoop({ rounds: 40, faults: 0.6, seed: 7, at_most_ms: AT_MOST_MS })
    expect(broken(report)).toEqual([])
    expect(report.rounds).toBe(40)
    expect(report.answered).toBeGreaterThan(0)
    expect(report.rows).toBeGreaterThanOrEqual(report.answered)
    expect(report.rows_micros).toBeGreaterThan(0)
  })
})

describe('budgets of a router that is killed while twelve clients race for their last cents', () => {
  it('are used up and never overspent by more than one request', { timeout: 420_000 }, async () => {
    const report = await budgetLoop({ rounds: 12, faults: 0.6, seed: 7, at_most_ms: 40_000 })
    expect(overspent(report)).toEqual([])
    expect(report.rounds).toBeGreaterThanOrEqual(2)
    expect(report.exhausted).toBeGreaterThan(0)
    expect(report.refused).toBeGreaterThan(0)
    expect(report.passed).toBeGreaterThan(0)
  })
})
