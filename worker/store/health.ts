/**
 * Health as one isolate sees it, at the platform's rim: `core/health/view.ts` says what to send and when, and here it is sent.
 * It is the fleet's snapshot, a second or two old, with this isolate's own fresh experience over it. Three places have one, each farther and
 * newer than the one before: this memory, the data centre (`nearby.ts`), and the region's object, or a relay of it. No request waits for the first,
 * and none for the others but the one that finds its memory old.
 */

import { REPORT_LIMIT_MS } from '../core/health/outbox.ts'
import { EVERYWHERE, PLACES, regionOf } from '../core/health/region.ts'
import { relayName, relayOf } from '../core/health/relays.ts'
import { isolateView } from '../core/health/view.ts'
import type { Plan } from '../schema/decision.ts'
import type { HealthReply, HealthReport, HealthSnapshot, Outcome } from '../schema/health.ts'
import type { HealthRules } from '../schema/health-rules.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import { type Nearby, NOTHING_NEARBY } from './nearby.ts'

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
  /** By which targets are judged; they came with the snapshot. */
  rules(): HealthRules
  /** False after a report that did not arrive. */
  reachable(): boolean
  /** Any request of this isolate, from which it learns, once, in which region it is. */
  locate(request: { cf?: unknown; url?: string }): void
}

/** Reports one request may send in a row, or times it may wait, when something urgent keeps coming up meanwhile. */
const ROUNDS_AT_MOST = 3

/** Isolates of one region share one object; until the first request says where this one is, it goes by what holds everywhere. */
export function healthView(env: Bindings, nearby: Nearby = NOTHING_NEARBY): HealthView {
  const view = isolateView()
  /** Which relay serves it, where there are some. */
  const place = Math.random()
  let isolate: string | null = null
  let region: string | null = null

  /** One report, and another if something urgent came up meanwhile. Runs behind a request. */
  async function flush(): Promise<void> {
    for (let rounds = 0; rounds < ROUNDS_AT_MOST; rounds++) {
      const sent_at_ms = Date.now()
      const report = view.nextReport(sent_at_ms)
      if (report === null) return
      isolate ??= crypto.randomUUID()
      const reply = await send(env, { ...report, isolate, region: region ?? EVERYWHERE }, relayOf(view.relays(), place))
      if (reply === null) return view.missed(report, sent_at_ms)
      const again = view.replied(reply, Date.now())
      const left = nearby === NOTHING_NEARBY ? null : view.left()
      if (left !== null) await nearby.leave(region ?? EVERYWHERE, left)
      if (!again) return
    }
  }

  async function later(after_ms: Ms): Promise<void> {
    let wait_ms: Ms | null = after_ms
    for (let rounds = 0; rounds < ROUNDS_AT_MOST && wait_ms; rounds++) {
      await scheduler.wait(wait_ms)
      wait_ms = view.due(Date.now())
    }
    if (wait_ms !== null) await flush()
  }

  /** From nearby where that will do, else from the object where it should be asked. Runs behind a request. */
  async function refresh(ask: boolean): Promise<void> {
    if (view.found(await nearby.look(region ?? EVERYWHERE), Date.now())) return
    if (ask) await flush()
  }

  /** Null where there is nothing to do. */
  function refreshing(look: boolean, ask: boolean): Promise<void> | null {
    if (look && nearby !== NOTHING_NEARBY) return refresh(ask)
    return ask ? flush() : null
  }

  return {
    snapshot(now_ms, ctx) {
      const { health, look, ask } = view.see(now_ms)
      const done = look || ask ? refreshing(look, ask) : null
      if (done !== null) ctx.waitUntil(done)
      return health
    },
    refreshed(now_ms, ctx) {
      view.began(1)
      const { look, ask, old, wait_ms } = view.see(now_ms)
      const done = look || ask ? refreshing(look, ask) : null
      if (done === null) return null
      ctx.waitUntil(done)
      return old ? Promise.race([done, scheduler.wait(wait_ms)]) : null
    },
    probes: view.probes,
    took(plan) {
      // Its request lasts longer than this takes; should it not, the lease lapses, and that is all.
      if (view.took(plan)) void flush()
    },
    report(outcome, ctx) {
      const after_ms = view.observe(outcome, Date.now(), Math.random)
      if (after_ms === 0) ctx.waitUntil(flush())
      else if (after_ms !== null) ctx.waitUntil(later(after_ms))
    },
    rules: view.rules,
    reachable: view.reachable,
    locate(request) {
      if (region !== null) return
      region = regionOf(request.cf)
      nearby.at(request.url)
    },
  }
}

/** Null where it did not arrive, or nobody knows. Tried twice where the platform says that this may help, each time on a new stub. */
async function send(env: Bindings, report: HealthReport & { region: string }, relay: number | null): Promise<HealthReply | null> {
  for (let tries = 0; tries < 2; tries++) {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<null>(resolve => {
      timer = setTimeout(() => resolve(null), REPORT_LIMIT_MS)
    })
    try {
      const { region } = report
      const object = env.HEALTH.getByName(relay === null ? region : relayName(region, relay), { locationHint: PLACES[region] })
      return await Promise.race([relay === null ? object.report(report) : object.relay(report), late])
    } catch (error) {
      const { retryable, overloaded } = error as { retryable?: boolean; overloaded?: boolean }
      if (!retryable || overloaded) return null
    } finally {
      clearTimeout(timer)
    }
  }
  return null
}
