import { describe, expect, it } from 'vitest'
import { heard } from '../../../worker/core/health/heard.ts'
import type { HealthReport } from '../../../worker/schema/health.ts'
import { outcome, START } from './outcomes.ts'

const outcomes = (count: number) => Array.from({ length: count }, (_, i) => outcome('ok', START + i))
const report = (changes: Partial<HealthReport>): HealthReport => ({ v: 1, isolate: 'a', seq: 1, outcomes: [], wants_probe: [], ...changes })

describe('of what an isolate tells again, because it heard no reply', () => {
  it('nothing counts twice', () => {
    const known = heard()
    const told = report({ from: 0, outcomes: outcomes(3) })
    expect(known.fresh(told)).toHaveLength(3)
    expect(known.fresh(told)).toEqual([])
    expect(known.fresh({ ...told, seq: 2 })).toEqual([])
  })
  it('what has come since counts, behind what was counted', () => {
    const known = heard()
    const all = outcomes(5)
    known.fresh(report({ from: 0, outcomes: all.slice(0, 3) }))
    expect(known.fresh(report({ seq: 2, from: 0, outcomes: all }))).toEqual(all.slice(3))
    expect(known.fresh(report({ seq: 3, from: 5, outcomes: outcomes(1) }))).toHaveLength(1)
  })
  it('a report that overtakes an older one makes that one old', () => {
    const known = heard()
    const all = outcomes(4)
    expect(known.fresh(report({ seq: 2, from: 0, outcomes: all }))).toHaveLength(4)
    expect(known.fresh(report({ seq: 1, from: 0, outcomes: all.slice(0, 2) }))).toEqual([])
  })
  it('each isolate has its own numbers', () => {
    const known = heard()
    known.fresh(report({ from: 0, outcomes: outcomes(2) }))
    expect(known.fresh(report({ isolate: 'b', from: 0, outcomes: outcomes(2) }))).toHaveLength(2)
  })
  it('outcomes the isolate itself had to forget leave a gap, and no more', () => {
    const known = heard()
    known.fresh(report({ from: 0, outcomes: outcomes(2) }))
    expect(known.fresh(report({ seq: 2, from: 7, outcomes: outcomes(2) }))).toHaveLength(2)
  })
  it('a report of a version that numbers reports only counts by that number', () => {
    const known = heard()
    expect(known.fresh(report({ seq: 4, outcomes: outcomes(2) }))).toHaveLength(2)
    expect(known.fresh(report({ seq: 4, outcomes: outcomes(2) }))).toEqual([])
    expect(known.fresh(report({ seq: 5, outcomes: outcomes(1) }))).toHaveLength(1)
  })
})
