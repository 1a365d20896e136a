/**
 * Providers' keys that a caller brings, as requests use them: read from KV once for an organisation, kept for half a minute and read
 * again behind the requests, and opened once, by the first request that is served with it. What is open is kept in memory only, for
 * a bounded time. Where the Worker has no master secret there are no such keys, and nothing of this runs.
 *
 * The narrowest wins: a key of the caller's own before its team's before its organisation's. One that cannot be opened is not replaced
 * by the router's own, since somebody else would then pay: calls to that provider fail, and an alarm says so.
 */
import { providerOf } from '../core/health/fleet.ts'
import { type CredentialHealth, credentialHealth, seenByOwner } from '../core/health/own-credential.ts'
import type { Caller } from '../schema/caller.ts'
import type { Plan } from '../schema/decision.ts'
import type { HealthSnapshot, Outcome } from '../schema/health.ts'
import type { HealthRules } from '../schema/health-rules.ts'
import type { ProviderId, TargetId } from '../schema/ids.ts'
import { orgProviderKeys, type ProviderKey } from '../schema/provider-key.ts'
import type { Ms } from '../schema/units.ts'
import type { Alarm } from './alarm.ts'
import { MASTER, unseal } from './envelope.ts'
import { newestSecret } from './numbered-secret.ts'
import { ownKeysKey } from './provider-keys.ts'

type Context = { waitUntil(promise: Promise<unknown>): void }

/** What one caller brings. The secrets are behind a function, so that no log or record of it can hold them. */
export type OwnKeys = {
  /** Does the caller pay for calls to this provider? */
  pays(provider: ProviderId): boolean
  /** Null where it cannot be opened. Only for providers that the caller pays for. */
  secretFor(provider: ProviderId): string | null
  /** The fleet's health as it is for this caller. */
  health(shared: HealthSnapshot, now_ms: Ms): HealthSnapshot
  /** Open targets that a request of this caller may try once; the isolate's own for those that it does not pay for. */
  probes(shared: ReadonlySet<TargetId>, now_ms: Ms): ReadonlySet<TargetId>
  /** True where the plan's first step uses a lease of one of these keys. */
  took(plan: Plan, now_ms: Ms): boolean
  observe(outcome: Outcome, now_ms: Ms, draw: () => number): void
}

export type OwnKeyStore = {
  /** Null where the caller brings none, which is mostly known without waiting; `unavailable` where nobody can say. */
  of(caller: Caller, ctx: Context, now_ms: Ms): Answer | Promise<Answer>
  problems(): Alarm[]
}
type Answer = OwnKeys | null | 'unavailable'

/** With KV's own minute, this bounds how long a key that was taken away goes on being used. */
const FRESH_MS: Ms = 30_000
const RENEW_MS: Ms = 20_000
/** While KV fails, what was good is used for this long. */
const STALE_MS: Ms = 3_600_000
const TRY_AGAIN_MS: Ms = 5_000
/** What was opened is opened anew after this. */
const OPEN_MS: Ms = 600_000
/** Organisations kept: most have no key, and cost a few hundred bytes. The oldest goes. */
const ORGS_KEPT = 2_000
const KEYS_KEPT = 500

type Entry = { keys: ProviderKey[]; read_at_ms: Ms; fresh_until_ms: Ms; renew_at_ms: Ms; of: WeakMap<Caller, OwnKeys | null> }
type Opened = { secret: string | null; sealed: string; until_ms: Ms }

/** `rules`: those by which everybody's health is judged. */
export function ownKeyStore(kv: KVNamespace, variables: Record<string, unknown>, rules: () => HealthRules): OwnKeyStore {
  const orgs = new Map<string, Entry>()
  /** These by whose and what a key is, and not by its id alone: a record that was copied to somebody else finds nothing here. */
  const opened = new Map<string, Opened>()
  const health = new Map<string, CredentialHealth>()
  const unusable = new Map<string, Alarm>()
  const isOn = newestSecret(MASTER, variables) !== null

  async function read(org: string, now_ms: Ms): Promise<Entry | 'unavailable'> {
    const before = orgs.get(org)
    let keys: ProviderKey[]
    try {
      keys = keysIn(await kv.get(ownKeysKey(org), 'json'))
    } catch {
      // KV does not answer, or has something that is no JSON: what was good goes on for a while.
      if (!before || now_ms - before.read_at_ms > STALE_MS) return 'unavailable'
      before.fresh_until_ms = now_ms + TRY_AGAIN_MS
      return before
    }
    const same = before && JSON.stringify(before.keys) === JSON.stringify(keys)
    const entry: Entry = {
      keys,
      read_at_ms: now_ms,
      fresh_until_ms: now_ms + FRESH_MS,
      renew_at_ms: now_ms + RENEW_MS,
      of: same ? before.of : new WeakMap(),
    }
    keep(orgs, org, entry, ORGS_KEPT)
    return entry
  }

  async function open(key: ProviderKey, now_ms: Ms): Promise<string | null> {
    const name = nameOf(key)
    const known = opened.get(name)
    if (known && known.sealed === key.sealed && known.until_ms > now_ms && known.secret !== null) return known.secret
    const secret = await unseal(key, key, variables)
    keep(opened, name, { secret, sealed: key.sealed, until_ms: now_ms + OPEN_MS }, KEYS_KEPT)
    if (secret !== null) unusable.delete(name)
    else {
      const whose = key.key_id ?? key.team ?? key.org
      const message = `the key ...${key.last4} that ${whose} brought for ${key.provider} cannot be opened; no call is made with it.`
      keep(unusable, name, { about: `provider-key/${key.id}`, message, line: null, since_ms: now_ms }, KEYS_KEPT)
    }
    return secret
  }

  async function bring(caller: Caller, entry: Entry, now_ms: Ms): Promise<OwnKeys | null> {
    for (const [name, { until_ms }] of opened) if (until_ms <= now_ms) opened.delete(name)
    const mine = narrowest(entry.keys, caller)
    if (mine.length === 0) {
      entry.of.set(caller, null)
      return null
    }
    const secrets = new Map(await Promise.all(mine.map(async key => [key.provider, await open(key, now_ms)] as const)))
    const healths = new Map(mine.map(key => [key.provider, healthOf(key)]))
    const own = ownKeys(secrets, healths)
    entry.of.set(caller, own)
    return own
  }

  async function readAndBring(caller: Caller, now_ms: Ms): Promise<Answer> {
    const found = await read(caller.org, now_ms)
    return found === 'unavailable' ? found : bring(caller, found, now_ms)
  }

  /** One that is set anew has another id, and begins anew. */
  function healthOf(key: ProviderKey): CredentialHealth {
    const name = nameOf(key)
    const known = health.get(name) ?? credentialHealth(rules)
    keep(health, name, known, KEYS_KEPT)
    return known
  }

  return {
    of(caller, ctx, now_ms) {
      if (!isOn) return null
      const entry = orgs.get(caller.org)
      if (entry && now_ms <= entry.fresh_until_ms) {
        if (now_ms >= entry.renew_at_ms) {
          entry.renew_at_ms = now_ms + TRY_AGAIN_MS
          ctx.waitUntil(read(caller.org, now_ms))
        }
        const known = entry.of.get(caller)
        return known === undefined ? bring(caller, entry, now_ms) : known
      }
      return readAndBring(caller, now_ms)
    },
    problems: () => [...unusable.values()],
  }
}

/** Of each provider the one that is most the caller's own. */
function narrowest(keys: ProviderKey[], { key_id, team }: Caller): ProviderKey[] {
  const rank = (key: ProviderKey) => (key.key_id !== null ? 2 : key.team !== null ? 1 : 0)
  const best = new Map<ProviderId, ProviderKey>()
  for (const key of keys) {
    if (key.key_id !== null ? key.key_id !== key_id : key.team !== null && key.team !== team) continue
    const known = best.get(key.provider)
    if (!known || rank(key) > rank(known)) best.set(key.provider, key)
  }
  return [...best.values()]
}

function ownKeys(secrets: ReadonlyMap<ProviderId, string | null>, healths: ReadonlyMap<ProviderId, CredentialHealth>): OwnKeys {
  return {
    pays: provider => secrets.has(provider),
    secretFor: provider => secrets.get(provider) ?? null,
    health: (shared, now_ms) => seenByOwner(shared, healths, now_ms),
    probes(shared, now_ms) {
      const mine = [...healths.values()].flatMap(each => each.leases(now_ms))
      return new Set([...[...shared].filter(target => !secrets.has(providerOf(target))), ...mine])
    },
    took({ steps: [first] }, now_ms) {
      const own = first?.probe ? healths.get(providerOf(first.target)) : undefined
      if (!first || !own) return false
      own.use(first.target, now_ms)
      return true
    },
    observe: (outcome, now_ms, draw) => healths.get(providerOf(outcome.target))?.observe(outcome, now_ms, draw),
  }
}

const nameOf = ({ org, team, key_id, provider, id }: ProviderKey): string => JSON.stringify([org, team, key_id, provider, id])

const keysIn = (stored: unknown): ProviderKey[] => (stored === null ? [] : orgProviderKeys.parse(stored).keys)

function keep<K, V>(cache: Map<K, V>, key: K, value: V, at_most: number): void {
  cache.delete(key)
  cache.set(key, value)
  if (cache.size > at_most) cache.delete(cache.keys().next().value ?? key)
}
