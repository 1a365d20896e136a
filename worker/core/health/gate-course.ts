/**
 * The ways of a gate between its states, but for what outcomes decide: how it opens, how it comes back, and what time alone does. What the
 * rules say may change while a gate is open, so no instant in it is trusted to be within them: what lies too far ahead is drawn near.
 */
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'
import type { Gate } from './gate.ts'
import { noSuspicion } from './suspicion.ts'

/** Brings a gate up to the present: leases run out, ramps end. What a clock that went back left too far ahead is drawn near. */
export function advance(gate: Gate, now_ms: Ms, rules: HealthRules): Gate {
  const until_ms = within(gate.until_ms, now_ms + rules.open.backoff_at_most_ms * (1 + rules.open.jitter))
  const opened_at_ms = within(gate.opened_at_ms, now_ms)
  const lease_until_ms = within(gate.lease_until_ms, now_ms + rules.probe.lease_ms)
  const ramp_from_ms = within(gate.ramp_from_ms, now_ms)
  const limited_until_ms = within(gate.limited_until_ms, now_ms + rules.rate_limit.retry_after_at_most_ms)
  const auth_broken_until_ms = within(gate.auth_broken_until_ms, now_ms + rules.credential.retry_after_ms)
  const wary_until_ms = within(gate.wary_until_ms, now_ms + rules.wary.for_ms)
  const moved =
    until_ms !== gate.until_ms ||
    opened_at_ms !== gate.opened_at_ms ||
    lease_until_ms !== gate.lease_until_ms ||
    ramp_from_ms !== gate.ramp_from_ms ||
    limited_until_ms !== gate.limited_until_ms ||
    auth_broken_until_ms !== gate.auth_broken_until_ms ||
    wary_until_ms !== gate.wary_until_ms
  const near = moved
    ? { ...gate, until_ms, opened_at_ms, lease_until_ms, ramp_from_ms, limited_until_ms, auth_broken_until_ms, wary_until_ms }
    : gate

  if (near.state === 'probing' && lease_until_ms !== null && lease_until_ms <= now_ms) {
    return near.lease_used ? opened(near, lease_until_ms, 0.5, rules) : { ...near, lease_until_ms: null }
  }
  if (near.state === 'ramp' && ramp_from_ms !== null && ramp_from_ms + rules.ramp.for_ms <= now_ms) {
    return {
      ...near,
      state: 'closed',
      ramp_from_ms: null,
      backoff_ms: rules.open.backoff_first_ms,
      suspicion: noSuspicion(now_ms, near.suspicion),
    }
  }
  return near
}

const within = (instant_ms: Ms | null, latest_ms: Ms): Ms | null => (instant_ms === null ? null : Math.min(instant_ms, latest_ms))

/** From CLOSED the wait is the shortest; each time it opens again before having closed, it is half as long again. */
export function opened(gate: Gate, at_ms: Ms, draw: number, { open }: HealthRules): Gate {
  const backoff_ms =
    gate.state === 'closed' ? open.backoff_first_ms : Math.min(open.backoff_at_most_ms, gate.backoff_ms * open.backoff_growth)
  return {
    ...gate,
    state: 'open',
    until_ms: at_ms + backoff_ms * (1 - open.jitter + 2 * open.jitter * draw),
    opened_at_ms: at_ms,
    backoff_ms,
    lease_until_ms: null,
    probes_ok: 0,
    ramp_from_ms: null,
    opened_by_silence: false,
  }
}

/** Requests come back, a few at first. */
export function ramping(gate: Gate, now_ms: Ms): Gate {
  return {
    ...gate,
    state: 'ramp',
    until_ms: null,
    lease_until_ms: null,
    probes_ok: 0,
    ramp_from_ms: now_ms,
    suspicion: noSuspicion(now_ms, gate.suspicion),
  }
}

/** Of all requests that would have it, what may go there. */
export function rampShare(gate: Gate, now_ms: Ms, { ramp }: HealthRules): number {
  if (gate.state === 'closed') return 1
  if (gate.state !== 'ramp' || gate.ramp_from_ms === null) return 0
  return Math.min(1, ramp.from_share + (1 - ramp.from_share) * ((now_ms - gate.ramp_from_ms) / ramp.for_ms))
}
