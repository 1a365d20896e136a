/**
 * What a translated answer is called. Clients and whoever reads their logs tell what an answer is by the beginning of its id
 * (`msg_`, `resp_`, `chatcmpl-`), and a target's own id would promise that the target can be asked for it again in the caller's
 * format, which it cannot. So the id is made here, of the decision's: the same in every event of a stream, and whoever holds it
 * can find out who made it, and why there.
 */
import { type DecisionId, decisionId } from '../schema/ids.ts'
import type { Dialect } from './dialect.ts'

/** Between the format's own prefix and the digits of the decision: no provider's ids have it. */
const OURS = 'sb'

export const answerId = ({ reply }: Pick<Dialect, 'reply'>, decision_id: DecisionId): string =>
  `${reply.id_prefix}${OURS}${decision_id.slice('dec_'.length).replaceAll('-', '')}`

/** The decision whose answer was called this; null for an id that no translation made. */
export function decisionOf(answer_id: string): DecisionId | null {
  const digits = /^[a-z]*[-_]?sb([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(answer_id)
  if (digits === null) return null
  const id = `dec_${digits.slice(1).join('-')}`
  return decisionId.safeParse(id).success ? id : null
}
