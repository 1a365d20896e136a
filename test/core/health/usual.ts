/** The gate by the usual rules, for tests that are not about the rules. */

import { bewareOf as bewareOfBy } from '../../../worker/core/health/everywhere.ts'
import { fleet as fleetBy } from '../../../worker/core/health/fleet.ts'
import { type Gate, newGate as newGateBy, step as stepBy } from '../../../worker/core/health/gate.ts'
import { healthOf as healthOfBy } from '../../../worker/core/health/gate-told.ts'
import { head as headBy } from '../../../worker/core/health/head.ts'
import * as latencies from '../../../worker/core/health/latency.ts'
import { mergeHealth as mergeHealthBy } from '../../../worker/core/health/merge.ts'
import { credentialHealth as credentialHealthBy } from '../../../worker/core/health/own-credential.ts'
import { grantProbe as grantProbeBy } from '../../../worker/core/health/probe.ts'
import * as starts from '../../../worker/core/health/readiness.ts'
import * as sketches from '../../../worker/core/health/sketch.ts'
import { surges as surgesBy } from '../../../worker/core/health/surge.ts'
import * as beliefs from '../../../worker/core/health/suspicion.ts'
import type { HealthSnapshot, Outcome } from '../../../worker/schema/health.ts'
import { USUAL_HEALTH } from '../../../worker/schema/health-rules.ts'

const usual = () => USUAL_HEALTH
const { open, probe, ramp, rate_limit, credential, stale } = USUAL_HEALTH

export const BACKOFF_MIN_MS = open.backoff_first_ms
export const BACKOFF_MAX_MS = open.backoff_at_most_ms
export const LEASE_MS = probe.lease_ms
export const RAMP_MS = ramp.for_ms
export const RETRY_AFTER_MAX_MS = rate_limit.retry_after_at_most_ms
export const CREDENTIAL_RETRY_MS = credential.retry_after_ms
export const STALE_MS = stale.after_ms

export const newGate = (now_ms: number) => newGateBy(now_ms, USUAL_HEALTH)
export const step = (gate: Gate, event: Parameters<typeof stepBy>[1], now_ms: number, draw: number) =>
  stepBy(gate, event, now_ms, draw, USUAL_HEALTH)
export const grantProbe = (gate: Gate, now_ms: number, used = true) => grantProbeBy(gate, now_ms, USUAL_HEALTH, used)
export const healthOf = (gate: Gate, now_ms: number) => healthOfBy(gate, now_ms, USUAL_HEALTH)
export const fleet = (onChange?: Parameters<typeof fleetBy>[1]) => fleetBy(usual, onChange)
export const head = (onChange?: Parameters<typeof headBy>[1]) => headBy(usual, onChange)
export const mergeHealth = (snapshot: HealthSnapshot, local: ReadonlyMap<string, Gate>, now_ms: number) =>
  mergeHealthBy(snapshot, local, now_ms, USUAL_HEALTH)
export const credentialHealth = () => credentialHealthBy(usual)
export const bewareOf = (heard: Parameters<typeof bewareOfBy>[0]) => bewareOfBy(heard, USUAL_HEALTH)
export const suspect = (before: beliefs.Suspicion, outcome: Outcome, now_ms: number, share: number, slow = false) =>
  beliefs.suspect(before, outcome, now_ms, share, USUAL_HEALTH.suspicion, slow)

export const measured = (before: latencies.Latency, sample: Parameters<typeof latencies.measured>[1], now_ms: number) =>
  latencies.measured(before, sample, now_ms, USUAL_HEALTH)
export const latencyNow = (latency: latencies.Latency, now_ms: number) => latencies.latencyNow(latency, now_ms, USUAL_HEALTH)
export const isColdStart = (idle_ms: number, first_token_ms: number, usual_ms: number | null) =>
  starts.isColdStart(idle_ms, first_token_ms, usual_ms, USUAL_HEALTH.cold_start)
export const wakingLearned = (before: starts.Readiness, idle_ms: number, first_token_ms: number, usual_ms: number | null) =>
  starts.wakingLearned(before, idle_ms, first_token_ms, usual_ms, USUAL_HEALTH.cold_start)
export const sketched = (before: sketches.Sketch | null, value_ms: number, now_ms: number) =>
  sketches.sketched(before, value_ms, now_ms, USUAL_HEALTH.latency.spread_half_life_ms)
export const sketchedBeyond = (before: sketches.Sketch | null, least_ms: number, now_ms: number) =>
  sketches.sketchedBeyond(before, least_ms, now_ms, USUAL_HEALTH.latency.spread_half_life_ms)
export const surges = () => surgesBy(usual)
