/**
 * The headers that sign a call, for providers that a fixed header does not satisfy. Each kind of key is told by what it has.
 */
import type { Ms } from '../schema/units.ts'
import { type AccountKey, bearer } from './service-account.ts'
import { type SigningKey, signature } from './sigv4.ts'

export type Key = SigningKey | AccountKey

export const sign = (url: string, body: string | Uint8Array, key: Key, now_ms: Ms): Promise<Record<string, string>> =>
  'audience' in key ? bearer(key, now_ms) : signature(url, body, key, now_ms)
