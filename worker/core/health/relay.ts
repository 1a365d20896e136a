/**
 * A relay: it stands between some of a region's isolates and the object that keeps the region's gates, where there are too many calls
 * for that one (`relays.ts`). To the isolates it is the object; to the object it is an isolate with much to tell. So it is made of the two: what
 * it is told counts once (`heard.ts`), and what it tells is kept until it is confirmed (`view.ts`).
 *
 * What must not wait (a failure, a probe) it passes on at once, and the isolate's answer waits for the object's; answers to requests it gathers for a
 * quarter of a second. When the object is away it goes by what its own isolates see, as an isolate would.
 */
import type { HealthReply, HealthReport } from '../../schema/health.ts'
import type { Ms } from '../../schema/units.ts'
import { heard } from './heard.ts'
import { isUrgent, type Report } from './outbox.ts'
import { isolateView, REPORT_AT } from './view.ts'

/** Between two of its reports, while nothing urgent comes. */
export const PASS_ON_EVERY_MS: Ms = 250
/** And while it does: in an outage every request's failure is urgent, and twenty relays may not bury the object they are there to spare. */
const URGENT_EVERY_MS: Ms = 50
/** An isolate's answer waits no longer than this for the object's; it is in the same region, and its request does not wait for either. */
export const ANSWER_WAIT_MS: Ms = 100

export type Relay = {
  /** What an isolate tells. `pass_on`: the object should be told; `wait`: and the isolate answered after that. */
  told(report: HealthReport, now_ms: Ms, draw: () => number): { pass_on: boolean; wait: boolean }
  answer(report: HealthReport, now_ms: Ms): HealthReply
  /** How long its next report must wait for the last one's sake. */
  gapMs(now_ms: Ms): Ms
  /** What to send to the object; null while another report is under way. */
  nextReport(now_ms: Ms): Report | null
  /** True where something came up meanwhile that should be reported at once. */
  replied(reply: HealthReply, now_ms: Ms): boolean
  missed(report: Report, sent_at_ms: Ms): void
}

export function relay(): Relay {
  const view = isolateView()
  const reports = heard()
  let waiting = 0
  let calls = 0

  return {
    told(report, now_ms, draw) {
      calls += 1
      view.began(report.begun ?? 0)
      let urgent = report.wants_probe.length > 0
      for (const outcome of reports.fresh(report)) {
        view.observe(outcome, now_ms, draw)
        urgent ||= isUrgent(outcome)
        waiting += 1
      }
      for (const target of report.uses_probe ?? []) {
        view.uses(target)
        urgent = true
      }
      const { ask } = view.see(now_ms)
      const due = waiting >= REPORT_AT || now_ms - view.sentAtMs() >= PASS_ON_EVERY_MS
      // An object that does not answer is tried now and then, and not with every failure.
      return view.reachable() ? { pass_on: urgent || ask || due, wait: urgent || ask } : { pass_on: ask, wait: false }
    },
    answer(report, now_ms) {
      const { health } = view.see(now_ms)
      const probes = report.wants_probe.filter(target => view.give(target, now_ms))
      return { v: 1, snapshot: health, probes, relays: view.relays() }
    },
    gapMs: now_ms => Math.min(URGENT_EVERY_MS, Math.max(0, view.sentAtMs() + URGENT_EVERY_MS - now_ms)),
    nextReport(now_ms) {
      const report = view.nextReport(now_ms)
      if (report === null) return null
      waiting = 0
      const told = calls
      calls = 0
      return { ...report, calls: told, relays: view.relays() }
    },
    replied: view.replied,
    missed: view.missed,
  }
}
