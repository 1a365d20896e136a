/**
 * Budgets and other limits of keys, and what organisations have spent. Those of teams and of whole organisations are in
 * `limits.ts`.
 */
import * as z from 'zod'
import { err, ok } from '../../core/result.ts'
import { type Window, windowAt } from '../../core/spend/budget.ts'
import { type Caller, caller } from '../../schema/caller.ts'
import { keyId, orgId } from '../../schema/ids.ts'
import { micros, ms } from '../../schema/units.ts'
import { callerRecords } from '../../store/key-records.ts'
import { keyAccount, ORG_ACCOUNT } from '../../store/usage-accounts.ts'
import { change } from './change.ts'
import { callerFor, keyParams, maySee } from './key-view.ts'
import { type LimitView, limitView, limitViews, openAccount } from './limit-view.ts'
import { cursor, limit, nextCursor } from './paging.ts'
import { type AdminWorld, type Route, route } from './route.ts'

const keyBudgets = () => limitView().extend({ key_id: keyId, label: z.string(), org: orgId, team: z.string().nullable() })
type KeyBudgets = z.infer<ReturnType<typeof keyBudgets>>
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
      const [ledgers] = await world.env.USAGE.getByName(params.org).ledgers([ORG_ACCOUNT])
      const of = (window: Window) => ({
        ...(ledgers?.[window] ?? { spent_micros: 0, held_micros: 0 }),
        resets_at_ms: windowAt(window, world.now_ms).resets_at_ms,
      })
      return ok({ org: params.org, day: of('day'), week: of('week'), month: of('month') })
    },
  }),
  route({
    id: 'budgets.list',
    method: 'GET',
    path: '/admin/v1/budgets',
    role: 'viewer',
    reach: 'org',
    summary: 'The keys that have budgets or other limits, with what is spent and left',
    query: () => z.strictObject({ org: orgId.optional(), limit: limit(), cursor: cursor() }),
    answer: () => z.strictObject({ keys: z.array(keyBudgets()), cursor: nextCursor() }),
    async handle({ actor, query, world }) {
      const page = await callerRecords(world.env.KV).page(query.cursor, query.limit)
      const shown = page.records.filter(
        record =>
          (record.budgets.length > 0 || record.rates.length > 0 || record.expensive.length > 0) &&
          maySee(actor, record.org) &&
          (query.org === undefined || record.org === query.org),
      )
      const keys = (await Promise.all([...Map.groupBy(shown, record => record.org)].map(([, records]) => viewsOf(records, world)))).flat()
      return ok({ keys, cursor: page.cursor })
    },
  }),
  route({
    id: 'budgets.get',
    method: 'GET',
    path: '/admin/v1/keys/:key_id/budgets',
    role: 'viewer',
    reach: 'org',
    summary: "A key's budgets and other limits, with what is spent and left",
    params: keyParams,
    answer: keyBudgets,
    async handle(call) {
      const found = await callerFor(call, call.params.key_id)
      if (!found.ok) return found
      return ok(await viewOf(found.value, call.world))
    },
  }),
  route({
    id: 'budgets.set',
    method: 'PUT',
    path: '/admin/v1/keys/:key_id/budgets',
    role: 'admin',
    reach: 'org',
    summary: "Replaces a key's budgets, and its rates and its shares of dear targets where they are given; an empty list takes them away",
    params: keyParams,
    body: () =>
      z.strictObject({
        budgets: caller.shape.budgets.unwrap(),
        rates: caller.shape.rates.unwrap().optional(),
        expensive: caller.shape.expensive.unwrap().optional(),
      }),
    answer: keyBudgets,
    async handle(call) {
      const found = await callerFor(call, call.params.key_id)
      if (!found.ok) return found
      const { budgets, rates = found.value.rates, expensive = found.value.expensive } = call.body
      const after: Caller = { ...found.value, budgets, rates, expensive }
      const detail = { budgets, rates, expensive }
      const done = await change(call, { subject: after.key_id, org: after.org, before: found.value, after, detail }, async () => {
        await openAccount(call.world.env, after.org, keyAccount(after.key_id), after, call.world.now_ms)
        await callerRecords(call.world.env.KV).put(after)
      })
      return done.ok ? ok(await viewOf(after, call.world)) : done
    },
  }),
]

/** Of keys of one organisation. */
async function viewsOf(records: Caller[], { env, now_ms }: AdminWorld): Promise<KeyBudgets[]> {
  const accounts = records.map(({ key_id, budgets, rates, expensive }) => ({ account: keyAccount(key_id), budgets, rates, expensive }))
  const views = await limitViews(env, records[0]?.org ?? '', accounts, now_ms)
  return records.map(({ key_id, label, org, team }, i) => ({ key_id, label, org, team, ...(views[i] as LimitView) }))
}

const viewOf = async (record: Caller, world: AdminWorld): Promise<KeyBudgets> => (await viewsOf([record], world))[0] as KeyBudgets

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
