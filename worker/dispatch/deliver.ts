/**
 * An answer on its way out. Both kinds wait for `release`: the request's intent must be durable before a byte leaves. The
 * answer is settled exactly once, whichever of its ends comes first.
 */
import type { LiveTarget } from '../core/decide/world.ts'
import { type GatewayError, statusOf } from '../core/errors.ts'
import type { Loss } from '../schema/chat.ts'
import type { PlanStep } from '../schema/decision.ts'
import type { OutcomeClass } from '../schema/health.ts'
import type { Ms } from '../schema/units.ts'
import type { AttemptRecord, UsageOutcome } from '../schema/usage.ts'
import type { Guard } from '../stream/guard.ts'
import { encodeEvents } from '../stream/sse.ts'
import { type Broken, type Outlet, type Source, type TapEnd, tap } from '../stream/tap.ts'
import { type Answer, inBand } from './attempt.ts'
import type { Call, Carried, Carrier, Ended } from './call.ts'
import { classify, type Happening } from './classify.ts'
import { CHARS_PER_TOKEN, conclude, usageOf, usageOver } from './ended.ts'
import { limitsTold } from './limits-told.ts'
import { mayRescue, rescue } from './rescue.ts'
import { close, type Trial } from './trial.ts'

/** Of a target's headers none is passed on but its limits, in the caller's words: these say what the caller needs. */
export const HEADERS: Record<'json' | 'events', Record<string, string>> = {
  json: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' },
  events: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' },
}

/** What the target that answers was not shown, so that a caller can see it. */
function redactionTold({ redacted }: Trial): Record<string, string> {
  if (redacted === undefined) return {}
  return {
    'x-signalbox-redacted': Object.entries(redacted)
      .map(([type, count]) => `${type} ${count}`)
      .join(', '),
  }
}

type Closing = { outcome: UsageOutcome; class: OutcomeClass; retry_after_ms: Ms | null; status: number; error: GatewayError | null }

/** The call an answer comes from now, and those before it. `role` is null once it has been concluded. */
type Course = { trial: Trial; role: AttemptRecord['role'] | null; attempts: AttemptRecord[] }

/** The record, the report and the row of an answer, made once; asked again, it gives the same. */
function settler(call: Call, course: Course, losses: () => Loss[], guard: Guard, carrier: Carrier): (closing: Closing) => Ended {
  let ended: Ended | null = null
  const first = course.trial
  return closing => {
    if (ended !== null) return ended
    guard.stop()
    const { trial, role, attempts } = course
    if (role !== null) attempts.push(conclude(call, trial, { class: closing.class, retry_after_ms: closing.retry_after_ms, role }, carrier))
    const { usage, calls } = usageOver(attempts)
    const { first_token_at_ms } = first
    ended = {
      outcome: closing.outcome,
      target: first.target.id,
      status: closing.status,
      error: closing.error,
      finish_reason: trial.seen.finish_raw,
      usage,
      usage_estimated: calls > 1 || usageOf(call, trial).estimated,
      attempts,
      losses: losses(),
      headers: {},
      first_token_ms: first_token_at_ms === null ? null : first_token_at_ms - call.started_at_ms,
      total_ms: carrier.effects.nowMs() - call.started_at_ms,
      ...(trial === first &&
        trial.seen.answer_id !== undefined &&
        first.target.provider.dialect === call.dialect.name && { answer_id: trial.seen.answer_id }),
    }
    return ended
  }
}

const DONE: Closing = { outcome: 'completed', class: 'ok', retry_after_ms: null, status: 200, error: null }
const LEFT: Closing = { outcome: 'caller_left', class: 'cancelled', retry_after_ms: null, status: 200, error: { code: 'caller_left' } }

export function wholeAnswer(
  call: Call,
  trial: Trial,
  role: AttemptRecord['role'],
  answer: Extract<Answer, { kind: 'whole' }>,
  before: AttemptRecord[],
  guard: Guard,
  carrier: Carrier,
): Carried {
  guard.stop()
  const losses = () => answer.losses
  const settle = settler(call, { trial, role, attempts: before }, losses, guard, carrier)
  return {
    target: trial.target,
    status: 200,
    headers: { ...HEADERS[answer.form], ...limitsTold(call, trial, carrier), ...redactionTold(trial) },
    attempts: before.length + 1,
    losses,
    release: () => {
      // It was made in full and is billed in full; only that it was delivered cannot be said of a caller who is gone.
      return { body: answer.body, ended: settle(call.gone.aborted ? { ...LEFT, class: 'ok' } : DONE) }
    },
    releaseInto: ({ writer }) => {
      const bytes = typeof answer.body === 'string' ? new TextEncoder().encode(answer.body) : answer.body
      call.copy?.(bytes)
      return writer
        .write(bytes)
        .then(() => writer.close())
        .then(
          () => settle(DONE),
          () => settle({ ...LEFT, class: 'ok' }),
        )
    },
    abandon: error => settle({ ...abandoned(error), class: 'ok' }),
  }
}

export function streamedAnswer(
  call: Call,
  trial: Trial,
  role: AttemptRecord['role'],
  { reader, relay, content_type }: Extract<Answer, { kind: 'stream' }>,
  step: PlanStep,
  before: AttemptRecord[],
  guard: Guard,
  carrier: Carrier,
): Carried {
  const course: Course = { trial, role, attempts: before }
  let { losses } = relay
  const settle = settler(call, course, () => losses(), guard, carrier)
  const { target } = trial
  let looking: Promise<Source | null> | null = null
  let broke: Closing | null = null
  const rescuing = { step, attempts: before, guard, given_up: false }

  /** The call that broke off is over, whatever becomes of the answer: its target is told of at once. */
  const lookFor = async (end: Broken): Promise<Source | null> => {
    const closing = closingOf(end, trial, target, carrier)
    const told = relay.told()
    if (guard.remainingMs() <= 0 || !mayRescue(call, closing.class, told)) return null
    broke = closing
    course.role = null
    course.attempts.push(conclude(call, trial, { class: closing.class, retry_after_ms: closing.retry_after_ms, role }, carrier))
    const { usage } = usageOf(call, trial)
    const found = await rescue(call, { told, usage }, rescuing, carrier, next => {
      course.trial = next
    })
    if (found === null) {
      course.trial = trial
      return null
    }
    course.role = 'rescue'
    losses = found.source.relay.losses
    return found.source
  }
  /** A rescue that fails is not what the caller is told of. */
  const closingFor = (end: TapEnd): Closing => {
    if (end.how === 'complete' || end.how === 'left' || broke === null) return closingOf(end, trial, target, carrier)
    return course.role === null ? broke : { ...closingOf(end, course.trial, course.trial.target, carrier), error: broke.error }
  }

  const release = (into?: Outlet) => {
    const { readable, ended } = tap({
      reader,
      relay,
      guard,
      clock: carrier.effects,
      into,
      copy: call.copy,
      idle_ms: step.idle_ms,
      abort: () => close(trial),
      // Into JSON or sound nothing can be written that would be an error there: the connection breaks off, as the answer did.
      errorBytes: end =>
        content_type === null || content_type.includes('event-stream')
          ? encodeEvents(call.dialect.error.writeInBand(closingFor(end).error ?? { code: 'caller_left' }))
          : null,
      keep_alive: content_type === null ? keepAliveFor(call) : undefined,
      readsOnFor: () => drainFor(call, course.trial, carrier.effects.nowMs()),
      rescue:
        call.record.plan.rescue === undefined || content_type !== null
          ? undefined
          : end => {
              looking = lookFor(end)
              return looking
            },
    })
    const settled = ended.then(async end => {
      if (end.how === 'left') course.trial.closed = true
      if (looking !== null) {
        // Whoever was still being asked is not waited for.
        rescuing.given_up = end.how === 'left'
        if (rescuing.given_up) close(course.trial)
        await looking
      }
      return settle(closingFor(end))
    })
    return { body: readable, ended: settled }
  }

  return {
    target,
    status: 200,
    headers: {
      ...(content_type === null ? HEADERS.events : { 'content-type': content_type, 'x-content-type-options': 'nosniff' }),
      ...limitsTold(call, trial, carrier),
      ...redactionTold(trial),
    },
    attempts: before.length + 1,
    losses,
    release: () => release(),
    releaseInto: into => release(into).ended,
    abandon: error => {
      close(trial)
      return settle(abandoned(error))
    },
  }
}

function keepAliveFor({ dialect, record }: Call) {
  const { keep_alive_ms } = record.plan
  const bytes = dialect.reply.keep_alive
  return bytes === undefined || keep_alive_ms === undefined ? undefined : { bytes, every_ms: keep_alive_ms }
}

/**
 * A caller who goes away need not be the end: who bills an answer to its end, or is nearly through with it, is read on for the counts. How long
 * it will take follows from how fast it was and how long such answers are.
 */
function drainFor({ record }: Call, { seen, first_token_at_ms }: Trial, now_ms: Ms): Ms {
  const { drain_ms } = record.plan
  if (drain_ms === undefined || first_token_at_ms === null) return 0
  const written = Math.max(1, seen.output_chars / CHARS_PER_TOKEN)
  const left = Math.max(0, record.features.expected_output_tokens - written)
  return (left * Math.max(1, now_ms - first_token_at_ms)) / written <= drain_ms ? drain_ms : 0
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
