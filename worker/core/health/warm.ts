/**
 * Which targets that fall asleep are worth a ping now, so that the next request does not wait for them to wake. Only where somebody is likely to
 * come: the target was used lately, or another one is shut and its requests will go where they can (waking early). And only within
 * what the policy allows in a day, in calls and in money.
 */
import type { HealthSnapshot, TargetHealth } from '../../schema/health.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Warm } from '../../schema/policy.ts'
import type { Micros, Ms } from '../../schema/units.ts'
import { asleepAfterMs } from './readiness.ts'

export type Sleeper = { target: TargetId; last_ok_at_ms: Ms | null; waking: TargetHealth['waking']; cost_micros: Micros }
export type Spent = { requests: number; cost_micros: Micros }

/** A ping is sent when a look comes once a minute: so much before the target is thought to fall asleep. */
const LOOKED_EVERY_MS: Ms = 60_000

/** `needed`: another target is shut, so these may be asked at any moment. In the order given, as far as the budget goes. */
export function pingsDue(sleepers: readonly Sleeper[], needed: boolean, warm: Warm, spent: Spent, now_ms: Ms): TargetId[] {
  const limit_micros = warm.cost_per_day_usd * 1_000_000
  let { requests, cost_micros } = spent
  const due: TargetId[] = []
  for (const sleeper of sleepers) {
    if (!isDue(sleeper, needed, warm, now_ms)) continue
    if (requests + 1 > warm.requests_per_day || cost_micros + sleeper.cost_micros > limit_micros) continue
    requests += 1
    cost_micros += sleeper.cost_micros
    due.push(sleeper.target)
  }
  return due
}

function isDue({ last_ok_at_ms, waking }: Sleeper, needed: boolean, warm: Warm, now_ms: Ms): boolean {
  const idle_ms = last_ok_at_ms === null ? Number.POSITIVE_INFINITY : now_ms - last_ok_at_ms
  const asleep_ms = waking ? asleepAfterMs(waking) : warm.idle_ms
  // One that was seen awake after the longest idle time does not sleep.
  if (asleep_ms === null || idle_ms < Math.max(LOOKED_EVERY_MS, asleep_ms - LOOKED_EVERY_MS)) return false
  return needed || idle_ms <= warm.while_used_within_ms
}

/** Over all regions: the last answer anywhere, and what was learned where most was seen. */
export function knownEverywhere(snapshots: readonly HealthSnapshot[], target: TargetId): Pick<Sleeper, 'last_ok_at_ms' | 'waking'> {
  let last_ok_at_ms: Ms | null = null
  let waking: TargetHealth['waking'] = null
  let samples = -1
  for (const { targets } of snapshots) {
    const known = targets[target]
    if (known === undefined) continue
    if (known.last_ok_at_ms !== null) last_ok_at_ms = Math.max(last_ok_at_ms ?? 0, known.last_ok_at_ms)
    if (known.waking && known.samples > samples) {
      waking = known.waking
      samples = known.samples
    }
  }
  return { last_ok_at_ms, waking }
}
