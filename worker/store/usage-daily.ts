/**
 * The roll-ups, `usage_daily`: what each day cost by team, key and target. They stay when the rows they were made of are gone, so this is where
 * old days are asked for, and what one exports to keep everything.
 */
import type { OrgId } from '../schema/ids.ts'

export const DAILY_COLUMNS = [
  ...['day', 'org', 'team', 'key_id', 'target', 'requests', 'completed', 'failed', 'caller_left', 'orphans'],
  ...['input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens', 'tokens_unknown'],
  ...['cost_micros', 'cost_unknown', 'cost_estimated', 'own_cost_micros', 'energy_wh', 'co2e_g'],
] as const
export type DailyRow = Record<string, string | number | null>

const DAY_MS = 86_400_000
/** A row's place in the order of the table. */
const PLACE = ['day', 'org', 'team', 'key_id', 'target'] as const

export const dayNumber = (day: string): number => Math.floor(Date.parse(day) / DAY_MS)
export const dayText = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)

/** Oldest first; `after` is the place of the last row before the page. */
export async function dailyRows(
  db: D1Database,
  filters: { org?: OrgId; from_day: number; to_day: number },
  after: (string | number)[] | null,
  limit: number,
): Promise<{ rows: DailyRow[]; last: (string | number)[] | null }> {
  const parts = ['day >= ?', 'day < ?']
  const values: (string | number)[] = [filters.from_day, filters.to_day]
  if (filters.org !== undefined) {
    parts.push('org = ?')
    values.push(filters.org)
  }
  if (after) {
    parts.push(`(${PLACE.join(', ')}) > (?, ?, ?, ?, ?)`)
    values.push(...after)
  }
  const query = `SELECT ${DAILY_COLUMNS.join(', ')} FROM usage_daily WHERE ${parts.join(' AND ')} ORDER BY ${PLACE.join(', ')} LIMIT ?`
  const { results } = await db
    .prepare(query)
    .bind(...values, limit)
    .all<Record<string, string | number>>()
  const last = results.at(-1)
  return {
    last: last ? PLACE.map(column => last[column] ?? '') : null,
    rows: results.map(row => ({ ...row, day: dayText(Number(row.day)), team: row.team || null, target: row.target || null })),
  }
}
