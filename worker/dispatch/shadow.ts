/**
 * A copy of a request for a target that a policy wants to learn about. Its answer is read, counted and thrown away; the caller
 * neither sees nor waits for it, and whether he goes away makes no difference to it.
 */
import type { PlanStep } from '../schema/decision.ts'
import type { TargetId } from '../schema/ids.ts'
import type { AttemptRecord } from '../schema/usage.ts'
import { guard as guardOf } from '../stream/guard.ts'
import { tap } from '../stream/tap.ts'
import { attempt } from './attempt.ts'
import { letGo } from './body.ts'
import type { Call, Carrier } from './call.ts'
import { classify } from './classify.ts'
import { conclude } from './ended.ts'
import { close, trialOf } from './trial.ts'

const NOTHING = new Uint8Array(0)

/** Never rejects. One call, under the limits of the plan's first step; `gone` of the caller is not looked at. */
export async function shadow(call: Call, id: TargetId, carrier: Carrier): Promise<AttemptRecord> {
  const { effects } = carrier
  const now_ms = effects.nowMs()
  const target = carrier.target(id)
  if (target === undefined) return notCalled(id, now_ms)
  const { plan } = call.record
  const first = plan.steps[0]
  const step: PlanStep = {
    target: id,
    headers_ms: plan.total_ms,
    first_token_ms: plan.total_ms,
    idle_ms: plan.total_ms,
    ...limitsOf(first),
  }
  const { rescue: _, ...unmended } = plan
  const record = { ...call.record, plan: unmended }
  const alone: Call = { ...call, record, gone: new AbortController().signal, started_at_ms: now_ms }
  const guard = guardOf(effects, alone.gone, now_ms, plan.total_ms)
  const trial = trialOf(target, step, now_ms)
  const tried = await attempt(alone, trial, step, guard, carrier)
  if (!tried.ok) {
    guard.stop()
    const { class: outcome, retry_after_ms } = classify(tried.happening, {
      target: id,
      calls_here: 1,
      is_first: true,
      has_next: false,
      wait_at_most_ms: 0,
      remaining_ms: 0,
      draw: 0,
    })
    return conclude(alone, trial, { class: outcome, retry_after_ms, role: 'shadow' }, carrier)
  }
  const { answer } = tried
  if (answer.kind === 'whole') {
    guard.stop()
    return conclude(alone, trial, { class: 'ok', retry_after_ms: null, role: 'shadow' }, carrier)
  }
  const { readable, ended } = tap({
    reader: answer.reader,
    relay: answer.relay,
    guard,
    clock: effects,
    idle_ms: step.idle_ms,
    abort: () => close(trial),
    errorBytes: () => NOTHING,
  })
  letGo(readable.pipeTo(new WritableStream()))
  const { how } = await ended
  const outcome = how === 'complete' ? 'ok' : how === 'late' ? 'timeout' : how === 'error' ? 'server' : 'truncated'
  return conclude(alone, trial, { class: outcome, retry_after_ms: null, role: 'shadow' }, carrier)
}

function limitsOf(first: PlanStep | undefined) {
  return first === undefined ? {} : { headers_ms: first.headers_ms, first_token_ms: first.first_token_ms, idle_ms: first.idle_ms }
}

function notCalled(target: TargetId, now_ms: number): AttemptRecord {
  return {
    target,
    role: 'shadow',
    class: 'cancelled',
    status: null,
    sent_at_ms: now_ms,
    headers_ms: null,
    first_token_ms: null,
    ended_ms: 0,
    detail: 'switched off since the plan was made',
    probe: false,
    usage: null,
  }
}
