/**
 * Admins' own keys. Only an owner makes or revokes them, and the first one is made by a command, where there is no owner yet.
 */
import * as z from 'zod'
import { err, ok } from '../../core/result.ts'
import { type AdminRecord, adminRecord, role } from '../../schema/admin.ts'
import { keyId } from '../../schema/ids.ts'
import { revokeAdmin } from '../../store/admins.ts'
import { adminRecords } from '../../store/key-records.ts'
import { makeAdminKey } from '../../store/keys.ts'
import { newestPepper } from '../../store/secret-hmac.ts'
import { change } from './change.ts'
import { cursor, limit, nextCursor } from './paging.ts'
import { type Route, route } from './route.ts'

const view = () => adminRecord.omit({ v: true, secret_hmac: true, pepper: true })
const viewOf = ({ v, secret_hmac, pepper, ...shown }: AdminRecord): z.infer<ReturnType<typeof view>> => shown
const { label, org, expires_at_ms } = adminRecord.shape

export const ADMIN_KEY_ROUTES: Route[] = [
  route({
    id: 'me.get',
    method: 'GET',
    path: '/admin/v1/me',
    role: 'viewer',
    reach: 'org',
    summary: 'Who this key is, and what it may do',
    answer: () => z.strictObject({ actor: z.string(), role, org: z.string().nullable() }),
    handle: async ({ actor: { name, role, org } }) => ok({ actor: name, role, org }),
  }),
  route({
    id: 'admin_keys.list',
    method: 'GET',
    path: '/admin/v1/admin-keys',
    role: 'owner',
    reach: 'router',
    summary: "Admins' keys, by their last four characters",
    query: () => z.strictObject({ limit: limit(), cursor: cursor() }),
    answer: () => z.strictObject({ admin_keys: z.array(view()), cursor: nextCursor() }),
    async handle({ query, world }) {
      const page = await adminRecords(world.env.KV).page(query.cursor, query.limit)
      return ok({ admin_keys: page.records.map(viewOf), cursor: page.cursor })
    },
  }),
  route({
    id: 'admin_keys.create',
    method: 'POST',
    path: '/admin/v1/admin-keys',
    role: 'owner',
    reach: 'router',
    summary: "Makes an admin's key and shows it once",
    body: () => z.strictObject({ label, role, org, expires_at_ms }),
    answer: () => view().extend({ key: z.string().describe('Shown this once; it is stored nowhere.') }),
    status: 201,
    async handle(call) {
      const pepper = newestPepper(call.world.variables)
      if (!pepper) return err({ code: 'keys_unavailable', message: 'the operator has to set KEY_PEPPER.' })
      const { key, admin } = await makeAdminKey(pepper.pepper, { ...call.body, pepper: pepper.name }, call.world.now_ms)
      const what = { subject: admin.key_id, org: admin.org, before: null, after: admin, detail: call.body }
      const done = await change(call, what, () => adminRecords(call.world.env.KV).put(admin))
      return done.ok ? ok({ ...viewOf(admin), key }) : done
    },
  }),
  route({
    id: 'admin_keys.revoke',
    method: 'POST',
    path: '/admin/v1/admin-keys/:key_id/revoke',
    role: 'owner',
    reach: 'router',
    summary: "Ends an admin's key, from the next request on",
    params: () => z.strictObject({ key_id: keyId }),
    answer: view,
    async handle(call) {
      const { env, now_ms } = call.world
      const before = await adminRecords(env.KV).get(call.params.key_id)
      if (!before) return err({ code: 'resource_not_found', kind: 'admin key', id: call.params.key_id })
      const after = { ...before, revoked_at_ms: before.revoked_at_ms ?? now_ms }
      const what = { subject: after.key_id, org: after.org, before, after, detail: { revoked_at_ms: after.revoked_at_ms } }
      const done = await change(call, what, async () => {
        await revokeAdmin(env.DB, after.key_id, now_ms)
        await adminRecords(env.KV).put(after)
      })
      return done.ok ? ok(viewOf(after)) : done
    },
  }),
]
