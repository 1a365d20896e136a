/**
 * `cache_control`: the prompt up to here is worth keeping. A marker that says more than how long is kept whole beside.
 */
import type { CacheMarker, Json, JsonObject } from '../schema/chat.ts'
import { isObject, rest } from './check.ts'

const MARKER = new Set(['type', 'ttl'])

export function readMarker(raw: Json | undefined, into: { cache?: CacheMarker; extra?: JsonObject }): void {
  if (!isObject(raw)) return
  into.cache = { ttl: typeof raw.ttl === 'string' ? raw.ttl : null }
  if (raw.type !== 'ephemeral' || rest(raw, MARKER)) into.extra = { ...into.extra, cache_control: raw }
}

export const writeMarker = ({ ttl }: CacheMarker): JsonObject => (ttl === null ? { type: 'ephemeral' } : { type: 'ephemeral', ttl })
