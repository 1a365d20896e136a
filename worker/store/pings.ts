/** What pings have cost today, from their usage rows: they are those of an organisation that no key can have. */
import type { Spent } from '../core/health/warm.ts'
import type { PolicyName } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

/** Not a name that an organisation may have, so no caller's budget, key or sum ever meets it. */
export const PINGS_ORG = '.pings'
const DAY_MS: Ms = 86_400_000

/** Rejects where D1 does not answer: without a count nobody is called. */
export async function pingsSpent({ DB }: Pick<Env, 'DB'>, policy: PolicyName, now_ms: Ms): Promise<Spent> {
  const row = await DB.prepare(
    'SELECT COUNT(*) AS requests, COALESCE(SUM(cost_micros), 0) AS cost_micros FROM usage WHERE org = ? AND policy = ? AND at_ms >= ?',
  )
    .bind(PINGS_ORG, policy, now_ms - (now_ms % DAY_MS))
    .first<Spent>()
  return row ?? { requests: 0, cost_micros: 0 }
}
