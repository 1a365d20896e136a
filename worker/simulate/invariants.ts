/**
 * What must hold at every step of every simulated run, whatever the weather. Of the ten invariants of the design these are
 * the ones that the simulated parts carry; those on money (I1 to I4) belong to the object that keeps it, which is no part of
 * the simulation, and are held by its own tests and by the kill loops.
 *
 *   I5   no request makes more calls than its plan allows, nor more to one target
 *   I6   nobody calls an open target but with a lease, in a panic, or as a step behind the first; and a target has one lease at a time
 *   I7   a request ends exactly once
 *   I8   an answer that is called complete is the upstream's, to the byte (with the real dispatch)
 *   I9   a minute after the weather has ended every gate is closed or on its way (with requests to find out by)
 *   I10  no request outlives its deadline by more than 250 ms
 *   I11  no request waits for news of health for longer than the bound
 *   I12  what isolates saw is counted once at most, whatever was lost, repeated, or passed on by relays
 */
import { REFRESH_WAIT_MOST_MS } from '../core/health/view.ts'
import type { Plan } from '../schema/decision.ts'
import type { HealthSnapshot, TargetHealth } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { Journey } from './journey.ts'

export type Broken = { invariant: string; at_ms: Ms; request: number | null; what: string }

const OVERTIME_MS: Ms = 250
/** Of those that were broken, so many are kept; the first one is what matters. */
const KEPT = 20

export type Watch = {
  broken: Broken[]
  decided(request: number, plan: Plan, health: HealthSnapshot, now_ms: Ms): void
  leased(target: TargetId, until_ms: Ms, now_ms: Ms): void
  waited(request: number, waited_ms: Ms, now_ms: Ms): void
  /** At the end of all: of so many outcomes that say something, the objects have counted so many. */
  counted(counted: number, told: number, now_ms: Ms): void
  ended(request: number, plan: Plan, journey: Journey): void
  wrongText(request: number, now_ms: Ms): void
  /** `asked`: a request is finding out at this moment. */
  healed(target: TargetId, health: Pick<TargetHealth, 'state' | 'until_ms'>, asked: boolean, now_ms: Ms): void
}

export function watch(): Watch {
  const broken: Broken[] = []
  const over = new Set<number>()
  const break_ = (invariant: string, at_ms: Ms, request: number | null, what: string) => {
    if (broken.length < KEPT) broken.push({ invariant, at_ms, request, what })
  }
  const leases = new Map<TargetId, Ms>()
  return {
    broken,
    decided(request, plan, health, now_ms) {
      if (plan.panic) return
      for (const step of plan.steps) {
        const state = health.targets[step.target]?.state
        if ((state === 'open' || state === 'probing' || state === 'isolated') && step.probe !== true) {
          break_('I6', now_ms, request, `${step.target} is ${state} and was planned without a lease`)
        }
      }
    },
    leased(target, until_ms, now_ms) {
      if ((leases.get(target) ?? 0) > now_ms) break_('I6', now_ms, null, `${target} was leased twice at a time`)
      leases.set(target, until_ms)
    },
    waited(request, waited_ms, now_ms) {
      if (waited_ms > REFRESH_WAIT_MOST_MS) break_('I11', now_ms, request, `it waited ${waited_ms} ms for news`)
    },
    counted(counted, told, now_ms) {
      if (counted > told) break_('I12', now_ms, null, `${counted} outcomes were counted of ${told}`)
    },
    ended(request, plan, { attempts, started_at_ms, ended_at_ms, how }) {
      if (over.has(request)) break_('I7', ended_at_ms, request, 'it ended twice')
      over.add(request)
      if (attempts.length > plan.attempts) break_('I5', ended_at_ms, request, `${attempts.length} calls`)
      for (const { target } of attempts) {
        const here = attempts.filter(attempt => attempt.target === target).length
        if (here > plan.attempts_per_target) break_('I5', ended_at_ms, request, `${here} calls to ${target}`)
      }
      if (how !== 'answered' && how !== 'cut' && how !== 'failed') break_('I7', ended_at_ms, request, 'it ended in no known way')
      if (ended_at_ms - started_at_ms > plan.total_ms + OVERTIME_MS) {
        break_('I10', ended_at_ms, request, `it took ${ended_at_ms - started_at_ms} ms`)
      }
    },
    wrongText: (request, now_ms) => break_('I8', now_ms, request, 'what was called complete is not what the upstream said'),
    healed(target, { state, until_ms }, asked, now_ms) {
      // One that no request would have, not even to fall back on, waits for the first that would.
      const waits = state === 'probing' && ((until_ms ?? 0) <= now_ms || !asked)
      if (state !== 'closed' && state !== 'ramp' && !waits) break_('I9', now_ms, null, `${target} is still ${state}`)
    },
  }
}
