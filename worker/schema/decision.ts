/**
 * The decision record: everything known at the moment of choice that is needed to say why. Codes and numbers only; the
 * sentences are made from it by `core/decide/explain.ts`, on demand, so that a request never pays for prose.
 */
import type { DialectName, Loss } from './chat.ts'
import type { EndpointName, PassedEndpoint } from './endpoint.ts'
import type { Features } from './features.ts'
import type { DecisionId, KeyId, OrgId, PolicyName, PolicyVersion, TargetId } from './ids.ts'
import type { Limits, Objective, Rescue } from './policy.ts'
import type { EnergyConfidence, Gco2e, Micros, Ms, Tokens, Wh } from './units.ts'

/** Why a target may not answer this request. `need` and `have` are the two sides of the comparison that failed. */
export type Refusal = { reason: RefusalReason; need?: string | number | boolean; have?: string | number | boolean | null }

export const REFUSAL_REASONS = [
  'not_named', // the caller asked for another target, model or group
  'not_in_policy', // outside the policy's `targets`
  'not_in_scope', // the caller's key may not use it
  'narrowed_by_rule',
  'modality',
  'output_modality',
  'tools',
  'structured_output',
  'streaming',
  'logprobs',
  'choices',
  'reasoning',
  'dimensions', // vectors of another length
  'context_window',
  'output_limit',
  'region',
  'retention',
  'training',
  'certification',
  'provider',
  'excluded',
  'quality',
  'cost',
  'expensive_share', // dear, and the caller's share of dear targets is used up for now
  'latency',
  'energy',
  'readiness',
  'lossy',
  'redaction', // would have to be hidden from it, and this endpoint's bodies pass through as they are
  'dialect',
  'stored_state', // the request leans on what a provider of another format keeps
  'open', // its breaker is open
  'isolated',
  'rate_limited',
  'credential',
  'ramping', // recovering, and this request is not in its share
] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** One eligible target's terms. Each `*_score` is 0..1, higher is better; `total` is their weighted mean less `penalty`, which is negative for the target of a conversation under way. */
export type Score = {
  target: TargetId
  quality: number
  quality_uncertainty: number
  /** Estimated for this request; null where a price is unknown. */
  cost_micros: Micros | null
  latency_ms: Ms
  energy_wh: Wh | null
  quality_score: number
  cost_score: number
  latency_score: number
  energy_score: number
  penalty: number
  total: number
}

/** One step of the plan: whom to call, and how long to wait for what. */
export type PlanStep = {
  target: TargetId
  headers_ms: Ms
  first_token_ms: Ms
  idle_ms: Ms
  /** When a first token is usually there by: silence until then is told as evidence, while the call still waits. Of streams. */
  late_ms?: Ms
  /** This call is the one allowed to find out whether a target that was left alone answers again. */
  probe?: true
}

/** For a late first token: after so long, this step of the plan is asked beside the first. `share`: of the requests, so many at most. */
export type HedgePlan = { step: number; after_ms: Ms; share: number }

export type Plan = {
  steps: PlanStep[]
  /** Deadline of the whole request, from its start. */
  total_ms: Ms
  attempts: number
  attempts_per_target: number
  retry_after_at_most_ms: Ms
  /** Of the first calls to a target, so many may be repeated. */
  retry_share: number
  /** A stream that nobody has begun to answer by then, counted from the start of the request, is opened; absent where it waits. */
  open_after_ms?: Ms
  /** So often a silent stream is kept alive; absent where it is not. */
  keep_alive_ms?: Ms
  /** The policy's bound on the answer, where the caller set none (`asked` is null) or a higher one. A target's own lower limit goes before it. */
  output_bound?: { tokens: Tokens; asked: Tokens | null }
  /** So long a stream is read on after its caller has gone, where it is predicted to end within; absent where it is closed. */
  drain_ms?: Ms
  /** Absent where a late first token is waited for. */
  hedge?: HedgePlan
  /** How the answer may be taken up by another step's target where it breaks off; absent where it may not. */
  rescue?: Rescue
  /** Targets beside the plan that get a copy, by a `shadow` rule. */
  shadows: TargetId[]
  /** Every usable target was open, so openness was ignored. */
  panic: boolean
}

/** The target that answered last in this conversation, which the choice leans to: by what its cache of the prompt spares, and by `margin`. */
export type Stay = { target: TargetId; age_ms: Ms; cached_tokens: Tokens; margin: number }

export type DecisionRecord = {
  v: 1
  decision_id: DecisionId
  at_ms: Ms
  org: OrgId
  key_id: KeyId
  dialect: DialectName
  /** What was asked for, where it is no chat. */
  endpoint?: PassedEndpoint
  requested_model: string
  policy: PolicyName
  policy_version: PolicyVersion
  catalogue_version: string
  /** Age of the health snapshot when it was used; null where there was none yet. */
  health_age_ms: Ms | null
  features: Features
  objective: Objective
  limits: Limits
  /** Names of the rules that matched, in order; those whose expression failed are in `rule_errors`. */
  rules: string[]
  rule_errors: { rule: string; message: string }[]
  /** Eligible targets, best first, the chosen one always among them: 6 for a served request, 20 for a dry run. `eligible` counts all. */
  scores: Score[]
  eligible: number
  /** Eligible targets that no other beats in quality, cost, latency and energy at once: 8 for a served request, all for a dry run. */
  front: TargetId[]
  /** Absent where there is no conversation under way, or its target may not answer. */
  stay?: Stay
  /** Refused targets by reason, so that 100 of them stay small. */
  refused: {
    reason: RefusalReason
    need?: string | number | boolean
    /** How many in all; the record of a served request names about 40 in `targets`, that of a dry run every one. */
    count: number
    targets: { target: TargetId; have?: string | number | boolean | null }[]
  }[]
  plan: Plan
  chosen: TargetId
  /** `best`: highest total · `pinned`, `split`: by rule or by name · `explored`: by the draw · `probe`: a near one, to find out whether it is back · `panic`: nothing was healthy. */
  chosen_by: 'best' | 'pinned' | 'split' | 'explored' | 'probe' | 'panic'
  /** Probability that this choice would be made again with another draw. */
  propensity: number
  draw: number
  losses: Loss[]
  /** Estimated for the chosen target; null where its size is unknown. */
  energy?: { wh: Wh; co2e_g: Gco2e | null; confidence: EnergyConfidence } | null
}

/** What many decisions have in common, as JSON: one object for all of them, so that a call which carries many carries it once. */
export type Shared = { readonly json: string }
/** A decision record as it is stored: `core/decide/kept.ts`. `shared` is null where nothing is. */
export type KeptDecision = { shared: Shared | null; own: string }

/** A decision, or why there is none. `forbidden`: the caller's key may not name that policy, or not name a model at all. */
export type Undecided = {
  code: 'no_eligible_target' | 'refused_by_policy' | 'model_not_found' | 'forbidden' | 'model_needed'
  message: string
  rule: string | null
  record: Omit<DecisionRecord, 'plan' | 'chosen' | 'chosen_by' | 'propensity'>
  near: string[]
  /** Of a name that is not known here: the endpoints that know it. */
  served_at?: EndpointName[]
}
