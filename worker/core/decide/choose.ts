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
import { at, firstIn, inOrder, type Ranking, whole } from './ranking.ts'
import type { Mask } from './selector.ts'

/** By index of target, the share of requests that may go there; only of those that are recovering, null where none is. */
export type Shares = ReadonlyMap<number, number> | null

export type Choice = {
  /** Index of the target. */
  first: number
  /** All that may be called for this request, best first, the first choice included. */
  admitted: Ranking
  by: DecisionRecord['chosen_by']
  propensity: number
}

/** Totals closer than this are a tie: far below what any estimate is worth, above the noise of adding floats. */
const TIE_WITHIN = 1e-9
/** An eligible target may be explored however bad its total, or nothing would ever be learned about it. */
const EXPLORE_WEIGHT_LEAST = 0.01

/** `candidates`: at least one. */
export function choose(
  candidates: Ranking,
  shares: Shares,
  preference: RuleOutcome['preference'],
  named: boolean,
  explore: number,
  draw: number,
): Choice {
  const admitted = shares ? takingPart(candidates, shares, draw) : candidates
  if (preference?.kind === 'split') {
    const split = bySplit(admitted, preference.arms, draw)
    if (split) return { ...split, admitted, by: 'split' }
  }
  if (preference?.kind === 'pin') {
    const { mask } = preference
    const first = firstIn(admitted, mask)
    if (first >= 0) return { first, admitted, by: 'pinned', propensity: chanceOfTop(first, candidates, shares, mask) }
  }
  const first = top(admitted, draw)
  if (named) return { first, admitted, by: 'pinned', propensity: chanceOfBest(first, candidates, shares) }
  if (explore > 0 && admitted.length > 1) {
    const others = whole(admitted).filter(each => each !== first)
    const weights = others.map(each => Math.max(admitted.totals[each] as number, EXPLORE_WEIGHT_LEAST))
    const sum = weights.reduce((all, weight) => all + weight, 0)
    if (draw < explore) {
      const at = pick(weights, (draw / explore) * sum)
      const explored = others[at]
      if (explored !== undefined)
        return {
          first: explored,
          admitted,
          by: 'explored',
          propensity: (1 - explore) * chanceOfBest(explored, candidates, shares) + (explore * (weights[at] ?? 0)) / sum,
        }
    }
    return { first, admitted, by: 'best', propensity: (1 - explore) * chanceOfBest(first, candidates, shares) }
  }
  return { first, admitted, by: 'best', propensity: chanceOfBest(first, candidates, shares) }
}

const shareOf = (index: number, shares: Shares) => shares?.get(index) ?? 1

/** Each recovering target by its own draw. The last-target rule: none is held back where nobody else could answer. */
function takingPart(candidates: Ranking, shares: Shares, draw: number): Ranking {
  const taking = whole(candidates).filter(index => {
    const share = shareOf(index, shares)
    return share >= 1 || derived(draw, index) < share
  })
  return taking.length === 0 ? candidates : inOrder(taking, candidates.totals)
}

/** The best; among equals, one by the draw, so that equal targets share the load. */
function top(admitted: Ranking, draw: number): number {
  return at(admitted, Math.floor(derived(draw, TIE) * tiesWith(admitted, at(admitted, 0))))
}

/** How many are as good as this one, itself included. */
function tiesWith({ order, totals, length }: Ranking, index: number): number {
  const total = totals[index] as number
  let ties = 0
  for (let i = 0; i < length; i++) if (Math.abs((totals[order[i] as number] as number) - total) <= TIE_WITHIN) ties++
  return ties
}

/** Among equals each has the same chance. */
function chanceOfBest(index: number, candidates: Ranking, shares: Shares): number {
  const chance = chanceOfTop(index, candidates, shares, null)
  return chance === 0 ? 0 : chance / tiesWith(candidates, index)
}

/**
 * The probability that this one is at the top, of those in the mask, once chance has decided which recovering targets take part:
 * it takes part itself, and none that is better does. When none at all takes part, all do.
 */
function chanceOfTop(of: number, candidates: Ranking, shares: Shares, mask: Mask | null): number {
  const better = (candidates.totals[of] as number) + TIE_WITHIN
  let none_better = 1
  let none = 1
  let best = -1
  for (let place = 0; place < candidates.length; place++) {
    const index = at(candidates, place)
    if (mask && !mask[index]) continue
    if (best < 0) best = index
    const out = 1 - Math.min(1, shareOf(index, shares))
    const isBetter = (candidates.totals[index] as number) > better
    if (isBetter) none_better *= out
    none *= out
    // Behind one that always takes part, only a better one could change anything.
    if (none === 0 && (!isBetter || none_better === 0)) break
  }
  return none_better * Math.min(1, shareOf(of, shares)) + none * (best === of ? 1 : 0)
}

/** Arms whose targets are all out are left out, and their weight goes to the others in proportion. */
function bySplit(admitted: Ranking, arms: { mask: Mask; weight: number }[], draw: number): { first: number; propensity: number } | null {
  const open = arms.flatMap(({ mask, weight }) => {
    const first = firstIn(admitted, mask)
    return first >= 0 ? [{ first, weight }] : []
  })
  const sum = open.reduce((all, arm) => all + arm.weight, 0)
  const first =
    open[
      pick(
        open.map(arm => arm.weight),
        draw * sum,
      )
    ]?.first
  if (first === undefined) return null
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
