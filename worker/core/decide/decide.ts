/**
 * The decision: from a request, its features and the world at one moment to an ordered plan with its reasons. Pure and
 * synchronous, so the same code serves the request, explains it, replays yesterday under a new policy, and runs in simulation.
 *
 *     name -> rules -> suited -> estimates -> eligible -> totals -> choice -> plan
 *
 * Each step takes what those above made. It holds no sentences: `explain.ts` makes them from the record, on demand.
 *
 * Measured 2026-11-24, Node 24.21, 2 cores with other work on them, four rules, health for every target, medians: 6 us over 10 targets,
 * 11 over 100, 84 over 1,000; objects instead of columns and a full sort took 40 us over 100 and 700 over 1,000, before there was a front.
 * With `understand` on a prompt of 2 kB: 76 us over 100. In the runtime, of 60 targets: 9.7 us. (`npm run bench:micro`)
 */
import type { Caller } from '../../schema/caller.ts'
import type { ChatRequest } from '../../schema/chat.ts'
import type { DecisionRecord, Plan, Score, Undecided } from '../../schema/decision.ts'
import type { Features } from '../../schema/features.ts'
import type { TargetHealth } from '../../schema/health.ts'
import type { Limits } from '../../schema/policy.ts'
import { err, ok, type Result } from '../result.ts'
import { choose } from './choose.ts'
import type { Scratch } from './columns.ts'
import { type Staying, spareCached, staying } from './conversation.ts'
import { derived, SHADOW } from './draw.ts'
import { eligible, mayProbe, suited } from './eligible.ts'
import { estimate } from './estimate.ts'
import { bestOfFront } from './front.ts'
import { hedgeFor } from './hedge.ts'
import { askedFor, mayUsePolicy } from './names.ts'
import { type RuleOutcome, ruleOutcome } from './outcome.ts'
import { order, probedFirst, stepFor } from './plan.ts'
import { type Prepared, prepared } from './prepared.ts'
import { at, firstIn, inOrder, type Ranking, ranking, whole } from './ranking.ts'
import { FRONT_KEPT, gathered, REFUSED_NAMED, SCORES_KEPT, scoreOf, tidy, tidyFeatures } from './record.ts'
import type { Bounds } from './requirement.ts'
import { rescueFor } from './rescue.ts'
import { rate, terms } from './score.ts'
import type { Seen } from './seen.ts'
import { variablesOf } from './variables.ts'
import type { LiveTarget, World } from './world.ts'

type Unplanned = Undecided['record']

/** `scores_kept`: more than a served request's, for a dry run, which then names every refused target as well. */
export function decide(
  request: ChatRequest,
  understood: Features,
  world: World,
  scores_kept: number = SCORES_KEPT,
): Result<DecisionRecord, Undecided> {
  const { catalogue, policy, caller, health, now_ms, draw } = world
  const output_bound = world.asks === undefined ? outputBound(understood, policy.policy.limits) : undefined
  const features = output_bound && output_bound.asked !== null ? { ...understood, max_output_tokens: output_bound.tokens } : understood
  const record: Unplanned = blank(request, features, world)
  const named = scores_kept > SCORES_KEPT ? Number.POSITIVE_INFINITY : REFUSED_NAMED
  const undecided = (code: Undecided['code'], message: string, more: Partial<Undecided> = {}) =>
    err({ code, message, rule: null, near: [], record, ...more })

  if (!mayUsePolicy(policy.policy.name, caller)) return undecided('forbidden', `This key may not use the policy "${policy.policy.name}".`)
  const asked = askedFor(request.model, caller, policy.policy, catalogue, world.policy_names)
  if (!asked.ok) {
    if (asked.error.code === 'forbidden') return undecided('forbidden', asked.error.message)
    return undecided('model_not_found', '', { near: asked.error.near, served_at: asked.error.served_at })
  }

  const ready = prepared(policy, catalogue)
  const outcome = ruleOutcome(policy, ready, () => variablesOf(features, caller, request, now_ms))
  record.rules = outcome.matched
  record.rule_errors = outcome.errors
  record.objective = outcome.objective
  if (outcome.refusal) return undecided('refused_by_policy', outcome.refusal.message, { rule: outcome.refusal.rule })

  const { targets, scratch } = ready
  const output_tokens = expectedOutput(features, policy.policy.limits.output_tokens_assumed, output_bound?.tokens)
  const suitable = suited(ready, asked.value, caller, outcome, request, features, world)
  const seen = ready.seen(health)
  estimate(ready, seen, suitable, features, output_tokens, now_ms)
  const stays = staying(ready, policy.policy, request, features, world)
  if (stays) spareCached(stays, ready, now_ms)
  const found = eligible(ready, seen, suitable, withinScope(outcome.bounds, caller), world)
  if (ready.several_spaces) {
    const spaces = spacesOf([...scratch.callable.subarray(0, found.usable), ...found.ramping, ...found.shut], targets)
    if (spaces.length > 1) return undecided('model_needed', '', { near: spaces.slice(0, 5) })
  }
  record.eligible = found.usable + found.ramping.length

  const panic = record.eligible === 0 && found.shut.length > 0
  let callable = found.usable
  for (const index of panic ? found.shut : found.ramping) scratch.callable[callable++] = index
  if (callable === 0) {
    record.refused = refusedOf(ready, named)
    return undecided('no_eligible_target', '')
  }

  const tokens = Math.max(1, features.prompt_tokens + output_tokens)
  rate(scratch.callable, callable, scratch, seen, tokens, outcome.objective, policy.policy.slow_penalty)
  const stay = stays && scratch.refusals[stays.index] === null ? stays : null
  if (stay) scratch.totals[stay.index] = (scratch.totals[stay.index] as number) + stay.stay.margin
  const byTotal = ranking(scratch.callable, callable, scratch.totals)
  const front_kept = scores_kept > SCORES_KEPT ? Number.POSITIVE_INFINITY : FRONT_KEPT
  record.front = frontOf(byTotal, scratch, seen, front_kept, stay).map(index => (targets[index] as LiveTarget).id)
  const candidates = panic ? soonestFirst(byTotal, seen) : byTotal
  const choice = panic
    ? { first: at(candidates, 0), admitted: candidates, by: 'panic' as const, propensity: 1 }
    : choose(
        candidates,
        found.ramping.length > 0 ? new Map(found.ramping.map(index => [index, seen.health[index]?.ramp_share ?? 0])) : null,
        outcome.preference,
        asked.value.kind === 'model',
        policy.policy.explore,
        draw,
      )
  const { admitted } = choice
  const { limits } = policy.policy
  const ordered = order(choice.first, admitted, targets, limits.attempts)
  const probed = choice.by === 'best' && !stay && world.probes?.size ? probedFirst(ordered, admitted, targets, world.probes) : -1
  if (probed >= 0) ordered.unshift(...ordered.splice(ordered.indexOf(probed), 1))
  const first_index = ordered[0] as number
  const first = targets[first_index] as LiveTarget

  // A recovering target that takes part this time, and a shut one in a panic, are not among the refused.
  if (panic || found.ramping.length > 0) for (let place = 0; place < admitted.length; place++) scratch.refusals[at(admitted, place)] = null
  if (!panic) record.eligible = admitted.length
  record.refused = refusedOf(ready, named)
  if (stay) record.stay = stay.stay
  const penaltyOf = (index: number) => (seen.slow[index] ? policy.policy.slow_penalty : 0) - (stay?.index === index ? stay.stay.margin : 0)
  record.scores = scoresKept(admitted, first_index, scores_kept, targets, scratch, tokens, penaltyOf)
  if (first.provider.dialect !== request.dialect || first.parameters !== null) record.losses = world.losses(first)

  const steps = ordered.map(index => {
    const target = targets[index] as LiveTarget
    const first_token_ms = scratch.estimates.first_token_ms[index] as number
    const latency_ms = scratch.estimates.latency_ms[index] as number
    const step = stepFor(
      target,
      request.stream,
      { first_token_ms, latency_ms, p99_ms: seen.health[index]?.first_token_p99_ms?.[features.size] },
      limits,
    )
    return isProbe(target, seen.health[index], world) ? { ...step, probe: true as const } : step
  })
  const { hedge: allowed } = policy.policy
  const hedge =
    allowed.share > 0 && request.stream && !panic && found.shut.length === 0 && world.asks === undefined
      ? hedgeFor(
          steps.map((step, i) => ({
            target: targets[ordered[i] as number] as LiveTarget,
            step,
            cost_micros: scratch.estimates.cost_micros[ordered[i] as number] as number,
          })),
          allowed,
          seen.health[first_index],
          features.size,
          outcome.bounds.cost_at_most_micros,
        )
      : undefined
  const rescue = world.asks === undefined ? rescueFor(request, policy.policy) : undefined
  return ok({
    ...record,
    plan: {
      steps,
      total_ms: limits.total_ms,
      attempts: limits.attempts,
      attempts_per_target: limits.attempts_per_target,
      retry_after_at_most_ms: limits.retry_after_at_most_ms,
      retry_share: limits.retry_share,
      shadows: shadowsOf(outcome, admitted, first_index, targets, draw),
      panic,
      ...(limits.open_after_ms > 0 && request.stream && world.asks === undefined && { open_after_ms: limits.open_after_ms }),
      ...(limits.keep_alive_ms > 0 && request.stream && { keep_alive_ms: limits.keep_alive_ms }),
      ...(limits.drain_ms > 0 && request.stream && { drain_ms: limits.drain_ms }),
      ...(output_bound && { output_bound }),
      ...(hedge && { hedge }),
      ...(rescue && { rescue }),
    },
    chosen: first.id,
    chosen_by: probed >= 0 ? 'probe' : choice.by,
    propensity: probed >= 0 ? 1 : tidy(choice.propensity),
    energy: energyFor(first, scratch.estimates.energy_wh[first_index] as number),
  })
}

/** `wh` is NaN where nobody knows the size of the model. */
function energyFor({ target, grid_kg_co2e_per_kwh }: LiveTarget, wh: number): DecisionRecord['energy'] {
  if (Number.isNaN(wh)) return null
  const co2e_g = grid_kg_co2e_per_kwh === null ? null : tidy(wh * grid_kg_co2e_per_kwh)
  return { wh: tidy(wh), co2e_g, confidence: target.energy.confidence }
}

/** A target of each space of vectors that may answer, healthy or not: the answer must not depend on who is up today. */
function spacesOf(indexes: number[], targets: readonly LiveTarget[]): string[] {
  const spaces = new Map<string, string>()
  for (const index of indexes) {
    const space = targets[index]?.target.embedding?.space ?? ''
    if (!spaces.has(space)) spaces.set(space, targets[index]?.id ?? '')
  }
  return [...spaces.values()]
}

function blank(request: ChatRequest, features: Features, world: World): Unplanned {
  const { policy, caller, health, now_ms } = world
  return {
    v: 1,
    decision_id: world.decision_id,
    at_ms: now_ms,
    org: caller.org,
    key_id: caller.key_id,
    dialect: request.dialect,
    requested_model: request.model,
    policy: policy.policy.name,
    policy_version: policy.version,
    catalogue_version: world.catalogue.version,
    health_age_ms: health.taken_at_ms > 0 ? Math.max(0, now_ms - health.taken_at_ms) : null,
    features: tidyFeatures(features),
    objective: policy.policy.objective,
    limits: policy.policy.limits,
    rules: [],
    rule_errors: [],
    scores: [],
    eligible: 0,
    front: [],
    refused: [],
    draw: world.draw,
    losses: [],
    ...(world.asks && { endpoint: world.asks.endpoint }),
  }
}

/** Where understanding has no opinion, the policy's assumption; never above the caller's own limit. */
function expectedOutput(features: Features, assumed: number, bound = Number.POSITIVE_INFINITY): number {
  const expected = features.expected_output_tokens > 0 ? features.expected_output_tokens : assumed
  return Math.min(expected, features.max_output_tokens ?? Number.POSITIVE_INFINITY, bound)
}

/** Undefined where the policy has none, or the caller's own is no higher. */
function outputBound({ max_output_tokens: asked }: Features, { output_tokens_at_most: tokens }: Limits): Plan['output_bound'] {
  return tokens === undefined || (asked !== null && asked <= tokens) ? undefined : { tokens, asked }
}

/** When a shut target is due again: in a panic the one that was left alone longest goes first. */
function soonestFirst(byTotal: Ranking, { health }: Seen): Ranking {
  const opensAt = (index: number) => {
    const state = health[index]
    return Math.max(state?.state === 'open' ? (state.until_ms ?? 0) : 0, state?.limited_until_ms ?? 0)
  }
  return inOrder(
    whole(byTotal).sort((a, b) => opensAt(a) - opensAt(b)),
    byTotal.totals,
  )
}

function isProbe(target: LiveTarget, state: TargetHealth | undefined, { probes, now_ms }: World): boolean {
  return state !== undefined && (state.state === 'open' || state.state === 'probing') && mayProbe(state, target, probes, now_ms)
}

/** Most requests meet no other refusal than those that stand for every request. */
function refusedOf({ targets, standing, standing_gathered, scratch: { refusals } }: Prepared, named: number): DecisionRecord['refused'] {
  let i = 0
  while (i < refusals.length && refusals[i] === standing[i]) i++
  return i === refusals.length && named === REFUSED_NAMED ? standing_gathered : gathered(targets, refusals, named)
}

function frontOf(byTotal: Ranking, { estimates }: Scratch, { slow }: Seen, most: number, stay: Staying | null): number[] {
  const aside: number[] = []
  for (let i = 0; i < byTotal.length; i++) if (slow[byTotal.order[i] as number]) aside.push(byTotal.order[i] as number)
  return bestOfFront(byTotal, estimates, most, aside, stay?.index ?? -1, stay?.stay.margin ?? 0)
}

function scoresKept(
  admitted: Ranking,
  first: number,
  kept: number,
  targets: readonly LiveTarget[],
  scratch: Scratch,
  tokens: number,
  penaltyOf: (index: number) => number,
): Score[] {
  const best: number[] = []
  for (let place = 0; place < admitted.length && place < kept; place++) best.push(at(admitted, place))
  if (!best.includes(first)) best[best.length - 1] = first
  return best.map(index => scoreOf(targets[index] as LiveTarget, index, scratch.estimates, terms(index, scratch, tokens, penaltyOf(index))))
}

/** The best eligible target of each shadow rule whose share the draw falls into; never the one that answers. */
function shadowsOf(outcome: RuleOutcome, admitted: Ranking, first: number, targets: readonly LiveTarget[], draw: number): string[] {
  if (outcome.shadows.length === 0) return []
  const shadows = outcome.shadows.flatMap(({ mask, share }, i) => {
    if (derived(draw, SHADOW + i) >= share) return []
    const target = targets[firstIn(admitted, mask, first)]
    return target ? [target.id] : []
  })
  return [...new Set(shadows)]
}

/** The policy's bounds, and what the key may cost besides. */
function withinScope(bounds: Bounds, { scopes: { cost_at_most_micros } }: Caller): Bounds {
  if (cost_at_most_micros === undefined || cost_at_most_micros >= bounds.cost_at_most_micros) return bounds
  return { ...bounds, cost_at_most_micros }
}
