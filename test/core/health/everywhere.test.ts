import { describe, expect, it } from 'vitest'
import { everywhere, factsOf, withOthers } from '../../../worker/core/health/everywhere.ts'
import { outcome, START } from './outcomes.ts'
import { bewareOf, fleet, healthOf, newGate } from './usual.ts'

const NOW = START + 1_000
const draw = () => 0.5
const fresh = () => healthOf(newGate(NOW), NOW)

/** A region's own health after these outcomes of one target. */
function region(...events: Parameters<typeof outcome>[0][]) {
  const own = fleet()
  for (const [i, kind] of events.entries()) own.observe(outcome(kind, START + i, { retry_after_ms: 60_000 }), START + i, draw)
  return own.snapshot(NOW)
}

describe('what is told of a region', () => {
  it('is that a credential is refused, a limit that lasts, and that a target is shut', () => {
    expect(factsOf(region('auth'), NOW)['p/m']).toMatchObject({ auth_broken_until_ms: expect.any(Number), shut: false })
    expect(factsOf(region('rate'), NOW)['p/m']).toMatchObject({ limited_until_ms: START + 60_000 })
    expect(factsOf(region('connection', 'connection', 'connection', 'connection', 'connection'), NOW)['p/m']).toMatchObject({ shut: true })
  })
  it('is not a limit that is over in a moment, nor that all is well', () => {
    expect(factsOf(region('ok', 'ok'), NOW)).toEqual({})
    expect(factsOf(region('rate'), START + 57_000)).toEqual({})
  })
})

describe('what a region hears', () => {
  it('is what the others know, and never its own', () => {
    const all = everywhere()
    all.exchange('eu', factsOf(region('auth'), NOW), NOW)
    expect(all.exchange('eu', {}, NOW).facts).toEqual({})
    all.exchange('eu', factsOf(region('auth'), NOW), NOW)
    expect(all.exchange('oc', {}, NOW).facts['p/m']?.auth_broken_until_ms).toBeGreaterThan(NOW)
  })
  it('is the longest of their waits', () => {
    const all = everywhere()
    const limited = (until_ms: number) => ({ 'p/m': { limited_until_ms: until_ms, auth_broken_until_ms: null, shut: false } })
    all.exchange('eu', limited(NOW + 9_000), NOW)
    all.exchange('as', limited(NOW + 7_000), NOW)
    expect(all.exchange('oc', {}, NOW).facts['p/m']?.limited_until_ms).toBe(NOW + 9_000)
  })
  it('keeps its requests away as its own knowledge would, and changes nothing where there is nothing', () => {
    const mine = region('ok')
    expect(withOthers(mine, everywhere().exchange('oc', {}, NOW), NOW, fresh)).toBe(mine)
    const all = everywhere()
    all.exchange('eu', factsOf(region('auth'), NOW), NOW)
    expect(withOthers(mine, all.exchange('oc', {}, NOW), NOW, fresh).targets['p/m']).toMatchObject({
      state: 'closed',
      samples: 1,
      auth_broken_until_ms: expect.any(Number),
    })
  })
  it('of a target it has never called is heard as well', () => {
    const all = everywhere()
    all.exchange('eu', factsOf(region('rate'), NOW), NOW)
    const seen = withOthers({ v: 1, taken_at_ms: NOW, targets: {} }, all.exchange('oc', {}, NOW), NOW, fresh)
    expect(seen.targets['p/m']).toMatchObject({ state: 'closed', limited_until_ms: START + 60_000 })
  })
  it('from one that has been silent for a minute is no more heard', () => {
    const all = everywhere()
    all.exchange('eu', factsOf(region('auth'), NOW), NOW)
    expect(all.exchange('oc', {}, NOW + 60_001).facts).toEqual({})
  })
})

describe('a target that is shut', () => {
  const shut = factsOf(region('connection', 'connection', 'connection', 'connection', 'connection'), NOW)
  it('in one other region says nothing here, in two makes it believed less; it shuts nothing by itself', () => {
    const all = everywhere()
    all.exchange('eu', shut, NOW)
    expect(bewareOf(all.exchange('oc', {}, NOW))).toEqual([])
    all.exchange('as', shut, NOW)
    const heard = all.exchange('oc', {}, NOW)
    expect(bewareOf(heard)).toEqual(['p/m'])
    expect(withOthers(region('ok'), heard, NOW, fresh).targets['p/m']?.state).toBe('closed')
  })
})

describe('what an operator said', () => {
  it('is heard by every region, the last word counts, and it is there for those that come later', () => {
    const all = everywhere()
    all.order('p/m', 'isolate', NOW)
    expect(all.exchange('eu', {}, NOW).orders['p/m']).toMatchObject({ isolated: true })
    all.order('p/m', 'release', NOW + 1)
    all.order('p/m', 'credential_changed', NOW + 2)
    const later = everywhere(all.orders).exchange('new', {}, NOW + 3)
    expect(later.orders['p/m']).toEqual({ isolated: false, at_ms: NOW + 1, credential_at_ms: NOW + 2 })
  })
})
