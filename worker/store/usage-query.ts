/**
 * Questions to the usage rows in D1: sums by day, organisation, target and the like, or the rows themselves. The text of a
 * query is put together from the constants below and nothing else; whatever an admin sends is bound.
 *
 * Pages go by the last row's own values and not by a count, so that rows which arrive meanwhile shift nothing.
 */
import type { Ms } from '../schema/units.ts'
import { PINGS_ORG } from './pings.ts'

/** What rows can be summed by. Null is a value of its own there (nobody answered, no team), and an empty text inside the query. */
export const GROUPS = {
  day: "strftime('%Y-%m-%d', at_ms / 1000, 'unixepoch')",
  hour: "strftime('%Y-%m-%dT%H:00:00Z', at_ms / 1000, 'unixepoch')",
  org: 'org',
  team: "coalesce(team, '')",
  key: 'key_id',
  target: "coalesce(target, '')",
  provider: "coalesce(provider, '')",
  policy: 'policy',
  task: 'task',
  outcome: 'outcome',
  /** What translation lost. A request that lost several is in the sums of each, so these do not add up to the whole. */
  loss: "coalesce(lost.value->>'loss', '')",
} as const
export type Group = keyof typeof GROUPS
const MAY_BE_NULL: ReadonlySet<string> = new Set(['team', 'target', 'provider', 'loss'])

/** Filters, each on one column. */
const FILTERS = {
  org: 'org',
  team: 'team',
  key: 'key_id',
  target: 'target',
  provider: 'provider',
  policy: 'policy',
  task: 'task',
  outcome: 'outcome',
} as const
export type Filters = Partial<Record<keyof typeof FILTERS | 'loss', string>> & { from_ms: Ms; to_ms: Ms }

const SUMS = `count(*) AS requests,
  count(*) FILTER (WHERE outcome = 'completed') AS completed,
  count(*) FILTER (WHERE outcome IN ('failed', 'truncated')) AS failed,
  count(*) FILTER (WHERE outcome = 'caller_left') AS caller_left,
  count(*) FILTER (WHERE outcome = 'orphan') AS orphans,
  sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
  sum(cost_micros) AS cost_micros, sum(own_cost_micros) AS own_cost_micros, count(*) FILTER (WHERE cost_micros IS NULL) AS cost_unknown,
  count(*) FILTER (WHERE usage_estimated = 1) AS estimated,
  count(*) FILTER (WHERE losses <> '[]') AS lossy,
  sum(energy_wh) AS energy_wh, sum(co2e_g) AS co2e_g, count(*) FILTER (WHERE cost_estimated = 1) AS cost_estimated,
  CAST(round(avg(first_token_ms)) AS INTEGER) AS first_token_ms, CAST(round(avg(total_ms)) AS INTEGER) AS total_ms`

export type Sums = {
  requests: number
  completed: number
  failed: number
  caller_left: number
  orphans: number
  input_tokens: number | null
  output_tokens: number | null
  cost_micros: number | null
  own_cost_micros: number | null
  cost_unknown: number
  estimated: number
  /** Requests that lost something by translation. */
  lossy: number
  energy_wh: number | null
  co2e_g: number | null
  cost_estimated: number
  first_token_ms: number | null
  total_ms: number | null
}
export type SumsRow = Partial<Record<Group, string | null>> & Sums
type Values = (string | number)[]

/** The row once for each kind of loss; once where nothing was lost. */
const EACH_LOSS = ' LEFT JOIN json_each(usage.losses) AS lost'
const HAS_LOSS = "EXISTS (SELECT 1 FROM json_each(usage.losses) WHERE value->>'loss' = ?)"

/** One page of sums in the order of the groups; `after` are the groups' values of the last row before it. */
export async function usageSums(
  db: D1Database,
  filters: Filters,
  groups: Group[],
  after: Values | null,
  limit: number,
): Promise<SumsRow[]> {
  const { where, values } = whereOf(filters)
  const names = groups.map(group => `"${group}"`).join(', ')
  const grouped = `SELECT ${groups.map(group => `${GROUPS[group]} AS "${group}"`).join(', ')}, ${SUMS} FROM usage${groups.includes('loss') ? EACH_LOSS : ''} WHERE ${where} GROUP BY ${names}`
  const beyond = after ? `WHERE (${names}) > (${groups.map(() => '?').join(', ')})` : ''
  const query = `SELECT * FROM (${grouped}) ${beyond} ORDER BY ${names} LIMIT ?`
  const { results } = await db
    .prepare(query)
    .bind(...values, ...(after ?? []), limit)
    .all<SumsRow>()
  return results.map(row => {
    for (const group of groups) if (MAY_BE_NULL.has(group) && row[group] === '') row[group] = null
    return row
  })
}

/** The columns of a row that are shown; attempts are part of the decision. */
export const ROW_COLUMNS = [
  ...[
    'decision_id',
    'at_ms',
    'settled_at_ms',
    'org',
    'team',
    'key_id',
    'dialect',
    'endpoint',
    'requested_model',
    'policy',
    'policy_version',
  ],
  ...['task', 'stream', 'planned_target', 'target', 'provider', 'outcome', 'status', 'error_code', 'finish_reason', 'input_tokens'],
  ...[
    'cache_read_tokens',
    'cache_write_tokens',
    'output_tokens',
    'reasoning_tokens',
    'usage_estimated',
    'cost_micros',
    'cost_estimated',
    'web_search_calls',
    'file_search_calls',
  ],
  ...['energy_wh', 'co2e_g', 'energy_confidence'],
  ...['first_token_ms', 'total_ms', 'losses', 'paid_by', 'own_cost_micros'],
] as const
export type Row = Record<string, string | number | null>

/** Newest first; `after` is the instant and id of the last row before the page. */
export async function usageRows(db: D1Database, filters: Filters, after: Values | null, limit: number): Promise<Row[]> {
  const { where, values } = whereOf(filters)
  const beyond = after ? 'AND (at_ms, decision_id) < (?, ?)' : ''
  const query = `SELECT ${ROW_COLUMNS.join(', ')} FROM usage WHERE ${where} ${beyond} ORDER BY at_ms DESC, decision_id DESC LIMIT ?`
  const { results } = await db
    .prepare(query)
    .bind(...values, ...(after ?? []), limit)
    .all<Row>()
  return results
}

/** Whose decision this is; null where D1 does not have it. */
export async function orgOfDecision(db: D1Database, decision_id: string): Promise<string | null> {
  const row = await db.prepare('SELECT org FROM usage WHERE decision_id = ?1').bind(decision_id).first<{ org: string }>()
  return row?.org ?? null
}

function whereOf({ from_ms, to_ms, ...filters }: Filters): { where: string; values: Values } {
  const parts = ['at_ms >= ?', 'at_ms < ?']
  const values: Values = [from_ms, to_ms]
  for (const [name, column] of Object.entries(FILTERS)) {
    const wanted = filters[name as keyof typeof FILTERS]
    if (wanted === undefined) continue
    parts.push(`${column} = ?`)
    values.push(wanted)
  }
  if (filters.loss !== undefined) {
    parts.push(HAS_LOSS)
    values.push(filters.loss)
  }
  // Pings are nobody's requests: whoever wants to see them asks for them.
  if (filters.task !== 'ping' && filters.org === undefined) parts.push(`org <> '${PINGS_ORG}'`)
  return { where: parts.join(' AND '), values }
}
