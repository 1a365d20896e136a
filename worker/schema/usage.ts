/**
 * What a request cost: its intent (durable before the first byte leaves), its settlement (once), and the row in D1 that
 * both become. Field names are the same in TypeScript, JSON and SQL.
 */
import type { DialectName, Loss, TokenUsage } from './chat.ts'
import type { KeptDecision } from './decision.ts'
import type { PersonalDataType } from './features.ts'
import type { OutcomeClass } from './health.ts'
import type { DecisionId, KeyId, OrgId, PolicyName, PolicyVersion, TargetId } from './ids.ts'
import type { AccountName, Limited, RateName } from './limits.ts'
import type { EnergyConfidence, Gco2e, Micros, Ms, Wh } from './units.ts'

/** One call to one target. A request has at most a handful. */
export type AttemptRecord = {
  target: TargetId
  /**
   * `shadow`: a copy whose answer nobody sees, by a policy's rule; it costs money all the same · `rescue`: took up, or tried to, an answer that
   * broke off · `hedge`: was asked beside the first target, whose first token was late; either of the two may have answered · `ping`: nobody's
   * request, but to keep a target awake.
   */
  role: 'answer' | 'shadow' | 'rescue' | 'hedge' | 'ping'
  class: OutcomeClass
  status: number | null
  sent_at_ms: Ms
  headers_ms: Ms | null
  first_token_ms: Ms | null
  ended_ms: Ms
  /** One line for the operator, sanitized. */
  detail: string | null
  probe: boolean
  /** What this call alone used, null where the target did not say; the row's `usage` and `cost_micros` sum over attempts. */
  usage: TokenUsage | null
  /** These counts are ours. */
  usage_estimated?: true
  /** It went with a key that the caller brought: what it cost is the caller's own affair. */
  own_key?: true
  /** Personal data that this target got placeholders for, by type. */
  redacted?: Partial<Record<PersonalDataType, number>>
}

/**
 * What a request lost by translation, once for each kind of loss, so that it can be counted over requests. `loss` is the field
 * without its places (`messages[].content[].cache_control`), `field` the first of its `count` places in this request.
 */
export type LossCount = { loss: string; how: Loss['how']; count: number; field: string; note?: string }

/** `completed`: whole answer delivered · `failed`: the caller got an error · `truncated`: the caller got an in-band error after the commit ·
 * `caller_left`: the caller went away first · `orphan`: the process died before settling; the row is made from the intent. */
export type UsageOutcome = 'completed' | 'failed' | 'truncated' | 'caller_left' | 'orphan'

/** Whose key the calls of a request went with. `router` also where there was none. */
export type PaidBy = 'router' | 'caller' | 'both'

export type Intent = {
  v: 1
  decision_id: DecisionId
  at_ms: Ms
  org: OrgId
  key_id: KeyId
  team: string | null
  dialect: DialectName
  endpoint: string
  requested_model: string
  policy: PolicyName
  policy_version: PolicyVersion
  task: string
  stream: boolean
  /** The plan's first target; the settlement says who answered. */
  target: TargetId
  provider: string
  /** Estimates the orphan row is made from, and the reservation under a hard budget. */
  estimated_input_tokens: number
  estimated_output_tokens: number
  estimated_cost_micros: Micros | null
  reserved_micros: Micros
  /** The limits of its key, team and organisation, judged by the object before the intent is taken; absent where there are none. */
  limited?: Limited
  /** Its caller wants it done once; absent where it did not say so. */
  once?: Once
  /** After this the intent counts as orphaned. */
  expires_at_ms: Ms
  decision: KeptDecision
}

/**
 * A request that is to be done once, however often it is sent: what its `Idempotency-Key` came to, so that the object keeps nothing that a
 * caller wrote. `name` is a hash of the caller's key and its word, `fingerprint` one of what was asked.
 */
export type Once = { name: string; fingerprint: string; for_ms: Ms }

export type Settlement = {
  v: 1
  decision_id: DecisionId
  org: OrgId
  outcome: UsageOutcome
  /** Who answered; null where nobody did. */
  target: TargetId | null
  provider: string | null
  status: number
  error_code: string | null
  finish_reason: string | null
  usage: TokenUsage
  /** True where counts are ours and not the provider's. */
  usage_estimated: boolean
  /** What the router's own keys are billed. What was called with the caller's own is `own_cost_micros`, null where nothing was. */
  cost_micros: Micros | null
  own_cost_micros: Micros | null
  paid_by: PaidBy
  /** Part of the cost rests on counts of our own: an answer that broke off, a call that was given up. */
  cost_estimated: boolean
  energy_wh: Wh | null
  co2e_g: Gco2e | null
  energy_confidence: EnergyConfidence | null
  attempts: AttemptRecord[]
  /** On the way there and on the way back, to the end of a stream. */
  losses: LossCount[]
  first_token_ms: Ms | null
  total_ms: Ms
  settled_at_ms: Ms
  /** Of a request with an `Idempotency-Key`: it was answered, so the same one is not done again. Else the key is free once more. */
  answered?: true
}

export type BudgetRefusal = {
  ok: false
  code: 'budget_exhausted'
  account: AccountName
  window: string
  limit_micros: Micros
  spent_micros: Micros
  held_micros: Micros
  resets_at_ms: Ms
}
/** `need`: what this request alone would add. */
export type RateRefusal = {
  ok: false
  code: 'limit_reached'
  account: AccountName
  of: RateName
  at_most: number
  used: number
  need: number
  resets_at_ms: Ms
}
/** More in this hour than many times the usual. */
export type UnusualRefusal = {
  ok: false
  code: 'unusual_spend'
  account: AccountName
  usual_micros: Micros
  at_most_micros: Micros
  spent_micros: Micros
  held_micros: Micros
  resets_at_ms: Ms
}
/** What an account usually spends in an hour and what it has in this one; null while that is being learned. */
export type Usual = {
  account: AccountName
  usual_micros: Micros | null
  at_most_micros: Micros | null
  hours_known: number
  spent_micros: Micros
  held_micros: Micros
  /** It was stopped or told of in this hour. */
  unusual: boolean
}
export type LimitRefusal = BudgetRefusal | RateRefusal | UnusualRefusal

/** Where a limited caller stands, this request included. */
export type Standing = {
  rates: { of: RateName; at_most: number; left: number; resets_at_ms: Ms }[]
  /** Soft limits that this request passed. */
  warnings: LimitRefusal[]
  /** Targets dearer than this are not to be chosen for now; null where the share is not used up, or there is none. */
  too_dear_above_micros_per_mtok: Micros | null
}

/** The key was revoked, whatever the isolate still believes. */
export type KeyRevoked = { ok: false; code: 'key_revoked' }
/** Another request came first with the same `Idempotency-Key`: it is under way, was answered, or asked something else. */
export type Repeated = {
  ok: false
  code: 'repeated'
  of: 'under_way' | 'answered' | 'another_request'
  decision_id: DecisionId
  began_at_ms: Ms
  /** Its answer is kept and can be given again. */
  kept: boolean
}
export type BudgetAnswer = ({ ok: true; duplicate?: true } | LimitRefusal | KeyRevoked | Repeated) & { standing?: Standing }
