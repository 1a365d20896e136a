/**
 * The audit log, read and verified. There is no route that writes to it, and none that takes anything out.
 */
import * as z from 'zod'
import { ok } from '../../core/result.ts'
import { auditEntry } from '../../schema/admin.ts'
import { listAudit, verifyAudit } from '../../store/audit.ts'
import { limit } from './paging.ts'
import { type Route, route } from './route.ts'

const text = () => z.string().max(200).optional()

export const AUDIT_ROUTES: Route[] = [
  route({
    id: 'audit.list',
    method: 'GET',
    path: '/admin/v1/audit',
    role: 'admin',
    reach: 'router',
    summary: 'Who changed what, newest first',
    query: () =>
      z.strictObject({
        subject: text(),
        action: text(),
        actor: text(),
        before_seq: z.coerce.number().int().min(1).optional().describe('`seq` of the last entry of the page before.'),
        limit: limit(),
      }),
    answer: () => z.strictObject({ entries: z.array(auditEntry()) }),
    async handle({ query, world }) {
      const { subject = null, action = null, actor = null, before_seq = Number.MAX_SAFE_INTEGER } = query
      return ok({ entries: await listAudit(world.env.DB, { before_seq, subject, action, actor }, query.limit) })
    },
  }),
  route({
    id: 'audit.verify',
    method: 'GET',
    path: '/admin/v1/audit/verify',
    role: 'admin',
    reach: 'router',
    summary: 'Walks the chain of hashes and tells where it breaks, if it does',
    answer: () =>
      z.strictObject({
        intact: z.boolean(),
        entries: z.int(),
        last_hash: z.string().describe('Keep it elsewhere, with `entries`: then the newest entries cannot be cut off unseen either.'),
        broken_at_seq: z.int().nullable(),
        why: z.string().nullable(),
      }),
    handle: async ({ world }) => ok(await verifyAudit(world.env.DB, world.variables)),
  }),
]
