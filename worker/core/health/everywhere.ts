/**
 * What is true of a target in every region. A credential is refused, or has used up what it may ask, wherever it is used; that one
 * region's object learnt it is no reason for the others to learn it again. That a target does not answer is a region's own affair:
 * two regions where it is shut make the others believe less in it, and none of them shut.
 *
 * Each region tells what it knows every few seconds and hears what the others do; an operator's word goes the same way.
 */
import type { HealthSnapshot, TargetHealth } from '../../schema/health.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { TargetId } from '../../schema/ids.ts'
import type { Ms } from '../../schema/units.ts'

/** Between two exchanges of a region with the others, while it hears of anything at all. */
export const EXCHANGE_EVERY_MS: Ms = 5_000
/** A region that has said nothing for so long says nothing any more. */
const SILENT_MS: Ms = 60_000
/** A wait this short is over before others could hear of it. */
const WORTH_TELLING_MS: Ms = 5_000

export type Fact = { limited_until_ms: Ms | null; auth_broken_until_ms: Ms | null; shut: boolean }
export type Facts = Record<TargetId, Fact>
/** What an operator has said of a target, and when. */
export type Orders = Record<TargetId, { isolated: boolean; at_ms: Ms; credential_at_ms: Ms }>
/** What a region hears: what the others know, and what operators have said. */
export type Heard = { facts: Facts; shut_elsewhere: Record<TargetId, number>; orders: Orders }

export const NOTHING_HEARD: Heard = { facts: {}, shut_elsewhere: {}, orders: {} }

/** What of a region's health is worth telling the others. */
export function factsOf({ targets }: HealthSnapshot, now_ms: Ms): Facts {
  const facts: Facts = {}
  for (const target in targets) {
    const { state, limited_until_ms, auth_broken_until_ms } = targets[target] as TargetHealth
    const limited = limited_until_ms !== null && limited_until_ms > now_ms + WORTH_TELLING_MS ? limited_until_ms : null
    const shut = state === 'open' || state === 'probing'
    if (limited !== null || auth_broken_until_ms !== null || shut) facts[target] = { limited_until_ms: limited, auth_broken_until_ms, shut }
  }
  return facts
}

export type Everywhere = {
  /** What this region knows replaces what it said before; what comes back is what the others know. */
  exchange(region: string, facts: Facts, now_ms: Ms): Heard
  order(target: TargetId, what: 'isolate' | 'release' | 'credential_changed', now_ms: Ms): void
  orders: Orders
}

export function everywhere(kept: Orders = {}): Everywhere {
  const told = new Map<string, { facts: Facts; at_ms: Ms }>()
  const orders: Orders = { ...kept }
  return {
    orders,
    exchange(region, facts, now_ms) {
      told.set(region, { facts, at_ms: now_ms })
      const heard: Heard = { facts: {}, shut_elsewhere: {}, orders }
      for (const [other, { facts: theirs, at_ms }] of told) {
        if (other === region) continue
        if (at_ms < now_ms - SILENT_MS) {
          told.delete(other)
          continue
        }
        for (const target in theirs) {
          const fact = theirs[target] as Fact
          const known = heard.facts[target]
          if (fact.shut) heard.shut_elsewhere[target] = (heard.shut_elsewhere[target] ?? 0) + 1
          heard.facts[target] = {
            limited_until_ms: later(known?.limited_until_ms ?? null, fact.limited_until_ms),
            auth_broken_until_ms: later(known?.auth_broken_until_ms ?? null, fact.auth_broken_until_ms),
            shut: false,
          }
        }
      }
      return heard
    },
    order(target, what, now_ms) {
      const before = orders[target] ?? { isolated: false, at_ms: 0, credential_at_ms: 0 }
      orders[target] =
        what === 'credential_changed' ? { ...before, credential_at_ms: now_ms } : { ...before, isolated: what === 'isolate', at_ms: now_ms }
    },
  }
}

/** A region's health with what the others know of limits and credentials over it. */
export function withOthers(
  snapshot: HealthSnapshot,
  { facts }: Heard,
  now_ms: Ms,
  fresh: (target: TargetId) => TargetHealth,
): HealthSnapshot {
  let targets: HealthSnapshot['targets'] | null = null
  for (const target in facts) {
    const { limited_until_ms, auth_broken_until_ms } = facts[target] as Fact
    const limited = limited_until_ms !== null && limited_until_ms > now_ms ? limited_until_ms : null
    const broken = auth_broken_until_ms !== null && auth_broken_until_ms > now_ms ? auth_broken_until_ms : null
    if (limited === null && broken === null) continue
    targets ??= { ...snapshot.targets }
    const own = targets[target] ?? fresh(target)
    targets[target] = {
      ...own,
      limited_until_ms: later(own.limited_until_ms, limited),
      auth_broken_until_ms: later(own.auth_broken_until_ms, broken),
    }
  }
  return targets === null ? snapshot : { ...snapshot, targets }
}

/** Targets that are shut in enough other regions to be trusted less in this one. */
export const bewareOf = ({ shut_elsewhere }: Heard, { wary }: HealthRules): TargetId[] =>
  Object.keys(shut_elsewhere).filter(target => (shut_elsewhere[target] ?? 0) >= wary.regions)

const later = (a: Ms | null, b: Ms | null): Ms | null => (a === null ? b : b === null ? a : Math.max(a, b))
