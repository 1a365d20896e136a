/**
 * An answer on its way out. Both kinds wait for `release`: the request's intent must be durable before a byte leaves. The
 * answer is settled exactly once, whichever of its ends comes first.
 */
import type { LiveTarget } from '../core/decide/world.ts'
import { type GatewayError, statusOf } from '../core/errors.ts'
import { type Loss, UNKNOWN_USAGE } from '../schema/chat.ts'
import type { PlanStep } from '../schema/decision.ts'
import type { OutcomeClass } from '../schema/health.ts'
import type { Ms } from '../schema/units.ts'
import type { AttemptRecord, UsageOutcome } from '../schema/usage.ts'
import type { Guard } from '../stream/guard.ts'
import { encodeEvents } from '../stream/sse.ts'
import { type TapEnd, tap } from '../stream/tap.ts'
import { type Answer, inBand, type Trial } from './attempt.ts'
import type { Call, Carried, Carrier, Ended } from './call.ts'
import { classify, type Happening } from './classify.ts'
import { conclude, usageOf } from './ended.ts'

/** Of a target's headers none is passed on: these say what the caller needs. */
const HEADERS: Record<'json' | 'events', Record<string, string>> = {
  json: { 'content-type': 'application/json' },
  events: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
}

type Closing = { outcome: UsageOutcome; class: OutcomeClass; retry_after_ms: Ms | null; status: number; error: GatewayError | null }

/** The record, the report and the row of an answer, made once; asked again, it gives the same. */
function settler(
  call: Call,
  trial: Trial,
  losses: () => Loss[],
  before: AttemptRecord[],
  guard: Guard,
  carrier: Carrier,
): (closing: Closing) => Ended {
  let ended: Ended | null = null
  return closing => {
    if (ended !== null) return ended
    guard.stop()
    const last = conclude(call, trial, { class: closing.class, retry_after_ms: closing.retry_after_ms, role: 'answer' }, carrier)
    const { usage, estimated } = usageOf(call, trial)
    const { first_token_at_ms, seen } = trial
    ended = {
      outcome: closing.outcome,
      target: trial.target.id,
      status: closing.status,
      error: closing.error,
      finish_reason: seen.finish_raw,
      usage: usage ?? UNKNOWN_USAGE,
      usage_estimated: estimated,
      attempts: [...before, last],
      losses: losses(),
      first_token_ms: first_token_at_ms === null ? null : first_token_at_ms - call.started_at_ms,
      total_ms: carrier.effects.nowMs() - call.started_at_ms,
    }
    return ended
  }
}

const DONE: Closing = { outcome: 'completed', class: 'ok', retry_after_ms: null, status: 200, error: null }
const LEFT: Closing = { outcome: 'caller_left', class: 'cancelled', retry_after_ms: null, status: 200, error: { code: 'caller_left' } }

export function wholeAnswer(
  call: Call,
  trial: Trial,
  answer: Extract<Answer, { kind: 'whole' }>,
  before: AttemptRecord[],
  guard: Guard,
  carrier: Carrier,
): Carried {
  guard.stop()
  const losses = () => answer.losses
  const settle = settler(call, trial, losses, before, guard, carrier)
  return {
    target: trial.target,
    status: 200,
    headers: HEADERS[answer.form],
    attempts: before.length + 1,
    losses,
    release: () => {
      // It was made in full and is billed in full; only that it was delivered cannot be said of a caller who is gone.
      const ended = settle(call.gone.aborted ? { ...LEFT, class: 'ok' } : DONE)
      return { body: answer.body, ended: Promise.resolve(ended) }
    },
    abandon: error => settle({ ...abandoned(error), class: 'ok' }),
  }
}

export function streamedAnswer(
  call: Call,
  trial: Trial,
  { reader, relay, content_type }: Extract<Answer, { kind: 'stream' }>,
  step: PlanStep,
  before: AttemptRecord[],
  guard: Guard,
  carrier: Carrier,
): Carried {
  const { losses } = relay
  const settle = settler(call, trial, losses, before, guard, carrier)
  const { target } = trial
  return {
    target,
    status: 200,
    headers: content_type === null ? HEADERS.events : { 'content-type': content_type },
    attempts: before.length + 1,
    losses,
    release: () => {
      const { readable, ended } = tap({
        reader,
        relay,
        guard,
        clock: carrier.effects,
        idle_ms: step.idle_ms,
        abort: trial.abort,
        // Into JSON or sound nothing can be written that would be an error there: the connection breaks off, as the answer did.
        errorBytes: end =>
          content_type === null || content_type.includes('event-stream')
            ? encodeEvents(call.dialect.error.writeInBand(closingOf(end, trial, target, carrier).error ?? { code: 'caller_left' }))
            : null,
      })
      return { body: readable, ended: ended.then(end => settle(closingOf(end, trial, target, carrier))) }
    },
    abandon: error => {
      trial.abort()
      return settle(abandoned(error))
    },
  }
}

const abandoned = (error: GatewayError): Closing => ({
  outcome: 'failed',
  class: 'cancelled',
  retry_after_ms: null,
  status: statusOf(error),
  error,
})

/** How a stream that had begun ended, in the words of the row. Its status was 200 from the first byte on. */
function closingOf(end: TapEnd, trial: Trial, target: LiveTarget, carrier: Carrier): Closing {
  if (end.how === 'complete') return DONE
  if (end.how === 'left') return LEFT
  const verdict = classify(happeningOf(end, trial, target, carrier), {
    target: target.id,
    calls_here: 1,
    is_first: true,
    has_next: false,
    wait_at_most_ms: 0,
    remaining_ms: 0,
    draw: 0,
  })
  return { outcome: 'truncated', class: verdict.class, retry_after_ms: verdict.retry_after_ms, status: 200, error: verdict.error }
}

function happeningOf(end: Exclude<TapEnd, { how: 'complete' | 'left' }>, trial: Trial, target: LiveTarget, carrier: Carrier): Happening {
  if (end.how === 'truncated') {
    trial.detail = end.message
    return { what: 'truncated', message: end.message }
  }
  if (end.how === 'late') return { what: 'silent', phase: end.interruption.phase, limit_ms: end.interruption.limit_ms }
  const dialect = carrier.dialect(target.provider.dialect)
  if (dialect === undefined) return { what: 'garbage', message: 'an error in band' }
  const error = inBand(trial.seen, dialect)
  trial.detail = `in band: ${error.code === null ? '' : `${error.code}: `}${error.message}`
  return { what: 'refused', error, retry_after_ms: null, own_key: trial.own_key }
}
