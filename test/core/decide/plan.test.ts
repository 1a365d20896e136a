import { describe, expect, it } from 'vitest'
import { stepFor } from '../../../worker/core/decide/plan.ts'
import type { LiveTarget } from '../../../worker/core/decide/world.ts'
import { limits } from '../../../worker/schema/policy.ts'

const target = { id: 'p/m' } as LiveTarget
const step = (p99_ms: number | null, first_token_ms = 500, written: Parameters<typeof limits.parse>[0] = {}) =>
  stepFor(target, true, { first_token_ms, latency_ms: 5_000, p99_ms }, limits.parse(written))

describe('the wait for a first token', () => {
  it('is the policy’s while nothing was measured, and nothing is late', () => {
    expect(step(null)).toMatchObject({ first_token_ms: 12_000 })
    expect(step(null).late_ms).toBeUndefined()
  })
  it('is learned: three times as long as 99 of 100 took, and late after half of that', () => {
    expect(step(2_000)).toMatchObject({ first_token_ms: 6_000, late_ms: 3_000 })
  })
  it('is never below four seconds, nor late before two', () => {
    expect(step(100)).toMatchObject({ first_token_ms: 4_000, late_ms: 2_000 })
  })
  it('is never above what the policy allows', () => {
    expect(step(60_000)).toMatchObject({ first_token_ms: 12_000, late_ms: 8_000 })
  })
  it('is learned as the policy says', () => {
    const written = { late_over_p99: 2, late_at_least_ms: 500, late_at_most_ms: 5_000, deadline_over_p99: 5, deadline_at_least_ms: 1_000 }
    expect(step(100, 100, written)).toMatchObject({ first_token_ms: 1_000, late_ms: 500 })
    expect(step(1_000, 100, written)).toMatchObject({ first_token_ms: 5_000, late_ms: 2_000 })
    expect(step(60_000, 100, written)).toMatchObject({ first_token_ms: 12_000, late_ms: 5_000 })
  })
  it('leaves a target that thinks for long its usual time', () => {
    expect(step(20_000, 15_000)).toMatchObject({ first_token_ms: 30_000 })
    expect(step(20_000, 15_000).late_ms).toBeUndefined()
  })
})
