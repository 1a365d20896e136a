/**
 * Decisions of any organisation that the admin may see: a list, by the rows they became, and each one whole with its reasons.
 */
import * as z from 'zod'
import { explain } from '../../core/decide/explain.ts'
import { err, ok } from '../../core/result.ts'
import { decisionId, orgId } from '../../schema/ids.ts'
import { findDecision } from '../../store/decisions.ts'
import { orgOfDecision } from '../../store/usage-query.ts'
import { cursor, limit, nextCursor } from './paging.ts'
import { type Route, route } from './route.ts'
import { filterQuery, rowsFor, usageRow } from './usage.ts'

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
