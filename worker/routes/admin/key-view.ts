/**
 * A caller's record as an admin sees it: everything but what stands for the secret; and how a route finds one. An admin of
 * one organisation never learns whether another's key exists.
 */
import * as z from 'zod'
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { type Caller, caller } from '../../schema/caller.ts'
import { keyId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { callerRecords } from '../../store/key-records.ts'
import type { Actor, Call } from './route.ts'

export const keyView = () =>
  caller.omit({ v: true, secret_hmac: true, pepper: true }).extend({ status: z.enum(['active', 'expired', 'revoked']) })
export type KeyView = z.infer<ReturnType<typeof keyView>>

export const keyParams = () => z.strictObject({ key_id: keyId })

export function keyViewOf({ v, secret_hmac, pepper, ...shown }: Caller, now_ms: Ms): KeyView {
  const over = (end_ms: Ms | null) => end_ms !== null && end_ms <= now_ms
  return { ...shown, status: over(shown.revoked_at_ms) ? 'revoked' : over(shown.expires_at_ms) ? 'expired' : 'active' }
}

export const maySee = (actor: Actor, org: string): boolean => actor.org === null || actor.org === org

/**
 * KV may give a record as it was a minute ago. That it was revoked since is asked of the organisation's object, so that a
 * change which is made on an old record cannot bring a revoked key back.
 */
export async function callerFor({ actor, world }: Call, key_id: string): Promise<Result<Caller, GatewayError>> {
  const found = await callerRecords(world.env.KV).get(key_id)
  if (!found || !maySee(actor, found.org)) return err({ code: 'resource_not_found', kind: 'key', id: key_id })
  const revoked_at_ms = found.revoked_at_ms ?? (await world.env.USAGE.getByName(found.org).revokedAt(key_id))
  return ok({ ...found, revoked_at_ms })
}
