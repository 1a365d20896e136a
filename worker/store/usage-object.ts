/**
 * One organisation's requests, from the moment they begin to be paid for until D1 has their row: intents, settlements and
 * the spend that hard budgets are judged by. One writer, so no race; durable before it answers, so nothing is lost with a
 * process; D1 reached from an alarm, so never on a request's path.
 *
 * The rules are in `core/spend/budget.ts`, the rows in `usage-journal.ts`, the way to D1 in `usage-flush.ts`.
 */
import { DurableObject } from 'cloudflare:workers'
import { noticeOf } from '../core/spend/notice.ts'
import type { DecisionId, KeyId } from '../schema/ids.ts'
import type { AccountName, Limited, Unusual } from '../schema/limits.ts'
import type { Ms } from '../schema/units.ts'
import type { BudgetAnswer, Standing, Usual } from '../schema/usage.ts'
import type { OwnDay } from './books.ts'
import type { Batch } from './usage-batch.ts'
import { backoffMs, flush, ROWS_AT_ONCE, rowsThere, TRIES } from './usage-flush.ts'
import { FLUSH_AFTER_MS, type Found, UsageJournal } from './usage-journal.ts'
import { UsageNotices } from './usage-notices.ts'
import type { SealedAnswer } from './usage-once.ts'
import { sinkOf } from './usage-sink.ts'

/** Batches in one alarm; a longer backlog goes on with the next, so that no alarm runs for minutes. */
const BATCHES_AT_ONCE = 20
/**
 * A flush costs as much as 50 of its rows, whatever their number: the alarm, its commits, the call. So an object whose last pass took `BUSY_ROWS`
 * lets them gather for longer; one with less to do has them in D1 in half a second.
 */
const BUSY_ROWS = 20
const BUSY_FLUSH_AFTER_MS: Ms = 2_000
/** Between two removals of rows that nobody asks for any more. */
const PRUNE_EVERY_MS: Ms = 10_000
/** An alarm this long overdue has been abandoned by the platform. */
const OVERDUE_MS: Ms = 60_000
/** After a registration that failed. */
const REGISTER_AGAIN_MS: Ms = 10_000

const REGISTER = `INSERT INTO usage_objects (org, registered_at_ms, heard_at_ms) VALUES (?1, ?2, ?2)
ON CONFLICT (org) DO UPDATE SET registered_at_ms = ?2, heard_at_ms = ?2`

export type UsageStatus = {
  org: string | null
  under_way: number
  unflushed: number
  set_aside: number
  given_up: number
  alarm_at_ms: Ms | null
}

export class UsageObject extends DurableObject<Env> {
  #journal = new UsageJournal(this.ctx.storage)
  #notices = new UsageNotices(this.ctx.storage.sql)
  #sink = sinkOf(this.env)
  /** When the alarm is set for, as far as this instance knows. */
  #armed_at_ms: Ms | null = null
  /** Failed passes in a row; a lost count only makes the next try come sooner. */
  #failures = 0
  /** While D1 fails, nothing that comes in makes the next try earlier than this. */
  #not_before_ms: Ms = 0
  #limit = ROWS_AT_ONCE
  #flush_after_ms: Ms = FLUSH_AFTER_MS
  #pruned_at_ms: Ms = 0
  #register_at_ms: Ms = this.#journal.fact('registered') === null ? 0 : Number.POSITIVE_INFINITY

  /**
   * All that an isolate has to say at once, in one transaction. Repeating a message changes nothing. The answers stand in the
   * order of the intents, and arrive only when everything is on disk: there is no `await` here, and the platform holds a
   * reply back until the writes before it are durable.
   */
  commit(batch: Batch): BudgetAnswer[] {
    if (batch.v !== 1) throw new Error(`A usage batch of version ${batch.v} is not known here`)
    const now_ms = Date.now()
    const answers = this.#journal.commit(batch, now_ms)
    for (const warning of this.#journal.takeUntold()) {
      this.#notices.add(noticeOf(this.#journal.org ?? '', warning, now_ms), now_ms)
      this.#arm(now_ms)
    }
    if (this.#armed_at_ms === null) this.#arm(this.#nextAt(now_ms))
    else if (batch.settlements.length) this.#arm(now_ms + this.#flush_after_ms)
    batch.intents.forEach((intent, index) => {
      const answer = answers[index]
      if (answer?.ok || answer?.code === 'key_revoked') this.#arm(intent.expires_at_ms)
    })
    if (now_ms >= this.#register_at_ms) this.ctx.waitUntil(this.#register(now_ms))
    return answers
  }

  /** From the next commit on, no request of this key begins; durable before this answers. */
  revoke(key_id: KeyId): void {
    this.#journal.revoked.add(key_id, Date.now())
  }

  /** Since when, for a key that was revoked within the last day: longer than KV may take to tell. */
  revokedAt(key_id: KeyId): Ms | null {
    return this.#journal.revoked.at(key_id)
  }

  /** What accounts have spent in the windows of now, as hard budgets are judged by it. */
  ledgers(accounts: AccountName[]): ReturnType<UsageJournal['ledgers']>[] {
    const now_ms = Date.now()
    return accounts.map(account => this.#journal.ledgers(account, now_ms))
  }

  /** The organisation's own books, to be compared with the rows in D1. */
  books(): OwnDay[] {
    return this.#journal.books()
  }

  /** How much is left of limits. */
  standing(limited: Limited): Standing {
    return this.#journal.standing(limited, Date.now())
  }

  /** What accounts usually spend in an hour, where that is watched. */
  usual(rule: Unusual): Usual[] {
    return this.#journal.usual(rule, Date.now())
  }

  /** What is usual of an account is learned anew; false where it is not watched. */
  liftUnusual(account: AccountName): boolean {
    return this.#journal.liftUnusual(account, Date.now())
  }

  /** From now on this account is kept, beginning with what was spent before, by number of the day; nothing where it is kept already. */
  openAccount(account: AccountName, spent: [day: number, micros: number][]): void {
    this.#journal.openAccount(account, spent, Date.now())
  }

  /** Keeps the sealed answer of a request under way, to be given again. False where the request is not under way, or not to be done once. */
  keepAnswer(name: string, decision_id: DecisionId, answer: SealedAnswer): boolean {
    return this.#journal.once.keep(name, decision_id, answer)
  }

  keptAnswer(name: string): SealedAnswer | null {
    return this.#journal.once.kept(name)
  }

  /** A request under way, or settled within about the last minute; older ones are in D1. */
  find(decision_id: DecisionId): Found | null {
    return this.#journal.find(decision_id)
  }

  /** The sweep's question. Sets the alarm if it was lost; an object with nothing left to do asks to be taken off the list. */
  async kick(): Promise<UsageStatus & { idle: boolean }> {
    const now_ms = Date.now()
    const alarm_at_ms = await this.ctx.storage.getAlarm()
    const next_at_ms = this.#nextAt(now_ms)
    const lost = next_at_ms !== null && (alarm_at_ms === null || alarm_at_ms < now_ms - OVERDUE_MS)
    if (lost) {
      this.#armed_at_ms = null
      this.#not_before_ms = 0
      this.#arm(now_ms)
    }
    const status = { org: this.#journal.org, alarm_at_ms: this.#armed_at_ms ?? alarm_at_ms, ...this.#journal.counts(TRIES) }
    const idle = !status.under_way && !status.unflushed && !status.set_aside
    if (idle) {
      this.#journal.forget('registered')
      this.#register_at_ms = 0
    }
    return { ...status, idle }
  }

  async status(): Promise<UsageStatus> {
    return { org: this.#journal.org, alarm_at_ms: await this.ctx.storage.getAlarm(), ...this.#journal.counts(TRIES) }
  }

  /**
   * Never throws on account of D1: an alarm that fails six times is abandoned by the platform. It is set again at the end,
   * whatever happened, and after everything else, since setting it early would replace a retry.
   */
  override async alarm(): Promise<void> {
    this.#armed_at_ms = null
    try {
      const [passed] = await Promise.all([this.#pass(), this.#notices.send(this.env, this.#journal.org ?? '', Date.now())])
      this.#failures = passed ? 0 : this.#failures + 1
    } catch {
      // Nothing in a pass is expected to throw; whatever did is met again at the next one, later each time.
      this.#failures += 1
    } finally {
      const now_ms = Date.now()
      this.#not_before_ms = this.#failures ? now_ms + backoffMs(this.#failures) : 0
      this.#arm(this.#nextAt(now_ms))
    }
  }

  #nextAt(now_ms: Ms): Ms | null {
    const next = Math.min(
      this.#journal.nextAt(now_ms, this.#flush_after_ms, this.#pruned_at_ms + PRUNE_EVERY_MS) ?? Number.POSITIVE_INFINITY,
      this.#notices.nextAt() ?? Number.POSITIVE_INFINITY,
    )
    return next === Number.POSITIVE_INFINITY ? null : next
  }

  /** False where D1 is away. */
  async #pass(): Promise<boolean> {
    this.#journal.orphan(Date.now())
    const is_certain = await this.#resolveDoubts()
    const is_flushed = await this.#flush()
    const now_ms = Date.now()
    if (now_ms - this.#pruned_at_ms >= PRUNE_EVERY_MS) {
      this.#journal.prune(now_ms)
      this.#pruned_at_ms = now_ms
    }
    return is_certain && is_flushed
  }

  async #flush(): Promise<boolean> {
    let taken = 0
    for (let batch = 0; batch < BATCHES_AT_ONCE; batch++) {
      const { flushed, rows, limit } = await flush(this.env.DB, this.#journal, this.#limit, Date.now(), this.#sink)
      this.#limit = limit
      taken += rows
      if (flushed === 'failed') return false
      if (flushed === 'done') break
    }
    this.#flush_after_ms = taken < BUSY_ROWS ? FLUSH_AFTER_MS : BUSY_FLUSH_AFTER_MS
    return true
  }

  /** False where D1 does not say. What is not in doubt need not wait for that. */
  async #resolveDoubts(): Promise<boolean> {
    const doubted = this.#journal.doubted()
    if (!doubted.length) return true
    try {
      this.#journal.resolve(doubted, await rowsThere(this.env.DB, doubted), Date.now())
      return true
    } catch {
      return false
    }
  }

  /** Sets the alarm, unless one is set for an earlier time. Not awaited: it is part of the same commit as the writes before it. */
  #arm(at_ms: Ms | null): void {
    if (at_ms === null) return
    const due_at_ms = Math.max(at_ms, this.#not_before_ms)
    if (this.#armed_at_ms !== null && this.#armed_at_ms <= due_at_ms) return
    this.#armed_at_ms = due_at_ms
    void this.ctx.storage.setAlarm(due_at_ms)
  }

  /** Once in the life of a busy object: into the list that the sweep goes through. Where D1 is away, a later commit tries again. */
  async #register(now_ms: Ms): Promise<void> {
    this.#register_at_ms = now_ms + REGISTER_AGAIN_MS
    try {
      await this.env.DB.prepare(REGISTER).bind(this.#journal.org, now_ms).run()
    } catch {
      return
    }
    this.#register_at_ms = Number.POSITIVE_INFINITY
    this.#journal.note('registered', String(now_ms))
  }
}
