/**
 * Whether a caller has used up its share of dear targets, as this isolate last heard: the object that counts says it with
 * every answer to an intent. So it is a request or a few behind, and each isolate learns it for itself; the count is exact,
 * the bar is not.
 */
import type { World } from '../core/decide/world.ts'
import type { KeyId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { Standing } from '../schema/usage.ts'
import type { LimitedCaller } from './org-limits.ts'

/** Without news for this long the next request may try again, and brings news. */
const BELIEVED_MS: Ms = 60_000
/** Beyond, the oldest goes. */
const KEPT = 5_000

const bars = new Map<KeyId, { above_micros_per_mtok: number; until_ms: Ms }>()

export function learnBar(key_id: KeyId, { too_dear_above_micros_per_mtok }: Standing, now_ms: Ms): void {
  bars.delete(key_id)
  if (too_dear_above_micros_per_mtok === null) return
  bars.set(key_id, { above_micros_per_mtok: too_dear_above_micros_per_mtok, until_ms: now_ms + BELIEVED_MS })
  if (bars.size > KEPT) bars.delete(bars.keys().next().value ?? key_id)
}

/** What the world of a decision gets; nothing for a caller without a share. */
export function barOf({ key_id, limits }: LimitedCaller, now_ms: Ms): Pick<World, 'too_dear_above_micros_per_mtok'> {
  if (limits.length === 0) return {}
  const bar = bars.get(key_id)
  return bar && bar.until_ms > now_ms ? { too_dear_above_micros_per_mtok: bar.above_micros_per_mtok } : {}
}
