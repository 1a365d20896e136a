/**
 * The two facts that make a usage row: the intent, written before the first byte leaves, and the settlement, written once
 * however the answer ended. Between them nothing else about a request has to survive a crash.
 */

import { keptDecision } from '../core/decide/kept.ts'
import type { LiveTarget } from '../core/decide/world.ts'
import { billOf } from '../core/spend/bill.ts'
import { estimateCost } from '../core/spend/price.ts'
import { lossCounts } from '../dialects/losses.ts'
import type { Call, Carrier, Ended } from '../dispatch/dispatch.ts'
import type { Price } from '../schema/catalogue.ts'
import type { Loss } from '../schema/chat.ts'
import type { DecisionRecord } from '../schema/decision.ts'
import type { TargetId } from '../schema/ids.ts'
import type { AccountLimits, Limited } from '../schema/limits.ts'
import type { Micros, Ms } from '../schema/units.ts'
import type { AttemptRecord, Intent, Settlement } from '../schema/usage.ts'
import type { LimitedCaller } from '../store/org-limits.ts'

/** An isolate that says nothing of a request for this long after its deadline has died; its intent becomes an orphan row. */
const ORPHAN_GRACE_MS: Ms = 60_000

type TargetOf = (id: TargetId) => LiveTarget | undefined
type Decided = Pick<Call, 'record' | 'losses'>
/** Who is called, and for which of them the caller pays. */
type Called = Pick<Carrier, 'target' | 'own'>

export function intentOf(record: DecisionRecord, caller: LimitedCaller, endpoint: string, { target: targetOf, own }: Called): Intent {
  const { features, limits } = record
  const one_answer =
    record.plan.output_bound?.tokens ??
    features.max_output_tokens ??
    Math.max(limits.output_tokens_assumed, features.expected_output_tokens)
  const output_tokens = one_answer * Math.max(1, features.choices)
  let worst: Micros = 0
  // What the caller pays itself is held against no budget of the router's money.
  const isOwn = (target: LiveTarget | undefined) => own !== undefined && target !== undefined && own.pays(target.provider.id)
  const { steps, hedge } = record.plan
  const worstOf = (target: TargetId | undefined): Micros => {
    const live = target === undefined ? undefined : targetOf(target)
    return isOwn(live) ? 0 : (estimateCost(features.prompt_tokens, output_tokens, live?.price ?? null) ?? 0)
  }
  for (const { target } of steps) worst = Math.max(worst, worstOf(target))
  if (hedge !== undefined) worst = Math.max(worst, worstOf(record.chosen) + worstOf(steps[hedge.step]?.target))
  const first = targetOf(record.chosen)
  const intent: Intent = {
    v: 1,
    decision_id: record.decision_id,
    at_ms: record.at_ms,
    org: record.org,
    key_id: record.key_id,
    team: caller.team,
    dialect: record.dialect,
    endpoint,
    requested_model: record.requested_model,
    policy: record.policy,
    policy_version: record.policy_version,
    task: record.endpoint ?? features.task,
    stream: features.streaming,
    target: record.chosen,
    provider: first?.provider.id ?? '',
    estimated_input_tokens: features.prompt_tokens,
    estimated_output_tokens: features.expected_output_tokens,
    estimated_cost_micros: isOwn(first) ? 0 : estimateCost(features.prompt_tokens, features.expected_output_tokens, first?.price ?? null),
    // Several attempts may each cost money, but only one of them in full, as a failed one ends before its answer; or two, where one hedges.
    reserved_micros: worst,
    expires_at_ms: record.at_ms + record.plan.total_ms + ORPHAN_GRACE_MS,
    decision: keptDecision(record),
  }
  if (caller.limits.length > 0) intent.limited = limitedBy(caller.limits, features.prompt_tokens + output_tokens, first?.price ?? null)
  return intent
}

/** Tokens are counted as the most that is likely, like money, and what was too much is given back when the answer has ended. */
function limitedBy(accounts: readonly AccountLimits[], tokens: number, price: Price | null): Limited {
  const isHard = ({ kind }: { kind: 'hard' | 'soft' }) => kind === 'hard'
  return {
    hard: accounts.some(({ budgets, rates, unusual }) => budgets.some(isHard) || rates.some(isHard) || unusual?.kind === 'hard'),
    accounts: [...accounts],
    tokens: Math.ceil(tokens),
    output_micros_per_mtok: price?.output_micros_per_mtok ?? null,
  }
}

export function settlementOf(call: Decided, ended: Ended, shadows: AttemptRecord[], targetOf: TargetOf, now_ms: Ms): Settlement {
  const { record } = call
  const attempts = [...ended.attempts, ...shadows]
  const own = attempts.filter(attempt => attempt.own_key)
  const ours = own.length === 0 ? attempts : attempts.filter(attempt => !attempt.own_key)
  // Of sound and pictures nobody here knows how many tokens they are.
  const prompt_tokens = record.endpoint === undefined ? record.features.prompt_tokens : null
  const all = billOf(attempts, targetOf, prompt_tokens)
  const paid = own.length === 0 ? all : billOf(ours, targetOf, prompt_tokens)
  return {
    v: 1,
    decision_id: record.decision_id,
    org: record.org,
    outcome: ended.outcome,
    target: ended.target,
    provider: ended.target === null ? null : (targetOf(ended.target)?.provider.id ?? null),
    status: ended.status,
    error_code: ended.error?.code ?? null,
    finish_reason: ended.finish_reason,
    usage: ended.usage,
    usage_estimated: ended.usage_estimated,
    cost_micros: paid.cost_micros,
    cost_estimated: all.cost_estimated,
    own_cost_micros: own.length === 0 ? null : billOf(own, targetOf, prompt_tokens).cost_micros,
    paid_by: own.length === 0 ? 'router' : ours.length === 0 ? 'caller' : 'both',
    energy_wh: all.energy_wh,
    co2e_g: all.co2e_g,
    energy_confidence: all.energy_confidence,
    attempts,
    losses: lossCounts(lostOn(call, ended, targetOf), ended.losses),
    first_token_ms: ended.first_token_ms,
    total_ms: ended.total_ms,
    settled_at_ms: now_ms,
  }
}

/** What of the request was lost on the way to who answered; where nobody did, to who was to. */
function lostOn({ record, losses }: Decided, { target }: Ended, targetOf: TargetOf): Loss[] {
  if (target === null || target === record.chosen) return record.losses
  const other = targetOf(target)
  return other === undefined ? [] : losses(other)
}
