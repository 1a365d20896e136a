/**
 * What a key or a team spent before anybody set it a budget, by day, as D1 has it: where its account in the usage object begins. What
 * nobody knows the price of is not in it.
 */
import type { OrgId } from '../schema/ids.ts'
import type { AccountName } from '../schema/limits.ts'
import type { Micros, Ms } from '../schema/units.ts'

const DAY_MS = 86_400_000

export async function spentByDay(db: D1Database, org: OrgId, account: AccountName, from_ms: Ms): Promise<[day: number, micros: Micros][]> {
  const column = account.startsWith('key:') ? 'key_id' : account.startsWith('team:') ? 'team' : null
  // An organisation's own books are kept for every request.
  if (column === null) return []
  const { results } = await db
    .prepare(
      `SELECT at_ms / ${DAY_MS} AS day, sum(cost_micros) AS micros FROM usage WHERE org = ?1 AND ${column} = ?2 AND at_ms >= ?3 GROUP BY day`,
    )
    .bind(org, account.slice(account.indexOf(':') + 1), from_ms)
    .all<{ day: number; micros: number | null }>()
  return results.map(({ day, micros }) => [day, micros ?? 0])
}
