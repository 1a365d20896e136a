/**
 * Budgets: what a key's organisation may spend a day, a week, a month, beside what it has spent and what is held for requests
 * under way. The spend is the usage object's own, the very figures that a hard budget is judged by, and not a sum over rows.
 */
import * as z from 'zod'
import { err, ok } from '../../core/result.ts'
import { type Window, windowAt } from '../../core/spend/budget.ts'
import { type Budget, budget, type Caller, caller } from '../../schema/caller.ts'
import { keyId, orgId } from '../../schema/ids.ts'
import { type Ms, micros, ms } from '../../schema/units.ts'
import { callerRecords } from '../../store/key-records.ts'
import { change } from './change.ts'
import { callerFor, keyParams, maySee } from './key-view.ts'
import { cursor, limit, nextCursor } from './paging.ts'
import { type AdminWorld, type Route, route } from './route.ts'

type Ledgers = Awaited<ReturnType<DurableObjectStub<import('../../store/usage-object.ts').UsageObject>['ledgers']>>

const budgetView = () =>
  budget.extend({
    spent_micros: micros.describe("Spent by the key's whole organisation in this window."),
    held_micros: micros.describe('Held for requests under way.'),
    left_micros: micros,
    resets_at_ms: ms,
  })
const keyBudgets = () =>
  z.strictObject({
    key_id: keyId,
    label: z.string(),
    org: orgId,
    team: z.string().nullable(),
    budgets: z.array(budgetView()),
  })
const spend = () => z.strictObject({ spent_micros: micros, held_micros: micros, resets_at_ms: ms })
const ORGS_FROM_KEYS = 2_000

export const BUDGET_ROUTES: Route[] = [
  route({
    id: 'orgs.list',
    method: 'GET',
    path: '/admin/v1/orgs',
    role: 'viewer',
    reach: 'org',
    summary: 'Organisations and their teams, as keys name them',
    answer: () =>
      z.strictObject({
        orgs: z.array(z.strictObject({ org: orgId, keys: z.int(), teams: z.array(z.strictObject({ team: z.string(), keys: z.int() })) })),
        complete: z.boolean().describe(`False where there are more than ${ORGS_FROM_KEYS} keys.`),
      }),
    async handle({ actor, world }) {
      const { records, complete } = await manyCallers(world)
      const orgs = [
        ...Map.groupBy(
          records.filter(record => maySee(actor, record.org)),
          record => record.org,
        ),
      ].map(([org, keys]) => ({
        org,
        keys: keys.length,
        teams: [
          ...Map.groupBy(
            keys.filter(key => key.team !== null),
            key => key.team ?? '',
          ),
        ].map(([team, of]) => ({ team, keys: of.length })),
      }))
      return ok({ orgs, complete })
    },
  }),
  route({
    id: 'orgs.spend',
    method: 'GET',
    path: '/admin/v1/orgs/:org/spend',
    role: 'viewer',
    reach: 'org',
    summary: 'What an organisation has spent, and what is held, today, this week and this month (UTC)',
    params: () => z.strictObject({ org: orgId }),
    answer: () => z.strictObject({ org: orgId, day: spend(), week: spend(), month: spend() }),
    async handle({ actor, params, world }) {
      if (!maySee(actor, params.org)) return err({ code: 'resource_not_found', kind: 'organisation', id: params.org })
      const ledgers = await world.env.USAGE.getByName(params.org).ledgers()
      const of = (window: Window) => ({ ...ledgers[window], resets_at_ms: windowAt(window, world.now_ms).resets_at_ms })
      return ok({ org: params.org, day: of('day'), week: of('week'), month: of('month') })
    },
  }),
  route({
    id: 'budgets.list',
    method: 'GET',
    path: '/admin/v1/budgets',
    role: 'viewer',
    reach: 'org',
    summary: 'The keys that have budgets, with spent and left',
    query: () => z.strictObject({ org: orgId.optional(), limit: limit(), cursor: cursor() }),
    answer: () => z.strictObject({ keys: z.array(keyBudgets()), cursor: nextCursor() }),
    async handle({ actor, query, world }) {
      const page = await callerRecords(world.env.KV).page(query.cursor, query.limit)
      const shown = page.records.filter(
        record => record.budgets.length > 0 && maySee(actor, record.org) && (query.org === undefined || record.org === query.org),
      )
      const orgs = [...new Set(shown.map(record => record.org))]
      const ledgers = new Map(await Promise.all(orgs.map(async org => [org, await world.env.USAGE.getByName(org).ledgers()] as const)))
      const keys = shown.flatMap(record => {
        const ledger = ledgers.get(record.org)
        return ledger ? [viewOf(record, ledger, world.now_ms)] : []
      })
      return ok({ keys, cursor: page.cursor })
    },
  }),
  route({
    id: 'budgets.get',
    method: 'GET',
    path: '/admin/v1/keys/:key_id/budgets',
    role: 'viewer',
    reach: 'org',
    summary: "A key's budgets, with spent and left",
    params: keyParams,
    answer: keyBudgets,
    async handle(call) {
      const found = await callerFor(call, call.params.key_id)
      if (!found.ok) return found
      return ok(viewOf(found.value, await call.world.env.USAGE.getByName(found.value.org).ledgers(), call.world.now_ms))
    },
  }),
  route({
    id: 'budgets.set',
    method: 'PUT',
    path: '/admin/v1/keys/:key_id/budgets',
    role: 'admin',
    reach: 'org',
    summary: "Replaces a key's budgets; an empty list takes them away",
    params: keyParams,
    body: () => z.strictObject({ budgets: caller.shape.budgets.unwrap() }),
    answer: keyBudgets,
    async handle(call) {
      const found = await callerFor(call, call.params.key_id)
      if (!found.ok) return found
      const after: Caller = { ...found.value, budgets: call.body.budgets }
      const what = { subject: after.key_id, org: after.org, before: found.value, after, detail: { budgets: after.budgets } }
      const done = await change(call, what, () => callerRecords(call.world.env.KV).put(after))
      return done.ok ? ok(viewOf(after, await call.world.env.USAGE.getByName(after.org).ledgers(), call.world.now_ms)) : done
    },
  }),
]

function viewOf({ key_id, label, org, team, budgets }: Caller, ledgers: Ledgers, now_ms: Ms): z.infer<ReturnType<typeof keyBudgets>> {
  const of = (each: Budget) => {
    const { spent_micros, held_micros } = ledgers[each.window]
    const left_micros = Math.max(0, each.limit_micros - spent_micros - held_micros)
    return { ...each, spent_micros, held_micros, left_micros, resets_at_ms: windowAt(each.window, now_ms).resets_at_ms }
  }
  return { key_id, label, org, team, budgets: budgets.map(of) }
}

async function manyCallers({ env }: AdminWorld): Promise<{ records: Caller[]; complete: boolean }> {
  const records: Caller[] = []
  let cursor: string | undefined
  do {
    const page = await callerRecords(env.KV).page(cursor, 100)
    records.push(...page.records)
    cursor = page.cursor ?? undefined
  } while (cursor !== undefined && records.length < ORGS_FROM_KEYS)
  return { records, complete: cursor === undefined }
}
