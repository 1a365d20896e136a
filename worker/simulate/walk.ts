/**
 * A request carried without bytes: the same plan, the same fates and the real table of verdicts (`classify`), as events in
 * time. It is what makes runs of a million requests affordable; `carry.ts` carries them through the real dispatch, and a test
 * holds the two against each other.
 */
import { classify, type Happening } from '../dispatch/classify.ts'
import type { OutcomeClass } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { SimClock } from './clock.ts'
import type { Attempt, Journey, Passenger } from './journey.ts'
import type { Fate } from './weather.ts'

export function walk(passenger: Passenger, clock: SimClock, done: (journey: Journey) => void): void {
  const { plan, fateOf, tell, draw, started_at_ms, retries } = passenger
  const attempts: Attempt[] = []
  const ends_at_ms = started_at_ms + plan.total_ms
  let calls_here = 0

  const end = (how: Journey['how'], first_token_at_ms: Ms | null) =>
    done({
      how,
      attempts,
      started_at_ms,
      ended_at_ms: clock.nowMs(),
      first_token_ms: first_token_at_ms && first_token_at_ms - started_at_ms,
    })

  /** An answer that broke off, taken up as `dispatch/rescue.ts` does where nobody is known to go on from a beginning: others first. */
  function rescue(broke: TargetId, first_token_at_ms: Ms): void {
    const others = plan.steps.filter(step => step.target !== broke)
    const again = plan.attempts_per_target > 1 ? plan.steps.filter(step => step.target === broke).slice(0, 1) : []
    const ways = plan.rescue === undefined ? [] : [...others, ...again]
    const next = () => {
      const step = ways.shift()
      if (step === undefined || attempts.length >= plan.attempts || clock.nowMs() >= ends_at_ms) return end('cut', first_token_at_ms)
      const sent_at_ms = clock.nowMs()
      const attempt: Attempt = { target: step.target, sent_at_ms, probe: step.probe === true, class: 'cancelled' }
      attempts.push(attempt)
      const conclude = (kind: OutcomeClass, first_token_ms: Ms | null = null, retry_after_ms: Ms | null = null) => {
        attempt.class = kind
        tell({ target: step.target, class: kind, sent_at_ms, first_token_ms, retry_after_ms, probe: attempt.probe })
      }
      const fate = fateOf(step.target, attempts.length)
      const limit_ms = Math.min(step.first_token_ms, step.headers_ms, ends_at_ms - sent_at_ms)
      const begins_ms = beginningOf(fate)
      if (begins_ms <= limit_ms && (fate.meets === 'answer' || fate.meets === 'cut')) {
        const told = attempt.probe
        if (told)
          clock.at(sent_at_ms + begins_ms, () =>
            tell({ target: step.target, class: 'late', sent_at_ms, first_token_ms: begins_ms, retry_after_ms: null, probe: true }),
          )
        return clock.at(sent_at_ms + fate.whole_ms, () => {
          conclude(fate.meets === 'answer' ? 'ok' : 'truncated', told ? null : fate.first_token_ms)
          end(fate.meets === 'answer' ? 'answered' : 'cut', first_token_at_ms)
        })
      }
      clock.at(sent_at_ms + Math.min(begins_ms, limit_ms), () => {
        const over = clock.nowMs() >= ends_at_ms
        const verdict = classify(happeningOf(fate, begins_ms > limit_ms, limit_ms, over), {
          target: step.target,
          calls_here: 1,
          is_first: false,
          has_next: true,
          wait_at_most_ms: 0,
          remaining_ms: 0,
          draw: 0,
        })
        conclude(verdict.class, null, verdict.retry_after_ms)
        next()
      })
    }
    next()
  }

  function call(at: number): void {
    const step = plan.steps[at]
    if (step === undefined || attempts.length >= plan.attempts) {
      end('failed', null)
      return
    }
    if (++calls_here === 1) retries.earn(step.target, plan.retry_share, clock.nowMs())
    const sent_at_ms = clock.nowMs()
    const attempt: Attempt = { target: step.target, sent_at_ms, probe: step.probe === true, class: 'cancelled' }
    attempts.push(attempt)
    const fate = fateOf(step.target, attempts.length)
    const conclude = (kind: OutcomeClass, first_token_ms: Ms | null = null, retry_after_ms: Ms | null = null) => {
      attempt.class = kind
      tell({ target: step.target, class: kind, sent_at_ms, first_token_ms, retry_after_ms, probe: attempt.probe })
    }
    const limit_ms = Math.min(step.first_token_ms, step.headers_ms, ends_at_ms - sent_at_ms)
    const begins_ms = beginningOf(fate)
    const tellWait = (first_token_ms: Ms | null) =>
      tell({ target: step.target, class: 'late', sent_at_ms, first_token_ms, retry_after_ms: null, probe: attempt.probe })
    const is_late = step.late_ms !== undefined && step.late_ms < Math.min(begins_ms, limit_ms)
    if (is_late) clock.at(sent_at_ms + (step.late_ms ?? 0), () => tellWait(null))
    if (begins_ms <= limit_ms && (fate.meets === 'answer' || fate.meets === 'cut')) {
      const told = is_late || attempt.probe
      if (told) clock.at(sent_at_ms + begins_ms, () => tellWait(begins_ms))
      clock.at(sent_at_ms + fate.whole_ms, () => {
        conclude(fate.meets === 'answer' ? 'ok' : 'truncated', told ? null : fate.first_token_ms)
        if (fate.meets === 'answer') end('answered', sent_at_ms + fate.first_token_ms)
        else rescue(step.target, sent_at_ms + fate.first_token_ms)
      })
      return
    }
    clock.at(sent_at_ms + Math.min(begins_ms, limit_ms), () => {
      const verdict = classify(happeningOf(fate, begins_ms > limit_ms, limit_ms, clock.nowMs() >= ends_at_ms), {
        target: step.target,
        calls_here,
        is_first: at === 0,
        has_next: attempts.length < plan.attempts && plan.steps[at + 1] !== undefined,
        wait_at_most_ms: plan.retry_after_at_most_ms,
        remaining_ms: ends_at_ms - clock.nowMs(),
        draw: draw(),
      })
      conclude(verdict.class, null, verdict.retry_after_ms)
      const { next } = verdict
      if (next.step === 'stop') return end('failed', null)
      const is_for_another = plan.steps[at + 1] !== undefined && attempts.length + 1 === plan.attempts
      if (next.step === 'same' && calls_here < plan.attempts_per_target && !is_for_another) {
        if (attempts.length >= plan.attempts) return end('failed', null)
        if (!retries.spend(step.target, clock.nowMs())) {
          calls_here = 0
          return call(at + 1)
        }
        return clock.at(clock.nowMs() + next.wait_ms, () => call(at))
      }
      calls_here = 0
      call(at + 1)
    })
  }
  call(0)
}

/** When anything at all is heard of the call. */
function beginningOf(fate: Fate): Ms {
  if (fate.meets === 'silence') return Number.POSITIVE_INFINITY
  return 'first_token_ms' in fate ? fate.first_token_ms : fate.after_ms
}

function happeningOf(fate: Fate, silent: boolean, limit_ms: Ms, over: boolean): Happening {
  if (silent) return { what: 'silent', phase: over ? 'total' : 'first_token', limit_ms }
  if (fate.meets === 'status') {
    const { status, retry_after_ms } = fate
    return { what: 'refused', error: { kind: 'other', status, code: null, type: null, message: 'simulated', param: null }, retry_after_ms }
  }
  return { what: 'unreachable', message: 'simulated' }
}
