/**
 * The comparison of `books.ts`, by the cron: a few organisations every five minutes, each that spent something lately about once an
 * hour, the longest unchecked first. What was found is kept in D1, where operators read it; a difference is told to the log each
 * time it is seen, and once to the organisation's webhook (`books-notice.ts`). What a check sees on a day that moves it leaves to the next.
 */
import type { OrgId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import { type BookDay, type Books, compareBooks } from './books.ts'
import { type Told, tellOfBooks } from './books-notice.ts'
import type { Send } from './webhook.ts'

const EVERY_MINUTES = 5
const CHECKED_EVERY_MS: Ms = 3_600_000
/** Three calls each, and two more where one differs and somebody is to be told, of the 50 that a scheduled run may make on the free plan beside the sweep's. With more than a hundred busy organisations the round takes longer than an hour. */
const ORGS_AT_ONCE = 8
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

const DUE = `SELECT org, coalesce(told, '{}') AS told FROM (SELECT DISTINCT org FROM usage_daily WHERE day >= ?1) LEFT JOIN books USING (org)
WHERE coalesce(checked_at_ms, 0) <= ?2 ORDER BY coalesce(checked_at_ms, 0), org LIMIT ?3`
const CHECKED = `INSERT INTO books (org, checked_at_ms, differs_since_ms, differences, told) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (org) DO UPDATE SET
checked_at_ms = ?2, differs_since_ms = iif(?3 IS NULL, NULL, coalesce(differs_since_ms, ?3)), differences = ?4, told = ?5`
/** An object that did not answer is asked again in its turn, and does not stand in the others' way; what was known of it stays. */
const NOT_HEARD = `INSERT INTO books (org, checked_at_ms, differs_since_ms, differences) VALUES (?1, ?2, NULL, '[]')
ON CONFLICT (org) DO UPDATE SET checked_at_ms = ?2`

export type Checked = { org: OrgId; checked_at_ms: Ms; differs_since_ms: Ms | null; differences: BookDay[] }

/** For the Worker's `scheduled` handler. Gives the organisations whose books differ. */
export async function checkBooks(env: Pick<Env, 'DB' | 'USAGE' | 'KV'>, now_ms: Ms, send?: Send): Promise<Books[]> {
  if (Math.floor(now_ms / MINUTE_MS) % EVERY_MINUTES !== 0) return []
  const { results } = await env.DB.prepare(DUE)
    .bind(Math.floor(now_ms / DAY_MS) - 1, now_ms - CHECKED_EVERY_MS, ORGS_AT_ONCE)
    .all<{ org: OrgId; told: string }>()
  if (results.length === 0) return []
  const compared = await Promise.allSettled(
    results.map(async ({ org, told }) => {
      const books = await compareBooks(env, org)
      const now_told = await tellOfBooks(env, books, JSON.parse(told) as Told, now_ms, send)
      return { ...books, days: books.days.filter(differs), told: now_told }
    }),
  )
  const found = compared.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  const heard = new Map(found.map(books => [books.org, books]))
  await env.DB.batch(
    results.map(({ org }) => {
      const books = heard.get(org)
      if (!books) return env.DB.prepare(NOT_HEARD).bind(org, now_ms)
      return env.DB.prepare(CHECKED).bind(
        org,
        now_ms,
        books.days.length ? now_ms : null,
        JSON.stringify(books.days),
        JSON.stringify(books.told),
      )
    }),
  )
  return found.filter(({ days }) => days.length > 0).map(({ told: _, ...books }) => books)
}

/** What the last checks said: those that differ first, the longest first. */
export async function checkedBooks(db: D1Database, org: OrgId | null, limit: number): Promise<Checked[]> {
  const { results } = await db
    .prepare(
      'SELECT org, checked_at_ms, differs_since_ms, differences FROM books WHERE ?1 IS NULL OR org = ?1 ORDER BY differs_since_ms IS NULL, differs_since_ms, org LIMIT ?2',
    )
    .bind(org, limit)
    .all<Omit<Checked, 'differences'> & { differences: string }>()
  return results.map(row => ({ ...row, differences: JSON.parse(row.differences) as BookDay[] }))
}

const differs = ({ agrees }: BookDay) => agrees === false
