/**
 * `GET /health`: is the router up, and is anything wrong that an operator should see. Anyone may ask how it is; which
 * targets are in trouble, and why a policy was not taken, is for those with a key.
 */
import { everyTarget } from '../core/decide/catalogue.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Context, Deps } from '../env.ts'
import type { TargetHealth } from '../schema/health.ts'
import type { Ms } from '../schema/units.ts'
import { answered, refused } from './answer.ts'

export async function health(request: Request, dialect: Dialect, deps: Deps, ctx: Context): Promise<Response> {
  const now_ms = deps.effects.nowMs()
  const snapshot = deps.health(now_ms, ctx)
  const catalogue = await deps.catalogue(ctx)
  const { off } = catalogue
  const targets = everyTarget(catalogue)
  const alarms = deps.alarms()
  const troubled = targets.filter(({ id }) => isTroubled(snapshot.targets[id], now_ms))
  const status = alarms.length || troubled.length ? 'degraded' : targets.length ? 'ok' : 'no_targets'
  const summary = { status, targets_on: targets.length, targets_in_trouble: troubled.length, alarms: alarms.length }
  if (!request.headers.has('authorization') && !request.headers.has('x-api-key')) return answered(summary)

  const caller = await deps.authenticateNow(request.headers, ctx)
  if (!caller.ok) return refused(dialect, caller.error, now_ms)
  return answered({
    ...summary,
    alarms,
    health_taken_at_ms: snapshot.taken_at_ms,
    targets: targets.map(({ id }) => ({ target: id, ...(snapshot.targets[id] ?? { state: 'closed', samples: 0 }) })),
    off,
  })
}

/** A limit per minute is everyday; one that lasts longer, as without money or without the model, is for people to mend. */
const EVERYDAY_LIMIT_MS = 120_000

function isTroubled(target: TargetHealth | undefined, now_ms: Ms): boolean {
  if (target === undefined) return false
  const { state, auth_broken_until_ms, limited_until_ms } = target
  return state !== 'closed' || (auth_broken_until_ms ?? 0) > now_ms || (limited_until_ms ?? 0) > now_ms + EVERYDAY_LIMIT_MS
}
