/**
 * The gate of one target, as a pure state machine: gate + event + time + draw -> gate. Plain data throughout, so that its
 * owner can store it, be evicted, and go on.
 *
 *   CLOSED   --suspicious--------------------> OPEN     left alone for about 5 s
 *   OPEN     --wait over, lease granted------> PROBING  one live request at a time, with failover behind it
 *   PROBING  --two answered------------------> RAMP     10 % of requests, rising to all of them in 30 s, at half the trust
 *   PROBING  --failed, or lease ran out------> OPEN     half as long again, 15 s at most
 *   RAMP     --suspicious--------------------> OPEN     likewise
 *   RAMP     --30 s without opening----------> CLOSED
 *   OPEN     --it was a false alarm----------> CLOSED   as answers show that were under way when it opened
 *   any      --operator----------------------> ISOLATED until the operator releases it into RAMP
 *
 * The numbers are the usual ones of a policy's `health` (`schema/health-rules.ts`). Waits stay under 15 s because recovery should be found within half a minute (a cap of 60 s gave 57 s at p99), and a probe
 * costs its caller only a failover. Probes are live requests, because a ping can succeed where requests fail.
 *
 * Beside the state, and never changing it: rate-limited until, and credential refused until.
 *
 * A late answer to a request sent before the gate opened says nothing about the target now. It may say, though, that the gate
 * should not have opened: failures are known at once and answers only when they end, so where many requests are under way the few
 * that fail come in first. Those that were sent since the first of them are summed up as if the gate had waited, and where they
 * end in calm, it closes again.
 */
import type { BreakerState, Outcome } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { DecisionId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { reconsidered } from './doubt.ts'
import { credentialRefused, limited, withMeasurements } from './gate-beside.ts'
import { advance, opened, ramping, rampShare } from './gate-course.ts'
import { type Latency, newLatency } from './latency.ts'
import { probed, withProbeWithoutAnswer } from './probe.ts'
import { newReadiness, type Readiness } from './readiness.ts'
import { isCalm, isSuspicious, noSuspicion, type Suspicion, suspect } from './suspicion.ts'

export type Gate = {
  v: 1
  state: BreakerState
  /** OPEN: when it may be probed. */
  until_ms: Ms | null
  /** When it last opened; null where it never did. */
  opened_at_ms: Ms | null
  backoff_ms: Ms
  lease_until_ms: Ms | null
  /** Is a request using it? An isolate may have been given it and have nothing to send. */
  lease_used: boolean
  /** It opened on silence alone, which a first token that comes after all takes back. */
  opened_by_silence: boolean
  /** The request whose probe failed last, and so keeps it open. */
  probe_failed: DecisionId | null
  probes_ok: number
  ramp_from_ms: Ms | null
  limited_until_ms: Ms | null
  limits_in_row: number
  auth_broken_at_ms: Ms | null
  auth_broken_until_ms: Ms | null
  last_ok_at_ms: Ms | null
  /** When something last spoke against the target: a failure, a limit, a refused credential. */
  worsened_at_ms: Ms | null
  /** Until when it is trusted less, because others of its provider have just opened; null where they have not. */
  wary_until_ms: Ms | null
  /** Outcomes that said something, ever. */
  samples: number
  suspicion: Suspicion
  latency: Latency
  readiness: Readiness
}

/** `tick`: time has passed and nothing else · `credential_changed`: forget that it was refused · `beware`: its neighbours fail. */
export type GateCommand = 'tick' | 'isolate' | 'release' | 'credential_changed' | 'beware'
/** What a request's later attempts told about its failure here (`fleet.ts`). */
export type CaseVerdict = { verdict: 'confirmed' | 'withdrawn'; decision_id: DecisionId }

export const newGate = (now_ms: Ms, rules: HealthRules): Gate => ({
  v: 1,
  state: 'closed',
  until_ms: null,
  opened_at_ms: null,
  backoff_ms: rules.open.backoff_first_ms,
  lease_until_ms: null,
  lease_used: false,
  opened_by_silence: false,
  probe_failed: null,
  probes_ok: 0,
  ramp_from_ms: null,
  limited_until_ms: null,
  limits_in_row: 0,
  auth_broken_at_ms: null,
  auth_broken_until_ms: null,
  last_ok_at_ms: null,
  worsened_at_ms: null,
  wary_until_ms: null,
  samples: 0,
  suspicion: noSuspicion(now_ms),
  latency: newLatency(),
  readiness: newReadiness(),
})

/** What was stored by an older version lacks what was added since. */
export function restored(stored: Gate, now_ms: Ms, rules: HealthRules): Gate {
  const fresh = newGate(now_ms, rules)
  return {
    ...fresh,
    ...stored,
    suspicion: { ...fresh.suspicion, ...stored.suspicion },
    latency: { ...fresh.latency, ...stored.latency },
  }
}

/** The one transition function. `draw`, uniform in [0, 1), decides how long waits are. `under_way`: as in `suspicion.ts`, were all let through. */
export function step(
  before: Gate,
  event: Outcome | GateCommand | CaseVerdict,
  now_ms: Ms,
  draw: number,
  rules: HealthRules,
  under_way = 0,
): Gate {
  const gate = advance(before, now_ms, rules)
  if (typeof event === 'string') return commanded(gate, event, now_ms, rules)
  if ('verdict' in event) return reconsideredGate(gate, event, now_ms, draw, rules, under_way)

  const measured = withMeasurements(gate, event, now_ms, rules)
  // A model that is said to be no more is left alone as one that is limited is.
  const noted = event.class === 'gone' && event.retry_after_ms !== null ? limited(measured, event, now_ms, draw, rules) : measured
  if (event.class === 'rate' || event.class === 'auth') {
    const refused = event.class === 'rate' ? limited(noted, event, now_ms, draw, rules) : credentialRefused(noted, event, now_ms, rules)
    // No evidence, but a request that was thought to hang was answered after all.
    const suspicion = suspect(refused.suspicion, event, now_ms, 1, rules.suspicion)
    return withProbeWithoutAnswer({ ...refused, suspicion }, event, now_ms, draw, rules)
  }
  if (gate.opened_at_ms !== null && event.sent_at_ms < gate.opened_at_ms) return withStraggler(noted, event, now_ms, rules)

  switch (gate.state) {
    case 'closed':
    case 'ramp':
      return judged(noted, event, now_ms, draw, rules, under_way)
    case 'open':
    case 'probing':
      return probed(noted, event, now_ms, draw, rules)
    case 'isolated':
      return noted
  }
}

function commanded(gate: Gate, command: GateCommand, now_ms: Ms, rules: HealthRules): Gate {
  switch (command) {
    case 'tick':
      return gate
    case 'isolate':
      return { ...gate, state: 'isolated', until_ms: null, lease_until_ms: null, ramp_from_ms: null, probes_ok: 0 }
    case 'release':
      return gate.state === 'isolated' ? ramping(gate, now_ms) : gate
    case 'credential_changed':
      return { ...gate, auth_broken_at_ms: null, auth_broken_until_ms: null }
    case 'beware':
      return { ...gate, wary_until_ms: now_ms + rules.wary.for_ms }
  }
}

/** While requests flow: sum up the evidence and open when it is enough. */
function judged(gate: Gate, outcome: Outcome, now_ms: Ms, draw: number, rules: HealthRules, under_way: number): Gate {
  const trust = trustIn(gate, now_ms, rules)
  const suspicion = suspect(gate.suspicion, outcome, now_ms, trust, rules.suspicion, gate.latency.slow)
  const after = { ...gate, suspicion }
  if (!isSuspicious(suspicion, trust, rules.suspicion, under_way * rampShare(gate, now_ms, rules))) return after
  return { ...opened(after, now_ms, draw, rules), opened_by_silence: outcome.class === 'late' }
}

/** What was sent before the gate opened may show that it should not have. */
function withStraggler(gate: Gate, outcome: Outcome, now_ms: Ms, rules: HealthRules): Gate {
  if (gate.state !== 'open' && gate.state !== 'probing') return gate
  const { opened_by_silence, latency } = gate
  const { failing_from_ms, late } = gate.suspicion
  const hung = late.some(each => each.decision_id === outcome.decision_id)
  if (!hung && (failing_from_ms === null || outcome.sent_at_ms < failing_from_ms)) return gate
  const suspicion = suspect(gate.suspicion, outcome, now_ms, 1, rules.suspicion, latency.slow)
  // One of those that hung when it opened on silence has its first token: the target was slow, and never gone.
  const was_slow = opened_by_silence && hung && outcome.class === 'late' && outcome.first_token_ms !== null
  if (!was_slow && !(outcome.class === 'ok' && isCalm(suspicion))) return { ...gate, suspicion }
  const calm = noSuspicion(now_ms, suspicion)
  return { ...gate, state: 'closed', until_ms: null, lease_until_ms: null, probes_ok: 0, opened_by_silence: false, suspicion: calm }
}

/** A failure that was counted turns out to weigh more, or nothing. */
function reconsideredGate(
  gate: Gate,
  { verdict, decision_id }: CaseVerdict,
  now_ms: Ms,
  draw: number,
  rules: HealthRules,
  under_way: number,
): Gate {
  // A probe that was itself broken showed nothing: the next one may go at once.
  if (gate.state === 'open' && verdict === 'withdrawn' && gate.probe_failed === decision_id) {
    return {
      ...gate,
      until_ms: now_ms,
      backoff_ms: Math.max(rules.open.backoff_first_ms, gate.backoff_ms / rules.open.backoff_growth),
      probe_failed: null,
    }
  }
  if (gate.state !== 'closed' && gate.state !== 'ramp') return gate
  const trust = trustIn(gate, now_ms, rules)
  const suspicion = reconsidered(gate.suspicion, decision_id, verdict, now_ms, trust, rules.suspicion)
  if (suspicion === gate.suspicion) return gate
  const after = { ...gate, suspicion }
  return isSuspicious(suspicion, trust, rules.suspicion, under_way * rampShare(gate, now_ms, rules))
    ? opened({ ...after, worsened_at_ms: now_ms }, now_ms, draw, rules)
    : after
}

/** The share of the evidence that opens it otherwise: less for one that has just come back, or whose neighbours fail. */
function trustIn({ state, wary_until_ms }: Gate, now_ms: Ms, { ramp, wary }: HealthRules): number {
  const trust = state === 'ramp' ? ramp.trust : 1
  return wary_until_ms !== null && wary_until_ms > now_ms ? Math.min(trust, wary.trust) : trust
}
