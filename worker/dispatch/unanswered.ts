/**
 * What the caller is told where nobody answered: the first thing that went wrong, as the later ones are often its echo on lesser targets. Three
 * say more than what came before them: a caller who left, a request out of time, and a refusal of its content.
 *
 * Where all that went wrong passes by itself (a target is down, cannot be reached, is limited for now), the answer is to come back, and
 * when: a 503 with the first cause and the soonest time that anybody named. A 429 where all of them were limits, a 504 where all
 * of them were silence. Whatever needs somebody's hand, or was no answer at all, keeps its own status.
 */
import { type GatewayError, statusOf } from '../core/errors.ts'
import { UNKNOWN_USAGE } from '../schema/chat.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { AttemptRecord } from '../schema/usage.ts'
import type { Call, Carrier, Ended } from './call.ts'
import type { Verdict } from './classify.ts'

/** One failed call: which target's, and what it was taken for. */
export type Failed = { target: TargetId; verdict: Verdict }

export function unanswered(
  call: Call,
  failures: readonly Failed[],
  attempts: AttemptRecord[],
  limits: ReadonlyMap<TargetId, Record<string, string>>,
  carrier: Carrier,
): Ended {
  const now_ms = carrier.effects.nowMs()
  const error = causeOf(failures, call, carrier, now_ms) ?? { code: 'no_eligible_target', reasons: [] }
  return {
    ...unasked(error, now_ms - call.started_at_ms),
    outcome: error.code === 'caller_left' ? 'caller_left' : 'failed',
    attempts,
    headers: ('target' in error && limits.get(error.target)) || {},
  }
}

/** How a request ended of which nobody was asked anything. */
export const unasked = (error: GatewayError, total_ms: Ms): Ended => ({
  outcome: 'failed',
  target: null,
  status: statusOf(error),
  error,
  finish_reason: null,
  usage: UNKNOWN_USAGE,
  usage_estimated: false,
  attempts: [],
  losses: [],
  headers: {},
  first_token_ms: null,
  total_ms,
})

function causeOf(failures: readonly Failed[], call: Call, carrier: Carrier, now_ms: Ms): GatewayError | null {
  const first = failures[0]?.verdict.error
  const last = failures.at(-1)?.verdict
  if (first === undefined || last === undefined) return null
  const { error } = last
  if (error.code === 'caller_left' || (error.code === 'upstream_silent' && error.phase === 'total')) return error
  if (last.class === 'client' && last.next.step === 'stop') return error
  // What a fallback cannot take says nothing of whether the others come back.
  if (failures[0]?.verdict.class === 'client') return first
  const telling = failures.filter(({ verdict }) => verdict.class !== 'client')
  if (first.code === 'upstream_rate_limited' && telling.every(({ verdict }) => verdict.class === 'rate'))
    return { ...first, retry_after_ms: soonest(telling.map(({ verdict }) => verdict.retry_after_ms)) }
  if (
    !('target' in first) ||
    !telling.every(({ verdict }) => passes(verdict)) ||
    telling.every(({ verdict }) => verdict.class === 'timeout')
  )
    return first
  const named = soonest(telling.map(({ target, verdict }) => verdict.retry_after_ms ?? carrier.opensInMs?.(target, now_ms) ?? null))
  return { code: 'upstream_unavailable', target: first.target, first, retry_after_ms: named ?? call.record.limits.retry_after_assumed_ms }
}

const soonest = (waits: (Ms | null)[]): Ms | null => {
  const known = waits.filter(wait_ms => wait_ms !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** A target in this state is back by itself. One that redirects is set up wrongly. */
function passes({ class: kind, error }: Verdict): boolean {
  if (kind === 'connection' || kind === 'timeout' || kind === 'rate') return true
  return kind === 'server' && error.code === 'upstream_failed' && (error.status ?? 0) >= 400
}
