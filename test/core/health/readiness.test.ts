import { describe, expect, it } from 'vitest'
import { newReadiness, wakingMs, wakingOf } from '../../../worker/core/health/readiness.ts'
import { isColdStart, wakingLearned } from './usual.ts'

const MINUTE = 60_000
const learned = (starts: [idle_ms: number, first_token_ms: number][]) =>
  wakingOf(starts.reduce((known, [idle_ms, first_token_ms]) => wakingLearned(known, idle_ms, first_token_ms, 500), newReadiness()))

describe('a target that may sleep', () => {
  it('is unknown until it was left alone and asked again', () => expect(learned([[1_000, 400]])).toBeNull())
  it('is learned with the idle time after which it sleeps and what waking costs', () => {
    const waking = learned([
      [2 * MINUTE, 600],
      [15 * MINUTE, 20_500],
      [15 * MINUTE, 20_500],
    ])
    expect(waking && wakingMs(waking, 30_000)).toBe(0)
    expect(waking && wakingMs(waking, 2 * MINUTE)).toBe(0)
    expect(waking && wakingMs(waking, 15 * MINUTE)).toBe(20_000)
    expect(waking && wakingMs(waking, 60 * MINUTE)).toBe(20_000)
  })
  it('is not taken to sleep because it was slow once without a pause', () => {
    expect(isColdStart(1_000, 30_000, 500)).toBe(false)
    expect(isColdStart(5 * MINUTE, 30_000, 500)).toBe(true)
    expect(isColdStart(5 * MINUTE, 30_000, null)).toBe(false)
  })
})
