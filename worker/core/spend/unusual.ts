/**
 * Is this much more than usual? A key that was stolen, or a program that runs away, spends within every limit that was set for good days; but
 * not as on good days. So an account learns what it spends in an hour, and is told of or stopped where one is many times that.
 *
 * Usual is the median of the hours of the last week in which anything was spent. Idle hours are left out, or a key that works by day would
 * be unusual every morning; a median, as a few wild hours must not move it; and an hour that was unusual is not learned from, so that
 * nobody gets to a higher bill by going on. Nothing is judged before there are enough hours, nor below an amount that is worth a word.
 */
import type { AccountName, Unusual } from '../../schema/limits.ts'
import type { Micros, Ms } from '../../schema/units.ts'
import type { UnusualRefusal } from '../../schema/usage.ts'
import { EMPTY_LEDGER, held, type Ledger, settled } from './budget.ts'

export const HOUR_MS = 3_600_000
/** A week: the same hours of the same days are in it once each. */
export const HOURS_LEARNED = 168

type Hour = Ledger & { unusual: boolean }
/** By number of the hour since 1970. `usual` is what was last worked out, and for which hour. */
export type Hours = { by_hour: Map<number, Hour>; usual: { hour: number; after_hours: number; micros: Micros | null } | null }

export const emptyHours = (): Hours => ({ by_hour: new Map(), usual: null })
export const hourOf = (at_ms: Ms): number => Math.floor(at_ms / HOUR_MS)

/** Null while there are too few hours to say. */
export function usualSpend(hours: Hours, hour: number, after_hours: number): Micros | null {
  if (hours.usual?.hour === hour && hours.usual.after_hours === after_hours) return hours.usual.micros
  const spent = learnedFrom(hours, hour)
  const micros = spent.length < after_hours ? null : median(spent)
  hours.usual = { hour, after_hours, micros }
  return micros
}

/** What was spent in the hours before this one that say anything. */
export function learnedFrom({ by_hour }: Hours, hour: number): Micros[] {
  const spent: Micros[] = []
  for (const [at, { spent_micros, unusual }] of by_hour)
    if (at < hour && at >= hour - HOURS_LEARNED && !unusual && spent_micros > 0) spent.push(spent_micros)
  return spent
}

export const atMost = ({ times, at_least_micros }: Unusual, usual_micros: Micros): Micros =>
  Math.max(at_least_micros, Math.ceil(usual_micros * times))

function median(values: Micros[]): Micros {
  values.sort((a, b) => a - b)
  const middle = values.length >> 1
  const upper = values[middle] as Micros
  return values.length % 2 === 1 ? upper : Math.round(((values[middle - 1] as Micros) + upper) / 2)
}

/** May a request of this estimate begin? Null where it may; else what is told, which holds to the end of the hour. */
export function overUsual(account: AccountName, rule: Unusual, hours: Hours, estimate_micros: Micros, at_ms: Ms): UnusualRefusal | null {
  const hour = hourOf(at_ms)
  const usual_micros = usualSpend(hours, hour, rule.after_hours)
  if (usual_micros === null) return null
  const at_most_micros = atMost(rule, usual_micros)
  const { spent_micros, held_micros } = hours.by_hour.get(hour) ?? EMPTY_LEDGER
  if (spent_micros + held_micros + Math.max(0, estimate_micros) <= at_most_micros) return null
  return {
    ok: false,
    code: 'unusual_spend',
    account,
    usual_micros,
    at_most_micros,
    spent_micros,
    held_micros,
    resets_at_ms: (hour + 1) * HOUR_MS,
  }
}

export function holdIn(hours: Hours, at_ms: Ms, reserved_micros: Micros): void {
  const hour = opened(hours, at_ms)
  Object.assign(hour, held(hour, reserved_micros))
}

/** A request belongs to the hour in which it began. */
export function settleIn(hours: Hours, at_ms: Ms, reserved_micros: Micros, cost_micros: Micros | null): void {
  const hour = opened(hours, at_ms)
  Object.assign(hour, settled(hour, reserved_micros, cost_micros))
}

export function correctIn(hours: Hours, at_ms: Ms, more_micros: Micros): void {
  opened(hours, at_ms).spent_micros += more_micros
  hours.usual = null
}

/** Not to be learned from. */
export function markUnusual(hours: Hours, at_ms: Ms): void {
  opened(hours, at_ms).unusual = true
}

/** An admin says that this may be usual from now on. What is under way is still held. */
export function learnAnew(hours: Hours): void {
  for (const [at, hour] of hours.by_hour)
    if (hour.held_micros === 0) hours.by_hour.delete(at)
    else Object.assign(hour, { spent_micros: 0, unusual: false })
  hours.usual = null
}

/** What nobody looks at any more. */
export function forgetHours(hours: Hours, now_ms: Ms): void {
  const oldest = hourOf(now_ms) - HOURS_LEARNED
  for (const hour of hours.by_hour.keys()) if (hour < oldest) hours.by_hour.delete(hour)
}

function opened({ by_hour }: Hours, at_ms: Ms): Hour {
  const hour = by_hour.get(hourOf(at_ms)) ?? { ...EMPTY_LEDGER, unusual: false }
  by_hour.set(hourOf(at_ms), hour)
  return hour
}
