/**
 * One isolate of the simulated edge: the real view of health, told and telling over a network that delays and loses.
 */
import type { Fleet } from '../core/health/fleet.ts'
import type { Heard } from '../core/health/heard.ts'
import { type IsolateView, isolateView, REPORT_AFTER_MS, REPORT_LIMIT_MS } from '../core/health/view.ts'
import type { Plan } from '../schema/decision.ts'
import type { HealthReply, HealthSnapshot, Outcome } from '../schema/health.ts'
import type { Ms } from '../schema/units.ts'
import type { SimClock } from './clock.ts'

/** The way to the object that knows the fleet's health. */
export type Line = {
  object: Fleet
  heard: Heard
  one_way_ms: Ms
  loss: number
  /** Null before and after it was away. */
  away: { from_ms: Ms; until_ms: Ms } | null
  /** Asked once for each message. */
  draw(): number
  calls: number
}

export type Isolate = {
  view: IsolateView
  see(now_ms: Ms): HealthSnapshot
  /** Calls back when what is seen is fresh, or when waiting for that took too long. */
  whenFresh(ready: () => void): void
  took(plan: Plan): void
  report(outcome: Outcome): void
}

export function isolateOn(isolate: string, line: Line, clock: SimClock, draw: () => number): Isolate {
  const view = isolateView()

  /** As `store/health.ts` does: one report, and another if something urgent came up meanwhile. */
  function flush(rounds: number, heard: () => void = () => {}): void {
    const sent_at_ms = clock.nowMs()
    const report = view.nextReport(sent_at_ms)
    if (report === null) {
      heard()
      return
    }
    line.calls++
    let over = false
    const missed = () => {
      if (!over) view.missed(report, sent_at_ms)
      over = true
    }
    const one_way_ms = () => line.one_way_ms * (0.5 + line.draw())
    const isLost = () => line.draw() < line.loss
    clock.at(sent_at_ms + REPORT_LIMIT_MS, missed)
    if (isLost()) return
    clock.at(sent_at_ms + one_way_ms(), () => {
      const now_ms = clock.nowMs()
      if (line.away !== null && now_ms >= line.away.from_ms && now_ms < line.away.until_ms) return
      for (const outcome of line.heard.fresh({ ...report, isolate })) line.object.observe(outcome, now_ms, line.draw)
      for (const target of report.uses_probe ?? []) line.object.use(target, now_ms)
      const probes = report.wants_probe.filter(target => line.object.grant(target, now_ms))
      const reply: HealthReply = { v: 1, snapshot: line.object.snapshot(now_ms), probes }
      if (isLost()) return
      clock.at(now_ms + one_way_ms(), () => {
        if (over) return
        over = true
        const again = view.replied(reply, clock.nowMs())
        heard()
        if (again && rounds > 1) flush(rounds - 1)
      })
    })
  }

  return {
    view,
    see(now_ms) {
      const { health, report } = view.see(now_ms)
      if (report) flush(3)
      return health
    },
    whenFresh(ready) {
      const { report, old, wait_ms } = view.see(clock.nowMs())
      let waiting = old
      const once = () => {
        if (waiting) ready()
        waiting = false
      }
      if (report) flush(3, once)
      if (old) clock.at(clock.nowMs() + wait_ms, once)
      else ready()
    },
    took(plan) {
      if (view.took(plan)) flush(3)
    },
    report(outcome) {
      const when = view.observe(outcome, clock.nowMs(), draw)
      if (when === 'now') flush(3)
      else if (when === 'later') {
        clock.at(clock.nowMs() + REPORT_AFTER_MS, () => {
          if (view.waiting()) flush(3)
        })
      }
    },
  }
}
