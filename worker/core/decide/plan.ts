/**
 * The plan: whom to call in which order, and how long to wait for what. Dispatch only walks it.
 *
 * After the first, a step prefers another provider: what broke the first call (an outage, a rate limit, a bad credential) most
 * often breaks its neighbours too. But only as long as that costs little in score; else the next best wins.
 */
import type { PlanStep } from '../../schema/decision.ts'
import type { Limits } from '../../schema/policy.ts'
import type { Ms } from '../../schema/units.ts'
import { at, type Ranking } from './ranking.ts'
import type { LiveTarget } from './world.ts'

/** So much of the total another failure domain is worth: about the gap between neighbouring tiers of models. */
const OTHER_PROVIDER_WORTH = 0.08

/** A whole answer usually takes what was predicted, seldom twice, hardly ever three times as long. */
const PATIENCE = 3
const STREAM_PATIENCE = 2

/** Indexes of targets, the first choice and whoever follows. */
export function order(first: number, admitted: Ranking, targets: readonly LiveTarget[], length: number): number[] {
  const steps = [first]
  while (steps.length < length) {
    const next = following(steps, admitted, targets)
    if (next < 0) break
    steps.push(next)
  }
  return steps
}

/**
 * The target that this request finds out about, before the one it would rather have; -1 where there is none. A target
 * that was left alone is out of sight: others have been measured since, it has not, and so it may never again come
 * first by itself. Whoever has the lease for it and would fall back on it anyway asks it first, where that costs little in score.
 */
export function probedFirst(
  steps: readonly number[],
  admitted: Ranking,
  targets: readonly LiveTarget[],
  leased: ReadonlySet<string>,
): number {
  const best = admitted.totals[steps[0] as number] as number
  for (const index of steps) {
    if (!leased.has(targets[index]?.id ?? '')) continue
    return index !== steps[0] && (admitted.totals[index] as number) >= best - OTHER_PROVIDER_WORTH ? index : -1
  }
  return -1
}

/** The best of another provider than all so far, where that costs little; else the best. -1 where all are steps already. */
function following(steps: readonly number[], admitted: Ranking, targets: readonly LiveTarget[]): number {
  let best = -1
  for (let place = 0; place < admitted.length; place++) {
    const index = at(admitted, place)
    if (steps.includes(index)) continue
    if (best < 0) best = index
    else if ((admitted.totals[index] as number) < (admitted.totals[best] as number) - OTHER_PROVIDER_WORTH) break
    const { provider } = targets[index] as LiveTarget
    if (!steps.some(step => targets[step]?.provider === provider)) return index
  }
  return best
}

/**
 * The waits of one step. A whole answer sends its headers only when it is done, so the wait for them is the policy's patience for
 * a first token plus three times the predicted length of the answer. Of a stream the policy bounds headers and first token
 * as they are; only a target that is known to think for long (a reasoning model is silent for 12 s as a matter of course) gets
 * twice its usual time, as a deadline it always misses would make it a failure by definition. Who does not want
 * to wait so long says `first_token_at_most_ms` in `require`, and such a target is then not asked at all.
 *
 * `p99_ms`, where enough was measured, shortens the wait for a first token below what the policy allows, and says from when on
 * silence is worth telling.
 */
export function stepFor(
  target: LiveTarget,
  stream: boolean,
  predicted: { first_token_ms: Ms; latency_ms: Ms; p99_ms?: Ms | null },
  limits: Limits,
): PlanStep {
  const { idle_ms, total_ms } = limits
  const { p99_ms } = predicted
  if (stream) {
    const patient_ms = Math.round(Math.max(limits.first_token_ms, Math.min(STREAM_PATIENCE * predicted.first_token_ms, total_ms)))
    if (p99_ms == null)
      return { target: target.id, headers_ms: Math.max(limits.headers_ms, patient_ms), first_token_ms: patient_ms, idle_ms }
    const learned_ms = Math.max(limits.deadline_at_least_ms, limits.deadline_over_p99 * p99_ms, STREAM_PATIENCE * predicted.first_token_ms)
    const first_token_ms = Math.round(Math.min(patient_ms, learned_ms))
    const late_most_ms = Math.max(limits.late_at_most_ms, STREAM_PATIENCE * predicted.first_token_ms)
    const late_ms = Math.round(Math.min(late_most_ms, Math.max(limits.late_at_least_ms, limits.late_over_p99 * p99_ms)))
    const step = { target: target.id, headers_ms: Math.max(limits.headers_ms, first_token_ms), first_token_ms, idle_ms }
    return late_ms < first_token_ms ? { ...step, late_ms } : step
  }
  const patient_ms = limits.first_token_ms + PATIENCE * predicted.latency_ms
  const whole_ms = Math.round(Math.max(limits.first_token_ms, Math.min(patient_ms, total_ms)))
  return { target: target.id, headers_ms: whole_ms, first_token_ms: whole_ms, idle_ms }
}
