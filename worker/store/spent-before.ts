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
    .prepare(`SELECT day, sum(cost_micros) AS micros FROM usage_daily WHERE org = ?1 AND ${column} = ?2 AND day >= ?3 GROUP BY day`)
    .bind(org, account.slice(account.indexOf(':') + 1), Math.floor(from_ms / DAY_MS))
    .all<{ day: number; micros: number }>()
  return results.map(({ day, micros }) => [day, micros])
}
