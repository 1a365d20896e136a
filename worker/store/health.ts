/**
 * Health as one isolate sees it: the fleet's snapshot, a few seconds old, with its own fresh experience over it. Reading it
 * never waits. It grows old only while nobody asks: every report brings a new one back, and a request that finds it older
 * than two seconds has one fetched behind itself.
 *
 * A failure is reported at once, an answer within a second, together with whatever else there is. Reports may be lost, which
 * only slows detection; when the object is out of reach, the isolate goes by its own experience alone.
 */
import { type Gate, LEASE_MS, newGate, step } from '../core/health/gate.ts'
import { mergeHealth } from '../core/health/merge.ts'
import type { Plan } from '../schema/decision.ts'
import { type HealthReply, type HealthReport, type HealthSnapshot, NO_HEALTH, type Outcome } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

type Context = { waitUntil(promise: Promise<unknown>): void }
type Bindings = Pick<Env, 'HEALTH'>

export type HealthView = {
  /** Sync, from memory. The context is for what it may set going behind the request. */
  snapshot(now_ms: Ms, ctx: Context): HealthSnapshot
  /** Open targets that this isolate may try once: `World.probes`. */
  probes(now_ms: Ms): ReadonlySet<TargetId>
  /** Tells that a plan will use the leases it has as first step, so that no other request does. */
  took(plan: Plan): void
  report(outcome: Outcome, ctx: Context): void
  /** False after a report that did not arrive. */
  reachable(): boolean
}

/** Older than this, and a request has it refreshed behind itself. */
export const SNAPSHOT_FRESH_MS: Ms = 2_000
/** Answers wait this long for company, or for this many outcomes. */
export const REPORT_AFTER_MS: Ms = 1_000
export const REPORT_AT = 50
/** A report that has not come back by then is lost, and its request perhaps with it. */
const REPORT_LIMIT_MS: Ms = 3_000
/** While the object does not answer: between two tries. */
const TRY_AGAIN_MS: Ms = 1_000
/** Outcomes kept for an object that does not answer; beyond, the oldest go. */
const OUTCOMES_KEPT = 500
const TARGETS_KEPT = 2_000
/** A probe is asked for at most this often. */
const ASK_AGAIN_MS: Ms = 1_000
const NO_PROBES: ReadonlySet<TargetId> = new Set()
/** Says nothing about the target, and so need not hurry. */
const UNHURRIED = new Set(['ok', 'client', 'cancelled'])

/** The object's name while there is one for the whole world. */
export const HEALTH_REGION = 'all'

/** `region` names the object: isolates of one region share one. */
export function healthView(env: Bindings, region = HEALTH_REGION): HealthView {
  let fleet = NO_HEALTH
  let merged: { health: HealthSnapshot; at_ms: Ms } = { health: NO_HEALTH, at_ms: 0 }
  const local = new Map<TargetId, Gate>()
  const leases = new Map<TargetId, Ms>()
  const asked_at_ms = new Map<TargetId, Ms>()
  let outcomes: Outcome[] = []
  let wants_probe = new Set<TargetId>()
  let isolate: string | null = null
  let seq = 0
  let reporting_until_ms: Ms | null = null
  let waiting_until_ms: Ms = 0
  let try_again_at_ms: Ms = 0
  let unheard = false
  let fetched_at_ms: Ms = 0

  /** One report, and another if something urgent came up meanwhile. Runs behind a request. */
  async function flush(): Promise<void> {
    for (let again = true, rounds = 0; again && rounds < 3; rounds++) {
      const now_ms = Date.now()
      if (reporting_until_ms !== null && now_ms < reporting_until_ms) return
      reporting_until_ms = now_ms + REPORT_LIMIT_MS
      isolate ??= crypto.randomUUID()
      seq += 1
      const report: HealthReport = { v: 1, isolate, seq, outcomes, wants_probe: [...wants_probe] }
      outcomes = []
      wants_probe = new Set()
      const reply = await send(env, region, report)
      reporting_until_ms = null
      if (reply) take(reply)
      else miss(report, now_ms)
      again = reply !== null && outcomes.some(isUrgent)
    }
  }

  function take({ snapshot, probes }: HealthReply): void {
    const now_ms = Date.now()
    unheard = false
    fetched_at_ms = now_ms
    if (snapshot.taken_at_ms >= fleet.taken_at_ms) fleet = snapshot
    merged = { health: fleet, at_ms: 0 }
    for (const target of probes) leases.set(target, now_ms + LEASE_MS)
  }

  function miss(report: HealthReport, now_ms: Ms): void {
    unheard = true
    outcomes = [...report.outcomes, ...outcomes].slice(-OUTCOMES_KEPT)
    try_again_at_ms = now_ms + TRY_AGAIN_MS
  }

  function wantProbes(health: HealthSnapshot, now_ms: Ms): boolean {
    let isNew = false
    for (const target in health.targets) {
      const state = health.targets[target]
      if (!state || (state.state !== 'open' && state.state !== 'probing') || (state.until_ms ?? now_ms) > now_ms) continue
      if ((leases.get(target) ?? 0) > now_ms || (asked_at_ms.get(target) ?? 0) + ASK_AGAIN_MS > now_ms) continue
      asked_at_ms.set(target, now_ms)
      // Out of reach, nobody can grant a lease: this isolate gives itself one, no oftener than one would have been given.
      if (unheard) {
        leases.set(target, now_ms + LEASE_MS)
        asked_at_ms.set(target, now_ms + LEASE_MS)
      } else {
        wants_probe.add(target)
        isNew = true
      }
    }
    return isNew
  }

  return {
    snapshot(now_ms, ctx) {
      // Within one millisecond nothing changes but by a report, which clears this.
      if (merged.at_ms !== now_ms) merged = { health: mergeHealth(fleet, local, now_ms), at_ms: now_ms }
      const wanted = wantProbes(merged.health, now_ms)
      const isOld = now_ms - fetched_at_ms > SNAPSHOT_FRESH_MS
      const isFree = reporting_until_ms === null || now_ms >= reporting_until_ms
      if ((wanted || isOld) && isFree && now_ms >= try_again_at_ms) ctx.waitUntil(flush())
      return merged.health
    },

    probes(now_ms) {
      if (!leases.size) return NO_PROBES
      for (const [target, until_ms] of leases) if (until_ms <= now_ms) leases.delete(target)
      return new Set(leases.keys())
    },

    took(plan) {
      const [first] = plan.steps
      if (first?.probe) leases.delete(first.target)
    },

    report(outcome, ctx) {
      const now_ms = Date.now()
      if (local.has(outcome.target) || local.size < TARGETS_KEPT) {
        local.set(outcome.target, step(local.get(outcome.target) ?? newGate(now_ms), outcome, now_ms, Math.random()))
      }
      if (outcome.probe) leases.delete(outcome.target)
      merged.at_ms = 0
      outcomes.push(outcome)
      if (outcomes.length > OUTCOMES_KEPT) outcomes.shift()
      if (now_ms < try_again_at_ms) return
      if (isUrgent(outcome) || outcomes.length >= REPORT_AT) ctx.waitUntil(flush())
      else if (now_ms >= waiting_until_ms) {
        waiting_until_ms = now_ms + REPORT_AFTER_MS
        ctx.waitUntil(scheduler.wait(REPORT_AFTER_MS).then(() => (outcomes.length ? flush() : undefined)))
      }
    },

    reachable: () => !unheard,
  }
}

const isUrgent = ({ class: outcome, probe }: Outcome) => probe || !UNHURRIED.has(outcome)

/** Null where it did not arrive, or nobody knows. Tried twice where the platform says that this may help, each time on a new stub. */
async function send(env: Bindings, region: string, report: HealthReport): Promise<HealthReply | null> {
  for (let tries = 0; tries < 2; tries++) {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<null>(resolve => {
      timer = setTimeout(() => resolve(null), REPORT_LIMIT_MS)
    })
    try {
      return await Promise.race([env.HEALTH.getByName(region).report(report), late])
    } catch (error) {
      const { retryable, overloaded } = error as { retryable?: boolean; overloaded?: boolean }
      if (!retryable || overloaded) return null
    } finally {
      clearTimeout(timer)
    }
  }
  return null
}
