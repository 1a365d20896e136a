/**
 * Probes: how an open target is asked whether it answers again. One request at a time holds the lease for it; nobody else does, whatever isolate it
 * is in. A lease of which nothing is heard counts as a failure, one that no request came to use as nothing.
 */
import type { Outcome } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'
import { EVIDENCE } from './evidence.ts'
import type { Gate } from './gate.ts'
import { advance, opened, ramping } from './gate-course.ts'
import { served } from './suspicion.ts'

/** The owner of the gate waits this much longer, for the reply's way. */
const LEASE_SLACK_MS: Ms = 1_000

/**
 * Asks for the one probe that an open target may have. Keep the gate that comes back, granted or not. Nothing is granted
 * while a lease is out, or while a limit or a refused credential would make the probe pointless. `used`: a request is waiting to
 * use it; else it must be said (`useProbe`), or it lapses early.
 */
export function grantProbe(before: Gate, now_ms: Ms, rules: HealthRules, used = true): { gate: Gate; granted: boolean } {
  const gate = advance(before, now_ms, rules)
  const waits = [gate.until_ms, gate.lease_until_ms, gate.limited_until_ms, gate.auth_broken_until_ms]
  const granted = (gate.state === 'open' || gate.state === 'probing') && waits.every(until_ms => until_ms === null || until_ms <= now_ms)
  if (!granted) return { gate, granted }
  const lease_until_ms = now_ms + (used ? rules.probe.lease_ms : rules.probe.lease_unused_ms + LEASE_SLACK_MS)
  return { gate: { ...gate, state: 'probing', until_ms: null, lease_until_ms, lease_used: used }, granted }
}

/** A request has set out on the lease that was granted. */
export function useProbe(before: Gate, now_ms: Ms, rules: HealthRules): Gate {
  const gate = advance(before, now_ms, rules)
  if (gate.state !== 'probing' || gate.lease_until_ms === null || gate.lease_used) return gate
  return { ...gate, lease_until_ms: now_ms + rules.probe.lease_ms, lease_used: true }
}

/** While they do not: only probes count against it, and any answer to a request sent since it opened counts for it. */
export function probed(gate: Gate, outcome: Outcome, now_ms: Ms, draw: number, rules: HealthRules): Gate {
  const { says } = EVIDENCE[outcome.class]
  // A probe that is late may yet answer; the lease gives it the time. Once it has begun, its answer may last as long as it likes.
  if (outcome.class === 'late') {
    return outcome.probe && outcome.first_token_ms !== null && gate.state === 'probing' ? { ...gate, lease_until_ms: null } : gate
  }
  if (says === 'failure') return outcome.probe ? { ...opened(gate, now_ms, draw, rules), probe_failed: outcome.decision_id } : gate
  const lease_until_ms = outcome.probe ? null : gate.lease_until_ms
  if (says === 'none') return { ...gate, lease_until_ms }
  const probes_ok = gate.probes_ok + 1
  const answered = { ...gate, suspicion: served(gate.suspicion, outcome, now_ms) }
  if (probes_ok >= rules.probe.answers) return ramping(answered, now_ms)
  return { ...answered, state: 'probing', until_ms: null, lease_until_ms, probes_ok }
}

/** A probe that met a limit or a refused credential shows nothing: the gate waits once more, no longer than before. */
export function withProbeWithoutAnswer(gate: Gate, outcome: Outcome, now_ms: Ms, draw: number, rules: HealthRules): Gate {
  const current = gate.opened_at_ms === null || outcome.sent_at_ms >= gate.opened_at_ms
  if (!outcome.probe || gate.state !== 'probing' || !current) return gate
  return { ...opened(gate, now_ms, draw, rules), backoff_ms: gate.backoff_ms }
}
