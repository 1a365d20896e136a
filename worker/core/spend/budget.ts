/**
 * The arithmetic of a budget: a limit per window, what was spent in it, and what is held for requests under way. Pure, so
 * that the object which owns the ledger has nothing to decide but only to store.
 *
 * A request belongs to the window in which it began, for its hold as for its cost: a long answer over midnight is
 * yesterday's, and a new day starts at nothing held. Windows are UTC, for one budget has one reset, wherever its callers are.
 */
import type { AccountName, Budget } from '../../schema/limits.ts'
import type { Micros, Ms } from '../../schema/units.ts'
import type { BudgetRefusal } from '../../schema/usage.ts'

export type Window = Budget['window']
export type WindowBounds = { start_ms: Ms; resets_at_ms: Ms }

/** One window's account. `start_ms` with the window's name is its key in storage. */
export type Ledger = { spent_micros: Micros; held_micros: Micros }
export const EMPTY_LEDGER: Ledger = { spent_micros: 0, held_micros: 0 }

const DAY_MS = 86_400_000
/** The epoch was a Thursday; weeks begin on Monday (ISO 8601), three days before. */
const MONDAY_OFFSET_DAYS = 3

/** The window that an instant lies in: from `start_ms`, up to but without `resets_at_ms`. */
export function windowAt(window: Window, now_ms: Ms): WindowBounds {
  const day = Math.floor(now_ms / DAY_MS)
  if (window === 'day') return { start_ms: day * DAY_MS, resets_at_ms: (day + 1) * DAY_MS }
  if (window === 'week') {
    const monday = Math.floor((day + MONDAY_OFFSET_DAYS) / 7) * 7 - MONDAY_OFFSET_DAYS
    return { start_ms: monday * DAY_MS, resets_at_ms: (monday + 7) * DAY_MS }
  }
  const date = new Date(now_ms)
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth()
  return { start_ms: Date.UTC(year, month, 1), resets_at_ms: Date.UTC(year, month + 1, 1) }
}

/**
 * Does one more request fit? Null where it does, else what the caller is told. A request of unknown price is estimated at
 * nothing, and so passes while anything is left at all; a used-up budget lets nothing through, not even what is free.
 */
export function overBudget(
  account: AccountName,
  budget: Budget,
  ledger: Ledger,
  estimate_micros: Micros | null,
  now_ms: Ms,
): BudgetRefusal | null {
  const used = ledger.spent_micros + ledger.held_micros
  if (used < budget.limit_micros && used + Math.max(0, estimate_micros ?? 0) <= budget.limit_micros) return null
  return {
    ok: false,
    code: 'budget_exhausted',
    account,
    window: budget.window,
    limit_micros: budget.limit_micros,
    spent_micros: ledger.spent_micros,
    held_micros: ledger.held_micros,
    resets_at_ms: windowAt(budget.window, now_ms).resets_at_ms,
  }
}

/** A request begins: its estimate is held. */
export function held(ledger: Ledger, reserved_micros: Micros): Ledger {
  return { spent_micros: ledger.spent_micros, held_micros: ledger.held_micros + reserved_micros }
}

/**
 * A request ended: the hold is lifted and its cost is spent. Where the cost stays unknown, what was held for it is spent:
 * a target that does not report usage must not be a way around a limit.
 */
export function settled(ledger: Ledger, reserved_micros: Micros, cost_micros: Micros | null): Ledger {
  return {
    spent_micros: ledger.spent_micros + (cost_micros ?? reserved_micros),
    held_micros: Math.max(0, ledger.held_micros - reserved_micros),
  }
}
