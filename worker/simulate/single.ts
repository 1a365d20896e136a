/**
 * One target and one observer, and the question every breaker answers: is it broken? Requests come by chance at a steady rate;
 * the target fails with its base share, and from a moment on with another. Measured are the requests from then until the
 * rule opens, and how often it opens with nothing wrong. Our rule here is the real gate, in the real fleet: a request that fails is
 * tried elsewhere too, which confirms that the target failed where it is answered there; poison fails there as well.
 */
import { fleet } from '../core/health/fleet.ts'
import type { Outcome, OutcomeClass } from '../schema/health.ts'
import { USUAL_HEALTH } from '../schema/health-rules.ts'
import type { Ms } from '../schema/units.ts'
import type { MadeRule, Rule } from './baselines.ts'
import { draws, wait } from './chance.ts'

/** How long a request that is answered takes; it matters only to probes. */
const ANSWER_MS = 800
const TENANTS = 10
/** Requests before anything is counted. */
const WARM = 100
const POISON = 'org-poison'

/** A rule that may also look at who asked. */
export type Observer = { closed(now_ms: Ms): boolean; saw(kind: OutcomeClass, org: string, now_ms: Ms, id: number): void; opened(): number }

const TARGET = 'p/m'
const ELSEWHERE = 'q/m'

/** Our gate, seeing every outcome; `tenants` as they come. */
export function gateObserver(draw: () => number, rules = USUAL_HEALTH): Observer {
  let opened = 0
  const known = fleet(
    () => rules,
    (target, before, after) => {
      if (target === TARGET && before.state === 'closed' && after.state === 'open') opened++
    },
  )
  const tell = (target: string, kind: OutcomeClass, org: string, now_ms: Ms, id: number) => {
    const outcome: Outcome = {
      target,
      class: kind,
      decision_id: `dec_${id}`,
      org,
      size: 's',
      sent_at_ms: now_ms,
      at_ms: now_ms,
      first_token_ms: kind === 'ok' ? ANSWER_MS : null,
      tokens_per_second: null,
      retry_after_ms: null,
      probe: false,
    }
    known.observe(outcome, now_ms, draw)
  }
  return {
    closed: () => (known.gates.get(TARGET)?.state ?? 'closed') === 'closed',
    saw(kind, org, now_ms, id) {
      tell(TARGET, kind, org, now_ms, id)
      if (kind !== 'ok') tell(ELSEWHERE, org === POISON ? kind : 'ok', org, now_ms, id)
    },
    opened: () => opened,
  }
}

export function ruleObserver({ make }: MadeRule): Observer {
  const rule: Rule = make()
  let opened = 0
  let was_open = false
  return {
    closed: now_ms => rule.admits(now_ms),
    saw(kind, _org, now_ms) {
      rule.saw(kind === 'ok', now_ms)
      const open = !rule.admits(now_ms)
      if (open && !was_open) opened++
      was_open = open
    },
    opened: () => opened,
  }
}

export type Contender = { name: string; make(draw: () => number): Observer }

/** Requests from the onset until the rule opens; `at_most` where it has not by then. */
export function detection(
  { make }: Contender,
  { rps, base, broken, seed, warm, at_most }: { rps: number; base: number; broken: number; seed: number; warm: number; at_most: number },
): number {
  const draw = draws(seed)
  for (;;) {
    const observer = make(draw)
    let now_ms = 60_000 * draw()
    const next = (share: number, id: number) => {
      now_ms += wait(1_000 / rps, draw())
      observer.saw(draw() < share ? 'server' : 'ok', `org-${Math.floor(draw() * TENANTS)}`, now_ms, id)
    }
    for (let i = 0; i < warm; i++) next(base, i)
    // One that happens to be shut by a false alarm at the onset says nothing about detection.
    if (!observer.closed(now_ms)) continue
    const before = observer.opened()
    for (let i = 1; i <= at_most; i++) {
      next(broken, warm + i)
      if (observer.opened() > before) return i
    }
    return at_most
  }
}

/** How often it opens in a million requests with nothing wrong but the base share; `poison`: the share of one tenant whose requests always fail. */
export function falseEjections(
  { make }: Contender,
  { rps, base, requests, seed, poison = 0 }: { rps: number; base: number; requests: number; seed: number; poison?: number },
): number {
  const draw = draws(seed)
  let opened = 0
  let now_ms = 0
  let id = 0
  const next = (observer: Observer, poison_share: number) => {
    now_ms += wait(1_000 / rps, draw())
    const poisonous = draw() < poison_share
    const failed = draw() < base || poisonous
    observer.saw(failed ? 'server' : 'ok', poisonous ? POISON : `org-${Math.floor(draw() * TENANTS)}`, now_ms, id++)
  }
  /** One that others have used for a while, and that is shut by no false alarm. */
  const fresh = (): Observer => {
    for (;;) {
      const observer = make(draw)
      for (let i = 0; i < WARM; i++) next(observer, 0)
      if (observer.opened() === 0) return observer
    }
  }
  let observer = fresh()
  for (let i = 0; i < requests; i++) {
    next(observer, poison)
    if (observer.opened() === 0) continue
    opened++
    observer = fresh()
  }
  return (opened * 1_000_000) / requests
}

export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}
