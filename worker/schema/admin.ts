/**
 * Who may run the router: an admin's key and its role, and what is written down of everything an admin changes. An admin is
 * no caller: an admin's key cannot ask a model, and a caller's key cannot change anything.
 */
import * as z from 'zod'
import { keyId, orgId } from './ids.ts'
import { ms } from './units.ts'

/**
 * Each may do what those before it may. `viewer`: looks. `operator`: routes, by policies and by isolating targets. `admin`:
 * callers' keys and budgets, and reads the audit log. `owner`: admins' keys, and the catalogue, whose addresses say where
 * providers' credentials are sent.
 */
export const ROLES = ['viewer', 'operator', 'admin', 'owner'] as const
export const role = z.enum(ROLES)
export type Role = z.infer<typeof role>

export const isAtLeast = (have: Role, need: Role): boolean => ROLES.indexOf(have) >= ROLES.indexOf(need)

/** Stored in KV under `admin/<key id>`, like a caller's: an HMAC, and nothing from which the key could be made. */
export const adminRecord = z.strictObject({
  v: z.literal(1),
  key_id: keyId,
  secret_hmac: z.string().regex(/^[0-9a-f]{64}$/),
  pepper: z.string().default('1'),
  last4: z.string().length(4),
  label: z.string().max(100),
  role,
  /** Null: the whole router. Else this organisation's keys, budgets, usage and decisions, and nothing of the router itself. */
  org: orgId.nullable().default(null),
  created_at_ms: ms,
  expires_at_ms: ms.nullable().default(null),
  revoked_at_ms: ms.nullable().default(null),
})
export type AdminRecord = z.infer<typeof adminRecord>

const stateHash = () => z.string().regex(/^[0-9a-f]{64}$/)

/** One change. Each entry's hash covers the one before it, under the Worker's pepper. */
export const auditEntry = () =>
  z.strictObject({
    seq: z.int().min(1),
    at_ms: ms,
    /** `key:<admin key id>`, or `access:<who Cloudflare Access says it is>`. */
    actor: z.string(),
    role,
    /** The operation, as the API's document calls it. */
    action: z.string(),
    /** What was changed: a key id, a policy's name, a target. */
    subject: z.string(),
    org: orgId.nullable(),
    /** What the change was, without secrets. */
    detail: z.record(z.string(), z.unknown()),
    /** SHA-256 of the record before and after; null where there was none, or is none any more. */
    before_hash: stateHash().nullable(),
    after_hash: stateHash().nullable(),
    pepper: z.string(),
    previous_hash: z.string(),
    hash: stateHash(),
  })
export type AuditEntry = z.infer<ReturnType<typeof auditEntry>>
