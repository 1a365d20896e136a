/**
 * The fleet's view of all targets, with an isolate's own fresh experience over it. The snapshot is a few seconds old; what
 * this isolate has seen fail since then it need not wait to be told. Once a newer snapshot is here, the fleet has heard of
 * it too, and knows better: what fails for one may work for all others.
 *
 * A snapshot that nobody has renewed for a minute, longer than any gate waits, still says which targets were failing, but no longer that they are. Of those
 * that were left alone, half of the requests may find out; they are never taken for healthy before the fleet says so.
 */
import type { BreakerState, HealthSnapshot, TargetHealth } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import type { Gate } from './gate.ts'
import { healthOf } from './gate-told.ts'

const SEVERITY: Record<BreakerState, number> = { closed: 0, ramp: 1, probing: 2, open: 3, isolated: 4 }

/** The snapshot itself where nothing local is newer, which is the common case and allocates nothing. */
export function mergeHealth(snapshot: HealthSnapshot, local: ReadonlyMap<TargetId, Gate>, now_ms: Ms, rules: HealthRules): HealthSnapshot {
  let targets = now_ms - snapshot.taken_at_ms > rules.stale.after_ms ? halfBelieved(snapshot, rules) : null
  for (const [id, gate] of local) {
    const known = (targets ?? snapshot.targets)[id]
    const isNews = gate.worsened_at_ms !== null && gate.worsened_at_ms > snapshot.taken_at_ms
    if (known && !isNews) continue
    targets ??= { ...snapshot.targets }
    const own = healthOf(gate, now_ms, rules)
    targets[id] = known ? worse(known, own) : own
  }
  return targets === null ? snapshot : { ...snapshot, targets }
}

/** The targets, with those that were left alone admitted for half of the requests; null where there were none. */
function halfBelieved({ targets }: HealthSnapshot, { stale }: HealthRules): Record<TargetId, TargetHealth> | null {
  let changed: Record<TargetId, TargetHealth> | null = null
  for (const id in targets) {
    const target = targets[id]
    if (target === undefined || (target.state !== 'open' && target.state !== 'probing')) continue
    changed ??= { ...targets }
    changed[id] = { ...target, state: 'ramp', until_ms: null, ramp_share: stale.share }
  }
  return changed
}

/** The worse in everything that keeps requests away; the fleet's in everything it has measured more often. */
export function worse(fleet: TargetHealth, own: TargetHealth): TargetHealth {
  const state = SEVERITY[own.state] > SEVERITY[fleet.state] ? own : fleet
  const means = { ...fleet.ln_first_token_ms }
  for (const size of ['s', 'm', 'l', 'xl'] as const) means[size] ??= own.ln_first_token_ms[size]
  return {
    state: state.state,
    until_ms: state.until_ms,
    limited_until_ms: later(fleet.limited_until_ms, own.limited_until_ms),
    auth_broken_until_ms: later(fleet.auth_broken_until_ms, own.auth_broken_until_ms),
    ramp_share: Math.min(fleet.ramp_share, own.ramp_share),
    error_rate: later(fleet.error_rate, own.error_rate),
    ln_first_token_ms: means,
    first_token_p99_ms: fleet.first_token_p99_ms ?? own.first_token_p99_ms,
    waking: fleet.waking ?? own.waking,
    ln_tokens_per_second: fleet.ln_tokens_per_second ?? own.ln_tokens_per_second,
    slow: fleet.slow || own.slow,
    last_ok_at_ms: later(fleet.last_ok_at_ms, own.last_ok_at_ms),
    samples: fleet.samples + own.samples,
  }
}

const later = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.max(a, b))
