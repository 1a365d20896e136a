/**
 * Decisions of any organisation that the admin may see: a list, by the rows they became, and each one whole with its reasons.
 */
import * as z from 'zod'
import { explain } from '../../core/decide/explain.ts'
import { err, ok } from '../../core/result.ts'
import { decisionId, orgId } from '../../schema/ids.ts'
import { ms } from '../../schema/units.ts'
import { type DecisionPage, decisionPages } from '../../store/decision-pages.ts'
import { findDecision } from '../../store/decisions.ts'
import { orgOfDecision } from '../../store/usage-query.ts'
import { cursor, limit, nextCursor, readCursor, writeCursor } from './paging.ts'
import { type Route, route } from './route.ts'
import { filterQuery, instant, ndjson, rowsFor, usageRow } from './usage.ts'

const BRIEF = {
  decision_id: true,
  at_ms: true,
  org: true,
  key_id: true,
  requested_model: true,
  policy: true,
  policy_version: true,
  task: true,
  planned_target: true,
  target: true,
  outcome: true,
  error_code: true,
  cost_micros: true,
  total_ms: true,
} as const
/** Some 300 kB each. */
const PAGES_AT_MOST = 20
/** Both texts are JSON already. */
const lineOf = ({ id, org, at_ms, shared, records }: DecisionPage) =>
  `{"id":${id},"org":${JSON.stringify(org)},"at_ms":${at_ms},"shared":${shared},"records":${records}}\n`
const brief = () => usageRow().pick(BRIEF)

export const DECISION_ROUTES: Route[] = [
  route({
    id: 'decisions.list',
    method: 'GET',
    path: '/admin/v1/decisions',
    role: 'viewer',
    reach: 'org',
    summary: 'Decisions that were carried out, newest first',
    query: () => z.strictObject({ ...filterQuery(), limit: limit(), cursor: cursor() }),
    answer: () => z.strictObject({ decisions: z.array(brief()), cursor: nextCursor() }),
    async handle(call) {
      const page = await rowsFor(call, call.query)
      if (!page.ok) return page
      const names = Object.keys(BRIEF) as (keyof typeof BRIEF)[]
      const decisions = page.value.rows.map(
        row => Object.fromEntries(names.map(name => [name, row[name]])) as z.infer<ReturnType<typeof brief>>,
      )
      return ok({ decisions, cursor: page.value.cursor })
    },
  }),
  route({
    id: 'decisions.pages',
    method: 'GET',
    path: '/admin/v1/decision-pages',
    role: 'viewer',
    reach: 'org',
    summary: 'Every decision there is, as they are stored: in pages of what was written together, oldest first',
    query: () =>
      z.strictObject({
        from: instant().describe('Written from this instant on (UTC).'),
        to: instant().describe('Up to, and without, this instant.'),
        org: z.string().max(60).optional(),
        limit: z.coerce
          .number()
          .int()
          .min(1)
          .max(PAGES_AT_MOST)
          .default(PAGES_AT_MOST)
          .describe('Pages at most; fewer where they are large.'),
        cursor: cursor(),
        format: z.enum(['json', 'jsonl']).default('json').describe('With jsonl the next cursor is in the header x-signalbox-cursor.'),
      }),
    answer: () =>
      z.strictObject({
        pages: z.array(
          z.strictObject({
            id: z.int(),
            org: z.string(),
            at_ms: ms,
            shared: z.array(z.unknown()),
            records: z.record(z.string(), z.unknown()),
          }),
        ),
        cursor: nextCursor(),
      }),
    async handle({ actor, query, world }) {
      const after = query.cursor === undefined ? [0] : readCursor(query.cursor, 1)
      if (after === null) return err({ code: 'invalid_request', param: 'cursor', message: 'this cursor was not given by this query' })
      const hidden = actor.org !== null && query.org !== undefined && query.org !== actor.org
      const from_ms = query.from === undefined ? 0 : Date.parse(query.from)
      const to_ms = hidden ? from_ms : query.to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(query.to)
      const wanted = { from_ms, to_ms, org: actor.org ?? query.org ?? null }
      const pages = await decisionPages(world.env.DB, wanted, Number(after[0]), query.limit)
      const last = pages.at(-1)
      const next = last ? writeCursor([last.id]) : null
      if (query.format === 'jsonl') return ok(ndjson(pages.map(lineOf).join(''), next, 'decision-pages'))
      const read = pages.map(page => ({ ...page, shared: JSON.parse(page.shared), records: JSON.parse(page.records) }))
      return ok({ pages: read, cursor: next })
    },
  }),
  route({
    id: 'decisions.get',
    method: 'GET',
    path: '/admin/v1/decisions/:decision_id',
    role: 'viewer',
    reach: 'org',
    summary: 'Why a request went where it went, and what came of it',
    params: () => z.strictObject({ decision_id: decisionId }),
    query: () => z.strictObject({ org: orgId.optional().describe('Finds a decision of the last second, which D1 does not have yet.') }),
    answer: () => z.looseObject({ object: z.literal('decision'), decision_id: decisionId, explanation: z.array(z.string()) }),
    async handle({ actor, params: { decision_id }, query, world }) {
      const org = actor.org ?? query.org ?? (await orgOfDecision(world.env.DB, decision_id))
      const found = org === null ? null : await findDecision(world.env, org, decision_id)
      if (!found) return err({ code: 'resource_not_found', kind: 'decision', id: decision_id })
      const losses = found.usage?.losses ?? found.record.losses
      return ok({ object: 'decision' as const, ...found.record, losses, explanation: explain(found.record), usage: found.usage })
    },
  }),
]
