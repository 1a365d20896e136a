/**
 * Who is administering: from an admin's key to its record. Nothing is kept in memory: admins are few, and a key that was
 * revoked has to be refused by the next request. KV may give a revoked key's record for a minute more, so D1 is asked too.
 *
 * Mistyped, unknown, revoked and expired keys are answered alike, and an unknown id costs the same HMAC as a known one.
 */
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { AdminRecord } from '../schema/admin.ts'
import type { Ms } from '../schema/units.ts'
import { adminRecords } from './key-records.ts'
import { ADMIN_KEY_PREFIX, readKey } from './key-text.ts'
import { adminKey } from './keys.ts'
import { hex, newestPepper, pepperNamed, secretHmac } from './secret-hmac.ts'

type Bindings = Pick<Env, 'KV' | 'DB'>

const INVALID = err<GatewayError>({ code: 'invalid_key' })
/** That there is an admin is remembered for longer than that there is none: one is made by a command, and then used at once. */
const SOME_MS: Ms = 60_000
const NONE_MS: Ms = 2_000

let set_up: { is: boolean; until_ms: Ms } = { is: false, until_ms: 0 }

export async function authenticateAdmin(text: string, env: Bindings, now_ms: Ms): Promise<Result<AdminRecord, GatewayError>> {
  const parts = readKey(text, ADMIN_KEY_PREFIX)
  if (!parts) return INVALID
  const variables = env as unknown as Record<string, unknown>
  const admin = await adminRecords(env.KV).get(parts.key_id)
  const pepper = admin ? pepperNamed(admin.pepper, variables) : newestPepper(variables)?.pepper
  if (!pepper) return INVALID
  const digest = new TextEncoder().encode(hex(await secretHmac(pepper, parts.secret)))
  const expected = new TextEncoder().encode(admin?.secret_hmac ?? '0'.repeat(digest.length))
  if (!crypto.subtle.timingSafeEqual(digest, expected) || !admin) return INVALID
  const over = [admin.expires_at_ms, admin.revoked_at_ms].some(end_ms => end_ms !== null && end_ms <= now_ms)
  // Last, so that guessing costs no reads of D1.
  return over || (await isRevoked(env.DB, admin.key_id)) ? INVALID : ok(admin)
}

/** Is there any admin's key at all? */
export async function anyAdminKey(kv: KVNamespace, now_ms: Ms): Promise<boolean> {
  if (set_up.until_ms > now_ms) return set_up.is
  const { keys } = await kv.list({ prefix: adminKey(''), limit: 1 })
  set_up = { is: keys.length > 0, until_ms: now_ms + (keys.length > 0 ? SOME_MS : NONE_MS) }
  return set_up.is
}

/** From the next request on, wherever it arrives. */
export async function revokeAdmin(db: D1Database, key_id: string, now_ms: Ms): Promise<void> {
  await db.prepare('INSERT OR IGNORE INTO revoked_admins (key_id, at_ms) VALUES (?1, ?2)').bind(key_id, now_ms).run()
}

async function isRevoked(db: D1Database, key_id: string): Promise<boolean> {
  return (await db.prepare('SELECT 1 AS yes FROM revoked_admins WHERE key_id = ?1').bind(key_id).first()) !== null
}

/** For tests: what this isolate remembers is gone. */
export function forgetAdmins(): void {
  set_up = { is: false, until_ms: 0 }
}
