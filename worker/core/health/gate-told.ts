/** What others are told of a gate, and what of it must be in storage before they are. */
import type { TargetHealth } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'
import type { Gate } from './gate.ts'
import { advance, rampShare } from './gate-course.ts'
import { latencyNow } from './latency.ts'
import { wakingOf } from './readiness.ts'
import { errorRateOf } from './suspicion.ts'

/** What the fleet is told of it. A probing target shows as its `until_ms` when its lease ends, or now where none is out. */
export function healthOf(before: Gate, now_ms: Ms, rules: HealthRules): TargetHealth {
  const gate = advance(before, now_ms, rules)
  return {
    state: gate.state,
    until_ms: gate.state === 'probing' ? (gate.lease_until_ms ?? now_ms) : gate.until_ms,
    limited_until_ms: upcoming(gate.limited_until_ms, now_ms),
    auth_broken_until_ms: upcoming(gate.auth_broken_until_ms, now_ms),
    ramp_share: rampShare(gate, now_ms, rules),
    error_rate: errorRateOf(gate.suspicion, now_ms),
    ...latencyNow(gate.latency, now_ms, rules),
    waking: wakingOf(gate.readiness),
    last_ok_at_ms: gate.last_ok_at_ms,
    samples: gate.samples,
  }
}

const upcoming = (until_ms: Ms | null, now_ms: Ms): Ms | null => (until_ms !== null && until_ms > now_ms ? until_ms : null)

/** Must this change outlive its owner's memory? Counters may be lost with it, states may not. */
export function mustOutlive(before: Gate, after: Gate): boolean {
  return (
    before.state !== after.state ||
    before.until_ms !== after.until_ms ||
    before.lease_until_ms !== after.lease_until_ms ||
    before.probes_ok !== after.probes_ok ||
    before.limited_until_ms !== after.limited_until_ms ||
    before.auth_broken_until_ms !== after.auth_broken_until_ms
  )
}

/** How long a target is still shut or limited; null where it is neither. */
export function opensInMs(health: TargetHealth | undefined, now_ms: Ms): Ms | null {
  const until_ms = Math.max(health?.state === 'open' ? (health.until_ms ?? 0) : 0, health?.limited_until_ms ?? 0)
  return until_ms > now_ms ? until_ms - now_ms : null
}
