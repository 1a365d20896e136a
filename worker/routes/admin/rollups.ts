/**
 * What stays of usage when its rows are gone, and whether the books agree. Roll-ups by day, as JSON, CSV or JSON lines; the usage object's own
 * books beside the rows in D1.
 */
import * as z from 'zod'
import { err, ok } from '../../core/result.ts'
import { orgId } from '../../schema/ids.ts'
import { micros, ms } from '../../schema/units.ts'
import { compareBooks } from '../../store/books.ts'
import { checkedBooks } from '../../store/books-check.ts'
import { DAILY_COLUMNS, dailyRows, dayNumber } from '../../store/usage-daily.ts'
import { maySee } from './key-view.ts'
import { cursor, nextCursor, readCursor, writeCursor } from './paging.ts'
import { type Route, route } from './route.ts'
import { exported } from './usage.ts'

const day = () =>
  z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, 'a day is 2026-11-24')
    .refine(text => !Number.isNaN(Date.parse(text)), 'there is no such day')
    .optional()
const cell = () => z.union([z.string(), z.number(), z.null()])
const dailyRow = () => z.strictObject(Object.fromEntries(DAILY_COLUMNS.map(name => [name, cell()])))

const bookDay = () =>
  z.strictObject({
    day: z.string(),
    object_micros: micros,
    rows_micros: micros,
    cost_unknown: z.int(),
    agrees: z.boolean().nullable().describe('Null while the day moves: rows are on their way, or something was spent just now.'),
  })
const ORGS_AT_MOST = 1_000

export const ROLLUP_ROUTES: Route[] = [
  route({
    id: 'usage.daily',
    method: 'GET',
    path: '/admin/v1/usage/daily',
    role: 'viewer',
    reach: 'org',
    summary: 'What each day cost by team, key and target, oldest first; kept when the rows are gone',
    query: () =>
      z.strictObject({
        from: day().describe('From this day on (UTC); the first there is where absent.'),
        to: day().describe('Up to, and without, this day.'),
        org: z.string().max(60).optional(),
        limit: z.coerce.number().int().min(1).max(1_000).default(100),
        cursor: cursor(),
        format: z.enum(['json', 'csv', 'jsonl']).default('json'),
      }),
    answer: () => z.strictObject({ rows: z.array(dailyRow()), cursor: nextCursor() }),
    async handle({ actor, query, world }) {
      const after = query.cursor === undefined ? null : readCursor(query.cursor, 5)
      if (after === null && query.cursor !== undefined)
        return err({ code: 'invalid_request', param: 'cursor', message: 'this cursor was not given by this query' })
      const org = actor.org ?? query.org
      // Another organisation's is not there.
      const hidden = actor.org !== null && query.org !== undefined && query.org !== actor.org
      const from_day = query.from === undefined ? 0 : dayNumber(query.from)
      const to_day = hidden ? from_day : query.to === undefined ? Number.MAX_SAFE_INTEGER : dayNumber(query.to)
      const page = await dailyRows(world.env.DB, { ...(org !== undefined && { org }), from_day, to_day }, after, query.limit)
      const next = page.last && page.rows.length === query.limit ? writeCursor(page.last) : null
      return query.format === 'json'
        ? ok({ rows: page.rows, cursor: next })
        : ok(exported(query.format, DAILY_COLUMNS, page.rows, next, 'usage-daily'))
    },
  }),
  route({
    id: 'books.list',
    method: 'GET',
    path: '/admin/v1/books',
    role: 'viewer',
    reach: 'org',
    summary: 'What the hourly comparisons of the books last said, those that differ first',
    query: () => z.strictObject({ org: orgId.optional(), limit: z.coerce.number().int().min(1).max(ORGS_AT_MOST).default(ORGS_AT_MOST) }),
    answer: () =>
      z.strictObject({
        books: z.array(
          z.strictObject({ org: z.string(), checked_at_ms: ms, differs_since_ms: ms.nullable(), differences: z.array(bookDay()) }),
        ),
      }),
    async handle({ actor, query, world }) {
      const hidden = query.org !== undefined && !maySee(actor, query.org)
      return ok({ books: hidden ? [] : await checkedBooks(world.env.DB, actor.org ?? query.org ?? null, query.limit) })
    },
  }),
  route({
    id: 'orgs.books',
    method: 'GET',
    path: '/admin/v1/orgs/:org/books',
    role: 'viewer',
    reach: 'org',
    summary: "Whether the usage object's spend and the rows in D1 agree, day by day, for about a month",
    params: () => z.strictObject({ org: orgId }),
    answer: () =>
      z.strictObject({ org: orgId, on_their_way: z.int().describe('Rows that D1 does not have yet.'), days: z.array(bookDay()) }),
    async handle({ actor, params: { org }, world }) {
      if (!maySee(actor, org)) return err({ code: 'resource_not_found', kind: 'organisation', id: org })
      return ok(await compareBooks(world.env, org))
    },
  }),
]
