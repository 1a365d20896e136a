/**
 * The numbers of a decision as they are kept: to four significant digits, so that the record stays small enough to be stored
 * with every request, and refusals gathered by their reason.
 */
import type { DecisionRecord, Refusal, Score } from '../../schema/decision.ts'
import type { Features } from '../../schema/features.ts'
import type { Estimates } from './estimate.ts'
import type { Terms } from './score.ts'
import type { LiveTarget } from './world.ts'

/** Scores kept with a served request; a dry run asks for more. */
export const SCORES_KEPT = 6
/** Targets of the Pareto front kept with a served request; a dry run keeps all. */
export const FRONT_KEPT = 8
/** Refused targets named in a served request's record, which is stored with every request; a dry run names all. */
export const REFUSED_NAMED = 40
/** But so many of each reason in any case. */
const NAMED_OF_EACH = 3

const UNITS = Array.from({ length: 16 }, (_, digits) => 10 ** digits)
const MOST_DIGITS = UNITS.length - 1

/** Four significant digits, at most 15 behind the point. `toPrecision` would do, at twenty times the price. */
export function tidy(value: number): number {
  const size = Math.abs(value)
  if (!(size > 0 && size < Number.POSITIVE_INFINITY)) return 0
  if (size >= 1_000) return Math.round(value)
  let digits = 1
  while (digits < MOST_DIGITS && size * (UNITS[digits] as number) < 1_000) digits++
  const unit = UNITS[digits] as number
  return Math.round(value * unit) / unit
}

const hundredths = (value: number) => Math.round(value * 100) / 100

export function tidyFeatures(features: Features): Features {
  return {
    ...features,
    task_confidence: hundredths(features.task_confidence),
    domain_confidence: hundredths(features.domain_confidence),
    difficulty: tidy(features.difficulty),
    language_confidence: hundredths(features.language_confidence),
    prompt_tokens: Math.round(features.prompt_tokens),
    last_turn_tokens: Math.round(features.last_turn_tokens),
    expected_output_tokens: Math.round(features.expected_output_tokens),
    code_share: hundredths(features.code_share),
    math_share: hundredths(features.math_share),
    injection: hundredths(features.injection),
  }
}

export function scoreOf(target: LiveTarget, i: number, estimates: Estimates, terms: Terms): Score {
  const orNull = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? null : value)
  const cost_micros = orNull(estimates.cost_micros[i])
  const energy_wh = orNull(estimates.energy_wh[i])
  return {
    target: target.id,
    quality: tidy(estimates.quality[i] ?? 0),
    quality_uncertainty: tidy(estimates.quality_uncertainty[i] ?? 0),
    cost_micros,
    latency_ms: Math.round(estimates.latency_ms[i] ?? 0),
    energy_wh: energy_wh === null ? null : tidy(energy_wh),
    quality_score: tidy(terms.quality),
    cost_score: tidy(terms.cost),
    latency_score: tidy(terms.latency),
    energy_score: tidy(terms.energy),
    penalty: tidy(terms.penalty),
    total: tidy(terms.total),
  }
}

/** By reason and need, in the order in which they first appear; each target under one. */
export function gathered(
  targets: readonly LiveTarget[],
  refusals: readonly (Refusal | null)[],
  named_at_most: number,
): DecisionRecord['refused'] {
  const groups: DecisionRecord['refused'] = []
  let named = 0
  for (let i = 0; i < targets.length; i++) {
    const refusal = refusals[i]
    if (!refusal) continue
    const group = groupOf(groups, refusal)
    group.count++
    if (named >= named_at_most && group.targets.length >= NAMED_OF_EACH) continue
    named++
    const target = (targets[i] as LiveTarget).id
    group.targets.push(refusal.have === undefined ? { target } : { target, have: refusal.have })
  }
  return groups
}

function groupOf(groups: DecisionRecord['refused'], { reason, need }: Refusal): DecisionRecord['refused'][number] {
  for (const group of groups) if (group.reason === reason && group.need === need) return group
  const made = need === undefined ? { reason, count: 0, targets: [] } : { reason, need, count: 0, targets: [] }
  groups.push(made)
  return made
}
