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
 * Waits stay under 15 s because recovery should be found within half a minute (a cap of 60 s gave 57 s at p99), and a probe
 * costs its caller only a failover. Probes are live requests, because a ping can succeed where requests fail.
 *
 * Beside the state, and never changing it: rate-limited until, and credential refused until.
 *
 * A late answer to a request sent before the gate opened says nothing about the target now. It may say, though, that the gate
 * should not have opened: failures are known at once and answers only when they end, so where many requests are under way the few
 * that fail come in first. Those that were sent since the first of them are summed up as if the gate had waited, and where they
 * end in calm, it closes again.
 */
import type { BreakerState, Outcome, TargetHealth } from '../../schema/health.ts'
import type { DecisionId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { EVIDENCE } from './evidence.ts'
import { type Latency, latencyNow, measured, newLatency, usualMs } from './latency.ts'
import { isColdStart, newReadiness, type Readiness, wakingLearned, wakingOf } from './readiness.ts'
import { errorRateOf, isCalm, isOnlySlow, isSuspicious, noSuspicion, reconsidered, type Suspicion, served, suspect } from './suspicion.ts'

export const BACKOFF_MIN_MS = 5_000
export const BACKOFF_MAX_MS = 15_000
const BACKOFF_GROWTH = 1.5
/** Waits vary by a fifth either way, so that gates which opened together do not probe together. */
const JITTER = 0.2
/** A probe whose sender died never reports. After this long the lease has run out, which counts as a failure. */
export const LEASE_MS = 15_000
/** A lease that no request came to use within this time goes to whoever asks next, and counts as nothing. */
export const LEASE_UNUSED_MS = 3_000
/** The owner waits this much longer, for the reply's way. */
const LEASE_SLACK_MS = 1_000
export const PROBES_TO_RAMP = 2
export const RAMP_MS = 30_000
const RAMP_FROM_SHARE = 0.1
const RAMP_TRUST = 0.5
/** While others of its provider have just opened, a target is trusted about half as far: three failures in a row open it, not four. */
export const WARY_MS = 30_000
const WARY_TRUST = 6 / 11
/** Where a rate limit names no time: a random wait up to this, doubled for each limit in a row. */
const LIMIT_FIRST_MS = 2_000
const LIMIT_MAX_MS = 60_000
/** A provider that asks for longer is believed for an hour, then asked again. */
export const RETRY_AFTER_MAX_MS = 3_600_000
/** A refused credential is tried again after this, in case it was mended at the provider. */
export const CREDENTIAL_RETRY_MS = 300_000

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

export const newGate = (now_ms: Ms): Gate => ({
  v: 1,
  state: 'closed',
  until_ms: null,
  opened_at_ms: null,
  backoff_ms: BACKOFF_MIN_MS,
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
export function restored(stored: Gate, now_ms: Ms): Gate {
  const fresh = newGate(now_ms)
  return {
    ...fresh,
    ...stored,
    suspicion: { ...fresh.suspicion, ...stored.suspicion },
    latency: { ...fresh.latency, ...stored.latency },
  }
}

/** The one transition function. `draw`, uniform in [0, 1), decides how long waits are. `under_way`: as in `suspicion.ts`, were all let through. */
export function step(before: Gate, event: Outcome | GateCommand | CaseVerdict, now_ms: Ms, draw: number, under_way = 0): Gate {
  const gate = advance(before, now_ms)
  if (typeof event === 'string') return commanded(gate, event, now_ms)
  if ('verdict' in event) return reconsideredGate(gate, event, now_ms, draw, under_way)

  const measured = withMeasurements(gate, event, now_ms)
  // A model that is said to be no more is left alone as one that is limited is.
  const noted = event.class === 'gone' && event.retry_after_ms !== null ? limited(measured, event, now_ms, draw) : measured
  if (event.class === 'rate' || event.class === 'auth') {
    const refused = event.class === 'rate' ? limited(noted, event, now_ms, draw) : credentialRefused(noted, event, now_ms)
    // No evidence, but a request that was thought to hang was answered after all.
    const suspicion = suspect(refused.suspicion, event, now_ms, 1)
    return withProbeWithoutAnswer({ ...refused, suspicion }, event, now_ms, draw)
  }
  if (gate.opened_at_ms !== null && event.sent_at_ms < gate.opened_at_ms) return withStraggler(noted, event, now_ms)

  switch (gate.state) {
    case 'closed':
    case 'ramp':
      return judged(noted, event, now_ms, draw, under_way)
    case 'open':
    case 'probing':
      return probed(noted, event, now_ms, draw)
    case 'isolated':
      return noted
  }
}

/**
 * Asks for the one probe that an open target may have. Keep the gate that comes back, granted or not. Nothing is granted
 * while a lease is out, or while a limit or a refused credential would make the probe pointless. `used`: a request is waiting to
 * use it; else it must be said (`useProbe`), or it lapses early.
 */
export function grantProbe(before: Gate, now_ms: Ms, used = true): { gate: Gate; granted: boolean } {
  const gate = advance(before, now_ms)
  const waits = [gate.until_ms, gate.lease_until_ms, gate.limited_until_ms, gate.auth_broken_until_ms]
  const granted = (gate.state === 'open' || gate.state === 'probing') && waits.every(until_ms => until_ms === null || until_ms <= now_ms)
  if (!granted) return { gate, granted }
  const lease_until_ms = now_ms + (used ? LEASE_MS : LEASE_UNUSED_MS + LEASE_SLACK_MS)
  return { gate: { ...gate, state: 'probing', until_ms: null, lease_until_ms, lease_used: used }, granted }
}

/** A request has set out on the lease that was granted. */
export function useProbe(before: Gate, now_ms: Ms): Gate {
  const gate = advance(before, now_ms)
  if (gate.state !== 'probing' || gate.lease_until_ms === null || gate.lease_used) return gate
  return { ...gate, lease_until_ms: now_ms + LEASE_MS, lease_used: true }
}

/** What the fleet is told of it. A probing target shows as its `until_ms` when its lease ends, or now where none is out. */
export function healthOf(before: Gate, now_ms: Ms): TargetHealth {
  const gate = advance(before, now_ms)
  return {
    state: gate.state,
    until_ms: gate.state === 'probing' ? (gate.lease_until_ms ?? now_ms) : gate.until_ms,
    limited_until_ms: upcoming(gate.limited_until_ms, now_ms),
    auth_broken_until_ms: upcoming(gate.auth_broken_until_ms, now_ms),
    ramp_share: rampShare(gate, now_ms),
    error_rate: errorRateOf(gate.suspicion, now_ms),
    ...latencyNow(gate.latency, now_ms),
    waking: wakingOf(gate.readiness),
    last_ok_at_ms: gate.last_ok_at_ms,
    samples: gate.samples,
  }
}

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

/** Brings a gate up to the present: leases run out, ramps end. What a clock that went back left too far ahead is drawn near. */
function advance(gate: Gate, now_ms: Ms): Gate {
  const until_ms = within(gate.until_ms, now_ms + BACKOFF_MAX_MS * (1 + JITTER))
  const opened_at_ms = within(gate.opened_at_ms, now_ms)
  const lease_until_ms = within(gate.lease_until_ms, now_ms + LEASE_MS)
  const ramp_from_ms = within(gate.ramp_from_ms, now_ms)
  const limited_until_ms = within(gate.limited_until_ms, now_ms + RETRY_AFTER_MAX_MS)
  const auth_broken_until_ms = within(gate.auth_broken_until_ms, now_ms + CREDENTIAL_RETRY_MS)
  const wary_until_ms = within(gate.wary_until_ms, now_ms + WARY_MS)
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
    return near.lease_used ? opened(near, lease_until_ms, 0.5) : { ...near, lease_until_ms: null }
  }
  if (near.state === 'ramp' && ramp_from_ms !== null && ramp_from_ms + RAMP_MS <= now_ms) {
    return { ...near, state: 'closed', ramp_from_ms: null, backoff_ms: BACKOFF_MIN_MS, suspicion: noSuspicion(now_ms, near.suspicion) }
  }
  return near
}

const within = (instant_ms: Ms | null, latest_ms: Ms): Ms | null => (instant_ms === null ? null : Math.min(instant_ms, latest_ms))
const upcoming = (until_ms: Ms | null, now_ms: Ms): Ms | null => (until_ms !== null && until_ms > now_ms ? until_ms : null)

function commanded(gate: Gate, command: GateCommand, now_ms: Ms): Gate {
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
      return { ...gate, wary_until_ms: now_ms + WARY_MS }
  }
}

/** What holds in every state: latencies, when it last answered, and that an answer ends limits in a row and a refused credential. */
function withMeasurements(gate: Gate, outcome: Outcome, now_ms: Ms): Gate {
  const { says } = EVIDENCE[outcome.class]
  const after = { ...gate }
  const { sent_at_ms, size } = outcome
  const onlySlow = isOnlySlow(gate.suspicion, outcome, now_ms, gate.latency.slow)
  // One given up on took at least so long.
  const first_token_ms = onlySlow && outcome.class === 'timeout' ? now_ms - sent_at_ms : outcome.first_token_ms
  const idle_ms = gate.last_ok_at_ms === null ? 0 : sent_at_ms - gate.last_ok_at_ms
  const usual_ms = usualMs(gate.latency, size)
  if (first_token_ms !== null) after.readiness = wakingLearned(gate.readiness, idle_ms, first_token_ms, usual_ms)
  // How long a target takes to wake says nothing of how fast it is when awake.
  if (first_token_ms === null || !isColdStart(idle_ms, first_token_ms, usual_ms))
    after.latency = measured(gate.latency, { ...outcome, first_token_ms }, now_ms)
  if (says !== 'none' && outcome.class !== 'late') after.samples += 1
  if (says === 'failure' && !onlySlow) after.worsened_at_ms = now_ms
  if (says === 'ok') {
    after.last_ok_at_ms = now_ms
    after.limits_in_row = 0
    if (gate.auth_broken_at_ms !== null && outcome.sent_at_ms >= gate.auth_broken_at_ms) {
      after.auth_broken_at_ms = null
      after.auth_broken_until_ms = null
    }
  }
  return after
}

/** The longest wait anyone asked for wins. Limits that come while one is in force were sent before it, and do not double the next. */
function limited(gate: Gate, outcome: Outcome, now_ms: Ms, draw: number): Gate {
  const inForce = gate.limited_until_ms !== null && gate.limited_until_ms > now_ms
  const random_ms = draw * Math.min(LIMIT_MAX_MS, LIMIT_FIRST_MS * 2 ** gate.limits_in_row)
  const wait_ms = Math.min(RETRY_AFTER_MAX_MS, Math.max(0, outcome.retry_after_ms ?? random_ms))
  return {
    ...gate,
    limited_until_ms: Math.max(gate.limited_until_ms ?? 0, now_ms + wait_ms),
    limits_in_row: inForce ? gate.limits_in_row : Math.min(gate.limits_in_row + 1, 10),
    worsened_at_ms: now_ms,
  }
}

/** Refused until it changes, or until an answer to a request sent later than the refused one shows that it works. */
function credentialRefused(gate: Gate, outcome: Outcome, now_ms: Ms): Gate {
  return {
    ...gate,
    auth_broken_at_ms: Math.max(gate.auth_broken_at_ms ?? 0, outcome.sent_at_ms),
    auth_broken_until_ms: Math.max(gate.auth_broken_until_ms ?? 0, now_ms + CREDENTIAL_RETRY_MS),
    worsened_at_ms: now_ms,
  }
}

/** While requests flow: sum up the evidence and open when it is enough. */
function judged(gate: Gate, outcome: Outcome, now_ms: Ms, draw: number, under_way: number): Gate {
  const trust = trustIn(gate, now_ms)
  const suspicion = suspect(gate.suspicion, outcome, now_ms, trust, gate.latency.slow)
  const after = { ...gate, suspicion }
  if (!isSuspicious(suspicion, trust, under_way * rampShare(gate, now_ms))) return after
  return { ...opened(after, now_ms, draw), opened_by_silence: outcome.class === 'late' }
}

/** What was sent before the gate opened may show that it should not have. */
function withStraggler(gate: Gate, outcome: Outcome, now_ms: Ms): Gate {
  if (gate.state !== 'open' && gate.state !== 'probing') return gate
  const { opened_by_silence, latency } = gate
  const { failing_from_ms, late } = gate.suspicion
  const hung = late.some(each => each.decision_id === outcome.decision_id)
  if (!hung && (failing_from_ms === null || outcome.sent_at_ms < failing_from_ms)) return gate
  const suspicion = suspect(gate.suspicion, outcome, now_ms, 1, latency.slow)
  // One of those that hung when it opened on silence has its first token: the target was slow, and never gone.
  const was_slow = opened_by_silence && hung && outcome.class === 'late' && outcome.first_token_ms !== null
  if (!was_slow && !(outcome.class === 'ok' && isCalm(suspicion))) return { ...gate, suspicion }
  const calm = noSuspicion(now_ms, suspicion)
  return { ...gate, state: 'closed', until_ms: null, lease_until_ms: null, probes_ok: 0, opened_by_silence: false, suspicion: calm }
}

/** A failure that was counted turns out to weigh more, or nothing. */
function reconsideredGate(gate: Gate, { verdict, decision_id }: CaseVerdict, now_ms: Ms, draw: number, under_way: number): Gate {
  // A probe that was itself broken showed nothing: the next one may go at once.
  if (gate.state === 'open' && verdict === 'withdrawn' && gate.probe_failed === decision_id) {
    return { ...gate, until_ms: now_ms, backoff_ms: Math.max(BACKOFF_MIN_MS, gate.backoff_ms / BACKOFF_GROWTH), probe_failed: null }
  }
  if (gate.state !== 'closed' && gate.state !== 'ramp') return gate
  const trust = trustIn(gate, now_ms)
  const suspicion = reconsidered(gate.suspicion, decision_id, verdict, now_ms, trust)
  if (suspicion === gate.suspicion) return gate
  const after = { ...gate, suspicion }
  return isSuspicious(suspicion, trust, under_way * rampShare(gate, now_ms))
    ? opened({ ...after, worsened_at_ms: now_ms }, now_ms, draw)
    : after
}

/** The share of the evidence that opens it otherwise: less for one that has just come back, or whose neighbours fail. */
function trustIn({ state, wary_until_ms }: Gate, now_ms: Ms): number {
  const trust = state === 'ramp' ? RAMP_TRUST : 1
  return wary_until_ms !== null && wary_until_ms > now_ms ? Math.min(trust, WARY_TRUST) : trust
}

/** While they do not: only probes count against it, and any answer to a request sent since it opened counts for it. */
function probed(gate: Gate, outcome: Outcome, now_ms: Ms, draw: number): Gate {
  const { says } = EVIDENCE[outcome.class]
  // A probe that is late may yet answer; the lease gives it the time. Once it has begun, its answer may last as long as it likes.
  if (outcome.class === 'late') {
    return outcome.probe && outcome.first_token_ms !== null && gate.state === 'probing' ? { ...gate, lease_until_ms: null } : gate
  }
  if (says === 'failure') return outcome.probe ? { ...opened(gate, now_ms, draw), probe_failed: outcome.decision_id } : gate
  const lease_until_ms = outcome.probe ? null : gate.lease_until_ms
  if (says === 'none') return { ...gate, lease_until_ms }
  const probes_ok = gate.probes_ok + 1
  const answered = { ...gate, suspicion: served(gate.suspicion, outcome, now_ms) }
  if (probes_ok >= PROBES_TO_RAMP) return ramping(answered, now_ms)
  return { ...answered, state: 'probing', until_ms: null, lease_until_ms, probes_ok }
}

/** A probe that met a limit or a refused credential shows nothing: the gate waits once more, no longer than before. */
function withProbeWithoutAnswer(gate: Gate, outcome: Outcome, now_ms: Ms, draw: number): Gate {
  const current = gate.opened_at_ms === null || outcome.sent_at_ms >= gate.opened_at_ms
  if (!outcome.probe || gate.state !== 'probing' || !current) return gate
  return { ...opened(gate, now_ms, draw), backoff_ms: gate.backoff_ms }
}

/** From CLOSED the wait is the shortest; each time it opens again before having closed, it is half as long again. */
function opened(gate: Gate, at_ms: Ms, draw: number): Gate {
  const backoff_ms = gate.state === 'closed' ? BACKOFF_MIN_MS : Math.min(BACKOFF_MAX_MS, gate.backoff_ms * BACKOFF_GROWTH)
  return {
    ...gate,
    state: 'open',
    until_ms: at_ms + backoff_ms * (1 - JITTER + 2 * JITTER * draw),
    opened_at_ms: at_ms,
    backoff_ms,
    lease_until_ms: null,
    probes_ok: 0,
    ramp_from_ms: null,
    opened_by_silence: false,
  }
}

function ramping(gate: Gate, now_ms: Ms): Gate {
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

function rampShare(gate: Gate, now_ms: Ms): number {
  if (gate.state === 'closed') return 1
  if (gate.state !== 'ramp' || gate.ramp_from_ms === null) return 0
  return Math.min(1, RAMP_FROM_SHARE + (1 - RAMP_FROM_SHARE) * ((now_ms - gate.ramp_from_ms) / RAMP_MS))
}

/** How long a target is still shut or limited; null where it is neither. */
export function opensInMs(health: TargetHealth | undefined, now_ms: Ms): Ms | null {
  const until_ms = Math.max(health?.state === 'open' ? (health.until_ms ?? 0) : 0, health?.limited_until_ms ?? 0)
  return until_ms > now_ms ? until_ms - now_ms : null
}
