/**
 * How anything is changed: it is written to the audit log first, and then done. What cannot be written down is not done, so
 * no change goes unrecorded; a change that fails after it was written down gets a second entry that says so.
 */
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { OrgId } from '../../schema/ids.ts'
import { appendAudit, stateHash } from '../../store/audit.ts'
import type { Call } from './route.ts'

export type Change = {
  subject: string
  org: OrgId | null
  /** What was changed to what, for people; no secrets. */
  detail: Record<string, unknown>
  /** The whole record before and after, of which only the hash is kept. */
  before: unknown
  after: unknown
}

const ERROR_CHARS = 200

export async function change<T>({ id, actor, world }: Call, what: Change, make: () => Promise<T>): Promise<Result<T, GatewayError>> {
  const { subject, org, detail } = what
  const [before_hash, after_hash] = await Promise.all([stateHash(what.before), stateHash(what.after)])
  const fact = { at_ms: world.now_ms, actor: actor.name, role: actor.role, action: id, subject, org, detail, before_hash, after_hash }
  try {
    await appendAudit(world.env.DB, world.variables, fact)
  } catch (error) {
    world.deps.mishap(error)
    return err({ code: 'audit_unavailable' })
  }
  try {
    return ok(await make())
  } catch (error) {
    const failed = { ...fact, action: `${id}.failed`, detail: { error: String(error).slice(0, ERROR_CHARS) }, after_hash: before_hash }
    await appendAudit(world.env.DB, world.variables, failed).catch(world.deps.mishap)
    return err({ code: 'internal', reference: world.deps.mishap(error) })
  }
}
