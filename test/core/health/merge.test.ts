import { describe, expect, it } from 'vitest'
import type { Gate } from '../../../worker/core/health/gate.ts'
import type { HealthSnapshot } from '../../../worker/schema/health.ts'
import { having, outcome, START, told } from './outcomes.ts'
import { healthOf, mergeHealth, newGate } from './usual.ts'

const snapshot = (gates: Record<string, Gate>, taken_at_ms: number): HealthSnapshot => ({
  v: 1,
  taken_at_ms,
  targets: Object.fromEntries(Object.entries(gates).map(([id, gate]) => [id, healthOf(gate, taken_at_ms)])),
})
const failing = having('server', 5, 10)
const { now_ms } = failing

describe("an isolate's own experience, over the fleet's", () => {
  it('counts while it is newer than the snapshot', () => {
    const merged = mergeHealth(snapshot({ 'p/m': newGate(START) }, START), new Map([['p/m', failing.gate]]), now_ms)
    expect(merged.targets['p/m']?.state).toBe('open')
  })
  it('gives way to a snapshot taken since', () => {
    const fleet = snapshot({ 'p/m': newGate(START) }, now_ms + 1)
    expect(mergeHealth(fleet, new Map([['p/m', failing.gate]]), now_ms + 2)).toBe(fleet)
  })
  it('never makes a target look better than the fleet has it', () => {
    const merged = mergeHealth(
      snapshot({ 'p/m': failing.gate }, now_ms),
      new Map([['p/m', having('ok', 9, 10, newGate(START), now_ms).gate]]),
      now_ms + 100,
    )
    expect(merged.targets['p/m']?.state).toBe('open')
    const isolated = told(newGate(START), 'isolate', START)
    expect(mergeHealth(snapshot({ 'p/m': isolated }, START), new Map([['p/m', failing.gate]]), now_ms).targets['p/m']?.state).toBe(
      'isolated',
    )
  })
  it('stands alone where the fleet knows nothing', () => {
    expect(mergeHealth(snapshot({}, START), new Map([['p/m', failing.gate]]), now_ms).targets['p/m']?.state).toBe('open')
  })
  it('keeps the longer of two limits', () => {
    const limited = (wait_ms: number) => told(newGate(START), outcome('rate', START, { retry_after_ms: wait_ms }), START)
    const merged = mergeHealth(snapshot({ 'p/m': limited(9_000) }, START - 1), new Map([['p/m', limited(4_000)]]), START)
    expect(merged.targets['p/m']?.limited_until_ms).toBe(START + 9_000)
  })
  it('costs nothing where there is none', () => {
    const fleet = snapshot({ 'p/m': newGate(START) }, START)
    expect(mergeHealth(fleet, new Map(), now_ms)).toBe(fleet)
    expect(mergeHealth(fleet, new Map([['p/m', having('ok', 3).gate]]), now_ms)).toBe(fleet)
  })
})
