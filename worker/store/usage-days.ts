/**
 * What an organisation spent and holds, by day. Days rather than windows are stored: day, week and month all begin at a midnight UTC, so each
 * is a sum of days. A request belongs to the day on which it began. What is held is not stored; it follows from the intents under way.
 */
import { EMPTY_LEDGER, held, type Ledger, settled } from '../core/spend/budget.ts'
import type { Micros, Ms } from '../schema/units.ts'

export const DAY_MS: Ms = 86_400_000
/** Months have at most 31. */
const DAYS_KEPT = 32

const TABLE = 'CREATE TABLE IF NOT EXISTS spent (day INTEGER PRIMARY KEY, micros INTEGER NOT NULL);'

export class UsageDays {
  #sql: SqlStorage
  #ledgers = new Map<number, Ledger>()
  /** Whose spend has changed and is not yet written. */
  #touched = new Set<number>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(TABLE)
  }

  /** By number of the day since 1970; to be read. */
  get ledgers(): Map<number, Ledger> {
    return this.#ledgers
  }

  hold(at_ms: Ms, reserved_micros: Micros): void {
    const day = dayOf(at_ms)
    this.#ledgers.set(day, held(this.#of(day), reserved_micros))
  }

  /** What was held is given back; where the cost is unknown, it counts as that. */
  settle(at_ms: Ms, reserved_micros: Micros, cost_micros: Micros | null): void {
    const day = dayOf(at_ms)
    this.#ledgers.set(day, settled(this.#of(day), reserved_micros, cost_micros))
    this.#touched.add(day)
  }

  /** Something was counted wrong, by so much. */
  correct(at_ms: Ms, by_micros: Micros): void {
    const day = dayOf(at_ms)
    const ledger = this.#of(day)
    this.#ledgers.set(day, { ...ledger, spent_micros: ledger.spent_micros + by_micros })
    this.#touched.add(day)
  }

  store(): void {
    for (const day of this.#touched) this.#sql.exec('INSERT OR REPLACE INTO spent VALUES (?, ?)', day, this.#of(day).spent_micros)
    this.#touched.clear()
  }

  /** Days that no window reaches back to go from the disk. */
  forget(now_ms: Ms): void {
    this.#sql.exec('DELETE FROM spent WHERE day < ?', dayOf(now_ms) - DAYS_KEPT)
  }

  load(): void {
    this.#touched.clear()
    this.#ledgers.clear()
    for (const { day, micros } of this.#sql.exec<{ day: number; micros: number }>('SELECT day, micros FROM spent'))
      this.#ledgers.set(day, { spent_micros: micros, held_micros: 0 })
  }

  #of(day: number): Ledger {
    return this.#ledgers.get(day) ?? EMPTY_LEDGER
  }
}

const dayOf = (at_ms: Ms): number => Math.floor(at_ms / DAY_MS)
