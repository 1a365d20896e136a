/**
 * One isolate of the simulated edge: the real view of health, told and telling over a network that delays and loses.
 */
import { REPORT_LIMIT_MS } from '../core/health/outbox.ts'
import { relayOf } from '../core/health/relays.ts'
import { type IsolateView, isolateView } from '../core/health/view.ts'
import type { Plan } from '../schema/decision.ts'
import type { HealthSnapshot, Outcome } from '../schema/health.ts'
import type { Ms } from '../schema/units.ts'
import type { SimClock } from './clock.ts'
import type { Region } from './region.ts'

export type Isolate = {
  view: IsolateView
  region: Region
  see(now_ms: Ms): HealthSnapshot
  /** Calls back when what is seen is fresh, or when waiting for that took too long. */
  whenFresh(ready: () => void): void
  took(plan: Plan): void
  report(outcome: Outcome): void
  /** The most reports with nothing urgent to tell that it sent within two seconds. */
  mostInTwoSeconds(): number
}

/** As `store/health.ts` does. `colo`: its data centre; null for one without a cache. */
export function isolateOn(isolate: string, region: Region, colo: number | null, clock: SimClock, draw: () => number): Isolate {
  const view = isolateView()
  const place = draw()
  const sent_ms: Ms[] = []
  let most = 0

  /** One report, and another if something urgent came up meanwhile. */
  function flush(rounds: number, heard: () => void = () => {}): void {
    const sent_at_ms = clock.nowMs()
    const urgent = view.urgent()
    const report = view.nextReport(sent_at_ms)
    if (report === null) {
      heard()
      return
    }
    if (!urgent && report.wants_probe.length === 0) sent_ms.push(sent_at_ms)
    while ((sent_ms[0] ?? sent_at_ms) <= sent_at_ms - 2_000) sent_ms.shift()
    most = Math.max(most, sent_ms.length)
    let over = false
    clock.at(sent_at_ms + REPORT_LIMIT_MS, () => {
      if (!over) view.missed(report, sent_at_ms)
      over = true
    })
    region.send({ ...report, isolate, region: region.name }, relayOf(view.relays(), place), reply => {
      if (over) return
      over = true
      const again = view.replied(reply, clock.nowMs())
      const left = colo === null ? null : view.left()
      if (left !== null && colo !== null) region.leave(colo, left)
      heard()
      if (again && rounds > 1) flush(rounds - 1)
    })
  }

  function later(after_ms: Ms, rounds: number): void {
    clock.at(clock.nowMs() + after_ms, () => {
      const wait_ms = view.due(clock.nowMs())
      if (wait_ms !== null && wait_ms > 0 && rounds > 1) later(wait_ms, rounds - 1)
      else if (wait_ms !== null) flush(3)
    })
  }

  function refresh(look: boolean, ask: boolean, heard: () => void = () => {}): void {
    if (!look || colo === null) {
      if (ask) flush(3, heard)
      return
    }
    region.look(colo, left => {
      if (view.found(left, clock.nowMs()) || !ask) heard()
      else flush(3, heard)
    })
  }

  return {
    view,
    region,
    see(now_ms) {
      const { health, look, ask } = view.see(now_ms)
      if (look || ask) refresh(look, ask)
      return health
    },
    whenFresh(ready) {
      view.began(1)
      const { look, ask, old, wait_ms } = view.see(clock.nowMs())
      let waiting = old
      const once = () => {
        if (waiting) ready()
        waiting = false
      }
      if (look || ask) refresh(look, ask, once)
      if (old) clock.at(clock.nowMs() + wait_ms, once)
      else ready()
    },
    took(plan) {
      if (view.took(plan)) flush(3)
    },
    report(outcome) {
      const after_ms = view.observe(outcome, clock.nowMs(), draw)
      if (after_ms === 0) flush(3)
      else if (after_ms !== null) {
        later(after_ms, 3)
      }
    },
    mostInTwoSeconds: () => most,
  }
}
