/**
 * What stands between simulated isolates and what the fleet knows, in one region: the caches of its data centres, relays where the
 * object has too many callers, and the object itself, which exchanges facts with the other regions'. All of it is the code that serves; here are
 * only the ways between, which delay and lose.
 */
import type { Everywhere } from '../core/health/everywhere.ts'
import type { Gate } from '../core/health/gate.ts'
import { type Head, head } from '../core/health/head.ts'
import { REPORT_LIMIT_MS } from '../core/health/outbox.ts'
import { ANSWER_WAIT_MS, type Relay, relay } from '../core/health/relay.ts'
import { SNAPSHOT_FRESH_MS } from '../core/health/view.ts'
import type { HealthReply, HealthReport, NearbyHealth } from '../schema/health.ts'
import type { HealthRules } from '../schema/health-rules.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { SimClock } from './clock.ts'

export type Line = {
  /** From an isolate to the object or a relay; within the region it is a quarter of that from these to each other, and to the data centre's cache. */
  one_way_ms: Ms
  loss: number
  /** When the object does not answer; null for never. */
  away: { from_ms: Ms; until_ms: Ms } | null
  /** Asked once for each message. */
  draw(): number
}

export type Region = {
  name: string
  head: Head
  /** `heard` is called with the reply, unless it is lost. */
  send(report: HealthReport, to: number | null, heard: (reply: HealthReply) => void): void
  look(colo: number, found: (left: NearbyHealth | null) => void): void
  leave(colo: number, left: NearbyHealth): void
  /** Reports that isolates sent; those that reached the object, from whomever; the most of either that one object had in a second. */
  counts: { sent: number; at_head: number; busiest_per_s: number; relays: number; looks: number; found: number }
}

type Post = { relay: Relay; passing: boolean; waiting: (() => void)[] }

/** Other regions are so much farther than the own object. */
const FAR_MS: Ms = 100
const NEAR_SHARE = 0.25
/** What the cache drops before its time, beside what is lost on the way. */
const DROPPED = 0.05

export function region(
  name: string,
  line: Line,
  clock: SimClock,
  others: Everywhere,
  rules: HealthRules,
  onChange: (target: TargetId, before: Gate, after: Gate) => void,
): Region {
  const known = head(() => rules, onChange)
  const counts = { sent: 0, at_head: 0, busiest_per_s: 0, relays: 0, looks: 0, found: 0 }
  const colos = new Map<number, NearbyHealth & { left_at_ms: Ms }>()
  const relays: Post[] = []
  const seconds = new Map<number | null, { second: number; calls: number }>()

  const way_ms = (share = 1) => share * line.one_way_ms * (0.5 + line.draw())
  const isLost = () => line.draw() < line.loss
  const isAway = (now_ms: Ms) => line.away !== null && now_ms >= line.away.from_ms && now_ms < line.away.until_ms

  function count(to: number | null, now_ms: Ms): void {
    const second = Math.floor(now_ms / 1_000)
    const last = seconds.get(to)
    const calls = last?.second === second ? last.calls + 1 : 1
    seconds.set(to, { second, calls })
    counts.busiest_per_s = Math.max(counts.busiest_per_s, calls)
  }

  /** Null while it is away. */
  function atHead(report: HealthReport): HealthReply | null {
    const now_ms = clock.nowMs()
    if (isAway(now_ms)) return null
    counts.at_head += 1
    count(null, now_ms)
    const probes = known.told(report, now_ms, line.draw)
    const facts = known.due(now_ms)
    if (facts !== null) {
      clock.at(now_ms + FAR_MS, () => {
        const heard = others.exchange(name, facts, clock.nowMs())
        clock.at(clock.nowMs() + FAR_MS, () => known.heed(heard, clock.nowMs(), line.draw))
      })
    }
    const reply = known.reply(probes, now_ms)
    counts.relays = Math.max(counts.relays, reply.relays?.count ?? 0)
    return reply
  }

  /** As `HealthObject.relay` does: one report at a time, and those who wait hear of the one that took theirs along. */
  function passOn(at: number): void {
    const post = relays[at]
    if (post === undefined || post.passing) return
    post.passing = true
    clock.at(clock.nowMs() + post.relay.gapMs(clock.nowMs()), () => sendOn(at, post))
  }

  function sendOn(at: number, post: Post): void {
    const sent_at_ms = clock.nowMs()
    const report = post.relay.nextReport(sent_at_ms)
    if (report === null) {
      post.passing = false
      return
    }
    const waited = post.waiting.splice(0)
    let over = false
    const end = (reply: HealthReply | null) => {
      if (over) return
      over = true
      post.passing = false
      if (reply === null) post.relay.missed(report, sent_at_ms)
      else post.relay.replied(reply, clock.nowMs())
      for (const answer of waited) answer()
      if (post.waiting.length > 0) passOn(at)
    }
    clock.at(sent_at_ms + REPORT_LIMIT_MS, () => end(null))
    if (isLost()) return
    clock.at(sent_at_ms + way_ms(NEAR_SHARE), () => {
      const reply = atHead({ ...report, isolate: `relay-${name}-${at}`, region: name })
      if (reply === null || isLost()) return
      clock.at(clock.nowMs() + way_ms(NEAR_SHARE), () => end(reply))
    })
  }

  function atRelay(at: number, report: HealthReport, answered: (reply: HealthReply) => void): void {
    const now_ms = clock.nowMs()
    count(at, now_ms)
    relays[at] ??= { relay: relay(), passing: false, waiting: [] }
    const post = relays[at]
    const { pass_on, wait } = post.relay.told(report, now_ms, line.draw)
    let done = false
    const answer = () => {
      if (!done) answered(post.relay.answer(report, clock.nowMs()))
      done = true
    }
    if (!wait) answer()
    else {
      post.waiting.push(answer)
      clock.at(now_ms + ANSWER_WAIT_MS, answer)
    }
    if (pass_on) passOn(at)
  }

  return {
    name,
    head: known,
    counts,
    send(report, to, heard) {
      counts.sent += 1
      if (isLost()) return
      const back = (reply: HealthReply) => {
        if (!isLost()) clock.at(clock.nowMs() + way_ms(), () => heard(reply))
      }
      clock.at(clock.nowMs() + way_ms(), () => {
        if (to !== null) return atRelay(to, report, back)
        const reply = atHead(report)
        if (reply !== null) back(reply)
      })
    },
    look(colo, found) {
      counts.looks += 1
      clock.at(clock.nowMs() + way_ms(NEAR_SHARE), () => {
        const left = colos.get(colo)
        const isGone = left === undefined || clock.nowMs() - left.left_at_ms > SNAPSHOT_FRESH_MS || isLost() || line.draw() < DROPPED
        if (!isGone) counts.found += 1
        found(isGone ? null : left)
      })
    },
    leave(colo, left) {
      clock.at(clock.nowMs() + way_ms(NEAR_SHARE), () => void colos.set(colo, { ...left, left_at_ms: clock.nowMs() }))
    },
  }
}
