/**
 * Health as one isolate sees it, at the platform's rim: `core/health/view.ts` says what to send and when, and here it is sent.
 * It is the fleet's snapshot, a few seconds old, with this isolate's own fresh experience over it. It
 * grows old only while nobody asks: every report brings a new one back.
 */
import { EVERYWHERE, PLACES, regionOf } from '../core/health/region.ts'
import { isolateView, REPORT_AFTER_MS, REPORT_LIMIT_MS } from '../core/health/view.ts'
import type { Plan } from '../schema/decision.ts'
import type { HealthReply, HealthReport, HealthSnapshot, Outcome } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

type Context = { waitUntil(promise: Promise<unknown>): void }
type Bindings = Pick<Env, 'HEALTH'>

export type HealthView = {
  /** Sync, from memory. The context is for what it may set going behind the request. */
  snapshot(now_ms: Ms, ctx: Context): HealthSnapshot
  /** Resolves when what `snapshot` gives is fresh, or would take too long to become so; null where there is nothing to wait for. */
  refreshed(now_ms: Ms, ctx: Context): Promise<unknown> | null
  /** Open targets that this isolate may try once: `World.probes`. */
  probes(now_ms: Ms): ReadonlySet<TargetId>
  /** Tells that a plan will use the leases it has as first step, so that no other request does. */
  took(plan: Plan): void
  report(outcome: Outcome, ctx: Context): void
  /** False after a report that did not arrive. */
  reachable(): boolean
  /** Any request of this isolate, from which it learns, once, in which region it is. */
  locate(request: { cf?: unknown }): void
}

/** Reports one request may send in a row, when something urgent keeps coming up meanwhile. */
const ROUNDS_AT_MOST = 3

/** Isolates of one region share one object; until the first request says where this one is, it goes by what holds everywhere. */
export function healthView(env: Bindings): HealthView {
  const view = isolateView()
  let isolate: string | null = null
  let region: string | null = null

  /** One report, and another if something urgent came up meanwhile. Runs behind a request. */
  async function flush(): Promise<void> {
    for (let rounds = 0; rounds < ROUNDS_AT_MOST; rounds++) {
      const sent_at_ms = Date.now()
      const report = view.nextReport(sent_at_ms)
      if (report === null) return
      isolate ??= crypto.randomUUID()
      const reply = await send(env, { ...report, isolate, region: region ?? EVERYWHERE })
      if (reply === null) return view.missed(report, sent_at_ms)
      if (!view.replied(reply, Date.now())) return
    }
  }

  return {
    snapshot(now_ms, ctx) {
      const { health, report } = view.see(now_ms)
      if (report) ctx.waitUntil(flush())
      return health
    },
    refreshed(now_ms, ctx) {
      const { report, old, wait_ms } = view.see(now_ms)
      if (!report) return null
      const done = flush()
      ctx.waitUntil(done)
      return old ? Promise.race([done, scheduler.wait(wait_ms)]) : null
    },
    probes: view.probes,
    took(plan) {
      // Its request lasts longer than this takes; should it not, the lease lapses, and that is all.
      if (view.took(plan)) void flush()
    },
    report(outcome, ctx) {
      const when = view.observe(outcome, Date.now(), Math.random)
      if (when === 'now') ctx.waitUntil(flush())
      else if (when === 'later') ctx.waitUntil(scheduler.wait(REPORT_AFTER_MS).then(() => (view.waiting() ? flush() : undefined)))
    },
    reachable: view.reachable,
    locate(request) {
      region ??= regionOf(request.cf)
    },
  }
}

/** Null where it did not arrive, or nobody knows. Tried twice where the platform says that this may help, each time on a new stub. */
async function send(env: Bindings, report: HealthReport & { region: string }): Promise<HealthReply | null> {
  for (let tries = 0; tries < 2; tries++) {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<null>(resolve => {
      timer = setTimeout(() => resolve(null), REPORT_LIMIT_MS)
    })
    try {
      const { region } = report
      const object = env.HEALTH.getByName(region, { locationHint: PLACES[region] })
      return await Promise.race([object.report(report), late])
    } catch (error) {
      const { retryable, overloaded } = error as { retryable?: boolean; overloaded?: boolean }
      if (!retryable || overloaded) return null
    } finally {
      clearTimeout(timer)
    }
  }
  return null
}
