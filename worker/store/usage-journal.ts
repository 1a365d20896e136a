/**
 * What a usage object keeps: intents of requests under way, settlements on their way to D1, and the spend they make. Rows
 * are only ever appended at the end and deleted from the front, without an index: a batch of 16 requests costs two or three
 * pages, where an index over random ids would cost one page for each. Ids are found through a map in memory, which is
 * rebuilt from the rows when the object wakes (`usage-known.ts`).
 *
 * Everything here is synchronous, so each public method is one transaction, durable before anything the object answers.
 */
import { type Ledger, type Window, windowAt } from '../core/spend/budget.ts'
import { type Begun, ledgerBetween } from '../core/spend/limits.ts'
import type { DecisionId } from '../schema/ids.ts'
import type { AccountName, Limited, Unusual } from '../schema/limits.ts'
import type { Micros, Ms } from '../schema/units.ts'
import type { BudgetAnswer, KeyRevoked, LimitRefusal, Standing, Usual } from '../schema/usage.ts'
import type { OwnDay } from './books.ts'
import { insertRows } from './rows-at-once.ts'
import { SHARED_TABLE, SharedTexts } from './shared-texts.ts'
import { accountsOf, ORG_ACCOUNT, UsageAccounts } from './usage-accounts.ts'
import { STANDS_ASIDE, UsageAside } from './usage-aside.ts'
import type { Batch, IntentEntry, SettlementEntry } from './usage-batch.ts'
import { DAY_MS, UsageDays } from './usage-days.ts'
import { DOUBTED_AFTER_MS, UsageDoubts } from './usage-doubts.ts'
import { type Known, UsageKnown } from './usage-known.ts'
import { UsageOnce } from './usage-once.ts'
import { UsageRevoked } from './usage-revoked.ts'
import { orphanHalf, rowOf, tokensIn } from './usage-row.ts'

/** A request on its way to D1: both halves of its row, and the record of its decision, as JSON. */
export type Pending = {
  seq: number
  decision_id: DecisionId
  at_ms: Ms
  intended: string
  settled: string
  own: string
  /** Number of what its decision shares with others: `sharedText`. */
  shared: number | null
  /** 1 where nobody settled it. */
  orphan: number
}
/** What is told of a decision to one who asks. */
export type Found = { intended: string; settled: string | null; shared: string | null; own: string }

/** An orphan may still be settled by its isolate, if that was only slow, for this long. */
export const ORPHAN_REMEMBERED_MS: Ms = 86_400_000
/** Settlements gather for this long, so that one call to D1 takes many. Readers of decisions are served from here meanwhile. */
export const FLUSH_AFTER_MS: Ms = 500
const KEY_REVOKED: KeyRevoked = { ok: false, code: 'key_revoked' }
/** One object for all: a call copies it once, however often it stands in the answer. */
const TAKEN: BudgetAnswer = { ok: true }
/** Orphans made in one pass; the next pass follows at once. */
const ORPHANS_AT_ONCE = 500
/** `find` looks at this many of the newest settlements and no further, so that a backlog of days cannot make it slow. */
const SEARCHED_ROWS = 20_000

/** `seq` is one counter for both tables, never used twice. */
const TABLES = `
CREATE TABLE IF NOT EXISTS intents (
  seq INTEGER PRIMARY KEY, decision_id TEXT NOT NULL, at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
  reserved_micros INTEGER NOT NULL, shared INTEGER, intended TEXT NOT NULL, own TEXT NOT NULL
);
${SHARED_TABLE}
CREATE TABLE IF NOT EXISTS settlements (
  seq INTEGER PRIMARY KEY, intent_seq INTEGER NOT NULL, decision_id TEXT NOT NULL, settled_at_ms INTEGER NOT NULL,
  counted_micros INTEGER NOT NULL, orphan INTEGER NOT NULL, settled TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orphans ON settlements (decision_id) WHERE orphan = 1;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
`

/** Columns of `Pending`. */
const PENDING = 's.seq, i.decision_id, i.at_ms, i.intended, s.settled, i.own, i.shared, s.orphan'
const FOUND = 'i.intended, s.settled, i.own, i.shared'

const INTENT_COLUMNS = 8
const SETTLEMENT_COLUMNS = 7

export class UsageJournal {
  #storage: DurableObjectStorage
  #known = new UsageKnown()
  #days: UsageDays
  #accounts: UsageAccounts
  /** Requests that are done once, however often they are sent. */
  readonly once: UsageOnce
  /** Soft limits passed in the last commit that nobody was told of yet. */
  #untold: LimitRefusal[] = []
  /** Keys of which no request begins any more, whatever isolates and copies of KV still believe. */
  readonly revoked: UsageRevoked
  #aside: UsageAside
  #doubts: UsageDoubts
  #shared: SharedTexts
  /** Rows of this commit, not yet written. */
  #new_intents: SqlStorageValue[] = []
  #new_settlements: SqlStorageValue[] = []
  #seq = 0
  /** Settlements up to here are in D1, but for those that stand aside. */
  #flushed_seq = 0
  /** Settlements up to here that had to go have gone. */
  #pruned_seq = 0
  #last_settlement_seq = 0
  /** Whose journal it is, from the first message. */
  org: string | null = null

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    storage.sql.exec(TABLES)
    this.#days = new UsageDays(storage.sql)
    this.#accounts = new UsageAccounts(storage.sql, this.#days.ledgers)
    this.#shared = new SharedTexts(storage.sql)
    this.once = new UsageOnce(storage.sql)
    this.revoked = new UsageRevoked(storage.sql)
    this.#aside = new UsageAside(storage.sql)
    this.#doubts = new UsageDoubts(storage.sql)
    this.#load()
  }

  /** Takes a whole batch or, if anything in it cannot be stored, nothing of it. Answers stand in the order of the intents. */
  commit(batch: Batch, now_ms: Ms): BudgetAnswer[] {
    return this.#whole(now_ms, () => {
      this.#belongTo(batch.org)
      const answers = batch.intents.map(intent => this.#intend(intent, now_ms))
      for (const settlement of batch.settlements) this.#settle(settlement, now_ms)
      return answers
    })
  }

  /** Late requests of which D1 has to say whether they are there. */
  doubted(): DecisionId[] {
    return this.#doubts.asked()
  }

  /** D1 has said which of these it has. So has the journal, of those on their way and of orphans; the rest are requests like any other. */
  resolve(doubted: DecisionId[], there: ReadonlySet<DecisionId>, now_ms: Ms): void {
    this.#whole(now_ms, () => {
      const mine = 'SELECT decision_id FROM intents WHERE decision_id IN (SELECT value FROM json_each(?))'
      const rows = this.#storage.sql.exec<{ decision_id: string }>(mine, JSON.stringify(doubted)).toArray()
      const here = new Set(rows.map(({ decision_id }) => decision_id))
      for (const decision_id of doubted) {
        const doubt = this.#doubts.take(decision_id)
        if (doubt && !there.has(decision_id) && !here.has(decision_id)) this.#begin(doubt.intent, now_ms)
        if (doubt?.settlement) this.#settle(doubt.settlement, now_ms)
      }
    })
  }

  /** What an account spent and holds, in the windows that an instant lies in. */
  ledgers(account: AccountName, now_ms: Ms): Record<Window, Ledger> {
    const ledgerOf = (window: Window) => {
      const { start_ms, resets_at_ms } = windowAt(window, now_ms)
      if (account === ORG_ACCOUNT) return ledgerBetween(this.#days.ledgers, start_ms, resets_at_ms)
      return this.#accounts.ledger(account, start_ms, resets_at_ms)
    }
    return { day: ledgerOf('day'), week: ledgerOf('week'), month: ledgerOf('month') }
  }

  /** What the organisation spent, by number of the day since 1970, of about the last month; and how many rows of each day D1 does not have yet. */
  books(): OwnDay[] {
    const late = this.#storage.sql.exec<{ day: number; rows: number }>(
      `SELECT i.at_ms / ${DAY_MS} AS day, count(*) AS rows FROM settlements s JOIN intents i ON i.seq = s.intent_seq
       WHERE s.seq > ? OR s.seq ${STANDS_ASIDE} GROUP BY 1`,
      this.#flushed_seq,
    )
    const on_their_way = new Map([...late].map(({ day, rows }) => [day, rows]))
    return [...this.#days.ledgers].map(([day, { spent_micros }]) => ({ day, spent_micros, on_their_way: on_their_way.get(day) ?? 0 }))
  }

  /** How much of these limits is left, as if a request were asking. */
  standing(limited: Limited, now_ms: Ms): Standing {
    return this.#accounts.standing(limited, now_ms)
  }

  /** What accounts usually spend in an hour, where that is watched. */
  usual(rule: Unusual, now_ms: Ms): Usual[] {
    return this.#accounts.usual(rule, now_ms)
  }

  /** What is usual of an account is learned anew; false where it is not watched. */
  liftUnusual(account: AccountName, now_ms: Ms): boolean {
    return this.#accounts.lift(account, now_ms)
  }

  /** A limit begins to be counted for; with what was spent before, by number of the day. */
  openAccount(account: AccountName, spent: readonly [day: number, micros: Micros][], now_ms: Ms): void {
    this.#accounts.open(account, spent, now_ms)
  }

  /** Warnings since the last time this was asked. */
  takeUntold(): LimitRefusal[] {
    return this.#untold.splice(0)
  }

  /** Requests whose isolate has said nothing for too long get their row from the intent alone. */
  orphan(now_ms: Ms): void {
    const expired: [DecisionId, Known][] = []
    for (const entry of this.#known.open) {
      if (entry[1].expires_at_ms > now_ms) continue
      expired.push(entry)
      if (expired.length === ORPHANS_AT_ONCE) break
    }
    if (!expired.length) return
    this.#whole(now_ms, () => {
      for (const [decision_id, known] of expired) {
        const [row] = this.#storage.sql.exec<{ intended: string }>('SELECT intended FROM intents WHERE seq = ?', known.seq)
        if (!row) continue
        const { settled, cost_micros } = orphanHalf(row.intended, now_ms)
        this.#append(decision_id, known, cost_micros, settled, now_ms, 'orphan')
        this.once.end(decision_id, false, now_ms)
      }
    })
  }

  /** The oldest settlements not yet in D1, at most `rows` of them and about `chars` of text. */
  pending(rows: number, chars: number): Pending[] {
    const taken: Pending[] = []
    let size = 0
    const shared = new Set<number>()
    const found = this.#storage.sql.exec<Pending>(
      `SELECT ${PENDING} FROM settlements s JOIN intents i ON i.seq = s.intent_seq WHERE s.seq > ? ORDER BY s.seq LIMIT ?`,
      this.#flushed_seq,
      rows,
    )
    for (const row of found) {
      size += row.intended.length + row.settled.length + row.own.length
      if (row.shared !== null && !shared.has(row.shared)) {
        shared.add(row.shared)
        size += this.sharedText(row.shared).length
      }
      if (taken.length && size > chars) break
      taken.push(row)
    }
    return taken
  }

  /** What decisions share, by its number. */
  sharedText(id: number): string {
    return this.#shared.textOf(id)
  }

  /** D1 has these. Their rows stay for a minute, to answer a message that is repeated. */
  acknowledge(rows: Pending[]): void {
    const last = rows.at(-1)
    if (!last) return
    this.#flushed_seq = last.seq
    this.note('flushed_seq', String(last.seq))
  }

  /**
   * D1 works but will not take this row: set aside, so that the others go on. Not where it has gone meanwhile: the true settlement of
   * an orphan may have taken its place while D1 was asked, and goes by its own number.
   */
  setAside(row: Pending, error: string, retry_at_ms: Ms): void {
    this.#storage.transactionSync(() => {
      this.#aside.add(row.seq, error, retry_at_ms)
      this.acknowledge([row])
    })
  }

  /** A row set aside whose time has come. */
  stuck(now_ms: Ms): (Pending & { tries: number }) | null {
    const due = this.#aside.due(now_ms)
    if (!due) return null
    const row = this.#storage.sql.exec<Pending>(
      `SELECT ${PENDING} FROM settlements s JOIN intents i ON i.seq = s.intent_seq WHERE s.seq = ?`,
      due.seq,
    )
    return { ...row.one(), tries: due.tries }
  }

  unstick(seq: number, now_ms: Ms): void {
    this.#aside.taken(seq, now_ms)
    this.#pruned_seq = Math.min(this.#pruned_seq, seq - 1)
  }

  stillStuck(seq: number, error: string, retry_at_ms: Ms): void {
    this.#aside.refused(seq, error, retry_at_ms)
  }

  /** Forgets what D1 has and no repeated message can ask for any more. */
  prune(now_ms: Ms): void {
    this.#known.forget(now_ms)
    const gone = `settlements WHERE seq <= ? AND (orphan = 0 OR settled_at_ms <= ?) AND seq NOT ${STANDS_ASIDE}`
    this.#pruned_seq = this.#settled_for_good
    const bounds = [this.#pruned_seq, now_ms - ORPHAN_REMEMBERED_MS]
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(`DELETE FROM intents WHERE seq IN (SELECT intent_seq FROM ${gone})`, ...bounds)
      this.#storage.sql.exec(`DELETE FROM ${gone}`, ...bounds)
      const [first] = this.#storage.sql.exec<{ seq: number | null }>('SELECT min(seq) AS seq FROM intents')
      this.#shared.forget(first?.seq ?? this.#seq + 1)
      this.note('open_from', String(this.#known.openFrom(this.#seq + 1)))
      this.#days.forget(now_ms)
      this.once.forget(now_ms)
    })
  }

  /** Settlements up to here are in D1 and forgotten. */
  get #settled_for_good(): number {
    return Math.min(this.#flushed_seq, this.#known.forgotten_seq)
  }

  /** When there is something to do next; null where nothing is under way and everything is in D1 and forgotten. `prune` may not be called before `prune_at_ms`. */
  nextAt(now_ms: Ms, flush_after_ms: Ms, prune_at_ms: Ms): Ms | null {
    let next = this.#known.expiresAt()
    if (this.backlog || this.#doubts.size) next = Math.min(next, now_ms + flush_after_ms)
    const forgets_at_ms = this.#known.forgetsAt()
    if (forgets_at_ms !== null) next = Math.min(next, Math.max(forgets_at_ms, prune_at_ms))
    if (this.#settled_for_good > this.#pruned_seq) next = Math.min(next, Math.max(prune_at_ms, now_ms + FLUSH_AFTER_MS))
    next = Math.min(next, this.#aside.nextAt() ?? next)
    const [orphan] = this.#storage.sql.exec<{ at: number | null }>('SELECT min(settled_at_ms) AS at FROM settlements WHERE orphan = 1')
    if (orphan?.at != null) next = Math.min(next, Math.max(orphan.at + ORPHAN_REMEMBERED_MS, prune_at_ms, now_ms + FLUSH_AFTER_MS))
    const used_until_ms = this.once.nextAt()
    if (used_until_ms !== null) next = Math.min(next, Math.max(used_until_ms, prune_at_ms, now_ms + FLUSH_AFTER_MS))
    return next === Number.POSITIVE_INFINITY ? null : next
  }

  /** Settlements that D1 does not have yet. */
  get backlog(): boolean {
    return this.#last_settlement_seq > this.#flushed_seq
  }

  /** Requests under way. */
  get open(): number {
    return this.#known.open.size
  }

  counts(tries: number): { under_way: number; unflushed: number; set_aside: number; given_up: number } {
    const sql = 'SELECT count(*) AS unflushed FROM settlements WHERE seq > ?'
    const { unflushed } = this.#storage.sql.exec<{ unflushed: number }>(sql, this.#flushed_seq).one()
    return { under_way: this.open, unflushed: unflushed + this.#doubts.size, ...this.#aside.counts(tries) }
  }

  /** A request under way or lately settled. */
  find(decision_id: DecisionId): Found | null {
    const known = this.#known.get(decision_id)
    const [row] = known
      ? this.#storage.sql.exec<FoundRow>(
          `SELECT ${FOUND} FROM intents i LEFT JOIN settlements s ON s.intent_seq = i.seq AND s.seq > i.seq
           WHERE i.seq = ? AND i.decision_id = ?`,
          known.seq,
          decision_id,
        )
      : this.#storage.sql.exec<FoundRow>(
          `SELECT ${FOUND} FROM settlements s JOIN intents i ON i.seq = s.intent_seq WHERE s.seq > ? AND s.decision_id = ?`,
          this.#seq - SEARCHED_ROWS,
          decision_id,
        )
    return row ? { ...row, shared: row.shared === null ? null : this.sharedText(row.shared) } : null
  }

  fact(name: string): string | null {
    const [row] = this.#storage.sql.exec<{ value: string }>('SELECT value FROM facts WHERE name = ?', name)
    return row?.value ?? null
  }

  note(name: string, value: string): void {
    this.#storage.sql.exec('INSERT OR REPLACE INTO facts VALUES (?, ?)', name, value)
  }

  forget(name: string): void {
    this.#storage.sql.exec('DELETE FROM facts WHERE name = ?', name)
  }

  /** All of it or nothing. */
  #whole<T>(now_ms: Ms, work: () => T): T {
    try {
      return this.#storage.transactionSync(() => {
        const result = work()
        this.#store(now_ms)
        return result
      })
    } catch (error) {
      // The rows are rolled back; the memory of them has to be read anew.
      this.#load()
      throw error
    }
  }

  #intend(intent: IntentEntry, now_ms: Ms): BudgetAnswer {
    if (this.#known.get(intent.decision_id)) return this.revoked.has(intent.key_id) ? KEY_REVOKED : { ok: true, duplicate: true }
    if (intent.at_ms > now_ms - DOUBTED_AFTER_MS) return this.#begin(intent, now_ms)
    this.#doubts.add(intent)
    return TAKEN
  }

  #begin(intent: IntentEntry, now_ms: Ms): BudgetAnswer {
    const revoked = this.revoked.has(intent.key_id)
    const { limited } = intent
    // A request that waits for its verdict was not sent on; any other may have been, and then it has its row.
    if (revoked && (limited?.hard || intent.once)) return KEY_REVOKED
    const repeated = intent.once ? this.once.judge(intent.once, now_ms) : null
    if (repeated) return repeated
    const verdict = limited ? this.#accounts.admit({ ...intent, limited }, now_ms) : null
    const told = verdict?.standing && { standing: verdict.standing }
    if (verdict) {
      this.#untold.push(...verdict.untold)
      if (verdict.refusal) return { ...verdict.refusal, ...told }
    }
    if (intent.once) this.once.begin(intent.once, intent.decision_id, now_ms)
    const seq = ++this.#seq
    const { at_ms, expires_at_ms, reserved_micros } = intent
    const shared = intent.shared === null ? null : this.#shared.numberOf(intent.shared.json, seq)
    this.#new_intents.push(seq, intent.decision_id, at_ms, expires_at_ms, reserved_micros, shared, intent.intended, intent.own)
    this.#known.begin(intent.decision_id, {
      seq,
      at_ms,
      expires_at_ms,
      reserved_micros,
      settled_at_ms: null,
      begun: verdict?.begun ?? null,
    })
    this.#days.hold(at_ms, reserved_micros)
    if (revoked) return KEY_REVOKED
    return told ? { ok: true, ...told } : TAKEN
  }

  #settle(settlement: SettlementEntry, now_ms: Ms): void {
    const known = this.#known.get(settlement.decision_id)
    const { decision_id, cost_micros, settled } = settlement
    if (known && known.settled_at_ms === null) {
      this.#append(decision_id, known, cost_micros, settled, now_ms)
      this.once.end(decision_id, settlement.answered === true, now_ms)
    } else if (this.#doubts.has(decision_id)) this.#doubts.settle(settlement)
    else this.#replaceOrphan(settlement, now_ms)
  }

  #append(decision_id: DecisionId, known: Known, cost_micros: Micros | null, half: string, now_ms: Ms, orphan?: 'orphan'): void {
    this.#days.settle(known.at_ms, known.reserved_micros, cost_micros)
    if (known.begun) {
      this.#accounts.end(known.begun, cost_micros, tokensIn(half))
      known.begun = null
    }
    const seq = this.#insert(known.seq, decision_id, now_ms, cost_micros ?? known.reserved_micros, half, orphan)
    this.#known.end(decision_id, now_ms, seq)
  }

  /**
   * The isolate was not dead but slow, and its settlement comes after we gave it up. The true one takes the orphan's place: with
   * a number of its own, because the orphan may be on its way to D1 at this moment; there, too, it replaces the orphan's row.
   * Any other settlement without an open intent is a message repeated, and was counted the first time.
   */
  #replaceOrphan({ decision_id, cost_micros, settled }: SettlementEntry, now_ms: Ms): void {
    const [orphan] = this.#storage.sql.exec<{
      seq: number
      intent_seq: number
      counted_micros: number
      at_ms: number
      reserved_micros: number
      intended: string
    }>(
      `SELECT s.seq, s.intent_seq, s.counted_micros, i.at_ms, i.reserved_micros, i.intended
       FROM settlements s INDEXED BY orphans JOIN intents i ON i.seq = s.intent_seq WHERE s.decision_id = ? AND s.orphan = 1`,
      decision_id,
    )
    if (!orphan) return
    const counted = cost_micros ?? orphan.reserved_micros
    const by_micros = counted - orphan.counted_micros
    this.#days.correct(orphan.at_ms, by_micros)
    if (this.#accounts.any) this.#accounts.correct(accountsOf(rowOf(orphan.intended, null)), orphan.at_ms, by_micros)
    this.#storage.sql.exec('DELETE FROM settlements WHERE seq = ?', orphan.seq)
    this.#aside.remove(orphan.seq)
    const seq = this.#insert(orphan.intent_seq, decision_id, now_ms, counted, settled)
    this.#known.end(decision_id, now_ms, seq)
  }

  #insert(intent_seq: number, decision_id: DecisionId, now_ms: Ms, counted_micros: Micros, half: string, orphan?: 'orphan'): number {
    this.#last_settlement_seq = ++this.#seq
    this.#new_settlements.push(this.#seq, intent_seq, decision_id, now_ms, counted_micros, orphan ? 1 : 0, half)
    return this.#seq
  }

  /** Writes the rows of this commit, and what was spent. */
  #store(now_ms: Ms): void {
    insertRows(this.#storage.sql, 'intents', INTENT_COLUMNS, this.#new_intents)
    insertRows(this.#storage.sql, 'settlements', SETTLEMENT_COLUMNS, this.#new_settlements)
    this.#new_intents = []
    this.#new_settlements = []
    this.#days.store()
    this.#accounts.store(now_ms)
  }

  #belongTo(org: string | undefined): void {
    if (this.org !== null || org === undefined) return
    this.org = org
    this.note('org', org)
  }

  /** Into the accounts that there are for its key, team and organisation. */
  #resumed({ at_ms, reserved_micros }: { at_ms: Ms; reserved_micros: Micros }, intended: string): Begun | null {
    const half = rowOf(intended, null)
    return this.#accounts.resume(
      accountsOf(half),
      at_ms,
      reserved_micros,
      (half.estimated_input_tokens ?? 0) + (half.estimated_output_tokens ?? 0),
    )
  }

  #load(): void {
    const { sql } = this.#storage
    const number = (name: string) => Number(this.fact(name) ?? 0)
    this.org = this.fact('org')
    this.#flushed_seq = number('flushed_seq')
    const [last] = sql.exec<{ settlement: number | null; intent: number | null }>(
      'SELECT (SELECT max(seq) FROM settlements) AS settlement, (SELECT max(seq) FROM intents) AS intent',
    )
    this.#last_settlement_seq = last?.settlement ?? 0
    this.#seq = Math.max(this.#flushed_seq, this.#last_settlement_seq, last?.intent ?? 0)
    this.#new_intents = []
    this.#new_settlements = []
    this.#shared.load(this.#seq)
    this.#known.clear()
    this.#days.load()
    this.revoked.load()
    this.#doubts.load()
    this.#untold = []
    this.#accounts.load()
    this.once.load()
    const columns = `decision_id, seq, at_ms, expires_at_ms, reserved_micros${this.#accounts.any ? ', intended' : ''}`
    const open = sql.exec<{
      decision_id: string
      seq: number
      at_ms: number
      expires_at_ms: number
      reserved_micros: number
      intended?: string
    }>(
      `SELECT ${columns} FROM intents
       WHERE seq >= ?1 AND seq NOT IN (SELECT intent_seq FROM settlements WHERE seq > ?1) ORDER BY seq`,
      number('open_from'),
    )
    for (const { decision_id, intended, ...row } of open) {
      this.#known.begin(decision_id, { ...row, settled_at_ms: null, begun: intended === undefined ? null : this.#resumed(row, intended) })
      this.#days.hold(row.at_ms, row.reserved_micros)
    }
    const lately = sql.exec<{ settlement_seq: number; decision_id: string } & Omit<Known, 'begun'> & { settled_at_ms: number }>(
      `SELECT s.seq AS settlement_seq, s.decision_id, i.seq, i.at_ms, i.expires_at_ms, i.reserved_micros, s.settled_at_ms FROM settlements s JOIN intents i ON i.seq = s.intent_seq
       WHERE s.seq > ? ORDER BY s.seq`,
      this.#seq - SEARCHED_ROWS,
    )
    for (const { decision_id, settlement_seq, ...known } of lately) {
      this.#known.begin(decision_id, known)
      this.#known.end(decision_id, known.settled_at_ms, settlement_seq)
    }
  }
}

type FoundRow = Omit<Found, 'shared'> & { shared: number | null }
