/**
 * A requirement has two halves. What depends on the target alone (region, terms, provider, readiness) is judged once, when
 * policy and catalogue meet. What depends on the request as well (quality, cost, latency, energy) is compared per request.
 *
 * A fact that the catalogue does not know fails: who asks for "no training" is not served by "they do not say".
 */
import type { Refusal } from '../../schema/decision.ts'
import type { Requirement } from '../../schema/policy.ts'
import type { Mask } from './selector.ts'
import type { LiveTarget } from './world.ts'

/** `local` is the operator's own machine and always inside. */
const LOCAL = 'local'

/** The first standing fact on which the target fails, or null. Certifications compare without regard to case. */
export function standingRefusal(
  target: LiveTarget,
  need: Requirement,
  maskOf: (selectors: readonly string[]) => Mask,
  index: number,
): Refusal | null {
  const { terms, provider } = target
  if (need.targets && !maskOf(need.targets)[index]) return { reason: 'excluded', need: 'targets' }
  if (need.not_targets && maskOf(need.not_targets)[index]) return { reason: 'excluded', need: 'not_targets' }
  if (need.providers && !need.providers.includes(provider.id))
    return { reason: 'provider', need: need.providers.join(', '), have: provider.id }
  if (need.not_providers?.includes(provider.id)) return { reason: 'provider', need: `not ${provider.id}`, have: provider.id }
  if (need.regions) {
    const outside = terms.regions.find(region => region !== LOCAL && !need.regions?.includes(region))
    if (outside !== undefined) return { reason: 'region', need: need.regions.join(', '), have: outside }
  }
  const days = need.retention_days_at_most
  if (days !== undefined && (terms.retention_days === null || terms.retention_days > days)) {
    return { reason: 'retention', need: days, have: terms.retention_days }
  }
  if (need.no_training && terms.trains_on_data !== false) return { reason: 'training', need: false, have: terms.trains_on_data }
  if (need.certifications) {
    const held = terms.certifications.map(name => name.toLowerCase())
    const lacking = need.certifications.find(name => !held.includes(name.toLowerCase()))
    if (lacking !== undefined) return { reason: 'certification', need: lacking }
  }
  if (need.readiness && target.readiness !== need.readiness) return { reason: 'readiness', need: need.readiness, have: target.readiness }
  const context = target.target.capability.context_tokens
  if (need.context_tokens_at_least !== undefined && context < need.context_tokens_at_least) {
    return { reason: 'context_window', need: need.context_tokens_at_least, have: context }
  }
  return null
}

/** The tightest bound of all requirements in force, for the half that is compared per request; Infinity or 0 where there is none. */
export type Bounds = {
  quality_at_least: number
  cost_at_most_micros: number
  first_token_at_most_ms: number
  energy_at_most_wh: number
  lossless: boolean
}

export const NO_BOUNDS: Bounds = {
  quality_at_least: 0,
  cost_at_most_micros: Number.POSITIVE_INFINITY,
  first_token_at_most_ms: Number.POSITIVE_INFINITY,
  energy_at_most_wh: Number.POSITIVE_INFINITY,
  lossless: false,
}

export function tightened(bounds: Bounds, need: Requirement, cost_at_most_usd?: number): Bounds {
  const usd = Math.min(need.cost_at_most_usd ?? Number.POSITIVE_INFINITY, cost_at_most_usd ?? Number.POSITIVE_INFINITY)
  return {
    quality_at_least: Math.max(bounds.quality_at_least, need.quality_at_least ?? 0),
    cost_at_most_micros: Math.min(bounds.cost_at_most_micros, usd * 1_000_000),
    first_token_at_most_ms: Math.min(bounds.first_token_at_most_ms, need.first_token_at_most_ms ?? Number.POSITIVE_INFINITY),
    energy_at_most_wh: Math.min(bounds.energy_at_most_wh, need.energy_at_most_wh ?? Number.POSITIVE_INFINITY),
    lossless: bounds.lossless || need.lossless === true,
  }
}
