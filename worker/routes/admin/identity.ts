/**
 * Who is asking: an admin's key, or a person whom Cloudflare Access let in. There is no admin by default. Until a key is made
 * or Access configured, the whole API answers 503 and says how.
 *
 * A key is sent in a header by a program. A token of Access comes with whatever the browser sends, also from a page of
 * somebody else's; so a change needs a header of ours besides, which no other page can send without being allowed to.
 */
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { isAtLeast } from '../../schema/admin.ts'
import { anyAdminKey, authenticateAdmin } from '../../store/admins.ts'
import { type Attempts, attempts } from '../../store/attempts.ts'
import { addressOf, credential, FAILURES_AT_MOST } from '../../store/callers.ts'
import { newestPepper } from '../../store/secret-hmac.ts'
import { ACCESS_HEADER, accessActor, accessOf } from './access.ts'
import type { Actor, AdminWorld, Route } from './route.ts'

export const CHANGE_HEADER = 'x-signalbox-admin'

const HOW =
  'make the first key with "npx signalbox admin create-key --label <who> --remote" (without --remote for local development), or set ACCESS_TEAM_DOMAIN, ACCESS_AUD and ACCESS_ROLES.'

/** Whether there is anybody who could be let in. */
export async function closed({ env, variables, now_ms }: AdminWorld): Promise<GatewayError | null> {
  if (newestPepper(variables) === null) return { code: 'admin_not_set_up', message: 'set the secret KEY_PEPPER to 32 characters or more.' }
  if (accessOf(variables) || (await anyAdminKey(env.KV, now_ms))) return null
  return { code: 'admin_not_set_up', message: HOW }
}

/** A program that reads a whole year's usage in pages stays below. */
export const CALLS_AT_MOST = 600
let limits: { failures: Attempts; calls: Attempts } | null = null

/** For tests: nobody has tried anything. */
export function forgetAttempts(): void {
  limits = null
}

/** Who it is, unless too much that was wrong came from that address, or too much at all from that admin. */
export async function identify(request: Request, world: AdminWorld): Promise<Result<Actor, GatewayError>> {
  const shut = await closed(world)
  if (shut) return err(shut)
  const { env, ctx, now_ms } = world
  limits ??= { failures: attempts(FAILURES_AT_MOST, env.FAILED_KEYS), calls: attempts(CALLS_AT_MOST, env.ADMIN_CALLS) }
  const { failures, calls } = limits
  const address = addressOf(request.headers)
  const barred_ms = address === null ? null : failures.wait_ms(`admin ${address}`, now_ms)
  if (barred_ms !== null) return err({ code: 'too_many_attempts', retry_after_ms: barred_ms })
  const actor = await actorOf(request, world)
  if (!actor.ok) {
    if (address !== null && actor.error.code === 'invalid_key') ctx.waitUntil(failures.count(`admin ${address}`, now_ms))
    return actor
  }
  const wait_ms = calls.wait_ms(actor.value.name, now_ms)
  if (wait_ms !== null) return err({ code: 'too_many_attempts', retry_after_ms: wait_ms })
  ctx.waitUntil(calls.count(actor.value.name, now_ms))
  return actor
}

async function actorOf(request: Request, world: AdminWorld): Promise<Result<Actor, GatewayError>> {
  const token = request.headers.get(ACCESS_HEADER)
  const sent = credential(request.headers)
  if (typeof sent === 'string') {
    const admin = await authenticateAdmin(sent, world.env, world.now_ms).catch(error => unreadable(error, world))
    return admin.ok ? ok({ name: `key:${admin.value.key_id}`, role: admin.value.role, org: admin.value.org }) : admin
  }
  const access = accessOf(world.variables)
  // A credential of the wrong kind is refused, whatever Access says beside it.
  if (sent.ok || sent.error.code !== 'missing_key' || token === null || !access) return err(sent.ok ? { code: 'invalid_key' } : sent.error)
  const actor = await accessActor(token, access, world.deps.effects)
  if (!actor.ok || request.method === 'GET' || request.method === 'HEAD') return actor
  const site = request.headers.get('sec-fetch-site')
  const ours = request.headers.has(CHANGE_HEADER) && (site === null || site === 'same-origin' || site === 'none')
  return ours
    ? actor
    : err({ code: 'forbidden', message: `A change by a session of Access needs the header ${CHANGE_HEADER}, from the same origin.` })
}

/** Fails closed: where it cannot be seen whether a key was revoked, it is not let in. */
function unreadable(error: unknown, { deps }: AdminWorld): Result<never, GatewayError> {
  deps.mishap(error)
  return err({ code: 'keys_unavailable', message: 'their store does not answer. Try again in a moment.' })
}

/** What keeps this actor from this route, or null. */
export function barred(actor: Actor, { role, reach }: Route): GatewayError | null {
  if (role !== 'open' && !isAtLeast(actor.role, role))
    return { code: 'forbidden', message: `This needs the role ${role}; this key has the role ${actor.role}.` }
  if (reach === 'router' && actor.org !== null)
    return { code: 'forbidden', message: 'This concerns the whole router; this key is for one organisation.' }
  return null
}
