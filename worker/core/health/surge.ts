/**
 * How many requests may be under way to a target of which nothing has been heard yet.
 *
 * A failure is known in a tenth of a second, an answer when it ends, seconds later. Where requests flow evenly that evens out: answers
 * to those sent before come in all the while. But where a gate opens, its requests go to another target at once, and for seconds the
 * few of them that fail as ever are all that is heard from there. At two thousand a second that is twenty failures and no
 * answer; judged by these alone the second target would be shut too, exactly when it is needed. The same holds of a target that
 * is let back, and of everything when a region begins.
 *
 * So whoever keeps gates is told how many requests began, wherever they went; and for a while after requests have moved, as many of
 * them as may have moved to a target, less those that it was heard of, count as under way there. What is done with that number is
 * in `suspicion.ts`: the failures to be expected among them are excused. A target that is down fails all of them, and is found as soon as ever.
 */
import type { HealthRules } from '../../schema/health-rules.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'

/** Over which time it is counted whose requests how many are: an estimate that decides nothing by itself. */
const FLOW_HALF_LIFE_MS: Ms = 10_000
/** By chance, as counts of independent requests vary, there are sometimes so many standard deviations more. */
const BY_CHANCE = 2

export type Surges = {
  /** So many requests have begun, to whatever target. */
  began(count: number): void
  /** One of them has ended. */
  heard(target: TargetId, now_ms: Ms): void
  /** An answer after which nothing speaks against the target: where enough of what moved was heard of, answers flow there again. */
  calm(target: TargetId): void
  /** Its gate has shut: its requests go to others. */
  left(target: TargetId, now_ms: Ms): void
  /** It is open again: they come back. */
  back(target: TargetId, now_ms: Ms): void
  underWay(target: TargetId, now_ms: Ms): number
}

/** `begun`: how many had, in all, when it happened. `share`: of all requests, what may have moved. */
type Move = { at_ms: Ms; begun: number; share: number }
/** The moves that one target may have got something of, as one, and what it was heard of since. `moves`: those taken into account. */
type Surge = Move & { until_ms: Ms; heard: number; moves: number }
type Flow = { weight: number; at_ms: Ms }

export function surges(rules: () => HealthRules): Surges {
  const flows = new Map<TargetId, Flow>()
  const known = new Map<TargetId, Surge>()
  const share_at_shutting = new Map<TargetId, number>()
  let begun = 0
  let last: Move | null = null
  let moves = 0
  /** Of all targets: how many are under way, and how many usually are. */
  let under_way = 0
  let usual = 0
  let usual_at_ms: Ms | null = null

  function shareOf(target: TargetId, now_ms: Ms): number {
    const own = flows.get(target)
    if (own === undefined) return 0
    let all = 0
    for (const flow of flows.values()) all += faded(flow, now_ms)
    return all > 0 ? faded(own, now_ms) / all : 0
  }

  /** The target's surge, with what has moved since it was last looked at; null where there is none, or none any more. */
  function surgeOf(target: TargetId, now_ms: Ms): Surge | null {
    const before = known.get(target)
    const isOver = before === undefined || before.until_ms <= now_ms
    if (last === null || before?.moves === moves) return isOver ? null : (before ?? null)
    const until_ms = last.at_ms + rules().surge.settled_after_ms
    if (until_ms <= now_ms) return isOver ? null : before
    const surge = isOver
      ? { ...last, until_ms, share: Math.min(1, last.share + shareOf(target, now_ms)), heard: 0, moves }
      : { ...before, until_ms, share: Math.min(1, before.share + last.share), moves }
    known.set(target, surge)
    return surge
  }

  /** How many requests it may have got since. */
  const movedIn = (surge: Surge) => surge.share * (begun - surge.begun)

  return {
    began(count) {
      begun += count
      under_way += count
    },
    heard(target, now_ms) {
      usual += (under_way - usual) * (1 - 2 ** (-Math.max(0, now_ms - (usual_at_ms ?? now_ms)) / rules().surge.usual_half_life_ms))
      usual_at_ms = now_ms
      // A request that is tried twice is heard of twice.
      under_way = Math.max(0, under_way - 1)
      const surge = surgeOf(target, now_ms)
      if (surge !== null) surge.heard += 1
      const flow = flows.get(target)
      if (flow === undefined) {
        flows.set(target, { weight: 1, at_ms: now_ms })
        return
      }
      flow.weight = faded(flow, now_ms) + 1
      flow.at_ms = now_ms
    },
    calm(target) {
      const surge = known.get(target)
      if (surge !== undefined && surge.heard >= rules().surge.settled_share * movedIn(surge)) surge.until_ms = 0
    },
    left(target, now_ms) {
      const share = shareOf(target, now_ms)
      share_at_shutting.set(target, share)
      known.delete(target)
      last = { at_ms: now_ms, begun, share }
      moves += 1
    },
    back(target, now_ms) {
      const share = share_at_shutting.get(target) ?? 1
      known.set(target, { at_ms: now_ms, begun, share, until_ms: now_ms + rules().surge.settled_after_ms, heard: 0, moves })
    },
    underWay(target, now_ms) {
      if (begun === 0) return 0
      const surge = surgeOf(target, now_ms)
      if (rules().surge.settled_after_ms === 0) return 0
      const more = under_way - usual - BY_CHANCE * Math.sqrt(usual)
      return Math.max(0, more, surge === null ? 0 : movedIn(surge) - surge.heard)
    },
  }
}

const faded = ({ weight, at_ms }: Flow, now_ms: Ms) => weight * 2 ** (-Math.max(0, now_ms - at_ms) / FLOW_HALF_LIFE_MS)
