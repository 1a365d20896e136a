/**
 * Usage: sums by whatever is asked, and the rows behind them; as JSON, as CSV, or as JSON lines. An admin of one organisation
 * sees that organisation's, whatever is asked for.
 */
import * as z from 'zod'
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Ms } from '../../schema/units.ts'
import { type Filters, GROUPS, type Group, ROW_COLUMNS, usageRows, usageSums } from '../../store/usage-query.ts'
import { csv, jsonLines } from './lines.ts'
import { cursor, nextCursor, readCursor, writeCursor } from './paging.ts'
import { type Call, type Route, route, Text } from './route.ts'

const DAY_MS = 86_400_000
const DAYS_BY_DEFAULT = 7
const GROUPS_AT_MOST = 4
export const instant = () =>
  z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/, {
      error: 'an instant is 2026-11-24 or 2026-11-24T09:00:00Z',
      abort: true,
    })
    .refine(text => !Number.isNaN(Date.parse(text)), 'there is no such day')
    .optional()
const text = () => z.string().max(200).optional()
export const filterQuery = () => ({
  from: instant().describe(`From this instant on (UTC); ${DAYS_BY_DEFAULT} days before \`to\` where absent.`),
  to: instant().describe('Up to, and without, this instant; now where absent.'),
  org: text(),
  team: text(),
  key: text(),
  target: text(),
  provider: text(),
  policy: text(),
  task: text(),
  outcome: text(),
  loss: text().describe('Lost by translation: a field without its places, as in messages[].content[].cache_control.'),
})
const paged = () => ({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('Rows on a page.'),
  cursor: cursor(),
  format: z
    .enum(['json', 'csv', 'jsonl'])
    .default('json')
    .describe('With csv and jsonl the next cursor is in the header x-signalbox-cursor.'),
})
const groupNames = Object.keys(GROUPS) as [Group, ...Group[]]
const group_by = () =>
  z
    .string()
    .default('day')
    .refine(names => groupsIn(names) !== null, `group_by takes up to ${GROUPS_AT_MOST} of ${groupNames.join(', ')}, separated by commas`)
    .describe(`Up to ${GROUPS_AT_MOST} of ${groupNames.join(', ')}, separated by commas.`)

const count = () => z.int().min(0)
const sums = () =>
  z.strictObject({
    ...(Object.fromEntries(groupNames.map(name => [name, z.string().nullable().optional()])) as Record<
      Group,
      z.ZodOptional<z.ZodNullable<z.ZodString>>
    >),
    requests: count(),
    completed: count(),
    failed: count(),
    caller_left: count(),
    orphans: count(),
    input_tokens: count().nullable(),
    output_tokens: count().nullable(),
    cost_micros: z.int().nullable().describe('The sum of what is known.'),
    own_cost_micros: z.int().nullable().describe('What was called with keys that callers brought; in no other sum.'),
    cost_unknown: count().describe('Requests whose cost nobody knows; they are not in the sum.'),
    estimated: count().describe('Requests whose tokens are our own count.'),
    lossy: count().describe(
      'Requests that lost something by translation; group_by=loss tells what. One that lost several is counted under each.',
    ),
    energy_wh: z.number().nullable(),
    co2e_g: z.number().nullable(),
    cost_estimated: count().describe('Requests whose cost rests in part on counts of our own.'),
    first_token_ms: z.int().nullable(),
    total_ms: z.int().nullable(),
  })
const sumColumns = () => Object.keys(sums().shape).filter(name => !groupNames.includes(name as Group))
export const usageRow = () =>
  z.strictObject(
    Object.fromEntries(ROW_COLUMNS.map(name => [name, z.union([z.string(), z.number(), z.null()])])) as Record<
      (typeof ROW_COLUMNS)[number],
      z.ZodUnion<[z.ZodString, z.ZodNumber, z.ZodNull]>
    >,
  )

export const USAGE_ROUTES: Route[] = [
  route({
    id: 'usage.sums',
    method: 'GET',
    path: '/admin/v1/usage',
    role: 'viewer',
    reach: 'org',
    summary:
      'Requests, tokens, cost, energy and times, summed by day, hour, org, team, key, target, provider, policy, task, outcome or loss',
    query: () => z.strictObject({ ...filterQuery(), group_by: group_by(), ...paged() }),
    answer: () => z.strictObject({ group_by: z.array(z.string()), rows: z.array(sums()), cursor: nextCursor() }),
    async handle(call) {
      const groups = groupsIn(call.query.group_by) ?? ['day']
      const filters = filtersOf(call, call.query)
      const after = call.query.cursor === undefined ? null : readCursor(call.query.cursor, groups.length)
      if (!filters.ok) return filters
      if (after === null && call.query.cursor !== undefined) return badCursor()
      const rows = await usageSums(call.world.env.DB, filters.value, groups, after, call.query.limit)
      const last = rows.at(-1)
      const next = last && rows.length === call.query.limit ? writeCursor(groups.map(group => last[group] ?? '')) : null
      return call.query.format === 'json'
        ? ok({ group_by: groups, rows, cursor: next })
        : ok(exported(call.query.format, [...groups, ...sumColumns()], rows, next, 'usage'))
    },
  }),
  route({
    id: 'usage.rows',
    method: 'GET',
    path: '/admin/v1/usage/rows',
    role: 'viewer',
    reach: 'org',
    summary: 'One row for each request that was sent on, newest first',
    query: () => z.strictObject({ ...filterQuery(), ...paged() }),
    answer: () => z.strictObject({ rows: z.array(usageRow()), cursor: nextCursor() }),
    async handle(call) {
      const page = await rowsFor(call, call.query)
      if (!page.ok) return page
      const { rows, cursor } = page.value
      return call.query.format === 'json' ? ok({ rows, cursor }) : ok(exported(call.query.format, ROW_COLUMNS, rows, cursor, 'usage-rows'))
    },
  }),
]

type Asked = { [Name in keyof ReturnType<typeof filterQuery>]?: string | undefined }
type UsageRow = z.infer<ReturnType<typeof usageRow>>

/** A page of rows; also what the list of decisions is made of. */
export async function rowsFor(
  call: Call,
  asked: Asked & { limit: number; cursor?: string | undefined },
): Promise<Result<{ rows: UsageRow[]; cursor: string | null }, GatewayError>> {
  const filters = filtersOf(call, asked)
  if (!filters.ok) return filters
  const after = asked.cursor === undefined ? null : readCursor(asked.cursor, 2)
  if (after === null && asked.cursor !== undefined) return badCursor()
  const rows = (await usageRows(call.world.env.DB, filters.value, after, asked.limit)) as UsageRow[]
  const last = rows.at(-1)
  return ok({ rows, cursor: last && rows.length === asked.limit ? writeCursor([Number(last.at_ms), String(last.decision_id)]) : null })
}

function filtersOf({ actor, world }: Call, { from, to, ...wanted }: Asked): Result<Filters, GatewayError> {
  const to_ms: Ms = to === undefined ? world.now_ms + 1 : Date.parse(to)
  const from_ms: Ms = from === undefined ? to_ms - DAYS_BY_DEFAULT * DAY_MS : Date.parse(from)
  if (from_ms >= to_ms) return err({ code: 'invalid_request', param: 'from', message: 'from must be before to' })
  const { org, team, key, target, provider, policy, task, outcome, loss } = wanted
  const filters: Filters = { from_ms, to_ms }
  for (const [name, value] of Object.entries({ team, key, target, provider, policy, task, outcome, loss }))
    if (value !== undefined) filters[name as 'team'] = value
  const own = actor.org ?? org
  if (own !== undefined) filters.org = own
  // Asking for another organisation's gives what there is of it here: nothing.
  if (actor.org !== null && org !== undefined && org !== actor.org) filters.from_ms = to_ms
  return ok(filters)
}

function groupsIn(names: string): Group[] | null {
  const groups = names.split(',')
  const known = groups.every((name): name is Group => Object.hasOwn(GROUPS, name))
  return known && groups.length <= GROUPS_AT_MOST && new Set(groups).size === groups.length ? (groups as Group[]) : null
}

const badCursor = () => err<GatewayError>({ code: 'invalid_request', param: 'cursor', message: 'this cursor was not given by this query' })

/** A page as a file; the next one's cursor is in a header. */
export function exported(
  format: 'csv' | 'jsonl',
  columns: readonly string[],
  rows: Record<string, string | number | null | undefined>[],
  next: string | null,
  name: string,
): Text {
  return format === 'csv' ? file(csv(columns, rows), next, `${name}.csv`, 'text/csv; charset=utf-8') : ndjson(jsonLines(rows), next, name)
}

export const ndjson = (lines: string, next: string | null, name: string): Text => file(lines, next, `${name}.jsonl`, 'application/x-ndjson')

function file(body: string, next: string | null, name: string, type: string): Text {
  return new Text(body, {
    'content-type': type,
    'content-disposition': `attachment; filename="${name}"`,
    ...(next === null ? {} : { 'x-signalbox-cursor': next }),
  })
}
