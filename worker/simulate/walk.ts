/**
 * A request carried without bytes: the same plan, the same fates and the real table of verdicts (`classify`), as events in
 * time. It is what makes runs of a million requests affordable; `carry.ts` carries them through the real dispatch, and a test
 * holds the two against each other.
 */
import { classify, type Happening, type Verdict } from '../dispatch/classify.ts'
import type { HedgePlan, PlanStep } from '../schema/decision.ts'
import type { OutcomeClass } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { SimClock } from './clock.ts'
import type { Attempt, Journey, Passenger, Told } from './journey.ts'
import type { Fate } from './weather.ts'

/** A call on its way, until something of it is heard. */
type Flight = {
  step: PlanStep
  role: 'answer' | 'hedge'
  fate: Fate
  sent_at_ms: Ms
  /** When something is heard of it, and how long that is waited for. */
  begins_ms: Ms
  limit_ms: Ms
  told_late: boolean
  over: boolean
}

export function walk(passenger: Passenger, clock: SimClock, done: (journey: Journey) => void): void {
  const { plan, fateOf, tell, draw, started_at_ms, retries, hedges } = passenger
  const attempts: Attempt[] = []
  const ends_at_ms = started_at_ms + plan.total_ms
  let calls = 0
  let calls_here = 0
  /** The step that was asked beside the first one; it is not asked again. */
  let beside = -1
  let stopped = false

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
      calls++
      const conclude = (kind: OutcomeClass, first_token_ms: Ms | null = null, retry_after_ms: Ms | null = null) => {
        attempt.class = kind
        tell({ target: step.target, class: kind, sent_at_ms, first_token_ms, retry_after_ms, probe: attempt.probe })
      }
      const fate = fateOf(step.target, calls)
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

  /** Sends one call; `heard` when it has begun to answer, or failed. */
  function fly(step: PlanStep, role: Flight['role'], heard: (flight: Flight) => void): Flight {
    const sent_at_ms = clock.nowMs()
    const fate = fateOf(step.target, ++calls)
    const limit_ms = Math.min(step.first_token_ms, step.headers_ms, ends_at_ms - sent_at_ms)
    const flight: Flight = { step, role, fate, sent_at_ms, begins_ms: beginningOf(fate), limit_ms, told_late: false, over: false }
    const heard_ms = Math.min(flight.begins_ms, limit_ms)
    if (role === 'answer' && step.late_ms !== undefined && step.late_ms < heard_ms) {
      clock.at(sent_at_ms + step.late_ms, () => {
        if (flight.over) return
        flight.told_late = true
        tellWait(flight, null)
      })
    }
    clock.at(sent_at_ms + heard_ms, () => {
      if (flight.over) return
      flight.over = true
      heard(flight)
    })
    return flight
  }

  const tellWait = ({ step, sent_at_ms }: Flight, first_token_ms: Ms | null) =>
    tell({ target: step.target, class: 'late', sent_at_ms, first_token_ms, retry_after_ms: null, probe: step.probe === true })

  const hasBegun = ({ fate, begins_ms, limit_ms }: Flight) => begins_ms <= limit_ms && (fate.meets === 'answer' || fate.meets === 'cut')

  function conclude({ step, role, sent_at_ms }: Flight, kind: OutcomeClass, more: Partial<Told> = {}): void {
    const probe = step.probe === true
    attempts.push({ target: step.target, sent_at_ms, probe, class: kind, ...(role === 'hedge' && { hedge: true as const }) })
    tell({ target: step.target, class: kind, sent_at_ms, first_token_ms: null, retry_after_ms: null, probe, ...more })
  }

  function judged(flight: Flight, at: number, has_next: boolean): Verdict {
    const { step, role, fate, begins_ms, limit_ms } = flight
    const verdict = classify(happeningOf(fate, begins_ms > limit_ms, limit_ms, clock.nowMs() >= ends_at_ms), {
      target: step.target,
      calls_here,
      is_first: at === 0 && role === 'answer',
      has_next,
      wait_at_most_ms: plan.retry_after_at_most_ms,
      remaining_ms: ends_at_ms - clock.nowMs(),
      draw: draw(),
    })
    conclude(flight, verdict.class, { retry_after_ms: verdict.retry_after_ms })
    stopped ||= verdict.next.step === 'stop'
    return verdict
  }

  /** From the first token on: nobody else is asked before it has ended. */
  function answers(flight: Flight): void {
    const { step, fate, sent_at_ms, begins_ms, told_late } = flight
    if (fate.meets !== 'answer' && fate.meets !== 'cut') return
    const told = told_late || step.probe === true
    if (told) tellWait(flight, begins_ms)
    clock.at(sent_at_ms + fate.whole_ms, () => {
      conclude(flight, fate.meets === 'answer' ? 'ok' : 'truncated', { first_token_ms: told ? null : fate.first_token_ms })
      if (fate.meets === 'answer') end('answered', sent_at_ms + fate.first_token_ms)
      else rescue(step.target, sent_at_ms + fate.first_token_ms)
    })
  }

  /** As `dispatch/hedge.ts` does: `over` with the call to go by, and with the other one where that had failed before. */
  function race(first: PlanStep, hedge: HedgePlan, over: (flight: Flight, failed: Flight | null) => void): void {
    const flights: Flight[] = []
    let failed: Flight | null = null
    const heard = (flight: Flight) => {
      const other = flights.find(each => each !== flight)
      if (other !== undefined && failed === null) {
        if (!hasBegun(flight)) {
          failed = flight
          return
        }
        other.over = true
        conclude(other, 'cancelled', { waited_ms: clock.nowMs() - other.sent_at_ms })
      }
      over(flight, failed)
    }
    hedges.earn('', hedge.share, clock.nowMs())
    const one = fly(first, 'answer', heard)
    flights.push(one)
    clock.at(one.sent_at_ms + hedge.after_ms, () => {
      const step = plan.steps[hedge.step]
      if (one.over || step === undefined || !hedges.spend('', clock.nowMs())) return
      flights.push(fly(step, 'hedge', heard))
    })
  }

  function call(at: number): void {
    const step = plan.steps[at]
    if (step === undefined || attempts.length >= plan.attempts) {
      end('failed', null)
      return
    }
    if (at === beside) {
      call(at + 1)
      return
    }
    if (++calls_here === 1) retries.earn(step.target, plan.retry_share, clock.nowMs())
    const hedge = attempts.length === 0 && plan.attempts > 1 ? plan.hedge : undefined
    if (hedge === undefined) fly(step, 'answer', flight => settle(at, flight, null))
    else
      race(step, hedge, (flight, failed) => {
        if (failed !== null) beside = hedge.step
        settle(at, flight, failed)
      })
  }

  function settle(at: number, flight: Flight, failed: Flight | null): void {
    if (failed !== null) judged(failed, at, true)
    if (hasBegun(flight)) {
      answers(flight)
      return
    }
    const may_call_again = attempts.length + 1 < plan.attempts
    const has_next = plan.steps[at + 1] !== undefined
    const { next } = judged(flight, at, may_call_again && has_next)
    const is_for_another = has_next && attempts.length + 1 === plan.attempts
    const is_same = next.step === 'same' && beside < 0 && calls_here < plan.attempts_per_target && !is_for_another
    if (stopped || (is_same && !may_call_again)) end('failed', null)
    else if (is_same && retries.spend(plan.steps[at]?.target ?? '', clock.nowMs())) clock.at(clock.nowMs() + next.wait_ms, () => call(at))
    else {
      calls_here = 0
      call(at + 1)
    }
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
