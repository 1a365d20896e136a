/**
 * One call as it runs: what is known of it for its record, and what it holds open.
 *
 * What it holds is kept as values and closed by a function, and not as a function that is replaced as the call goes on: V8 makes a
 * function that is assigned to a property in memory for what lives long, and all that it refers to, which is the whole request,
 * then stays until the next full collection.
 */
import type { LiveTarget } from '../core/decide/world.ts'
import type { Redaction } from '../core/understand/redact.ts'
import { nothingSeen, type Observation } from '../dialects/dialect.ts'
import type { PlanStep } from '../schema/decision.ts'
import type { Ms } from '../schema/units.ts'
import type { ChunkReader } from '../stream/chunks.ts'
import { discard, letGo } from './body.ts'

export type Trial = {
  target: LiveTarget
  probe: boolean
  /** Its health was told that the first token is overdue. */
  told_late: boolean
  sent_at_ms: Ms
  headers_at_ms: Ms | null
  first_token_at_ms: Ms | null
  status: number | null
  /** Of the answer or the refusal, once there is one. */
  headers: Headers | null
  /** For the operator, sanitized. */
  detail: string | null
  /** The call went, or would have gone, with the caller's own key. */
  own_key: boolean
  /** What was hidden from the target, by type; absent where nothing was. */
  redacted?: Redaction['counts']
  seen: Observation
  /** We closed it, when its prompt may have been read and more of its answer made than was seen. */
  closed?: true
  /** Until it was sent, there is no connection; then a response; and of an answer that comes in pieces, its reader. */
  connection: AbortController | null
  response: Response | null
  reader: ChunkReader | null
}

export function trialOf(target: LiveTarget, step: PlanStep, now_ms: Ms): Trial {
  return {
    target,
    probe: step.probe === true,
    told_late: false,
    sent_at_ms: now_ms,
    headers_at_ms: null,
    first_token_at_ms: null,
    status: null,
    headers: null,
    detail: null,
    own_key: false,
    seen: nothingSeen(),
    connection: null,
    response: null,
    reader: null,
  }
}

/** Closes the connection, whatever state it is in. */
export function close({ connection, response, reader }: Trial): void {
  connection?.abort()
  if (response !== null && !response.bodyUsed && response.body?.locked === false) discard(response)
  if (reader !== null) letGo(reader.cancel())
}
