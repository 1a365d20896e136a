/**
 * What one isolate knows of all targets, and when it must tell and be told: a state machine without a clock or a network, so
 * that the platform's rim (`store/health.ts`) and the simulation run the same rules.
 *
 * What it knows is as old as the last snapshot that it was given. Past a second it looks whether another isolate of its data centre
 * has left a newer one there; past two it has one from the object, or from one of the object's relays. A failure is reported
 * at once, an answer within a second or two, together with whatever else there is; every report's reply is a new snapshot. When nobody can be
 * reached, the isolate goes by its own experience alone, and gives itself the leases that nobody else can.
 */
import type { Plan } from '../../schema/decision.ts'
import { type HealthReply, type HealthSnapshot, type NearbyHealth, NO_HEALTH, type Outcome, type Relays } from '../../schema/health.ts'
import { type HealthRules, rulesFrom, USUAL_HEALTH } from '../../schema/health-rules.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'
import { fleet } from './fleet.ts'
import { mergeHealth } from './merge.ts'
import { isUrgent, outbox, type Report } from './outbox.ts'
import { NO_RELAYS, newer } from './relays.ts'

/** Older than this, and it is looked for in the data centre, where another isolate may have left a newer one. */
export const LOOK_AFTER_MS: Ms = 1_000
/** Older than this, and a request has it refreshed: from nearby, else from the object. */
export const SNAPSHOT_FRESH_MS: Ms = 2_000
/**
 * A request that finds it older waits this long for a newer one, beside whatever else it waits for. Many isolates each see few
 * requests, so without it most of an outage's victims would go by what was known before it; and a lease to probe would reach an
 * isolate that has no request to use it.
 */
export const REFRESH_WAIT_MS: Ms = 80
/** Where the way is known to be longer, a wait that ends before the reply is a wait for nothing: so much of the usual round trip, and no more than this. */
const REFRESH_WAIT_ROUND_TRIPS = 1.25
export const REFRESH_WAIT_MOST_MS: Ms = 160
/** Answers wait this long for company, or for this many outcomes; and no isolate tells answers alone oftener than once in two seconds. */
export const REPORT_AFTER_MS: Ms = 1_000
export const REPORT_EVERY_MS: Ms = 2_000
export const REPORT_AT = 50
/** The one varies by so much either way and the other by so much more, so that isolates which began together do not report together. */
const JITTER = 0.2
/** While the object does not answer: between two tries, doubled with each up to the second number, or an object that has too many calls would never be rid of them. */
const TRY_AGAIN_MS: Ms = 1_000
const TRY_AGAIN_MOST_MS: Ms = 8_000
/** A probe is asked for at most this often. */
const ASK_AGAIN_MS: Ms = 1_000
/** Between two looks that found nothing newer. After so many in a row, nobody else leaves anything there (or nothing is kept at all), and looking is a loss of time: it is left for a while. */
const LOOK_AGAIN_MS: Ms = 500
export const LOOKS_IN_VAIN = 8
export const LOOK_NO_MORE_MS: Ms = 60_000
/** What is left nearby is replaced once it is so much older than what is known, or says otherwise of who is open. */
const LEAVE_EVERY_MS: Ms = 500
/** A lease that was had for longer is not given to another: its owner might take it back before that one has used it. */
const GIVEN_WITHIN_MS: Ms = 500
const NO_PROBES: ReadonlySet<TargetId> = new Set()

export type IsolateView = {
  /**
   * Never waits. `look`: a newer one may be found nearby; `ask`: the object should be asked, where it is not found; `old`: what comes of
   * that is worth waiting for, up to `wait_ms`.
   */
  see(now_ms: Ms): { health: HealthSnapshot; look: boolean; ask: boolean; old: boolean; wait_ms: Ms }
  /** So many requests have begun here. */
  began(count: number): void
  /** What was found nearby. True where it will do, and the object need not be asked. */
  found(nearby: NearbyHealth | null, now_ms: Ms): boolean
  /** What to leave nearby after a reply; null where what is there already will do. */
  left(): NearbyHealth | null
  /** Open targets that this isolate may try once: `World.probes`. */
  probes(now_ms: Ms): ReadonlySet<TargetId>
  /** A plan will use the lease it has as first step, so that no other request does. True where that should be reported at once. */
  took(plan: Plan): boolean
  /** Another one has used a lease that it was given here (`give`). */
  uses(target: TargetId): void
  /** The lease of this target, where there is one: it is another's now. */
  give(target: TargetId, now_ms: Ms): boolean
  /** After how long to report, 0: at once; null: when somebody else does. */
  observe(outcome: Outcome, now_ms: Ms, draw: () => number): Ms | null
  /** What waited for company is to be reported after so long, 0: at once; null where another report took it along. */
  due(now_ms: Ms): Ms | null
  /** Is there, told or not, something unconfirmed that could not wait? */
  urgent(): boolean
  /** When it last reported. */
  sentAtMs(): Ms
  /** What to send; null while another report is under way. */
  nextReport(now_ms: Ms): Report | null
  /** True where something came up meanwhile that should be reported at once. */
  replied(reply: HealthReply, now_ms: Ms): boolean
  /** It did not arrive, or nobody knows. */
  missed(report: Report, sent_at_ms: Ms): void
  /** Those that came with the newest snapshot: what is seen here is judged as the object judges. */
  rules(): HealthRules
  /** False after a report that did not arrive. */
  reachable(): boolean
  /** Whom to tell: the object itself, or one of so many relays. */
  relays(): Relays
}

export function isolateView(): IsolateView {
  let known = NO_HEALTH
  let merged: { health: HealthSnapshot; at_ms: Ms } = { health: NO_HEALTH, at_ms: 0 }
  let rules: HealthRules = USUAL_HEALTH
  const own = fleet(() => rules)
  const box = outbox()
  const leases = new Map<TargetId, Ms>()
  const asked_at_ms = new Map<TargetId, Ms>()
  let waiting_until_ms: Ms = 0
  let try_again_at_ms: Ms = 0
  let misses = 0
  let got_at_ms: Ms = 0
  let relays = NO_RELAYS
  let look_at_ms: Ms = 0
  let looks_in_vain = 0
  /** What is known to lie nearby. */
  let nearby = NO_HEALTH

  function wantProbes(health: HealthSnapshot, now_ms: Ms): boolean {
    let isNew = false
    for (const target in health.targets) {
      const state = health.targets[target]
      if (!state || (state.state !== 'open' && state.state !== 'probing') || (state.until_ms ?? now_ms) > now_ms) continue
      if ((leases.get(target) ?? 0) > now_ms || (asked_at_ms.get(target) ?? 0) + ASK_AGAIN_MS > now_ms) continue
      asked_at_ms.set(target, now_ms)
      // Out of reach, nobody can grant a lease: this isolate gives itself one, no oftener than one would have been given.
      if (misses > 0) {
        leases.set(target, now_ms + rules.probe.lease_ms)
        asked_at_ms.set(target, now_ms + rules.probe.lease_ms)
      } else {
        box.wants(target)
        isNew = true
      }
    }
    return isNew
  }

  /** That a target answers, though slowly, is what keeps those that it has not answered yet from being taken for lost. */
  function isUnusuallySlow({ target, size, first_token_ms }: Outcome): boolean {
    const usual_ms = known.targets[target]?.first_token_p99_ms?.[size]
    return first_token_ms !== null && usual_ms != null && first_token_ms > usual_ms
  }

  /** Nothing older replaces what is known. */
  function learn(snapshot: HealthSnapshot, at_ms: Ms): void {
    got_at_ms = Math.max(got_at_ms, at_ms)
    if (snapshot.taken_at_ms >= known.taken_at_ms) {
      // Rules that this version cannot read leave those that it goes by.
      if (!isDeepSame(snapshot.rules, known.rules))
        rules = snapshot.rules === undefined ? USUAL_HEALTH : (rulesFrom(snapshot.rules) ?? rules)
      known = snapshot
    }
    merged = { health: known, at_ms: 0 }
  }

  return {
    see(now_ms) {
      // Within one millisecond nothing changes but by a report, which clears this.
      if (merged.at_ms !== now_ms) merged = { health: mergeHealth(known, own.gates, now_ms, rules), at_ms: now_ms }
      const wanted = wantProbes(merged.health, now_ms)
      const age_ms = now_ms - got_at_ms
      const isOld = age_ms > SNAPSHOT_FRESH_MS
      const ask = (wanted || isOld) && box.isFree(now_ms) && now_ms >= try_again_at_ms
      // A lease is not to be found there; and while a failure is on its way to the object, nobody else's snapshot knows of it.
      const look = age_ms > LOOK_AFTER_MS && now_ms >= look_at_ms && !wanted && !box.urgent()
      if (look) look_at_ms = now_ms + LOOK_AGAIN_MS
      const wait_ms = Math.min(REFRESH_WAIT_MOST_MS, Math.max(REFRESH_WAIT_MS, REFRESH_WAIT_ROUND_TRIPS * box.round_trip_ms))
      return { health: merged.health, look, ask, old: ask && misses === 0, wait_ms }
    },

    began(count) {
      own.began(count)
      box.began(count)
    },

    found(left, now_ms) {
      if (left === null || now_ms - left.got_at_ms > SNAPSHOT_FRESH_MS || left.snapshot.taken_at_ms < known.taken_at_ms) {
        looks_in_vain += 1
        if (looks_in_vain >= LOOKS_IN_VAIN) look_at_ms = now_ms + LOOK_NO_MORE_MS
        return false
      }
      looks_in_vain = 0
      nearby = left.snapshot
      // Its clock may be a little ahead of this one.
      learn(left.snapshot, Math.min(now_ms, left.got_at_ms))
      // Whoever has told nobody anything can change whom to tell, with nothing told twice.
      if (box.sent_at_ms === 0) relays = newer(relays, left.relays)
      return true
    },

    left() {
      if (known.taken_at_ms - nearby.taken_at_ms < LEAVE_EVERY_MS && saysTheSame(known, nearby)) return null
      nearby = known
      return { v: 1, got_at_ms, snapshot: known, relays }
    },

    probes(now_ms) {
      if (!leases.size) return NO_PROBES
      for (const [target, until_ms] of leases) if (until_ms <= now_ms) leases.delete(target)
      return new Set(leases.keys())
    },

    took({ steps: [first] }) {
      if (!first?.probe) return false
      leases.delete(first.target)
      box.uses(first.target)
      return misses === 0
    },
    uses: box.uses,
    give(target, now_ms) {
      const until_ms = leases.get(target) ?? 0
      return until_ms - now_ms >= rules.probe.lease_unused_ms - GIVEN_WITHIN_MS && leases.delete(target)
    },

    observe(outcome, now_ms, draw) {
      own.observe(outcome, now_ms, draw)
      if (outcome.probe) leases.delete(outcome.target)
      merged.at_ms = 0
      const urgent = isUrgent(outcome) || isUnusuallySlow(outcome)
      box.add(outcome, urgent)
      if (now_ms < try_again_at_ms) return null
      if (urgent || box.waiting() >= REPORT_AT) return 0
      if (now_ms < waiting_until_ms) return null
      const lot = draw()
      const wait_ms = Math.max(
        REPORT_AFTER_MS * (1 - JITTER + 2 * JITTER * lot),
        box.sent_at_ms + REPORT_EVERY_MS * (1 + JITTER * lot) - now_ms,
      )
      waiting_until_ms = now_ms + wait_ms
      return wait_ms
    },

    due(now_ms) {
      if (box.waiting() === 0) return null
      // A report that set out meanwhile, and had something urgent to tell, begins the time anew.
      const wait_ms = Math.min(REPORT_EVERY_MS, Math.max(0, box.sent_at_ms + REPORT_EVERY_MS - now_ms))
      waiting_until_ms = now_ms + wait_ms
      return wait_ms
    },
    urgent: box.urgent,
    sentAtMs: () => box.sent_at_ms,
    nextReport: box.next,

    replied({ snapshot, probes, relays: told }, now_ms) {
      box.confirmed(now_ms)
      misses = 0
      relays = newer(relays, told)
      learn(snapshot, now_ms)
      for (const target of probes) leases.set(target, now_ms + rules.probe.lease_unused_ms)
      return box.urgent()
    },

    missed(report, sent_at_ms) {
      box.missed(report)
      try_again_at_ms = sent_at_ms + Math.min(TRY_AGAIN_MOST_MS, TRY_AGAIN_MS * 2 ** misses)
      misses += 1
    },

    rules: () => rules,
    reachable: () => misses === 0,
    relays: () => relays,
  }
}

/** Of rules, which are numbers in a fixed order; mostly there are none. */
const isDeepSame = (one: HealthRules | undefined, other: HealthRules | undefined) =>
  one === other || (one !== undefined && other !== undefined && JSON.stringify(one) === JSON.stringify(other))

/** Of who is shut, and until when. */
function saysTheSame({ targets: one }: HealthSnapshot, { targets: other }: HealthSnapshot): boolean {
  for (const target in one) {
    if (one[target]?.state !== other[target]?.state || one[target]?.limited_until_ms !== other[target]?.limited_until_ms) return false
  }
  return true
}
