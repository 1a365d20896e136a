/**
 * Who may answer this request at all. Every hard constraint is here, and only who passes enters the plan; so a constraint
 * holds on every edge, first choice, failover and shadow alike.
 *
 * The order is from the lasting to the passing: what the caller named, policy, key, rules, abilities, size (`suited`), then bounds
 * and health (`eligible`). The first reason is the one recorded, and so "wrong region" is never hidden behind "rate-limited for two
 * more seconds". Between the two the estimates are made, of those that are still in.
 */
import type { Caller } from '../../schema/caller.ts'
import type { ChatRequest } from '../../schema/chat.ts'
import type { Refusal } from '../../schema/decision.ts'
import type { Features } from '../../schema/features.ts'
import type { TargetHealth } from '../../schema/health.ts'
import { missing, needsOf } from './abilities.ts'
import type { Columns, Scratch } from './columns.ts'
import type { Asked } from './names.ts'
import type { RuleOutcome } from './outcome.ts'
import type { Prepared } from './prepared.ts'
import type { Bounds } from './requirement.ts'
import type { Seen } from './seen.ts'
import type { Mask } from './selector.ts'
import type { LiveTarget, World } from './world.ts'

/** Token counts are estimates; a prompt this much longer than estimated must still fit the window. */
const ESTIMATE_MARGIN = 1.1

export type Eligibility = {
  /** So many of `scratch.callable` may be called now; they are in the catalogue's order. */
  usable: number
  /** Passing every lasting constraint, but recovering: `share` of requests may go there. */
  ramping: number[]
  /** Passing every lasting constraint, but left alone for now: open or rate-limited. */
  shut: number[]
}

/** Those that could answer, whatever it costs and however they are today: into `scratch.passing`, and how many. The others' reasons into `scratch.refusals`. */
export function suited(
  prepared: Prepared,
  asked: Asked,
  caller: Caller,
  outcome: RuleOutcome,
  request: ChatRequest,
  features: Features,
  world: World,
): number {
  const { targets, standing } = prepared
  const { abilities, context_tokens, output_tokens, dialect } = prepared.columns
  const { refusals, passing } = prepared.scratch
  const named = namedMask(prepared, asked)
  const scope = prepared.scope(caller)
  const { asks } = world
  const { narrowings } = outcome
  const needs = needsOf(features, request, asks?.output)
  const limit = features.max_output_tokens ?? 0
  const window_tokens =
    asks?.window_tokens ??
    Math.ceil(features.prompt_tokens * ESTIMATE_MARGIN) + (features.max_output_tokens ?? features.expected_output_tokens)
  const { lossless } = outcome.bounds
  const uncarried = uncarriedBy(prepared.columns, world, request.bound)
  const { keeper } = world

  const refusalOf = (i: number): Refusal | null => {
    if (named && !named[i]) return NOT_NAMED
    const stands = standing[i] ?? scope?.[i] ?? (narrowings.length > 0 ? narrowed(narrowings, i) : null)
    if (stands) return stands
    const lacking = missing(needs, abilities[i] as number)
    if (lacking) return lacking
    const unsuited = asks?.suits(targets[i] as LiveTarget)
    if (unsuited) return unsuited
    const window = context_tokens[i] as number
    if (window_tokens > window) return { reason: 'context_window', need: window_tokens, have: window }
    const output = output_tokens[i] as number
    if (limit > output) return { reason: 'output_limit', need: limit, have: output }
    if (keeper !== undefined && keeper !== targets[i]?.id) return { reason: 'stored_state', need: keeper }
    return uncarried[dialect[i] as number] ?? (lossless ? lossy(targets[i] as LiveTarget, world) : null)
  }

  let count = 0
  for (let i = 0; i < targets.length; i++) {
    const refusal = refusalOf(i)
    refusals[i] = refusal
    if (refusal === null) passing[count++] = i
  }
  return count
}

/** Of the first `count` of `scratch.passing`, whose estimates are made: who keeps the bounds and is in health. */
export function eligible({ targets, scratch, columns }: Prepared, seen: Seen, count: number, bounds: Bounds, world: World): Eligibility {
  const { passing, callable, refusals } = scratch
  const found: Eligibility = { usable: 0, ramping: [], shut: [] }
  const dear = world.too_dear_above_micros_per_mtok
  for (let at = 0; at < count; at++) {
    const i = passing[at] as number
    let refusal = outOfBounds(i, scratch, bounds)
    if (refusal === null && dear !== undefined) refusal = tooDear(columns.output_micros_per_mtok[i] as number, dear)
    if (refusal === null && seen.unwell[i]) refusal = passingRefusal(seen.health[i] as TargetHealth, targets[i] as LiveTarget, world)
    if (refusal !== null) refusals[i] = refusal
    if (refusal === null) callable[found.usable++] = i
    else if (refusal === RAMPING) found.ramping.push(i)
    else if (refusal === OPEN || refusal === RATE_LIMITED) found.shut.push(i)
  }
  return found
}

function outOfBounds(i: number, { estimates }: Scratch, bounds: Bounds): Refusal | null {
  const { quality_at_least, cost_at_most_micros, first_token_at_most_ms, energy_at_most_wh } = bounds
  const quality = estimates.quality[i] as number
  if (quality < quality_at_least) return { reason: 'quality', need: quality_at_least, have: rounded(quality) }
  // Written so that an unknown, which is NaN, fails.
  const cost = estimates.cost_micros[i] as number
  if (cost_at_most_micros !== Infinity && !(cost <= cost_at_most_micros)) {
    return { reason: 'cost', need: cost_at_most_micros, have: known(cost) }
  }
  const first_token_ms = estimates.first_token_ms[i] as number
  if (first_token_ms > first_token_at_most_ms) return { reason: 'latency', need: first_token_at_most_ms, have: Math.round(first_token_ms) }
  const energy = estimates.energy_wh[i] as number
  if (energy_at_most_wh !== Infinity && !(energy <= energy_at_most_wh)) {
    return { reason: 'energy', need: energy_at_most_wh, have: known(energy) }
  }
  return null
}

/** Written so that an unknown price, which is NaN, counts as dear. */
function tooDear(micros_per_mtok: number, above: number): Refusal | null {
  return micros_per_mtok <= above ? null : { reason: 'expensive_share', need: above, have: known(micros_per_mtok) }
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

function narrowed(narrowings: RuleOutcome['narrowings'], i: number): Refusal | null {
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

/** By dialect: why the request cannot be put in it, or null. */
function uncarriedBy({ dialects }: Columns, { codecs }: World, bound: ChatRequest['bound']): (Refusal | null)[] {
  return dialects.map(dialect => {
    if (!codecs.has(dialect)) return { reason: 'dialect', need: dialect }
    return bound && bound.dialect !== dialect ? { reason: 'stored_state', need: bound.field } : null
  })
}

function lossy(target: LiveTarget, { losses }: World): Refusal | null {
  const lost = losses(target)[0]
  return lost === undefined ? null : { reason: 'lossy', need: lost.field, have: lost.how }
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

const rounded = (value: number) => Math.round(value * 1_000) / 1_000
const known = (value: number) => (Number.isNaN(value) ? null : rounded(value))
