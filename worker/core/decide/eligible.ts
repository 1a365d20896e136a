/**
 * Who may answer this request at all. Every hard constraint is here, and only who passes enters the plan; so a constraint
 * holds on every edge, first choice, failover and shadow alike.
 *
 * The order is from the lasting to the passing: what the caller named, policy, key, rules, abilities, size, bounds, health.
 * The first reason is the one recorded, and so "wrong region" is never hidden behind "rate-limited for two more seconds".
 */
import type { Caller } from '../../schema/caller.ts'
import type { ChatRequest, DialectName } from '../../schema/chat.ts'
import type { Refusal } from '../../schema/decision.ts'
import type { Features } from '../../schema/features.ts'
import type { TargetHealth } from '../../schema/health.ts'
import { missing, needsOf } from './abilities.ts'
import type { Estimates } from './estimate.ts'
import type { Asked } from './names.ts'
import type { RuleOutcome } from './outcome.ts'
import type { Prepared } from './prepared.ts'
import type { Mask } from './selector.ts'
import type { LiveTarget, World } from './world.ts'

/** Token counts are estimates; a prompt this much longer than estimated must still fit the window. */
const ESTIMATE_MARGIN = 1.1

export type Eligibility = {
  /** Indexes of targets that may be called now, in the catalogue's order. */
  usable: number[]
  /** Passing every lasting constraint, but recovering: `share` of requests may go there. */
  ramping: number[]
  /** Passing every lasting constraint, but left alone for now: open or rate-limited. */
  shut: number[]
  /** By target: why not, or null. */
  refusals: (Refusal | null)[]
}

export function eligible(
  prepared: Prepared,
  asked: Asked,
  caller: Caller,
  outcome: RuleOutcome,
  request: ChatRequest,
  features: Features,
  estimates: Estimates,
  world: World,
  healthOf: (target: LiveTarget) => TargetHealth | undefined,
): Eligibility {
  const { targets, standing, abilities, context_tokens, output_tokens } = prepared
  const named = namedMask(prepared, asked)
  const scope = prepared.scope(caller)
  const { asks } = world
  const needs = needsOf(features, request, asks?.output)
  const limit = features.max_output_tokens ?? 0
  const window_tokens =
    asks?.window_tokens ??
    Math.ceil(features.prompt_tokens * ESTIMATE_MARGIN) + (features.max_output_tokens ?? features.expected_output_tokens)
  const carriage = carriageJudge(world, outcome.bounds.lossless, request.bound)
  const { quality_at_least, cost_at_most_micros, first_token_at_most_ms, energy_at_most_wh } = outcome.bounds

  const lasting = (i: number, target: LiveTarget): Refusal | null => {
    if (named && !named[i]) return NOT_NAMED
    const stands = standing[i] ?? scope?.[i] ?? narrowed(outcome, i) ?? missing(needs, abilities[i] ?? 0)
    if (stands) return stands
    const unsuited = asks?.suits(target)
    if (unsuited) return unsuited
    if (window_tokens > (context_tokens[i] ?? 0)) return { reason: 'context_window', need: window_tokens, have: context_tokens[i] ?? 0 }
    if (limit > (output_tokens[i] ?? 0)) return { reason: 'output_limit', need: limit, have: output_tokens[i] ?? 0 }
    const uncarried = carriage(target)
    if (uncarried) return uncarried
    if ((estimates.quality[i] ?? 0) < quality_at_least)
      return { reason: 'quality', need: quality_at_least, have: rounded(estimates.quality[i]) }
    // Written so that an unknown, which is NaN, fails.
    if (cost_at_most_micros !== Infinity && !((estimates.cost_micros[i] ?? Number.NaN) <= cost_at_most_micros)) {
      return { reason: 'cost', need: cost_at_most_micros, have: known(estimates.cost_micros[i]) }
    }
    if ((estimates.first_token_ms[i] ?? 0) > first_token_at_most_ms) {
      return { reason: 'latency', need: first_token_at_most_ms, have: Math.round(estimates.first_token_ms[i] ?? 0) }
    }
    if (energy_at_most_wh !== Infinity && !((estimates.energy_wh[i] ?? Number.NaN) <= energy_at_most_wh)) {
      return { reason: 'energy', need: energy_at_most_wh, have: known(estimates.energy_wh[i]) }
    }
    return null
  }

  const result: Eligibility = { usable: [], ramping: [], shut: [], refusals: new Array(targets.length).fill(null) }
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]
    if (!target) continue
    const refusal = lasting(i, target)
    if (refusal) {
      result.refusals[i] = refusal
      continue
    }
    const health = healthOf(target)
    const passing = health ? passingRefusal(health, target, world) : null
    result.refusals[i] = passing
    if (passing === null) result.usable.push(i)
    else if (passing === RAMPING) result.ramping.push(i)
    else if (passing.reason === 'open' || passing.reason === 'rate_limited') result.shut.push(i)
  }
  return result
}

const NOT_NAMED: Refusal = { reason: 'not_named' }
const RAMPING: Refusal = { reason: 'ramping' }
const ISOLATED: Refusal = { reason: 'isolated' }
const CREDENTIAL: Refusal = { reason: 'credential' }
const RATE_LIMITED: Refusal = { reason: 'rate_limited' }
const OPEN: Refusal = { reason: 'open' }

function namedMask(prepared: Prepared, asked: Asked): Mask | null {
  if (asked.kind === 'any') return null
  if (asked.kind === 'group') return prepared.group(asked.group)
  const mask = new Uint8Array(prepared.targets.length)
  for (const target of asked.targets) mask[prepared.index_of.get(target) ?? -1] = 1
  return mask
}

function narrowed({ narrowings }: RuleOutcome, i: number): Refusal | null {
  for (const narrowing of narrowings) {
    if (narrowing.kind === 'require') {
      const refusal = narrowing.standing[i]
      if (refusal) return refusal
    } else if (!narrowing.mask[i]) {
      return { reason: 'narrowed_by_rule', need: narrowing.rule }
    }
  }
  return null
}

/** Can this router write the target's dialect, and, where nothing may be lost, without losing anything? */
function carriageJudge(world: World, lossless: boolean, bound: ChatRequest['bound']): (target: LiveTarget) => Refusal | null {
  const judged = new Map<DialectName, Refusal | null>()
  return target => {
    const { dialect } = target.provider
    let verdict = judged.get(dialect)
    if (verdict === undefined) {
      verdict = !world.codecs.has(dialect)
        ? { reason: 'dialect', need: dialect }
        : bound && bound.dialect !== dialect
          ? { reason: 'stored_state', need: bound.field }
          : null
      judged.set(dialect, verdict)
    }
    if (verdict !== null || !lossless) return verdict
    const lost = world.losses(target)[0]
    return lost === undefined ? null : { reason: 'lossy', need: lost.field, have: lost.how }
  }
}

function passingRefusal(health: TargetHealth, target: LiveTarget, { now_ms, probes }: World): Refusal | null {
  if (health.state === 'isolated') return ISOLATED
  if ((health.auth_broken_until_ms ?? 0) > now_ms) return CREDENTIAL
  if ((health.limited_until_ms ?? 0) > now_ms) return RATE_LIMITED
  if (health.state === 'open' || health.state === 'probing') return mayProbe(health, target, probes, now_ms) ? null : OPEN
  return health.state === 'ramp' ? RAMPING : null
}

/** One request at a time finds out whether an open target answers again: whoever's isolate holds the lease. */
export function mayProbe(health: TargetHealth, target: LiveTarget, probes: World['probes'], now_ms: number): boolean {
  return probes ? probes.has(target.id) : health.until_ms !== null && health.until_ms <= now_ms
}

const rounded = (value: number | undefined) => Math.round((value ?? 0) * 1_000) / 1_000
const known = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? null : Math.round(value * 1_000) / 1_000)
