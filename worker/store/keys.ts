/**
 * Making a key. The key itself is given back once and kept nowhere; what is kept, under `caller/<key id>` in KV, cannot be
 * turned into a key again. Runs in the Worker and in Node alike.
 */
import { type Caller, caller } from '../schema/caller.ts'
import { newKeyParts, writeKey } from './key-text.ts'
import { hex, PEPPER_CHARS_AT_LEAST, secretHmac } from './secret-hmac.ts'

export type KeyFields = Pick<Caller, 'label' | 'org'> &
  Partial<Pick<Caller, 'team' | 'tier' | 'tags' | 'policy' | 'scopes' | 'budgets' | 'expires_at_ms' | 'pepper'>>

/** Throws where the pepper is too short or a field does not fit: the operator is at the keyboard. */
export async function makeKey(pepper: string, fields: KeyFields, now_ms = Date.now()): Promise<{ key: string; caller: Caller }> {
  if (pepper.length < PEPPER_CHARS_AT_LEAST) throw new Error(`KEY_PEPPER needs at least ${PEPPER_CHARS_AT_LEAST} characters`)
  const parts = newKeyParts(count => crypto.getRandomValues(new Uint8Array(count)))
  const key = writeKey(parts)
  const record = caller.parse({
    ...fields,
    v: 1,
    key_id: parts.key_id,
    secret_hmac: hex(await secretHmac(pepper, parts.secret)),
    last4: key.slice(-4),
    created_at_ms: now_ms,
  })
  return { key, caller: record }
}

/** Where KV keeps a caller. */
export const callerKey = (key_id: string): string => `caller/${key_id}`
