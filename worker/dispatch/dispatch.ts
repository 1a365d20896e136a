/**
 * Walks a plan: calls its targets in order until one has begun to answer, and hands that answer back before a byte of it has
 * left. What to do after a failure is `classify`'s verdict; here are only the bounds (calls in all, calls per target, the one
 * deadline of the request) and the memory of what went wrong first, which is what the caller is told if nobody answers.
 */
import { err, ok, type Result } from '../core/result.ts'
import type { TargetId } from '../schema/ids.ts'
import type { AttemptRecord } from '../schema/usage.ts'
import { type Guard, guard as guardOf, type Opening } from '../stream/guard.ts'
import { type Answer, attempt } from './attempt.ts'
import type { Call, Carried, Carrier, Ended } from './call.ts'
import { classify, type Happening, type Verdict } from './classify.ts'
import { streamedAnswer, wholeAnswer } from './deliver.ts'
import { conclude, tellBegun, tellLate } from './ended.ts'
import { type Run, type Runner, raced } from './hedge.ts'
import { limitsTold } from './limits-told.ts'
import { trialOf } from './trial.ts'
import { type Failed, unanswered } from './unanswered.ts'

export type { Call, Carried, Carrier, Ended } from './call.ts'
export { shadow } from './shadow.ts'

/** `opening` is told of while nobody has begun to answer (`early.ts`). */
export async function dispatch(call: Call, carrier: Carrier, opening?: Opening): Promise<Result<Carried, Ended>> {
  const { plan } = call.record
  const { effects } = carrier
  const guard = guardOf(effects, call.gone, call.started_at_ms, plan.total_ms, opening)
  const attempts: AttemptRecord[] = []
  const failures: Failed[] = []
  const limits = new Map<TargetId, Record<string, string>>()
  let at = 0
  let calls_here = 0
  /** The step that was asked beside the first one; it is not asked again. */
  let beside = -1

  /** Writes a failed call down, with what is to be done about it. */
  const judged = ({ trial, role }: Run, happening: Happening, has_next: boolean): Verdict => {
    const verdict = classify(happening, {
      target: trial.target.id,
      calls_here,
      is_first: at === 0 && role === 'answer',
      has_next,
      wait_at_most_ms: plan.retry_after_at_most_ms,
      remaining_ms: guard.remainingMs(),
      draw: effects.draw(),
    })
    attempts.push(conclude(call, trial, { ...verdict, role }, carrier))
    failures.push({ target: trial.target.id, verdict })
    if (verdict.class === 'rate') limits.set(trial.target.id, limitsTold(call, trial, carrier))
    return verdict
  }

  for (let step = plan.steps[at]; step !== undefined && attempts.length < plan.attempts; step = plan.steps[at]) {
    const target = carrier.target(step.target)
    // Switched off since the plan was made, or asked already.
    if (target === undefined || at === beside) {
      at++
      continue
    }
    if (++calls_here === 1) carrier.retries.earn(target.id, plan.retry_share, effects.nowMs())
    const first: Runner = { trial: trialOf(target, step, effects.nowMs()), step, guard, role: 'answer' }
    const hedge = attempts.length === 0 && plan.attempts > 1 ? plan.hedge : undefined
    const race = hedge === undefined ? null : await raced(call, first, hedge, carrier, opening)
    const run = race?.run ?? (await alone(call, first, carrier))
    if (race?.lost) attempts.push(race.lost)
    if (race?.failed && !race.failed.tried.ok) {
      judged(race.failed, race.failed.tried.happening, true)
      beside = hedge?.step ?? -1
      race.failed.guard.stop()
    }
    if (run.tried.ok) {
      if (run.guard !== guard) guard.stop()
      return ok(answered(call, run, run.tried.answer, attempts, carrier))
    }
    const may_call_again = attempts.length + 1 < plan.attempts
    const { next } = judged(run, run.tried.happening, may_call_again && plan.steps[at + 1] !== undefined)
    if (failures.some(({ verdict }) => verdict.next.step === 'stop')) break
    // The last call of the plan belongs to a target that has not failed yet, where there is one.
    const is_for_another = plan.steps[at + 1] !== undefined && attempts.length + 1 === plan.attempts
    if (next.step === 'same' && beside < 0 && calls_here < plan.attempts_per_target && !is_for_another) {
      if (!may_call_again) break
      if (!carrier.retries.spend(target.id, effects.nowMs())) {
        at++
        calls_here = 0
        continue
      }
      const stopped = await interruptedDuring(effects.sleep(next.wait_ms), guard)
      if (stopped === null) continue
      const situation = { target: target.id, calls_here, is_first: false, has_next: false, wait_at_most_ms: 0, remaining_ms: 0, draw: 0 }
      failures.push({ target: target.id, verdict: classify(stopped, situation) })
      break
    }
    at = next.step === 'larger' ? nextLarger(call, carrier, at) : at + 1
    calls_here = 0
  }
  guard.stop()
  return err(unanswered(call, failures, attempts, limits, carrier))
}

async function alone(call: Call, runner: Runner, carrier: Carrier): Promise<Run> {
  const { trial, step, guard } = runner
  if (step.late_ms !== undefined) guard.notice(trial.sent_at_ms + step.late_ms, () => tellLate(call, trial, carrier))
  const tried = await attempt(call, trial, step, guard, carrier)
  if (step.late_ms !== undefined) guard.notice(0, null)
  return { ...runner, tried }
}

function answered(call: Call, { trial, step, guard, role }: Run, answer: Answer, before: AttemptRecord[], carrier: Carrier): Carried {
  tellBegun(call, trial, carrier)
  return answer.kind === 'stream'
    ? streamedAnswer(call, trial, role, answer, step, before, guard, carrier)
    : wholeAnswer(call, trial, role, answer, before, guard, carrier)
}

/** A wait between two calls ends early when the caller goes or the request's time is up. */
async function interruptedDuring(wait: Promise<void>, guard: Guard): Promise<Happening | null> {
  guard.relax()
  const waited = await guard.wait(wait)
  if (waited.done) return null
  const { interruption } = waited
  return interruption.by === 'caller' ? { what: 'left' } : { what: 'silent', phase: interruption.phase, limit_ms: interruption.limit_ms }
}

/** The next step whose target holds more context than this one; behind the end where there is none. */
function nextLarger({ record }: Call, carrier: Carrier, at: number): number {
  const { steps } = record.plan
  const contextOf = (i: number) => carrier.target(steps[i]?.target ?? '')?.target.capability.context_tokens ?? 0
  const too_small = contextOf(at)
  let next = at + 1
  while (next < steps.length && contextOf(next) <= too_small) next++
  return next
}
