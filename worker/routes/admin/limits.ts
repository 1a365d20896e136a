/**
 * Limits of a whole organisation and of its teams, and the webhook that is told when a soft one is passed. One record an
 * organisation; isolates know of a change within a minute and a half, as with a key's rights.
 */
import * as z from 'zod'
import { err, ok } from '../../core/result.ts'
import { webhookUrl } from '../../core/spend/notice.ts'
import { orgId } from '../../schema/ids.ts'
import { type AccountLimits, limits, type OrgLimits, orgLimits, unusual } from '../../schema/limits.ts'
import { putLimits, storedLimits } from '../../store/org-limits.ts'
import { newestPepper, pepperNamed } from '../../store/secret-hmac.ts'
import { ORG_ACCOUNT, teamAccount } from '../../store/usage-accounts.ts'
import { webhookSecret } from '../../store/webhook.ts'
import { change } from './change.ts'
import { maySee } from './key-view.ts'
import { type LimitView, limitView, limitViews, openAccount } from './limit-view.ts'
import { type AdminWorld, type Route, route } from './route.ts'

const params = () => z.strictObject({ org: orgId })
const orgView = () =>
  z.strictObject({
    org: orgId,
    limits: limitView(),
    teams: z.record(z.string(), limitView()),
    unusual: unusual.nullable(),
    webhook: z.strictObject({ url: z.string() }).nullable(),
  })
const TEAMS_AT_MOST = 500

export const LIMIT_ROUTES: Route[] = [
  route({
    id: 'limits.get',
    method: 'GET',
    path: '/admin/v1/orgs/:org/limits',
    role: 'viewer',
    reach: 'org',
    summary: "An organisation's limits and its teams', with what is spent and left",
    params,
    answer: orgView,
    async handle({ actor, params: { org }, world }) {
      if (!maySee(actor, org)) return err({ code: 'resource_not_found', kind: 'organisation', id: org })
      return ok(await viewOf(await recordOf(org, world), world))
    },
  }),
  route({
    id: 'limits.set',
    method: 'PUT',
    path: '/admin/v1/orgs/:org/limits',
    role: 'admin',
    reach: 'org',
    summary: "Replaces an organisation's limits, its teams', what is done about unusual spend, or its webhook: each where it is given",
    params,
    body: () =>
      z
        .strictObject({
          limits,
          teams: orgLimits.shape.teams.unwrap(),
          unusual: unusual.nullable(),
          webhook: z.strictObject({ url: z.string().max(500) }).nullable(),
        })
        .partial(),
    answer: () =>
      orgView().extend({
        webhook_secret: z
          .string()
          .optional()
          .describe('With a webhook: what its calls are signed by (Standard Webhooks). It is stored nowhere.'),
      }),
    async handle(call) {
      const { org } = call.params
      const { world, body } = call
      if (!maySee(call.actor, org)) return err({ code: 'resource_not_found', kind: 'organisation', id: org })
      if (Object.keys(body.teams ?? {}).length > TEAMS_AT_MOST)
        return err({ code: 'invalid_request', param: 'teams', message: `at most ${TEAMS_AT_MOST} teams` })
      const url = body.webhook ? webhookUrl(body.webhook.url) : null
      if (url && !url.ok) return err({ code: 'invalid_request', param: 'webhook.url', message: `webhook.url: ${url.error}` })
      const pepper = newestPepper(world.variables)
      if (url && !pepper) return err({ code: 'keys_unavailable', message: 'the operator has to set KEY_PEPPER.' })
      const before = await recordOf(org, world)
      const webhook = body.webhook === undefined ? before.webhook : url && pepper ? { url: url.value.href, pepper: pepper.name } : null
      const after: OrgLimits = {
        ...before,
        limits: body.limits ?? before.limits,
        teams: body.teams ?? before.teams,
        unusual: body.unusual === undefined ? before.unusual : body.unusual,
        webhook,
      }
      const detail = { limits: after.limits, teams: after.teams, unusual: after.unusual, webhook: webhook?.url ?? null }
      const done = await change(call, { subject: org, org, before, after, detail }, async () => {
        for (const { account, ...each } of accountsOf(after)) await openAccount(world.env, org, account, each, world.now_ms)
        await putLimits(world.env.KV, after)
      })
      if (!done.ok) return done
      const signer = webhook && pepperNamed(webhook.pepper, world.variables)
      return ok({
        ...(await viewOf(after, world)),
        ...(webhook && signer && { webhook_secret: await webhookSecret(signer, org, webhook.url) }),
      })
    },
  }),
]

async function recordOf(org: string, { env }: AdminWorld): Promise<OrgLimits> {
  return (await storedLimits(env.KV, org)) ?? orgLimits.parse({ v: 1, org, limits: {} })
}

const accountsOf = (record: OrgLimits): AccountLimits[] => [
  { account: ORG_ACCOUNT, ...record.limits },
  ...Object.entries(record.teams).map(([team, each]) => ({ account: teamAccount(team), ...each })),
]

async function viewOf(record: OrgLimits, { env, now_ms }: AdminWorld): Promise<z.infer<ReturnType<typeof orgView>>> {
  const [whole, ...teams] = await limitViews(env, record.org, accountsOf(record), now_ms)
  return {
    org: record.org,
    limits: whole as LimitView,
    teams: Object.fromEntries(Object.keys(record.teams).map((team, i) => [team, teams[i] as LimitView])),
    unusual: record.unusual,
    webhook: record.webhook && { url: record.webhook.url },
  }
}
