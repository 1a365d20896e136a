/**
 * A provider's key that belongs to a caller, its team or its organisation, as it is stored: sealed, so that what is stored is worth
 * nothing without the Worker's master secret, and what is sealed cannot be moved to another record. In D1 one by one, and in KV,
 * under `own-keys/<org>`, all of an organisation together, as requests read them.
 */
import * as z from 'zod'
import { keyId, orgId, providerId } from './ids.ts'
import { ms } from './units.ts'

const hex = () => z.string().regex(/^[0-9a-f]+$/)

export const providerKey = z.strictObject({
  v: z.literal(1),
  id: keyId,
  /** Whose it is: of one caller's key where `key_id` is set, else of a team, else of the whole organisation. */
  org: orgId,
  team: z.string().min(1).max(60).nullable().default(null),
  key_id: keyId.nullable().default(null),
  provider: providerId,
  label: z.string().max(100).default(''),
  last4: z.string().max(4),
  /** First 16 hex digits of the SHA-256 of the key: `printf %s "$KEY" | sha256sum | cut -c1-16`. */
  fingerprint: z.string().length(16),
  /** Number of the `PROVIDER_KEY_MASTER` that `wrapped` is under. */
  master: z.string(),
  /** The record's own data key under the master, and the provider's key under that: nonce and ciphertext, in hex. */
  wrapped: hex(),
  sealed: hex(),
  created_at_ms: ms,
  created_by: z.string(),
})
export type ProviderKey = z.infer<typeof providerKey>

/** So that one KV value holds all of an organisation's, and an isolate opens few. */
export const PROVIDER_KEYS_AT_MOST = 200

export const orgProviderKeys = z.strictObject({ v: z.literal(1), keys: z.array(providerKey).max(PROVIDER_KEYS_AT_MOST) })
