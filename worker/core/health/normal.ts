/**
 * What is normal for a target, and what one more outcome says beside it: how much likelier it is from a broken target than from a healthy
 * one, as a logarithm. What is normal each target teaches itself, so that one with 5 % of errors is not left for being itself, and one
 * with none is caught sooner.
 */
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Suspicion } from './suspicion.ts'

type Rules = HealthRules['suspicion']

/** Failure share of a healthy target: a fifth more than its last hour had, within bounds; of one not yet known an assumed one. */
export function healthyShareOf({ base_seen, base_failed }: Pick<Suspicion, 'base_seen' | 'base_failed'>, { healthy }: Rules): number {
  const share = (base_failed + healthy.assumed_share * healthy.assumed_requests) / (base_seen + healthy.assumed_requests)
  return Math.min(healthy.share_at_most, Math.max(healthy.share_at_least, healthy.margin * share))
}

/** What one failure and one answer add, in nats, under the present idea of what is healthy. */
export function likelihoods({ broken_share }: Rules['fast'], p_healthy: number, { healthy }: Rules): { failure: number; ok: number } {
  // Where much is normal, three times as much may be more than all.
  const broken = Math.min(BROKEN_AT_MOST, Math.max(broken_share, healthy.broken_ratio * p_healthy))
  return { failure: Math.log(broken / p_healthy), ok: Math.log((1 - broken) / (1 - p_healthy)) }
}
const BROKEN_AT_MOST = 0.95
