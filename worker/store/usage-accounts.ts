/**
 * The accounts that limits are judged by: one for each key, team or organisation that has a limit, and none for the others, so
 * that who has no limits pays for nothing here. The rules are in `core/spend/limits.ts`; here they are kept, a row an account,
 * in the same transaction as the request that changed them.
 *
 * What is held for requests under way is not stored: it is added up again, from the intents that are open, when the object wakes.
 */
import { EMPTY_LEDGER, type Ledger } from '../core/spend/budget.ts'
import {
  type Account,
  type Asking,
  type Begun,
  begin,
  correct,
  emptyAccount,
  end,
  hold,
  judge,
  ledgerBetween,
  standing,
  untold,
} from '../core/spend/limits.ts'
import type { Meter } from '../core/spend/meter.ts'
import {
  atMost,
  emptyHours,
  forgetHours,
  HOURS_LEARNED,
  type Hours,
  hourOf,
  learnAnew,
  learnedFrom,
  markUnusual,
  usualSpend,
} from '../core/spend/unusual.ts'
import type { KeyId, OrgId } from '../schema/ids.ts'
import type { AccountName, Limited, Unusual } from '../schema/limits.ts'
import type { Micros, Ms, Tokens } from '../schema/units.ts'
import type { LimitRefusal, Standing, Usual } from '../schema/usage.ts'

const TABLES = `
CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spent_hours (
  name TEXT NOT NULL, hour INTEGER NOT NULL, micros INTEGER NOT NULL, unusual INTEGER NOT NULL, PRIMARY KEY (name, hour)
) WITHOUT ROWID;
`
const DAY_MS = 86_400_000
const NO_HOUR = { ...EMPTY_LEDGER, unusual: false }
/** Months have at most 31 days. */
const DAYS_KEPT = 32

export const keyAccount = (key_id: KeyId): AccountName => `key:${key_id}`
export const teamAccount = (team: string): AccountName => `team:${team}`
export const ORG_ACCOUNT: AccountName = 'org'

/** An account as it is stored: JSON, without what is held. */
type Stored = {
  spent: [day: number, micros: Micros][]
  requests: Meter
  tokens: Meter
  chosen: Meter
  dear: [above_micros_per_mtok: Micros, meter: Meter][]
  told: [what: string, until_ms: Ms][]
}

/** `standing`: absent where there is nothing to tell. */
export type Verdict = { refusal: LimitRefusal | null; standing?: Standing; untold: LimitRefusal[]; begun: Begun | null }

export class UsageAccounts {
  #sql: SqlStorage
  #accounts = new Map<AccountName, Account>()
  #touched = new Set<AccountName>()
  #hours_changed = new Map<AccountName, Set<number>>()
  /** What the organisation spent, kept by the journal for every request and only read here. */
  #org_days: Map<number, Ledger>

  constructor(sql: SqlStorage, org_days: Map<number, Ledger>) {
    this.#sql = sql
    this.#org_days = org_days
    sql.exec(TABLES)
  }

  get any(): boolean {
    return this.#accounts.size > 0
  }

  /** Takes the request into its accounts, or refuses it and leaves them as they were but for what was told. */
  admit(asking: Asking, now_ms: Ms): Verdict {
    const accountOf = (name: AccountName) => this.#opened(name)
    const { refusal, warnings, unusual } = judge(asking, accountOf, now_ms)
    for (const name of unusual) this.#changed(name, asking.at_ms, hours => markUnusual(hours, asking.at_ms))
    // Who is stopped for spending more than usual may not be the one who wants to know.
    const stopped = refusal?.code === 'unusual_spend' ? [refusal] : []
    const news = untold([...warnings, ...stopped], accountOf, now_ms)
    for (const { account } of news) this.#touched.add(account)
    let begun: Begun | null = null
    if (refusal === null) {
      begun = begin(asking, accountOf, now_ms)
      for (const name of begun.accounts) this.#touched.add(name)
    }
    const verdict: Verdict = { refusal, begun, untold: news }
    if (warnings.length || asking.limited.accounts.some(({ rates, expensive }) => rates.length || expensive.length))
      verdict.standing = standing(asking.limited, accountOf, warnings, now_ms)
    return verdict
  }

  end(begun: Begun, cost_micros: Micros | null, tokens: Tokens | null): void {
    end(begun, name => this.#opened(name), cost_micros, tokens)
    for (const name of begun.accounts) {
      this.#touched.add(name)
      this.#changed(name, begun.at_ms)
    }
  }

  /** An orphan's true cost: known late, when its memory may be gone, so its accounts are named by what its row says. */
  correct(names: readonly AccountName[], at_ms: Ms, more_micros: Micros): void {
    for (const name of names) {
      const account = this.#accounts.get(name)
      if (!account) continue
      correct(account, at_ms, more_micros)
      this.#touched.add(name)
      this.#changed(name, at_ms)
    }
  }

  /** A request that was open when the object went to sleep. */
  resume(names: readonly AccountName[], at_ms: Ms, reserved_micros: Micros, tokens: Tokens): Begun | null {
    const accounts = names.filter(name => this.#accounts.has(name))
    for (const name of accounts) hold(this.#opened(name), at_ms, reserved_micros)
    return accounts.length ? { accounts, at_ms, reserved_micros, tokens, began_at_ms: at_ms } : null
  }

  /**
   * What was spent by day before there was a limit to count for, from the roll-ups; taken once, while the account is new. It
   * is there before the first request that is judged by it, as isolates learn of limits later than this object.
   */
  open(name: AccountName, spent: readonly [day: number, micros: Micros][], now_ms: Ms): void {
    if (this.#accounts.has(name) || name === ORG_ACCOUNT) return
    const { days } = this.#opened(name)
    for (const [day, micros] of spent) days.set(day, { spent_micros: micros, held_micros: days.get(day)?.held_micros ?? 0 })
    this.store(now_ms)
  }

  ledger(name: AccountName, start_ms: Ms, end_ms: Ms): Ledger {
    return ledgerBetween(this.#accounts.get(name)?.days ?? new Map(), start_ms, end_ms)
  }

  /** What accounts usually spend, where that is watched, as of now. */
  usual(rule: Unusual, now_ms: Ms): Usual[] {
    const hour = hourOf(now_ms)
    const watched: Usual[] = []
    for (const [account, { hours }] of this.#accounts) {
      if (!hours) continue
      const usual_micros = usualSpend(hours, hour, rule.after_hours)
      watched.push({
        account,
        usual_micros,
        at_most_micros: usual_micros === null ? null : atMost(rule, usual_micros),
        hours_known: learnedFrom(hours, hour).length,
        ...(hours.by_hour.get(hour) ?? NO_HOUR),
      })
    }
    return watched
  }

  /** What it spends now may be usual: that is learned anew, and nothing is judged meanwhile. False where it is not watched. */
  lift(name: AccountName, now_ms: Ms): boolean {
    const account = this.#accounts.get(name)
    if (!account?.hours) return false
    learnAnew(account.hours)
    account.told.delete('unusual')
    this.#sql.exec('DELETE FROM spent_hours WHERE name = ?', name)
    this.#touched.add(name)
    this.store(now_ms)
    return true
  }

  /** As they are now, for who administers them. */
  standing(limited: Limited, now_ms: Ms): Standing {
    return standing(limited, name => this.#accounts.get(name) ?? emptyAccount(), [], now_ms)
  }

  /** Writes what the last transaction changed. */
  store(now_ms: Ms): void {
    const oldest = Math.floor(now_ms / DAY_MS) - DAYS_KEPT
    for (const name of this.#touched) {
      const account = this.#opened(name)
      if (!account.days_are_kept) for (const day of account.days.keys()) if (day < oldest) account.days.delete(day)
      this.#sql.exec('INSERT OR REPLACE INTO accounts VALUES (?, ?)', name, JSON.stringify(storedOf(account)))
    }
    this.#touched.clear()
    for (const [name, changed] of this.#hours_changed) this.#storeHours(name, changed, now_ms)
    this.#hours_changed.clear()
  }

  #storeHours(name: AccountName, changed: ReadonlySet<number>, now_ms: Ms): void {
    const { hours } = this.#opened(name)
    if (!hours) return
    for (const hour of changed) {
      const { spent_micros, unusual } = hours.by_hour.get(hour) ?? NO_HOUR
      this.#sql.exec('INSERT OR REPLACE INTO spent_hours VALUES (?, ?, ?, ?)', name, hour, spent_micros, unusual ? 1 : 0)
    }
    if (hours.by_hour.size <= HOURS_LEARNED + 1) return
    forgetHours(hours, now_ms)
    this.#sql.exec('DELETE FROM spent_hours WHERE name = ? AND hour < ?', name, hourOf(now_ms) - HOURS_LEARNED)
  }

  load(): void {
    this.#accounts.clear()
    this.#touched.clear()
    this.#hours_changed.clear()
    for (const { name, state } of this.#sql.exec<{ name: string; state: string }>('SELECT name, state FROM accounts')) {
      this.#accounts.set(name, this.#withDays(name, accountOf(JSON.parse(state) as Stored)))
    }
    if (this.#accounts.size === 0) return
    const rows = this.#sql.exec<{ name: string; hour: number; micros: number; unusual: number }>('SELECT * FROM spent_hours')
    for (const { name, hour, micros, unusual } of rows) {
      const account = this.#opened(name)
      const hours = account.hours ?? emptyHours()
      account.hours = hours
      hours.by_hour.set(hour, { spent_micros: micros, held_micros: 0, unusual: unusual === 1 })
    }
  }

  /** The hour that an instant lies in is to be written, where the account's are watched. */
  #changed(name: AccountName, at_ms: Ms, change?: (hours: Hours) => void): void {
    const hours = this.#accounts.get(name)?.hours
    if (!hours) return
    change?.(hours)
    const changed = this.#hours_changed.get(name) ?? new Set()
    this.#hours_changed.set(name, changed.add(hourOf(at_ms)))
  }

  #opened(name: AccountName): Account {
    let account = this.#accounts.get(name)
    if (!account) {
      account = this.#withDays(name, emptyAccount())
      this.#accounts.set(name, account)
      this.#touched.add(name)
    }
    return account
  }

  #withDays(name: AccountName, account: Account): Account {
    return name === ORG_ACCOUNT ? { ...account, days: this.#org_days, days_are_kept: true } : account
  }
}

/** The accounts that a row's request may have been counted in. */
export const accountsOf = ({ key_id, team }: { org?: OrgId; key_id: KeyId; team: string | null }): AccountName[] => [
  keyAccount(key_id),
  ...(team === null ? [] : [teamAccount(team)]),
  ORG_ACCOUNT,
]

const storedOf = ({ days, days_are_kept, requests, tokens, chosen, dear, told }: Account): Stored => ({
  spent: days_are_kept
    ? []
    : [...days].filter(([, { spent_micros }]) => spent_micros !== 0).map(([day, { spent_micros }]) => [day, spent_micros]),
  requests,
  tokens,
  chosen,
  dear: [...dear],
  told: [...told],
})

const accountOf = ({ spent, told, dear, ...meters }: Stored): Account => ({
  ...meters,
  hours: null,
  days: new Map(spent.map(([day, spent_micros]) => [day, { spent_micros, held_micros: 0 }])),
  days_are_kept: false,
  concurrent: 0,
  dear: new Map(dear),
  told: new Map(told),
})
