/**
 * Making a key. The key itself is given back once and kept nowhere; what is kept, under `caller/<key id>` or
 * `admin/<key id>` in KV, cannot be turned into a key again. Runs in the Worker and in Node alike.
 */
import { type AdminRecord, adminRecord } from '../schema/admin.ts'
import { type Caller, caller } from '../schema/caller.ts'
import { ADMIN_KEY_PREFIX, KEY_PREFIX, newKeyParts, writeKey } from './key-text.ts'
import { hex, PEPPER_CHARS_AT_LEAST, secretHmac } from './secret-hmac.ts'

export type KeyFields = Pick<Caller, 'label' | 'org'> &
  Partial<Pick<Caller, 'team' | 'tier' | 'tags' | 'policy' | 'scopes' | 'budgets' | 'rates' | 'expensive' | 'expires_at_ms' | 'pepper'>>

/** Throws where the pepper is too short or a field does not fit: the operator is at the keyboard. */
export async function makeKey(pepper: string, fields: KeyFields, now_ms = Date.now()): Promise<{ key: string; caller: Caller }> {
  const { key, facts } = await newKey(pepper, KEY_PREFIX)
  return { key, caller: caller.parse({ ...fields, ...facts, created_at_ms: now_ms }) }
}

export type AdminKeyFields = Pick<AdminRecord, 'label' | 'role'> & Partial<Pick<AdminRecord, 'org' | 'expires_at_ms' | 'pepper'>>

/** Throws as `makeKey` does. */
export async function makeAdminKey(
  pepper: string,
  fields: AdminKeyFields,
  now_ms = Date.now(),
): Promise<{ key: string; admin: AdminRecord }> {
  const { key, facts } = await newKey(pepper, ADMIN_KEY_PREFIX)
  return { key, admin: adminRecord.parse({ ...fields, ...facts, created_at_ms: now_ms }) }
}

async function newKey(pepper: string, prefix: string) {
  if (pepper.length < PEPPER_CHARS_AT_LEAST) throw new Error(`KEY_PEPPER needs at least ${PEPPER_CHARS_AT_LEAST} characters`)
  const parts = newKeyParts(count => crypto.getRandomValues(new Uint8Array(count)))
  const key = writeKey(parts, prefix)
  const secret_hmac = hex(await secretHmac(pepper, parts.secret))
  return { key, facts: { v: 1, key_id: parts.key_id, secret_hmac, last4: key.slice(-4) } }
}

/** Where KV keeps a caller. */
export const callerKey = (key_id: string): string => `caller/${key_id}`
/** Where KV keeps an admin. */
export const adminKey = (key_id: string): string => `admin/${key_id}`
