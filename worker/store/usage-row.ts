/**
 * One row of `usage` in D1, in two halves: what was intended and what was settled. Each is made text where its facts are
 * known, once, in the isolate; from there it is carried, kept and joined as text, and nothing reads it until SQLite does. A
 * request's JSON made and read again at every step was most of what its accounting cost.
 *
 * The text has values and no names, `[intended, [facts, tokens]]`: that is half as long, and SQLite finds a value by its place
 * faster than by its name (14 us a row instead of 20). An object may still hold rows that an older version wrote, so each of
 * the three lists only ever grows at its end. The names are the same in TypeScript, JSON and SQL; what they mean is in `SCHEMA.md`.
 */
import type { DialectName, TokenUsage } from '../schema/chat.ts'
import { RARE_COUNTS, UNKNOWN_USAGE } from '../schema/chat.ts'
import type { DecisionId, KeyId, OrgId, PolicyName, PolicyVersion, TargetId } from '../schema/ids.ts'
import type { EnergyConfidence, Gco2e, Micros, Ms, Wh } from '../schema/units.ts'
import type { AttemptRecord, Intent, LossCount, PaidBy, Settlement, UsageOutcome } from '../schema/usage.ts'

type Intended = {
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

const INTENDED_COLUMNS = [
  ...(['decision_id', 'at_ms', 'org', 'key_id', 'team', 'dialect', 'endpoint', 'requested_model', 'policy', 'policy_version'] as const),
  ...(['task', 'stream', 'planned_target', 'planned_provider', 'estimated_input_tokens', 'estimated_output_tokens'] as const),
  ...(['estimated_cost_micros'] as const),
] satisfies (keyof Intended)[]
/** A call as it is kept: without the counts that its target did not tell, which would be most of the text. */
type KeptAttempt = Omit<AttemptRecord, 'usage'> & { usage: Partial<TokenUsage> | null }

const TOKENS = Object.keys(UNKNOWN_USAGE) as (keyof TokenUsage)[]
const SETTLED_FACTS = [
  ...(['settled_at_ms', 'outcome', 'target', 'provider', 'status', 'error_code', 'finish_reason', 'usage_estimated'] as const),
  ...(['cost_micros', 'energy_wh', 'first_token_ms', 'total_ms', 'attempts', 'losses', 'paid_by', 'own_cost_micros'] as const),
  ...(['cost_estimated', 'co2e_g', 'energy_confidence'] as const),
] satisfies (keyof Settled)[]

/** Everything that only the settlement knows: what a late settlement replaces in a row that was written as an orphan. */
export const SETTLED_COLUMNS: readonly string[] = [...SETTLED_FACTS, ...TOKENS]
/** In the order of a row's text. */
export const USAGE_COLUMNS: readonly string[] = [...INTENDED_COLUMNS, ...SETTLED_COLUMNS]
/** Rounded on the way in: a fraction of a millisecond must not cost a row. */
export const INTEGER_COLUMNS: ReadonlySet<string> = new Set([
  ...['at_ms', 'stream', 'estimated_input_tokens', 'estimated_output_tokens', 'estimated_cost_micros'],
  ...[
    'settled_at_ms',
    'status',
    'usage_estimated',
    'cost_micros',
    'own_cost_micros',
    'cost_estimated',
    'first_token_ms',
    'total_ms',
    ...TOKENS,
  ],
])

/** Where a column's value is in a row's text, as a path of SQLite's. */
export function placeOf(column: string): string {
  const lists: [string, readonly string[]][] = [
    ['$[0]', INTENDED_COLUMNS],
    ['$[1][0]', SETTLED_FACTS],
    ['$[1][1]', TOKENS],
  ]
  const [list, names] = lists.find(([, names]) => names.includes(column)) ?? ['$', []]
  return `${list}[${names.indexOf(column)}]`
}

/** A whole row's text, of those of its two halves. */
export const joined = (intended: string, settled: string): string => `[${intended},${settled}]`

/** A row by its names again; of the settled half nothing where there is none yet. */
export function rowOf(intended: string, settled: null): Intended
export function rowOf(intended: string, settled: string): UsageRow
export function rowOf(intended: string, settled: string | null): Intended | UsageRow {
  const row = named(INTENDED_COLUMNS, JSON.parse(intended))
  if (settled === null) return row as Intended
  const [facts, tokens] = JSON.parse(settled) as [unknown[], unknown[]]
  const settledRow = { ...row, ...named(SETTLED_FACTS, facts), ...named(TOKENS, tokens) } as UsageRow
  return { ...settledRow, attempts: attemptsFrom(settledRow.attempts) }
}

/** Calls as they were, from how they are kept. */
export const attemptsFrom = (kept: KeptAttempt[]): AttemptRecord[] =>
  kept.map(attempt => ({ ...attempt, usage: attempt.usage && { ...UNKNOWN_USAGE, ...attempt.usage } }))

function keptAttempt(attempt: AttemptRecord): KeptAttempt {
  if (attempt.usage === null) return attempt
  const usage: Partial<Record<keyof TokenUsage, number>> = {}
  for (const count of TOKENS) if (attempt.usage[count] !== null) usage[count] = attempt.usage[count] as number
  for (const count of RARE_COUNTS) if (attempt.usage[count] !== undefined) usage[count] = attempt.usage[count]
  return { ...attempt, usage: usage as Partial<TokenUsage> }
}

const named = (names: string[], values: unknown[]) => Object.fromEntries(names.map((name, i) => [name, values[i] ?? null]))

/** All tokens that a settled half says were used; null where it does not say. */
export function tokensIn(settled: string): number | null {
  const [, tokens] = JSON.parse(settled) as [unknown[], unknown[]]
  const { input_tokens, output_tokens } = named(TOKENS, tokens) as Partial<TokenUsage>
  return input_tokens == null || output_tokens == null ? null : input_tokens + output_tokens
}

export function intendedHalf(intent: Intent): string {
  const row: Intended = {
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
  return JSON.stringify(INTENDED_COLUMNS.map(column => row[column]))
}

export function settledHalf(settlement: Settlement): string {
  return settledText(
    {
      settled_at_ms: settlement.settled_at_ms,
      outcome: settlement.outcome,
      target: settlement.target,
      provider: settlement.provider,
      status: settlement.status,
      error_code: settlement.error_code,
      finish_reason: settlement.finish_reason,
      usage_estimated: settlement.usage_estimated ? 1 : 0,
      cost_micros: settlement.cost_micros,
      energy_wh: settlement.energy_wh,
      first_token_ms: settlement.first_token_ms,
      total_ms: settlement.total_ms,
      attempts: settlement.attempts.map(keptAttempt),
      losses: settlement.losses,
      paid_by: settlement.paid_by,
      own_cost_micros: settlement.own_cost_micros,
      cost_estimated: settlement.cost_estimated ? 1 : 0,
      co2e_g: settlement.co2e_g,
      energy_confidence: settlement.energy_confidence,
    },
    settlement.usage,
  )
}

function settledText(
  facts: Omit<Pick<Settled, (typeof SETTLED_FACTS)[number]>, 'attempts'> & { attempts: KeptAttempt[] },
  usage: TokenUsage,
): string {
  return JSON.stringify([SETTLED_FACTS.map(fact => facts[fact]), TOKENS.map(count => usage[count])])
}

/**
 * The settled half of a request whose process died, and what it is taken to have cost. Nobody knows what was delivered, so the
 * row says what was estimated, and says that it is an estimate: a bill leaves it out, a budget counts it.
 */
export function orphanHalf(intended: string, now_ms: Ms): { settled: string; cost_micros: Micros | null } {
  const { estimated_input_tokens, estimated_output_tokens, estimated_cost_micros } = rowOf(intended, null)
  const facts = {
    settled_at_ms: now_ms,
    outcome: 'orphan' as const,
    target: null,
    provider: null,
    status: null,
    error_code: null,
    finish_reason: null,
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
  const usage = { ...UNKNOWN_USAGE, input_tokens: estimated_input_tokens, output_tokens: estimated_output_tokens }
  return { settled: settledText(facts, usage), cost_micros: estimated_cost_micros }
}
