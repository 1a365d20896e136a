/**
 * What is noted of a target in every state of its gate and never changes that state: how fast it is, when it last answered, until when it is
 * limited, and that it refuses our credential.
 */
import type { Outcome } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'
import { EVIDENCE } from './evidence.ts'
import type { Gate } from './gate.ts'
import { measured, usualMs } from './latency.ts'
import { isOnlySlow } from './overdue.ts'
import { isColdStart, wakingLearned } from './readiness.ts'

/** What holds in every state: latencies, when it last answered, and that an answer ends limits in a row and a refused credential. */
export function withMeasurements(gate: Gate, outcome: Outcome, now_ms: Ms, rules: HealthRules): Gate {
  const { says } = EVIDENCE[outcome.class]
  const after = { ...gate }
  const { sent_at_ms, size } = outcome
  const onlySlow = isOnlySlow(gate.suspicion, outcome, now_ms, gate.latency.slow)
  // One given up on took at least so long.
  const first_token_ms = onlySlow && outcome.class === 'timeout' ? now_ms - sent_at_ms : outcome.first_token_ms
  const idle_ms = gate.last_ok_at_ms === null ? 0 : sent_at_ms - gate.last_ok_at_ms
  const usual_ms = usualMs(gate.latency, size)
  if (first_token_ms !== null) after.readiness = wakingLearned(gate.readiness, idle_ms, first_token_ms, usual_ms, rules.cold_start)
  // How long a target takes to wake says nothing of how fast it is when awake.
  if (first_token_ms === null || !isColdStart(idle_ms, first_token_ms, usual_ms, rules.cold_start))
    after.latency = measured(gate.latency, { ...outcome, first_token_ms }, now_ms, rules)
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
export function limited(gate: Gate, outcome: Outcome, now_ms: Ms, draw: number, { rate_limit }: HealthRules): Gate {
  const inForce = gate.limited_until_ms !== null && gate.limited_until_ms > now_ms
  const random_ms = draw * Math.min(rate_limit.wait_at_most_ms, rate_limit.wait_first_ms * 2 ** gate.limits_in_row)
  const wait_ms = Math.min(rate_limit.retry_after_at_most_ms, Math.max(0, outcome.retry_after_ms ?? random_ms))
  return {
    ...gate,
    limited_until_ms: Math.max(gate.limited_until_ms ?? 0, now_ms + wait_ms),
    limits_in_row: inForce ? gate.limits_in_row : Math.min(gate.limits_in_row + 1, 10),
    worsened_at_ms: now_ms,
  }
}

/** Refused until it changes, or until an answer to a request sent later than the refused one shows that it works. */
export function credentialRefused(gate: Gate, outcome: Outcome, now_ms: Ms, { credential }: HealthRules): Gate {
  return {
    ...gate,
    auth_broken_at_ms: Math.max(gate.auth_broken_at_ms ?? 0, outcome.sent_at_ms),
    auth_broken_until_ms: Math.max(gate.auth_broken_until_ms ?? 0, now_ms + credential.retry_after_ms),
    worsened_at_ms: now_ms,
  }
}
