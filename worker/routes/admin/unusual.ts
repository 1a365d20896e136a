/**
 * What an organisation and its keys usually spend in an hour, who is stopped for spending many times that, and letting them go on.
 */
import * as z from 'zod'
import { err, ok } from '../../core/result.ts'
import { orgId } from '../../schema/ids.ts'
import { unusual } from '../../schema/limits.ts'
import { micros } from '../../schema/units.ts'
import { storedLimits } from '../../store/org-limits.ts'
import { change } from './change.ts'
import { maySee } from './key-view.ts'
import { type Route, route } from './route.ts'

const params = () => z.strictObject({ org: orgId })
const account = () =>
  z
    .string()
    .max(80)
    .regex(/^(org|key:[A-Za-z0-9_-]+)$/, '`org`, or `key:` and a key id')
const usual = () =>
  z.strictObject({
    account: z.string(),
    usual_micros: micros.nullable().describe('Median of the hours with spend within a week; null while there are too few.'),
    at_most_micros: micros.nullable().describe('What passes is unusual.'),
    hours_known: z.int(),
    spent_micros: micros.describe('In this hour.'),
    held_micros: micros,
    unusual: z.boolean().describe('It was stopped, or told of, in this hour.'),
  })

export const UNUSUAL_ROUTES: Route[] = [
  route({
    id: 'unusual.get',
    method: 'GET',
    path: '/admin/v1/orgs/:org/unusual-spend',
    role: 'viewer',
    reach: 'org',
    summary: 'What an organisation and its keys usually spend in an hour, and spend in this one',
    params,
    answer: () => z.strictObject({ org: orgId, unusual: unusual.nullable(), accounts: z.array(usual()) }),
    async handle({ actor, params: { org }, world }) {
      if (!maySee(actor, org)) return err({ code: 'resource_not_found', kind: 'organisation', id: org })
      const rule = (await storedLimits(world.env.KV, org))?.unusual ?? null
      const accounts = rule === null ? [] : await world.env.USAGE.getByName(org).usual(rule)
      return ok({ org, unusual: rule, accounts })
    },
  }),
  route({
    id: 'unusual.lift',
    method: 'POST',
    path: '/admin/v1/orgs/:org/unusual-spend/lift',
    role: 'admin',
    reach: 'org',
    summary: 'Lets an account that was stopped go on: what is usual is learned anew, and nothing is judged meanwhile',
    params,
    body: () => z.strictObject({ account: account() }),
    answer: () => z.strictObject({ org: orgId, account: z.string() }),
    async handle(call) {
      const { org } = call.params
      const { account } = call.body
      const missing = () => err({ code: 'resource_not_found' as const, kind: 'watched account', id: account })
      if (!maySee(call.actor, org)) return err({ code: 'resource_not_found', kind: 'organisation', id: org })
      const object = call.world.env.USAGE.getByName(org)
      const rule = (await storedLimits(call.world.env.KV, org))?.unusual
      const before = rule && (await object.usual(rule)).find(each => each.account === account)
      if (!before) return missing()
      const done = await change(call, { subject: `${org} ${account}`, org, before, after: null, detail: { account } }, async () => {
        await object.liftUnusual(account)
      })
      return done.ok ? ok({ org, account }) : done
    },
  }),
]
