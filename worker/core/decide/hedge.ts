/**
 * May a late first token be hedged, after how long, and with whom? Only where the policy says so, since it costs twice; only of
 * streams, whose first token is what is waited for; only with another provider, as what slows one of its targets down slows its
 * neighbours too; and not while anybody who could answer is shut, as everybody then waits for the same few.
 */
import type { HedgePlan, PlanStep } from '../../schema/decision.ts'
import type { SizeClass } from '../../schema/features.ts'
import type { TargetHealth } from '../../schema/health.ts'
import type { Hedge } from '../../schema/policy.ts'
import type { Micros, Ms } from '../../schema/units.ts'
import type { LiveTarget } from './world.ts'

/** Standard deviations by which a quantile of a normal distribution lies above its mean. */
const ABOVE_MEAN: Record<Hedge['after'], number> = { p90: 1.2816, p95: 1.6449, p99: 2.3263 }

/** A target of the plan, with what the whole request is estimated to cost there; NaN where nobody knows. */
export type Candidate = { target: LiveTarget; step: PlanStep; cost_micros: number }

export function hedgeFor(
  candidates: readonly Candidate[],
  { share, after, at_least_ms, at_most_ms, cost_at_most_usd }: Hedge,
  health: TargetHealth | undefined,
  size: SizeClass,
  cost_at_most_micros: Micros,
): HedgePlan | undefined {
  const [first] = candidates
  const after_ms = overdueAfter(health, size, after)
  if (share === 0 || first === undefined || first.step.probe || after_ms === null) return undefined
  const step = candidates.findIndex(
    candidate => candidate !== first && !candidate.step.probe && !sharesFate(first.target, candidate.target) && pays(candidate),
  )
  if (step < 0) return undefined
  return { step, share, after_ms: Math.round(Math.min(at_most_ms, Math.max(at_least_ms, after_ms))) }

  function pays({ cost_micros }: Candidate): boolean {
    if (cost_at_most_usd !== undefined && !(cost_micros <= cost_at_most_usd * 1_000_000)) return false
    return cost_at_most_micros === Number.POSITIVE_INFINITY || cost_micros + (first?.cost_micros ?? Number.NaN) <= cost_at_most_micros
  }
}

/** One provider may be in the catalogue under several names: where its address is the same, so is its fate. */
function sharesFate(one: LiveTarget, other: LiveTarget): boolean {
  return one.provider.id === other.provider.id || hostOf(one.stream_url) === hostOf(other.stream_url)
}

const hostOf = (url: string) => url.split('/', 3)[2] ?? url

/**
 * From what was measured: mean and p99 of the logarithm, between which the other quantiles lie as in a normal distribution. Null
 * where too little was measured: a guess would hedge every request of a target that thinks long.
 */
function overdueAfter(health: TargetHealth | undefined, size: SizeClass, after: Hedge['after']): Ms | null {
  const p99_ms = health?.first_token_p99_ms?.[size] ?? null
  const mean = health?.ln_first_token_ms[size] ?? null
  if (p99_ms === null || p99_ms <= 0) return null
  if (mean === null) return p99_ms
  return Math.min(p99_ms, Math.exp(mean + (ABOVE_MEAN[after] / ABOVE_MEAN.p99) * (Math.log(p99_ms) - mean)))
}
