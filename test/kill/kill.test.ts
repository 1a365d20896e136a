import { describe, expect, it } from 'vitest'
import { killLoop } from './kill-loop.ts'

describe('a router that is killed while it works, with a D1 that fails more often than not', () => {
  it('has one row for each request whose answer had begun', { timeout: 300_000 }, async () => {
    const report = await killLoop({ rounds: 3, faults: 0.6, seed: 7 })
    expect(report.answered).toBeGreaterThan(0)
    expect(report).toMatchObject({ lost: [], doubled: [], left: 0 })
    expect(report.rows).toBeGreaterThanOrEqual(report.answered)
  })
})
