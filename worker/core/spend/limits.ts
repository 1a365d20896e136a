/**
 * May one more request begin, by the limits of its key, its team and its organisation? The rules of it, over the accounts that
 * the organisation's usage object keeps: what was spent, what is held for requests under way, and how much happened lately.
 *
 * Whoever keeps the accounts calls `judge`, and where that does not refuse `begin`, and `end` once when the request has ended, all
 * in the transaction that stores it; so a limit cannot be raced.
 */
import type { AccountName, Budget, Limited, Rate, RateName } from '../../schema/limits.ts'
import type { Micros, Ms, Tokens } from '../../schema/units.ts'
import type { LimitRefusal, Standing } from '../../schema/usage.ts'
import { EMPTY_LEDGER, held, type Ledger, overBudget, settled, windowAt } from './budget.ts'
import { add, emptyMeter, fallsTo, type Meter, slotOf, sumAt } from './meter.ts'
import { correctIn, emptyHours, type Hours, holdIn, overUsual, settleIn } from './unusual.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** When a request under way will end nobody knows; most do within seconds. */
const CONCURRENT_AGAIN_MS: Ms = 1_000
/** A soft rate is told once in this time, and a soft budget once in its window. */
const RATE_TOLD_EVERY_MS: Ms = 3_600_000

/** Of one key, team or organisation. */
export type Account = {
  /** By number of the day since 1970. */
  days: Map<number, Ledger>
  /** Those days are kept by whoever keeps the account, for requests without limits as well: an organisation's. */
  days_are_kept: boolean
  /** What it spends in an hour, where that is watched. */
  hours: Hours | null
  requests: Meter
  tokens: Meter
  /** Requests of the last hour, and those of them that went to a dear target. */
  chosen: Meter
  /** By the price above which a target counts as dear. */
  dear: Map<Micros, Meter>
  concurrent: number
  /** Soft limits that were told of, and until when they are not told again. */
  told: Map<string, Ms>
}

export const emptyAccount = (): Account => ({
  days: new Map(),
  days_are_kept: false,
  hours: null,
  requests: emptyMeter(),
  tokens: emptyMeter(),
  chosen: emptyMeter(),
  dear: new Map(),
  concurrent: 0,
  told: new Map(),
})

export type Asking = { at_ms: Ms; reserved_micros: Micros; limited: Limited }
/** What a request has put into its accounts, to be taken out of them again. */
export type Begun = { accounts: AccountName[]; at_ms: Ms; reserved_micros: Micros; tokens: Tokens; began_at_ms: Ms }

/** What was spent and is held from one instant to another; both are midnights. */
export function ledgerBetween(days: ReadonlyMap<number, Ledger>, start_ms: Ms, end_ms: Ms): Ledger {
  let spent_micros = 0
  let held_micros = 0
  for (let day = Math.floor(start_ms / DAY_MS); day < Math.floor(end_ms / DAY_MS); day++) {
    const ledger = days.get(day)
    if (!ledger) continue
    spent_micros += ledger.spent_micros
    held_micros += ledger.held_micros
  }
  return { spent_micros, held_micros }
}

/**
 * All limits at once. Of several that refuse, the one is told that resets last, since only then the same request can pass. `unusual`: those that
 * spend more than usual, whatever is told.
 * Budgets go by the instant the request was decided, whose day it counts for; rates by the keeper's own clock.
 */
export function judge(
  asking: Asking,
  accountOf: (name: AccountName) => Account,
  now_ms: Ms,
): { refusal: LimitRefusal | null; warnings: LimitRefusal[]; unusual: AccountName[] } {
  let refusal: LimitRefusal | null = null
  const warnings: LimitRefusal[] = []
  const unusual: AccountName[] = []
  const weigh = (over: LimitRefusal | null, { kind }: Pick<Budget, 'kind'>) => {
    if (over === null) return
    if (kind === 'soft') warnings.push(over)
    else if (refusal === null || over.resets_at_ms > refusal.resets_at_ms) refusal = over
  }
  for (const { account: name, budgets, rates, unusual: rule } of asking.limited.accounts) {
    const account = accountOf(name)
    if (rule && account.hours) {
      const over = overUsual(name, rule, account.hours, asking.reserved_micros, asking.at_ms)
      if (over !== null) unusual.push(name)
      weigh(over, rule)
    }
    for (const each of budgets) {
      const { start_ms, resets_at_ms } = windowAt(each.window, asking.at_ms)
      const ledger = ledgerBetween(account.days, start_ms, resets_at_ms)
      weigh(overBudget(name, each, ledger, asking.reserved_micros, asking.at_ms), each)
    }
    for (const each of rates) weigh(overRate(name, each, account, asking.limited.tokens, now_ms), each)
  }
  return { refusal, warnings, unusual }
}

/** The request is taken: its estimate is held, and it counts. */
export function begin(asking: Asking, accountOf: (name: AccountName) => Account, now_ms: Ms): Begun {
  const { tokens, output_micros_per_mtok, accounts } = asking.limited
  const second = slotOf(now_ms, SECOND_MS)
  const minute = slotOf(now_ms, MINUTE_MS)
  for (const { account: name, expensive, unusual } of accounts) {
    const account = accountOf(name)
    if (unusual) account.hours ??= emptyHours()
    hold(account, asking.at_ms, asking.reserved_micros)
    add(account.requests, second, 1)
    add(account.tokens, second, tokens)
    if (expensive.length === 0) continue
    add(account.chosen, minute, 1)
    for (const { above_micros_per_mtok } of expensive)
      if (output_micros_per_mtok === null || output_micros_per_mtok > above_micros_per_mtok)
        add(dearAbove(account, above_micros_per_mtok), minute, 1)
  }
  return {
    accounts: accounts.map(({ account }) => account),
    at_ms: asking.at_ms,
    reserved_micros: asking.reserved_micros,
    tokens,
    began_at_ms: now_ms,
  }
}

/** A request under way: of `begin`, and again when the keeper's memory is read from storage. */
export function hold(account: Account, at_ms: Ms, reserved_micros: Micros): void {
  account.concurrent += 1
  if (account.hours) holdIn(account.hours, at_ms, reserved_micros)
  if (account.days_are_kept) return
  const day = Math.floor(at_ms / DAY_MS)
  account.days.set(day, held(account.days.get(day) ?? EMPTY_LEDGER, reserved_micros))
}

/** It has ended. An unknown cost counts as what was held, and unknown tokens as what was estimated. */
export function end(begun: Begun, accountOf: (name: AccountName) => Account, cost_micros: Micros | null, tokens: Tokens | null): void {
  for (const name of begun.accounts) {
    const account = accountOf(name)
    account.concurrent = Math.max(0, account.concurrent - 1)
    if (tokens !== null) add(account.tokens, slotOf(begun.began_at_ms, SECOND_MS), tokens - begun.tokens)
    if (account.hours) settleIn(account.hours, begun.at_ms, begun.reserved_micros, cost_micros)
    if (account.days_are_kept) continue
    const day = Math.floor(begun.at_ms / DAY_MS)
    account.days.set(day, settled(account.days.get(day) ?? EMPTY_LEDGER, begun.reserved_micros, cost_micros))
  }
}

/** Its cost turns out to be another than was counted. */
export function correct(account: Account, at_ms: Ms, more_micros: Micros): void {
  if (account.hours) correctIn(account.hours, at_ms, more_micros)
  if (account.days_are_kept) return
  const day = Math.floor(at_ms / DAY_MS)
  const ledger = account.days.get(day) ?? EMPTY_LEDGER
  account.days.set(day, { ...ledger, spent_micros: ledger.spent_micros + more_micros })
}

/** Where the caller stands: of each rate the account that leaves least. */
export function standing({ accounts }: Limited, accountOf: (name: AccountName) => Account, warnings: LimitRefusal[], now_ms: Ms): Standing {
  const rates = new Map<RateName, Standing['rates'][number]>()
  let too_dear_above_micros_per_mtok: Micros | null = null
  const minute = slotOf(now_ms, MINUTE_MS)
  for (const { account: name, rates: listed, expensive } of accounts) {
    const account = accountOf(name)
    for (const { of, at_most } of listed) {
      const left = Math.max(0, at_most - usedOf(of, account, now_ms))
      const before = rates.get(of)
      if (before && before.left <= left) continue
      const meter = meterOf(of, account)
      rates.set(of, { of, at_most, left, resets_at_ms: meter ? fallsTo(meter, 0, now_ms, SECOND_MS) : now_ms })
    }
    for (const { share, above_micros_per_mtok } of expensive) {
      if (admitsDear(share, sumAt(dearAbove(account, above_micros_per_mtok), minute), sumAt(account.chosen, minute))) continue
      too_dear_above_micros_per_mtok = Math.min(too_dear_above_micros_per_mtok ?? Number.POSITIVE_INFINITY, above_micros_per_mtok)
    }
  }
  return { rates: [...rates.values()], warnings, too_dear_above_micros_per_mtok }
}

function dearAbove({ dear }: Account, above_micros_per_mtok: Micros): Meter {
  const meter = dear.get(above_micros_per_mtok) ?? emptyMeter()
  dear.set(above_micros_per_mtok, meter)
  return meter
}

/** Is there room for one more dear request? The first of the hour has room under every share but 0. */
export const admitsDear = (share: number, dear: number, chosen: number): boolean =>
  share > 0 && dear + 1 <= Math.max(1, share * (chosen + 1))

/** Warnings not told of in their window yet; they are now. */
export function untold(warnings: readonly LimitRefusal[], accountOf: (name: AccountName) => Account, now_ms: Ms): LimitRefusal[] {
  return warnings.filter(warning => {
    const { told } = accountOf(warning.account)
    const what = whatOf(warning)
    if ((told.get(what) ?? 0) > now_ms) return false
    for (const [other, until_ms] of told) if (until_ms <= now_ms) told.delete(other)
    told.set(what, warning.code === 'limit_reached' ? now_ms + RATE_TOLD_EVERY_MS : warning.resets_at_ms)
    return true
  })
}

function whatOf(warning: LimitRefusal): string {
  if (warning.code === 'unusual_spend') return 'unusual'
  return warning.code === 'budget_exhausted' ? `${warning.window} ${warning.limit_micros}` : `${warning.of} ${warning.at_most}`
}

function overRate(name: AccountName, { of, at_most }: Rate, account: Account, tokens: Tokens, now_ms: Ms): LimitRefusal | null {
  const used = usedOf(of, account, now_ms)
  const need = of === 'tokens_per_minute' ? tokens : 1
  if (used + need <= at_most) return null
  const meter = meterOf(of, account)
  // One that is larger than the whole limit never fits; it is told the same minute as any other.
  const resets_at_ms = meter ? fallsTo(meter, Math.max(0, at_most - need), now_ms, SECOND_MS) : now_ms + CONCURRENT_AGAIN_MS
  return { ok: false, code: 'limit_reached', account: name, of, at_most, used, need, resets_at_ms }
}

function usedOf(of: RateName, account: Account, now_ms: Ms): number {
  const meter = meterOf(of, account)
  return meter ? sumAt(meter, slotOf(now_ms, SECOND_MS)) : account.concurrent
}

function meterOf(of: RateName, { requests, tokens }: Account): Meter | null {
  return of === 'requests_per_minute' ? requests : of === 'tokens_per_minute' ? tokens : null
}
