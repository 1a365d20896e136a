/**
 * A second call for a first token that is late: whoever begins first answers, the other call is closed. Most of what makes a slow
 * hundredth slow is the call's own bad luck, which a second call elsewhere does not share.
 *
 * The plan says after how long, and with which of its steps; it names one only where the policy lets requests cost twice. Over all
 * requests the second calls are a share of them at most, so that a provider which slows down as a whole does not double everybody's cost
 * at once. Either call is recorded; what the closed one cost is an estimate, as its prompt may have been read by then.
 */
import type { HedgePlan, PlanStep } from '../schema/decision.ts'
import type { AttemptRecord } from '../schema/usage.ts'
import { type Guard, guard as guardOf, type Opening } from '../stream/guard.ts'
import { type Attempted, attempt } from './attempt.ts'
import type { Call, Carrier } from './call.ts'
import { conclude, tellLate } from './ended.ts'
import { close, type Trial, trialOf } from './trial.ts'

/** One of the two calls. */
export type Run = { trial: Trial; step: PlanStep; guard: Guard; role: 'answer' | 'hedge'; tried: Attempted }
/** The one to go by, and the other where there was one that failed before it. One that was closed is recorded in `lost`. */
export type Raced = { run: Run; failed: Run | null; lost: AttemptRecord | null }

export type Runner = Omit<Run, 'tried'>

export async function raced(call: Call, first: Runner, plan: HedgePlan, carrier: Carrier, opening?: Opening): Promise<Raced> {
  carrier.hedges.earn('', plan.share, first.trial.sent_at_ms)
  const alone = attempt(call, first.trial, first.step, first.guard, carrier).then((tried): Run => ({ ...first, tried }))
  const overdue = new Promise<null>(resolve => noticeBoth(call, first, plan, carrier, () => resolve(null)))
  const early = await Promise.race([alone, overdue])
  const second = early === null ? secondFor(call, plan, carrier, opening) : null
  if (second === null) {
    const run = early ?? (await alone)
    first.guard.notice(0, null)
    return { run, failed: null, lost: null }
  }

  const beside = attempt(call, second.trial, second.step, second.guard, carrier).then((tried): Run => ({ ...second, tried }))
  const ahead = await Promise.race([alone, beside])
  const [behind, other] = ahead.role === 'answer' ? [second, beside] : [first, alone]
  // Where the second call has failed, the first is still waited for, and that it is late still to be told.
  if (ahead.tried.ok || ahead.role === 'answer') first.guard.notice(0, null)
  if (!ahead.tried.ok) {
    const run = await other
    first.guard.notice(0, null)
    return { run, failed: ahead, lost: null }
  }
  behind.trial.detail = 'another call answered first'
  behind.trial.closed = true
  close(behind.trial)
  behind.guard.stop()
  const lost = conclude(call, behind.trial, { class: 'cancelled', retry_after_ms: null, role: behind.role, outrun: true }, carrier)
  return { run: ahead, failed: null, lost }
}

/** The guard tells of one moment at a time: the nearer one first, and then the other. */
function noticeBoth(call: Call, { trial, step, guard }: Runner, { after_ms }: HedgePlan, carrier: Carrier, onOverdue: () => void): void {
  const overdue_ms = trial.sent_at_ms + after_ms
  const late_ms = step.late_ms === undefined ? Number.POSITIVE_INFINITY : trial.sent_at_ms + step.late_ms
  const onLate = () => tellLate(call, trial, carrier)
  if (late_ms < overdue_ms)
    guard.notice(late_ms, () => {
      onLate()
      guard.notice(overdue_ms, onOverdue)
    })
  else
    guard.notice(overdue_ms, () => {
      onOverdue()
      guard.notice(late_ms, late_ms === Number.POSITIVE_INFINITY ? null : onLate)
    })
}

/** Null where there is no allowance left, or nobody to ask. */
function secondFor(call: Call, plan: HedgePlan, carrier: Carrier, opening: Opening | undefined): Runner | null {
  const { effects } = carrier
  const { steps, total_ms } = call.record.plan
  const step = steps[plan.step]
  const target = step && carrier.target(step.target)
  const now_ms = effects.nowMs()
  if (step === undefined || target === undefined || call.gone.aborted || !carrier.hedges.spend('', now_ms)) return null
  const guard = guardOf(effects, call.gone, call.started_at_ms, total_ms, opening)
  return { trial: trialOf(target, step, now_ms), step, guard, role: 'hedge' }
}
