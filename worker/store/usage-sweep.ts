/**
 * A usage object flushes itself, by an alarm that it sets again and again. Should the platform ever abandon that alarm, the
 * rows would lie there until the organisation's next request. So every minute the sweep asks those objects that have been
 * silent, and they set their alarm again.
 *
 * The list of objects is a table in D1, and not in KV: it is read as it is now and not as it was a minute ago, it changes
 * too often for KV's one write a second, and where D1 is away there is nothing that a woken object could do.
 */
import type { Ms } from '../schema/units.ts'
import type { UsageStatus } from './usage-object.ts'

/** An object with work to do is heard every few seconds, and at least every minute while D1 fails. */
const SILENT_MS: Ms = 300_000
/** A scheduled run may make 50 calls on the free plan; the longest silent come first. */
const OBJECTS_AT_ONCE = 40

/** For the Worker's `scheduled` handler. Gives what the objects said, so that rows which were given up on are seen. */
export async function sweepUsage(env: Pick<Env, 'DB' | 'USAGE'>, now_ms: Ms): Promise<UsageStatus[]> {
  const { results } = await env.DB.prepare(
    'SELECT org, registered_at_ms FROM usage_objects WHERE heard_at_ms <= ? ORDER BY heard_at_ms LIMIT ?',
  )
    .bind(now_ms - SILENT_MS, OBJECTS_AT_ONCE)
    .all<{ org: string; registered_at_ms: number }>()

  const heard = await Promise.allSettled(
    results.map(async ({ org, registered_at_ms }) => {
      const { idle, ...status } = await env.USAGE.getByName(org).kick()
      // Only the registration that was read: the object may have registered anew since.
      const change = idle
        ? env.DB.prepare('DELETE FROM usage_objects WHERE org = ? AND registered_at_ms = ?').bind(org, registered_at_ms)
        : env.DB.prepare('UPDATE usage_objects SET heard_at_ms = ? WHERE org = ?').bind(now_ms, org)
      await change.run()
      return status
    }),
  )
  return heard.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
}
