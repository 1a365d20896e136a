/**
 * Do an organisation's two books agree: the usage object's own, by which budgets are judged, and the rows in D1, by which bills are
 * made? Day by day, to the micro-dollar. They should, always; a difference means that something here is wrong.
 *
 * Two things are no difference. A day on which something moves: rows of it that D1 does not have yet, or spend that changed while D1
 * was asked. And a request whose price nobody knows: a budget counts what was held for it, and a row says unknown; on such a day the
 * object may have more.
 */
import type { OrgId } from '../schema/ids.ts'
import type { Micros } from '../schema/units.ts'
import { dayText } from './usage-daily.ts'

export type BookDay = {
  day: string
  object_micros: Micros
  rows_micros: Micros
  /** Rows of that day whose cost nobody knows. */
  cost_unknown: number
  /** Null while the day moves. */
  agrees: boolean | null
}
export type Books = {
  org: OrgId
  /** Rows that D1 does not have yet. */
  on_their_way: number
  days: BookDay[]
}

/** What a usage object says of one day. */
export type OwnDay = { day: number; spent_micros: Micros; on_their_way: number }

export async function compareBooks({ DB, USAGE }: Pick<Env, 'DB' | 'USAGE'>, org: OrgId): Promise<Books> {
  const object = USAGE.getByName(org)
  const before = byNumber(await object.books())
  const rows = await byDay(DB, org)
  const after = byNumber(await object.books())
  const since = Math.min(...after.keys())
  const days = [...new Set([...after.keys(), ...[...rows.keys()].filter(day => day >= since)])].sort((a, b) => a - b)
  return {
    org,
    on_their_way: [...after.values()].reduce((sum, { on_their_way }) => sum + on_their_way, 0),
    days: days.map(day => {
      const { spent_micros: object_micros, on_their_way } = after.get(day) ?? NOTHING
      const earlier = before.get(day) ?? NOTHING
      const { cost_micros, cost_unknown } = rows.get(day) ?? { cost_micros: 0, cost_unknown: 0 }
      const moves = on_their_way + earlier.on_their_way > 0 || earlier.spent_micros !== object_micros
      const agrees = cost_unknown === 0 ? object_micros === cost_micros : object_micros >= cost_micros
      return { day: dayText(day), object_micros, rows_micros: cost_micros, cost_unknown, agrees: moves ? null : agrees }
    }),
  }
}

const NOTHING = { spent_micros: 0, on_their_way: 0 }
const byNumber = (days: OwnDay[]) => new Map(days.map((each): [number, Omit<OwnDay, 'day'>] => [each.day, each]))

async function byDay(db: D1Database, org: OrgId): Promise<Map<number, { cost_micros: Micros; cost_unknown: number }>> {
  const { results } = await db
    .prepare('SELECT day, sum(cost_micros) AS cost_micros, sum(cost_unknown) AS cost_unknown FROM usage_daily WHERE org = ?1 GROUP BY day')
    .bind(org)
    .all<{ day: number; cost_micros: number; cost_unknown: number }>()
  return new Map(results.map(({ day, ...sums }) => [day, sums]))
}
