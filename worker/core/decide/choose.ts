/**
 * Who goes first. Normally the highest total; by a rule's pin or split someone else; seldom, by exploration, another eligible
 * target, so that choices can be judged later. Chance enters only by the request's one draw.
 *
 * The propensity is the probability that this choice would be made again with another draw, all else being equal. Off-policy
 * estimates divide by it, so it is never rounded up to 1 where chance had a hand: recovering targets take part with their
 * share of probability, exactly for the best choice, and as drawn for splits and exploration.
 */
import type { DecisionRecord } from '../../schema/decision.ts'
import { derived, TIE } from './draw.ts'
import type { RuleOutcome } from './outcome.ts'
import type { Mask } from './selector.ts'

/** A target that may be called: its index, its total, and the share of requests that may go there (1 unless recovering). */
export type Candidate = { index: number; total: number; share: number }

export type Choice = {
  first: Candidate
  /** All that may be called for this request, best first, the first choice included. */
  admitted: Candidate[]
  by: DecisionRecord['chosen_by']
  propensity: number
}

/** Totals closer than this are a tie: far below what any estimate is worth, above the noise of adding floats. */
const TIE_WITHIN = 1e-9
/** An eligible target may be explored however bad its total, or nothing would ever be learned about it. */
const EXPLORE_WEIGHT_LEAST = 0.01

/** `candidates`: best first, at least one. */
export function choose(
  candidates: Candidate[],
  preference: RuleOutcome['preference'],
  named: boolean,
  explore: number,
  draw: number,
): Choice {
  let admitted = candidates.filter(each => each.share >= 1 || derived(draw, each.index) < each.share)
  // The last-target rule: a target is not held back where nobody else could answer.
  if (admitted.length === 0) admitted = candidates

  if (preference?.kind === 'split') {
    const split = bySplit(admitted, preference.arms, draw)
    if (split) return { ...split, admitted, by: 'split' }
  }
  if (preference?.kind === 'pin') {
    const first = admitted.find(each => preference.mask[each.index])
    const pinned = candidates.filter(each => preference.mask[each.index])
    if (first) return { first, admitted, by: 'pinned', propensity: chanceOfTop(first, pinned, false) }
  }
  const first = top(admitted, draw)
  const chance = (of: Candidate) => chanceOfTop(of, candidates, true)
  if (named) return { first, admitted, by: 'pinned', propensity: chance(first) }
  if (explore > 0 && admitted.length > 1) {
    const others = admitted.filter(each => each !== first)
    const weights = others.map(each => Math.max(each.total, EXPLORE_WEIGHT_LEAST))
    const sum = weights.reduce((all, weight) => all + weight, 0)
    if (draw < explore) {
      const at = pick(weights, (draw / explore) * sum)
      const explored = others[at]
      if (explored)
        return {
          first: explored,
          admitted,
          by: 'explored',
          propensity: (1 - explore) * chance(explored) + (explore * (weights[at] ?? 0)) / sum,
        }
    }
    return { first, admitted, by: 'best', propensity: (1 - explore) * chance(first) }
  }
  return { first, admitted, by: 'best', propensity: chance(first) }
}

/** The best; among equals, one by the draw, so that equal targets share the load. */
function top(admitted: Candidate[], draw: number): Candidate {
  const ties = tiesWith(admitted, admitted[0])
  return ties[Math.floor(derived(draw, TIE) * ties.length)] ?? (admitted[0] as Candidate)
}

function tiesWith(candidates: Candidate[], best: Candidate | undefined): Candidate[] {
  return candidates.filter(each => best !== undefined && Math.abs(each.total - best.total) <= TIE_WITHIN)
}

/**
 * The probability that this one is at the top once chance has decided which recovering targets take part: it takes part itself,
 * and none that is better does. When none at all takes part, all do.
 */
function chanceOfTop(of: Candidate, candidates: Candidate[], tied: boolean): number {
  let none_better = 1
  let none = 1
  for (const each of candidates) {
    if (each.total > of.total + TIE_WITHIN) none_better *= 1 - Math.min(1, each.share)
    none *= 1 - Math.min(1, each.share)
  }
  const is_best = candidates[0] === of ? 1 : 0
  const chance = none_better * Math.min(1, of.share) + none * is_best
  return tied ? chance / tiesWith(candidates, of).length : chance
}

/** Arms whose targets are all out are left out, and their weight goes to the others in proportion. */
function bySplit(
  admitted: Candidate[],
  arms: { mask: Mask; weight: number }[],
  draw: number,
): { first: Candidate; propensity: number } | null {
  const open = arms.flatMap(({ mask, weight }) => {
    const first = admitted.find(each => mask[each.index])
    return first ? [{ first, weight }] : []
  })
  const sum = open.reduce((all, arm) => all + arm.weight, 0)
  const first =
    open[
      pick(
        open.map(arm => arm.weight),
        draw * sum,
      )
    ]?.first
  if (!first) return null
  return { first, propensity: open.reduce((all, arm) => all + (arm.first === first ? arm.weight : 0), 0) / sum }
}

/** The index of the weight in which the point lies, when they are laid end to end. */
function pick(weights: number[], point: number): number {
  let passed = 0
  for (let i = 0; i < weights.length; i++) {
    passed += weights[i] ?? 0
    if (point < passed) return i
  }
  return weights.length - 1
}
