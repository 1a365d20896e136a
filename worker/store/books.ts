/**
 * Do an organisation's two books agree: the usage object's own, by which budgets are judged, and the rows in D1, by which bills are
 * made? Day by day, to the micro-dollar. They should, always; a difference means that something here is wrong.
 *
 * Two things are no difference. A row that is still on its way, so an object with a backlog is not compared. And a request whose
 * price nobody knows: a budget counts what was held for it, and a row says unknown; on such a day the object may have more.
 */
import type { OrgId } from '../schema/ids.ts'
import type { Micros } from '../schema/units.ts'

export type Books = {
  org: OrgId
  /** Rows that D1 does not have yet; while there are some nothing is said of the days. */
  on_their_way: number
  days: {
    day: string
    object_micros: Micros
    rows_micros: Micros
    /** Rows of that day whose cost nobody knows. */
    cost_unknown: number
    agrees: boolean
  }[]
}

const DAY_MS = 86_400_000

export async function compareBooks({ DB, USAGE }: Pick<Env, 'DB' | 'USAGE'>, org: OrgId): Promise<Books> {
  const object = USAGE.getByName(org)
  const { unflushed, set_aside } = await object.status()
  if (unflushed + set_aside > 0) return { org, on_their_way: unflushed + set_aside, days: [] }
  // First D1 and then the object: what comes between is in the object, and a second look finds it in both.
  const rows = await byDay(DB, org)
  const spent = new Map((await object.spentByDay()).map(({ day, spent_micros }): [number, Micros] => [day, spent_micros]))
  const since = Math.min(...spent.keys())
  const days = [...new Set([...spent.keys(), ...[...rows.keys()].filter(day => day >= since)])].sort((a, b) => a - b)
  return {
    org,
    on_their_way: 0,
    days: days.map(day => {
      const object_micros = spent.get(day) ?? 0
      const { cost_micros, cost_unknown } = rows.get(day) ?? { cost_micros: 0, cost_unknown: 0 }
      const agrees = cost_unknown === 0 ? object_micros === cost_micros : object_micros >= cost_micros
      return { day: new Date(day * DAY_MS).toISOString().slice(0, 10), object_micros, rows_micros: cost_micros, cost_unknown, agrees }
    }),
  }
}

async function byDay(db: D1Database, org: OrgId): Promise<Map<number, { cost_micros: Micros; cost_unknown: number }>> {
  const { results } = await db
    .prepare('SELECT day, sum(cost_micros) AS cost_micros, sum(cost_unknown) AS cost_unknown FROM usage_daily WHERE org = ?1 GROUP BY day')
    .bind(org)
    .all<{ day: number; cost_micros: number; cost_unknown: number }>()
  return new Map(results.map(({ day, ...sums }) => [day, sums]))
}
