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

export const keyView = caller
  .omit({ v: true, secret_hmac: true, pepper: true })
  .extend({ status: z.enum(['active', 'expired', 'revoked']) })
export type KeyView = z.infer<typeof keyView>

export const keyParams = z.strictObject({ key_id: keyId })

export function keyViewOf({ v, secret_hmac, pepper, ...shown }: Caller, now_ms: Ms): KeyView {
  const over = (end_ms: Ms | null) => end_ms !== null && end_ms <= now_ms
  return { ...shown, status: over(shown.revoked_at_ms) ? 'revoked' : over(shown.expires_at_ms) ? 'expired' : 'active' }
}

export const maySee = (actor: Actor, org: string): boolean => actor.org === null || actor.org === org

export async function callerFor({ actor, world }: Call, key_id: string): Promise<Result<Caller, GatewayError>> {
  const found = await callerRecords(world.env.KV).get(key_id)
  return found && maySee(actor, found.org) ? ok(found) : err({ code: 'resource_not_found', kind: 'key', id: key_id })
}
