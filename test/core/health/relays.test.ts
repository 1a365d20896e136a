import { describe, expect, it } from 'vitest'
import {
  CALLS_AT_LEAST,
  CALLS_AT_MOST,
  COUNTED_MS,
  FEW_FOR_MS,
  NO_RELAYS,
  newer,
  relayCount,
  relayOf,
} from '../../../worker/core/health/relays.ts'
import { START } from './outcomes.ts'

/** Calls at a steady rate, from where the last ones ended. */
function counted() {
  const count = relayCount()
  let now_ms = START
  const at = (calls_per_s: number, for_ms: number) => {
    for (const until_ms = now_ms + for_ms; now_ms < until_ms; now_ms += 100) count.called(calls_per_s / 10, undefined, now_ms)
    return count.relays().count
  }
  return {
    count,
    at,
    changes(rates: number[], for_ms: number): number {
      const since = new Set<number>()
      for (const rate of rates) {
        at(rate, for_ms)
        since.add(count.relays().since_ms)
      }
      return since.size
    },
  }
}

describe('the number of relays of a region', () => {
  it('is none up to 400 calls a second', () => expect(counted().at(CALLS_AT_MOST - 10, 60_000)).toBe(0))
  it('rises within seconds beyond, to as many as have 250 each', () => {
    const { at } = counted()
    expect(at(1_000, COUNTED_MS + 200)).toBe(4)
    expect(at(4_000, 2 * COUNTED_MS + 200)).toBe(16)
  })
  it('rises before two seconds are over where as many calls have come as in two seconds at most', () => {
    const { count } = counted()
    for (let i = 0; i <= 2 * CALLS_AT_MOST + 1; i++) count.called(1, undefined, START + i / 10)
    expect(count.relays().count).toBeGreaterThan(1)
  })
  it('falls only after half a minute of few calls', () => {
    const { at } = counted()
    at(1_000, 10_000)
    expect(at(4 * CALLS_AT_LEAST - 50, FEW_FOR_MS - 2 * COUNTED_MS)).toBe(4)
    expect(at(4 * CALLS_AT_LEAST - 50, 5 * COUNTED_MS)).toBe(2)
    expect(at(10, FEW_FOR_MS + 2 * COUNTED_MS)).toBe(0)
  })
  it('begins to count the half minute anew with every busy moment', () => {
    const { at } = counted()
    at(1_000, 10_000)
    for (let i = 0; i < 5; i++) {
      expect(at(100, FEW_FOR_MS - 3 * COUNTED_MS)).toBe(4)
      at(600, 2 * COUNTED_MS)
    }
  })
  it('does not swing with a load that doubles and halves', () => {
    const { at, changes } = counted()
    at(1_000, 10_000)
    expect(
      changes(
        Array.from({ length: 20 }, (_, i) => (i % 2 ? 1_400 : 700)),
        20_000,
      ),
    ).toBe(1)
  })
  it('is twenty at most, and never one', () => {
    expect(counted().at(1_000_000, 10_000)).toBe(20)
    const { at } = counted()
    at(1_000, 10_000)
    expect(at(240, FEW_FOR_MS + 3 * COUNTED_MS)).toBe(0)
  })
  it('is taken over from a relay by an object that begins anew', () => {
    const count = relayCount()
    count.called(50, { count: 8, since_ms: START - 1_000 }, START)
    expect(count.relays().count).toBe(8)
  })
  it('outlives a clock that goes back', () => {
    const { count, at } = counted()
    at(1_000, 10_000)
    for (let i = 0; i < 50; i++) count.called(100, undefined, START - 3_600_000 + i * 100)
    expect(count.relays().count).toBe(4)
  })
})

describe('of two numbers', () => {
  it('the later one holds, and none is older than any', () => {
    const [old, late] = [
      { count: 8, since_ms: 1 },
      { count: 2, since_ms: 2 },
    ]
    expect([newer(old, late), newer(late, old), newer(old, undefined), newer(NO_RELAYS, old)]).toEqual([late, late, old, old])
  })
})

describe('an isolate', () => {
  it('tells the object itself where there are no relays', () => expect(relayOf(NO_RELAYS, 0.7)).toBeNull())
  it.each([
    [0, 0],
    [0.499, 1],
    [0.5, 2],
    [0.999_999, 3],
  ])('placed at %s of four tells number %s', (place, relay) => expect(relayOf({ count: 4, since_ms: 1 }, place)).toBe(relay))
})
