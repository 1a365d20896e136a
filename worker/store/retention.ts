/**
 * What is kept for how long. Rows and decision records go when their time is over, oldest first, a bounded number each minute, so
 * that a large backlog is worked off by and by and no statement holds the database for long. What the days cost stays, in
 * `usage_daily`: a trigger counts each row when it comes, and none takes it out again when the row goes.
 */
import type { Ms } from '../schema/units.ts'

const DAY_MS = 86_400_000
/** Variables of the Worker, in days, and what holds without them. */
const KEPT_DAYS = { USAGE_DAYS: 400, DECISION_DAYS: 30 } as const
/** A late settlement may still replace an orphan's row for a day; what a failing database made wait comes within the other. */
const LEAST_DAYS = 2
/** A statement of this many rows takes D1 some tens of milliseconds; a page holds the decisions of up to some hundred rows. */
const AT_ONCE = { usage: 1_000, decision_pages: 50 } as const
/** Of each table in one run; a minute later the next run goes on. */
const STEPS_AT_ONCE = 5
/** The oldest, and of these those that are too old. Pages are numbered in the order of their time. */
const OLDEST = {
  usage:
    'DELETE FROM usage WHERE decision_id IN (SELECT decision_id FROM usage INDEXED BY usage_by_time WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)',
  decision_pages:
    'DELETE FROM decision_pages WHERE id IN (SELECT id FROM (SELECT id, at_ms FROM decision_pages ORDER BY id LIMIT ?2) WHERE at_ms < ?1)',
} as const

export type Removed = { usage: number; decision_pages: number }

/** For the Worker's `scheduled` handler. */
export async function removeOld(env: Pick<Env, 'DB'>, now_ms: Ms): Promise<Removed> {
  const before = (name: keyof typeof KEPT_DAYS): Ms => now_ms - keptDays(env as unknown as Record<string, unknown>, name) * DAY_MS
  return {
    usage: await removeFrom(env.DB, 'usage', before('USAGE_DAYS')),
    decision_pages: await removeFrom(env.DB, 'decision_pages', before('DECISION_DAYS')),
  }
}

/** A number that cannot be meant holds back nothing and removes nothing more: what holds without it holds. */
export function keptDays(variables: Record<string, unknown>, name: keyof typeof KEPT_DAYS): number {
  const days = Number(variables[name])
  return Number.isFinite(days) && days >= LEAST_DAYS ? days : KEPT_DAYS[name]
}

async function removeFrom(db: D1Database, table: keyof typeof OLDEST, before_ms: Ms): Promise<number> {
  const statement = db.prepare(OLDEST[table]).bind(before_ms, AT_ONCE[table])
  let removed = 0
  for (let step = 0; step < STEPS_AT_ONCE; step++) {
    const { meta } = await statement.run()
    removed += meta.changes
    if (meta.changes < AT_ONCE[table]) break
  }
  return removed
}
