/**
 * Health as it looks to a caller who brings a key of its own for a provider. What such a key meets (a refusal, a limit, an error of
 * its account) says something about the key, and is kept with the key: it closes nothing for anybody else. The other way about,
 * what our own credential met there (refused, rate-limited) is nothing to the caller; that the target is down is.
 *
 * A key's evidence goes through the same gates as everybody's, in this isolate alone: another isolate finds out for itself, at the price
 * of a failover. While the fleet's gate is open the caller waits as all others do; once that wait is over, its own key may find
 * out, since the fleet's probes may never come where nobody else calls.
 */
import type { HealthSnapshot, Outcome, TargetHealth } from '../../schema/health.ts'
import { type HealthRules, USUAL_HEALTH } from '../../schema/health-rules.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { type Fleet, fleet, providerOf } from './fleet.ts'
import { healthOf } from './gate-told.ts'
import { worse } from './merge.ts'

export type CredentialHealth = {
  observe(outcome: Outcome, now_ms: Ms, draw: () => number): void
  /** A request has set out on a lease it was shown. */
  use(target: TargetId, now_ms: Ms): void
  gates: Fleet['gates']
  /** Those of its open targets that may be tried once now. */
  leases(now_ms: Ms): TargetId[]
}

/** `rules`: those by which everybody's are judged. */
export function credentialHealth(rules: () => HealthRules): CredentialHealth {
  const own = fleet(rules)
  return {
    observe: own.observe,
    use: own.use,
    gates: own.gates,
    leases(now_ms) {
      const free: TargetId[] = []
      for (const [target, { state }] of own.gates) {
        if ((state === 'open' || state === 'probing') && own.grant(target, now_ms)) free.push(target)
      }
      return free
    },
  }
}

/** `of` gives the health of the caller's own key for a provider, undefined where it has none. The snapshot itself where nothing differs. */
export function seenByOwner(shared: HealthSnapshot, providers: ReadonlyMap<string, CredentialHealth>, now_ms: Ms): HealthSnapshot {
  let targets: HealthSnapshot['targets'] | null = null
  for (const id in shared.targets) {
    const known = shared.targets[id]
    if (known === undefined || !providers.has(providerOf(id))) continue
    const stripped = withoutOurCredential(known, now_ms)
    if (stripped === known) continue
    targets ??= { ...shared.targets }
    targets[id] = stripped
  }
  for (const { gates } of providers.values()) {
    for (const [id, gate] of gates) {
      targets ??= { ...shared.targets }
      const own = healthOf(gate, now_ms, shared.rules ?? USUAL_HEALTH)
      const known = targets[id]
      targets[id] = known ? worse(known, own) : own
    }
  }
  return targets === null ? shared : { ...shared, targets }
}

function withoutOurCredential(health: TargetHealth, now_ms: Ms): TargetHealth {
  const isOver = health.state === 'probing' || (health.state === 'open' && health.until_ms !== null && health.until_ms <= now_ms)
  if (!isOver && health.limited_until_ms === null && health.auth_broken_until_ms === null) return health
  const waits = { limited_until_ms: null, auth_broken_until_ms: null }
  return isOver ? { ...health, ...waits, state: 'closed', until_ms: null, ramp_share: 1 } : { ...health, ...waits }
}
