/**
 * One row of `usage` in D1, made of the two facts that a request leaves behind: its intent and its settlement. The names
 * are the same in TypeScript, JSON and SQL; what they mean is in `SCHEMA.md`.
 */
import type { TokenUsage } from '../schema/chat.ts'
import { UNKNOWN_USAGE } from '../schema/chat.ts'
import type { DecisionId, KeyId, OrgId, PolicyName, PolicyVersion, TargetId } from '../schema/ids.ts'
import type { Micros, Ms, Wh } from '../schema/units.ts'
import type { Intent, Settlement, UsageOutcome } from '../schema/usage.ts'

export type UsageRow = TokenUsage & {
  decision_id: DecisionId
  at_ms: Ms
  settled_at_ms: Ms
  org: OrgId
  key_id: KeyId
  team: string | null
  dialect: string
  endpoint: string
  requested_model: string
  policy: PolicyName
  policy_version: PolicyVersion
  task: string
  /** 0 or 1, as SQL has it. */
  stream: number
  planned_target: TargetId
  planned_provider: string
  estimated_input_tokens: number | null
  estimated_output_tokens: number | null
  estimated_cost_micros: Micros | null
  outcome: UsageOutcome
  target: TargetId | null
  provider: string | null
  status: number | null
  error_code: string | null
  finish_reason: string | null
  usage_estimated: number
  cost_micros: Micros | null
  energy_wh: Wh | null
  first_token_ms: Ms | null
  total_ms: Ms | null
  /** `AttemptRecord[]` as JSON. */
  attempts: string
}

/** Everything that only the settlement knows: what a late settlement replaces in a row that was written as an orphan. */
const SETTLED_INTEGERS = [
  'settled_at_ms',
  'status',
  'usage_estimated',
  'cost_micros',
  'first_token_ms',
  'total_ms',
  ...Object.keys(UNKNOWN_USAGE),
]
const SETTLED_OTHERS = ['outcome', 'target', 'provider', 'error_code', 'finish_reason', 'energy_wh', 'attempts']
const INTENDED_INTEGERS = ['at_ms', 'stream', 'estimated_input_tokens', 'estimated_output_tokens', 'estimated_cost_micros']
const INTENDED_OTHERS = [
  ...['decision_id', 'org', 'key_id', 'team', 'dialect', 'endpoint', 'requested_model', 'policy', 'policy_version', 'task'],
  ...['planned_target', 'planned_provider'],
]

export const SETTLED_COLUMNS: readonly string[] = [...SETTLED_INTEGERS, ...SETTLED_OTHERS]
export const USAGE_COLUMNS: readonly string[] = [...INTENDED_INTEGERS, ...INTENDED_OTHERS, ...SETTLED_COLUMNS]
/** Rounded on the way in: a fraction of a millisecond must not cost a row. */
export const INTEGER_COLUMNS: ReadonlySet<string> = new Set([...INTENDED_INTEGERS, ...SETTLED_INTEGERS])

export function usageRow(intent: Omit<Intent, 'decision'>, settlement: Settlement): UsageRow {
  const orphan = settlement.outcome === 'orphan'
  return {
    decision_id: intent.decision_id,
    at_ms: intent.at_ms,
    settled_at_ms: settlement.settled_at_ms,
    org: intent.org,
    key_id: intent.key_id,
    team: intent.team,
    dialect: intent.dialect,
    endpoint: intent.endpoint,
    requested_model: intent.requested_model,
    policy: intent.policy,
    policy_version: intent.policy_version,
    task: intent.task,
    stream: intent.stream ? 1 : 0,
    planned_target: intent.target,
    planned_provider: intent.provider,
    estimated_input_tokens: intent.estimated_input_tokens,
    estimated_output_tokens: intent.estimated_output_tokens,
    estimated_cost_micros: intent.estimated_cost_micros,
    outcome: settlement.outcome,
    target: settlement.target,
    provider: settlement.provider,
    status: orphan ? null : settlement.status,
    error_code: settlement.error_code,
    finish_reason: settlement.finish_reason,
    ...settlement.usage,
    usage_estimated: settlement.usage_estimated ? 1 : 0,
    cost_micros: settlement.cost_micros,
    energy_wh: settlement.energy_wh,
    first_token_ms: settlement.first_token_ms,
    total_ms: orphan ? null : settlement.total_ms,
    attempts: JSON.stringify(settlement.attempts),
  }
}

/**
 * What is settled for a request whose process died. Nobody knows what was delivered, so the row says what was estimated, and
 * says that it is an estimate: a bill leaves it out, a budget counts it.
 */
export function orphanSettlement(intent: Omit<Intent, 'decision'>, now_ms: Ms): Settlement {
  return {
    v: 1,
    decision_id: intent.decision_id,
    org: intent.org,
    outcome: 'orphan',
    target: null,
    provider: null,
    status: 0,
    error_code: null,
    finish_reason: null,
    usage: { ...UNKNOWN_USAGE, input_tokens: intent.estimated_input_tokens, output_tokens: intent.estimated_output_tokens },
    usage_estimated: true,
    cost_micros: intent.estimated_cost_micros,
    energy_wh: null,
    attempts: [],
    first_token_ms: null,
    total_ms: 0,
    settled_at_ms: now_ms,
  }
}
