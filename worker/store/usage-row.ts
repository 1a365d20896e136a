/**
 * One row of `usage` in D1, in two halves: what was intended and what was settled. Each is made text where its facts are
 * known, once, in the isolate; from there it is carried, kept and joined as text, and nothing reads it until SQLite does. A
 * request's JSON made and read again at every step was most of what its accounting cost.
 *
 * The names are the same in TypeScript, JSON and SQL; what they mean is in `SCHEMA.md`.
 */
import type { TokenUsage } from '../schema/chat.ts'
import { UNKNOWN_USAGE } from '../schema/chat.ts'
import type { DecisionId, KeyId, OrgId, PolicyName, PolicyVersion, TargetId } from '../schema/ids.ts'
import type { EnergyConfidence, Gco2e, Micros, Ms, Wh } from '../schema/units.ts'
import type { AttemptRecord, Intent, LossCount, PaidBy, Settlement, UsageOutcome } from '../schema/usage.ts'

type Intended = {
  decision_id: DecisionId
  at_ms: Ms
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
}

type Settled = TokenUsage & {
  settled_at_ms: Ms
  outcome: UsageOutcome
  target: TargetId | null
  provider: string | null
  status: number | null
  error_code: string | null
  finish_reason: string | null
  usage_estimated: number
  cost_micros: Micros | null
  own_cost_micros: Micros | null
  paid_by: PaidBy | null
  cost_estimated: number
  energy_wh: Wh | null
  co2e_g: Gco2e | null
  energy_confidence: EnergyConfidence | null
  first_token_ms: Ms | null
  total_ms: Ms | null
  /** JSON within the row's JSON, and a text in its column. */
  attempts: AttemptRecord[]
  /** The same. Null where nobody can say: the process died, or the row is older than the column. */
  losses: LossCount[] | null
}

export type UsageRow = Intended & Settled

const INTENDED_INTEGERS = ['at_ms', 'stream', 'estimated_input_tokens', 'estimated_output_tokens', 'estimated_cost_micros']
const INTENDED_OTHERS = [
  ...['decision_id', 'org', 'key_id', 'team', 'dialect', 'endpoint', 'requested_model', 'policy', 'policy_version', 'task'],
  ...['planned_target', 'planned_provider'],
]
const SETTLED_INTEGERS = [
  ...['settled_at_ms', 'status', 'usage_estimated', 'cost_micros', 'own_cost_micros', 'cost_estimated', 'first_token_ms', 'total_ms'],
  ...Object.keys(UNKNOWN_USAGE),
]
const SETTLED_OTHERS = [
  'outcome',
  'target',
  'provider',
  'error_code',
  'finish_reason',
  'energy_wh',
  'co2e_g',
  'energy_confidence',
  'attempts',
  'losses',
  'paid_by',
]

/** Everything that only the settlement knows: what a late settlement replaces in a row that was written as an orphan. */
export const SETTLED_COLUMNS: readonly string[] = [...SETTLED_INTEGERS, ...SETTLED_OTHERS]
export const USAGE_COLUMNS: readonly string[] = [...INTENDED_INTEGERS, ...INTENDED_OTHERS, ...SETTLED_COLUMNS]
/** Rounded on the way in: a fraction of a millisecond must not cost a row. */
export const INTEGER_COLUMNS: ReadonlySet<string> = new Set([...INTENDED_INTEGERS, ...SETTLED_INTEGERS])

/** A whole row as JSON, of its two halves as JSON. */
export const joined = (intended: string, settled: string): string => `${intended.slice(0, -1)},${settled.slice(1)}`

export function intendedHalf(intent: Intent): Intended {
  return {
    decision_id: intent.decision_id,
    at_ms: intent.at_ms,
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
  }
}

export function settledHalf(settlement: Settlement): Settled {
  return {
    settled_at_ms: settlement.settled_at_ms,
    outcome: settlement.outcome,
    target: settlement.target,
    provider: settlement.provider,
    status: settlement.status,
    error_code: settlement.error_code,
    finish_reason: settlement.finish_reason,
    ...settlement.usage,
    usage_estimated: settlement.usage_estimated ? 1 : 0,
    cost_micros: settlement.cost_micros,
    own_cost_micros: settlement.own_cost_micros,
    paid_by: settlement.paid_by,
    cost_estimated: settlement.cost_estimated ? 1 : 0,
    energy_wh: settlement.energy_wh,
    co2e_g: settlement.co2e_g,
    energy_confidence: settlement.energy_confidence,
    first_token_ms: settlement.first_token_ms,
    total_ms: settlement.total_ms,
    attempts: settlement.attempts,
    losses: settlement.losses,
  }
}

/**
 * The settled half of a request whose process died. Nobody knows what was delivered, so the row says what was estimated, and
 * says that it is an estimate: a bill leaves it out, a budget counts it.
 */
export function orphanHalf(intended: string, now_ms: Ms): Settled {
  const { estimated_input_tokens, estimated_output_tokens, estimated_cost_micros } = JSON.parse(intended) as Intended
  return {
    settled_at_ms: now_ms,
    outcome: 'orphan',
    target: null,
    provider: null,
    status: null,
    error_code: null,
    finish_reason: null,
    ...UNKNOWN_USAGE,
    input_tokens: estimated_input_tokens,
    output_tokens: estimated_output_tokens,
    usage_estimated: 1,
    cost_micros: estimated_cost_micros,
    own_cost_micros: null,
    paid_by: null,
    cost_estimated: 1,
    energy_wh: null,
    co2e_g: null,
    energy_confidence: null,
    first_token_ms: null,
    total_ms: null,
    attempts: [],
    losses: null,
  }
}
