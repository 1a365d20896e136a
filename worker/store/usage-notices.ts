/**
 * Webhooks of soft limits: written down in the transaction that passed the limit, and sent by the object's alarm, so that no
 * request ever waits for somebody else's server. Tried again for some hours, each time later, and then dropped.
 */
import type { Notice } from '../core/spend/notice.ts'
import type { OrgId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import { delivered, type Send, type Webhook, webhookOf } from './webhook.ts'

const TABLE = `CREATE TABLE IF NOT EXISTS notices (
  id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, tries INTEGER NOT NULL, next_at_ms INTEGER NOT NULL, body TEXT NOT NULL
)`
/** In one pass, side by side, each within the limit. */
const AT_ONCE = 5
/** 10 s, 20 s, 40 s and so on, an hour at most: about five hours in all. */
const TRIES = 14
const FIRST_WAIT_MS: Ms = 10_000
const LONGEST_WAIT_MS: Ms = 3_600_000
/** Kept for an address that does not answer; beyond, the oldest goes. */
const KEPT = 200

type Row = { id: string; tries: number; body: string }

export class UsageNotices {
  #sql: SqlStorage
  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(TABLE)
  }

  add(notice: Notice, now_ms: Ms): void {
    this.#sql.exec('INSERT INTO notices VALUES (?, ?, 0, ?, ?)', `msg_${crypto.randomUUID()}`, now_ms, now_ms, JSON.stringify(notice))
    this.#sql.exec('DELETE FROM notices WHERE id NOT IN (SELECT id FROM notices ORDER BY at_ms DESC LIMIT ?)', KEPT)
  }

  nextAt(): Ms | null {
    const [row] = this.#sql.exec<{ at: number | null }>('SELECT min(next_at_ms) AS at FROM notices')
    return row?.at ?? null
  }

  /** Sends what is due. Never throws. */
  async send(env: Pick<Env, 'KV'>, org: OrgId, now_ms: Ms, send: Send = fetch): Promise<void> {
    const due = this.#sql
      .exec<Row>('SELECT id, tries, body FROM notices WHERE next_at_ms <= ? ORDER BY next_at_ms LIMIT ?', now_ms, AT_ONCE)
      .toArray()
    if (!due.length) return
    let webhook: Webhook | null
    try {
      webhook = await webhookOf(env, org)
    } catch {
      // KV passes; the notices wait as if their address did not answer.
      for (const row of due) this.#later(row, now_ms)
      return
    }
    // Nobody to tell, any more: nothing is kept for one who may come.
    if (webhook === null) return this.#drop(due)
    const told = webhook
    await Promise.all(
      due.map(async row => {
        if (await delivered(told, row, now_ms, send)) this.#drop([row])
        else this.#later(row, now_ms)
      }),
    )
  }

  #drop(rows: Row[]): void {
    for (const { id } of rows) this.#sql.exec('DELETE FROM notices WHERE id = ?', id)
  }

  #later(row: Row, now_ms: Ms): void {
    if (row.tries + 1 >= TRIES) {
      this.#drop([row])
      return
    }
    const wait_ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** row.tries)
    this.#sql.exec('UPDATE notices SET tries = tries + 1, next_at_ms = ? WHERE id = ?', now_ms + wait_ms, row.id)
  }
}
