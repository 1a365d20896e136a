import { describe, expect, it } from 'vitest'
import { NO_RELAYS } from '../../worker/core/health/relays.ts'
import type { NearbyHealth, TargetHealth } from '../../worker/schema/health.ts'
import { checked, nearbyCache } from '../../worker/store/nearby.ts'

const target: TargetHealth = {
  state: 'open',
  until_ms: 5,
  limited_until_ms: null,
  auth_broken_until_ms: null,
  ramp_share: 0,
  error_rate: null,
  ln_first_token_ms: { s: null, m: null, l: null, xl: null },
  ln_tokens_per_second: null,
  slow: false,
  last_ok_at_ms: null,
  samples: 3,
}
const left: NearbyHealth = {
  v: 1,
  got_at_ms: 10,
  snapshot: { v: 1, taken_at_ms: 9, targets: { 'p/m': target } },
  relays: NO_RELAYS,
}
let hosts = 0
/** Each test has a host of its own, and so a cache of its own. */
const host = () => `https://router-${hosts++}.example/v1/chat/completions?x=1`
const at = (url: string) => {
  const cache = nearbyCache()
  cache.at(url)
  return cache
}

describe('what an isolate leaves nearby', () => {
  it('is found by another of the same host and region', async () => {
    const url = host()
    await at(url).leave('eu', left)
    expect(await at(url).look('eu')).toEqual(left)
    expect(await at(url).look('oc')).toBeNull()
    expect(await at(host()).look('eu')).toBeNull()
  })
  it('is not in the cache that answers requests', async () => {
    const url = host()
    await at(url).leave('eu', left)
    expect(await caches.default.match(new URL('/.health/v1/eu', url))).toBeUndefined()
  })
  it('is gone after two seconds', async () => {
    const url = host()
    await at(url).leave('eu', left)
    const kept = await (await caches.open('signalbox-health')).match(new URL('/.health/v1/eu', url))
    expect(kept?.headers.get('cache-control')).toBe('max-age=2')
    await kept?.body?.cancel()
  })
})

describe('a cache that is not there', () => {
  it.each([
    ['refuses', () => Promise.reject(new Error('No cache was configured'))],
    ['keeps nothing, as on workers.dev', async () => ({ match: async () => undefined, put: async () => undefined })],
    ['never answers', async () => ({ match: () => new Promise(() => undefined), put: async () => undefined })],
  ])('is one in which nothing is found: it %s', async (_, open) => {
    const cache = nearbyCache({ open: open as unknown as CacheStorage['open'] })
    await cache.leave('eu', left)
    expect(await cache.look('eu')).toBeNull()
  })
})

describe('what is found is believed only if this version could have written it', () => {
  it('as it was left', () => expect(checked(structuredClone(left))).toEqual(left))
  it.each<[string, unknown]>([
    ['nothing', null],
    ['text', 'open'],
    ['a list', []],
    ['another version', { ...left, v: 2 }],
    ['no time', { ...left, got_at_ms: 'now' }],
    ['a time that is no number', { ...left, got_at_ms: Number.NaN }],
    ['no relays', { ...left, relays: undefined }],
    ['a negative number of relays', { ...left, relays: { count: -1, since_ms: 0 } }],
    ['no snapshot', { ...left, snapshot: null }],
    ['a snapshot of another version', { ...left, snapshot: { ...left.snapshot, v: 2 } }],
    ['targets as a list', { ...left, snapshot: { ...left.snapshot, targets: [] } }],
    ['a target in no known state', { ...left, snapshot: { ...left.snapshot, targets: { 'p/m': { ...target, state: 'ajar' } } } }],
    ['a target without a share', { ...left, snapshot: { ...left.snapshot, targets: { 'p/m': { ...target, ramp_share: undefined } } } }],
  ])('not %s', (_, value) => expect(checked(value)).toBeNull())
})
