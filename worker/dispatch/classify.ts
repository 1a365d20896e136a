/**
 * One table for everything that can come of a call: what it says about the target, what the caller would be told, and what
 * to do next. It is a function of values, so all of it can be tested as a table.
 *
 * The thought behind `next`: a fault of the request will be found by every target, so asking another one only costs time; a
 * fault of the target is not the next one's; and the same target is asked again only where that is known to help, once, after
 * a short random wait, or after the wait it asked for itself.
 */
import type { GatewayError } from '../core/errors.ts'
import type { UpstreamError } from '../dialects/dialect.ts'
import type { OutcomeClass } from '../schema/health.ts'
import type { ProviderId, TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { Phase } from '../stream/guard.ts'

/** What came of a call that gave no answer. */
export type Happening =
  | { what: 'unreachable'; message: string }
  | { what: 'silent'; phase: Phase; limit_ms: Ms }
  /** A status of 400 or more, or the same told in the body of a 200. */
  | { what: 'refused'; error: UpstreamError; retry_after_ms: Ms | null; own_key?: boolean }
  /** The caller's own key for this provider cannot be opened, and so nothing was sent. */
  | { what: 'key_unusable'; provider: ProviderId }
  | { what: 'redirected'; status: number }
  | { what: 'garbage'; message: string }
  | { what: 'truncated'; message: string }
  | { what: 'left' }

/** What the walk knows when it asks. */
export type Situation = {
  target: TargetId
  /** Calls to this target so far, this one included. */
  calls_here: number
  /** No other target was asked before this one. */
  is_first: boolean
  /** Another target stands in the plan behind this one, and may still be called. */
  has_next: boolean
  /** The longest wait for the same target that the policy allows. */
  wait_at_most_ms: Ms
  remaining_ms: Ms
  draw: number
}

/** `same`: again, after the wait · `next`: the next target · `larger`: the next one that holds a longer context · `stop`: nobody else would do better. */
export type Next = { step: 'same'; wait_ms: Ms } | { step: 'next' | 'larger' | 'stop' }
export type Verdict = { class: OutcomeClass; error: GatewayError; retry_after_ms: Ms | null; next: Next }

/** Long enough for a load balancer to notice a dead server, short enough not to be felt. Full jitter, so that retries do not come in step. */
const JITTER_FROM_MS = 100
const JITTER_TO_MS = 500
/** What only people mend, an account without money or a model that is no more, is not asked again for so long. */
const UNTIL_MENDED_MS = 600_000

export function classify(happening: Happening, situation: Situation): Verdict {
  const { target } = situation
  switch (happening.what) {
    case 'left':
      return { class: 'cancelled', error: { code: 'caller_left' }, retry_after_ms: null, next: { step: 'stop' } }
    case 'unreachable':
      return {
        class: 'connection',
        error: { code: 'upstream_unreachable', target, message: happening.message },
        retry_after_ms: null,
        next: situation.has_next ? { step: 'next' } : againOnce(situation),
      }
    case 'silent': {
      const { phase, limit_ms } = happening
      const next: Next = { step: phase === 'total' ? 'stop' : 'next' }
      return { class: 'timeout', error: { code: 'upstream_silent', target, phase, limit_ms }, retry_after_ms: null, next }
    }
    case 'redirected':
      return {
        class: 'server',
        error: { code: 'upstream_failed', target, status: happening.status, message: 'it redirects, and redirects are not followed' },
        retry_after_ms: null,
        next: { step: 'next' },
      }
    case 'garbage':
      return {
        class: 'garbage',
        error: { code: 'upstream_garbage', target, message: happening.message },
        retry_after_ms: null,
        next: elsewhere(situation),
      }
    case 'truncated':
      return {
        class: 'truncated',
        error: { code: 'upstream_truncated', target, message: happening.message },
        retry_after_ms: null,
        next: elsewhere(situation),
      }
    case 'refused':
      return refused(happening.error, happening.retry_after_ms, situation, happening.own_key === true)
    case 'key_unusable':
      return {
        class: 'auth',
        error: { code: 'key_unusable', provider: happening.provider },
        retry_after_ms: null,
        next: { step: 'next' },
      }
  }
}

function refused(said: UpstreamError, retry_after_ms: Ms | null, situation: Situation, own_key: boolean): Verdict {
  const { target } = situation
  const { status, message } = said
  const rejected: GatewayError = {
    code: 'upstream_rejected',
    target,
    status: status >= 400 && status < 500 ? status : 400,
    message,
    param: said.param,
    upstream_code: said.code,
  }
  if (said.kind === 'content_filter' && status < 500)
    return { class: 'client', error: rejected, retry_after_ms: null, next: { step: 'stop' } }
  if (said.kind === 'context_length' && status < 500)
    return { class: 'client', error: rejected, retry_after_ms: null, next: { step: 'larger' } }
  if (status === 402 || said.kind === 'quota') {
    const error: GatewayError = { code: 'upstream_rate_limited', target, retry_after_ms: null }
    return { class: 'rate', error, retry_after_ms: retry_after_ms ?? UNTIL_MENDED_MS, next: { step: 'next' } }
  }
  if (status === 429) {
    const error: GatewayError = { code: 'upstream_rate_limited', target, retry_after_ms }
    return { class: 'rate', error, retry_after_ms, next: waited(retry_after_ms, situation) }
  }
  if (status === 401 || status === 403)
    return {
      class: 'auth',
      error: { code: own_key ? 'own_key_refused' : 'upstream_credential', target },
      retry_after_ms: null,
      next: { step: 'next' },
    }
  const failed: GatewayError = { code: 'upstream_failed', target, status, message }
  if (status === 404 || status === 410 || said.kind === 'model_gone')
    return { class: 'gone', error: failed, retry_after_ms: said.kind === 'model_gone' ? UNTIL_MENDED_MS : null, next: { step: 'next' } }
  if (status === 500) return { class: 'server', error: failed, retry_after_ms: null, next: againOnce(situation) }
  // A 408 is the server's patience, a 409 or 425 its state: none of them says anything about the request.
  if (status >= 500 || status === 408 || status === 409 || status === 425)
    return {
      class: 'server',
      error: { ...failed, ...(retry_after_ms !== null && { retry_after_ms }) },
      retry_after_ms,
      next: isAlone(situation) ? waited(retry_after_ms, situation) : { step: 'next' },
    }
  // A fallback that cannot take the request (a parameter it lacks) says little about it: the first target could.
  return { class: 'client', error: rejected, retry_after_ms: null, next: { step: situation.is_first ? 'stop' : 'next' } }
}

/**
 * What is this target's own fault is not the next one's. Where it is the only one, it may have been an accident. But what two targets
 * failed at is the request's doing.
 */
const elsewhere = (situation: Situation): Next => (isAlone(situation) ? againOnce(situation) : { step: 'next' })
const isAlone = ({ is_first, has_next }: Situation) => is_first && !has_next

/** Once more on the same target, soon. */
function againOnce({ calls_here, draw, remaining_ms }: Situation): Next {
  const wait_ms = jittered(JITTER_FROM_MS, JITTER_TO_MS, draw)
  return calls_here === 1 && wait_ms < remaining_ms ? { step: 'same', wait_ms } : { step: 'next' }
}

/** A short wait that the target asked for is waited out; without one, another target is better, and only where there is none a guess. */
function waited(retry_after_ms: Ms | null, situation: Situation): Next {
  const { calls_here, has_next, wait_at_most_ms, remaining_ms, draw } = situation
  if (retry_after_ms === null) return has_next || wait_at_most_ms === 0 ? { step: 'next' } : againOnce(situation)
  // Never before the time that was named, and not all at that time.
  const wait_ms = jittered(retry_after_ms, retry_after_ms + Math.min(JITTER_TO_MS, Math.max(JITTER_FROM_MS, retry_after_ms / 10)), draw)
  const fits = retry_after_ms <= wait_at_most_ms && wait_ms < remaining_ms
  // Asked for a second time, the wait was not meant.
  return fits && calls_here === 1 ? { step: 'same', wait_ms } : { step: 'next' }
}

const jittered = (from_ms: Ms, to_ms: Ms, draw: number): Ms => Math.round(from_ms + draw * (to_ms - from_ms))
