/**
 * What isolates of one data centre leave for each other, so that not each of them must ask the health object: the last snapshot that
 * one of them was given, for two seconds, in the data centre's own cache.
 *
 * It is a cache of its own (`caches.open`) and not the one that answers `fetch`, and what lies there has an address at which this Worker answers 404, so no
 * caller is ever served from it. In it are targets and how they are, which `/health` tells in part to anyone: nothing of a caller, an organisation or a prompt.
 * What is read is checked before it is believed.
 *
 * The Cache API does nothing on `*.workers.dev` and behind Cloudflare Access, and need not be there on other platforms (Cloudflare, Cache, read November 2026). Then
 * nothing is ever found, which `core/health/view.ts` notices, and the object is asked. The cache is addressed by the Worker's own host, as
 * that page advises: others cost a look-up of their name.
 */
import type { NearbyHealth } from '../schema/health.ts'
import { rulesFrom } from '../schema/health-rules.ts'
import type { Ms } from '../schema/units.ts'

export type Nearby = {
  /** Of the newest snapshot in this region, left by anyone in this data centre; null where there is none, or where finding out takes too long. */
  look(region: string): Promise<NearbyHealth | null>
  leave(region: string, health: NearbyHealth): Promise<void>
  /** A request's address, from which the Worker's own host is known. */
  at(url: string | undefined): void
}

export const NOTHING_NEARBY: Nearby = { look: async () => null, leave: async () => {}, at: () => {} }

const CACHE = 'signalbox-health'
const KEPT_S = 2
/** A look that takes longer is no nearer than the object. */
export const LOOK_LIMIT_MS: Ms = 30
/** Targets are 2,000 at most, of half a kilobyte. */
const LENGTH_AT_MOST = 1_000_000

export function nearbyCache(storage: Pick<CacheStorage, 'open'> = caches): Nearby {
  let origin = 'https://signalbox.invalid'
  let opened: Promise<Cache> | undefined
  const cache = () => {
    opened ??= storage.open(CACHE)
    return opened
  }
  const addressOf = (region: string) => `${origin}/.health/v1/${region}`

  async function found(region: string): Promise<NearbyHealth | null> {
    const kept = await (await cache()).match(addressOf(region))
    if (kept === undefined) return null
    const text = await kept.text()
    return text.length > LENGTH_AT_MOST ? null : checked(JSON.parse(text))
  }
  return {
    async look(region) {
      let timer: ReturnType<typeof setTimeout> | undefined
      const late = new Promise<null>(resolve => {
        timer = setTimeout(() => resolve(null), LOOK_LIMIT_MS)
      })
      // A cache that is not there is one in which nothing is found.
      const looked = found(region).catch(() => null)
      const health = await Promise.race([looked, late])
      clearTimeout(timer)
      return health
    },
    async leave(region, health) {
      const headers = { 'content-type': 'application/json', 'cache-control': `max-age=${KEPT_S}` }
      try {
        await (await cache()).put(addressOf(region), new Response(JSON.stringify(health), { headers }))
      } catch {
        // As above: the others ask the object themselves.
      }
    },
    at(url) {
      if (url !== undefined && URL.canParse(url)) origin = new URL(url).origin
    },
  }
}

const STATES = new Set<unknown>(['closed', 'open', 'probing', 'ramp', 'isolated'])

/** Null for anything that this version did not write. */
export function checked(value: unknown): NearbyHealth | null {
  if (!isObject(value) || value.v !== 1 || !isCount(value.got_at_ms)) return null
  const { snapshot, relays } = value
  if (!isObject(relays) || !isCount(relays.count) || !isCount(relays.since_ms)) return null
  if (!isObject(snapshot) || snapshot.v !== 1 || !isCount(snapshot.taken_at_ms) || !isObject(snapshot.targets)) return null
  if (snapshot.rules !== undefined && rulesFrom(snapshot.rules) === null) return null
  for (const target of Object.values(snapshot.targets)) {
    if (!isObject(target) || !STATES.has(target.state) || typeof target.ramp_share !== 'number' || !isObject(target.ln_first_token_ms))
      return null
  }
  return value as NearbyHealth
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
