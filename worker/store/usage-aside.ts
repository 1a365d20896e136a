/**
 * Rows that D1 will not take, though it works: each stands aside with its own next try, so that the others go on. They are marks beside the
 * journal's settlements, whose rows stay where they are until D1 has them; none is ever dropped (`usage-flush.ts` says when it is tried).
 */
import type { Ms } from '../schema/units.ts'

const TABLE =
  'CREATE TABLE IF NOT EXISTS stuck (seq INTEGER PRIMARY KEY, tries INTEGER NOT NULL, next_at_ms INTEGER NOT NULL, error TEXT NOT NULL);'

/** A condition on a settlement's `seq`. */
export const STANDS_ASIDE = 'IN (SELECT seq FROM stuck)'

export class UsageAside {
  #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(TABLE)
  }

  /** Not where its settlement has gone meanwhile. */
  add(seq: number, error: string, retry_at_ms: Ms): void {
    this.#sql.exec('INSERT OR REPLACE INTO stuck SELECT seq, 1, ?, ? FROM settlements WHERE seq = ?', retry_at_ms, error, seq)
  }

  /** The one whose time came first. */
  due(now_ms: Ms): { seq: number; tries: number } | null {
    const [row] = this.#sql.exec<{ seq: number; tries: number }>(
      'SELECT seq, tries FROM stuck WHERE next_at_ms <= ? ORDER BY next_at_ms LIMIT 1',
      now_ms,
    )
    return row ?? null
  }

  refused(seq: number, error: string, retry_at_ms: Ms): void {
    this.#sql.exec('UPDATE stuck SET tries = tries + 1, next_at_ms = ?, error = ? WHERE seq = ?', retry_at_ms, error, seq)
  }

  /** D1 has it after all. Whatever was mended may have been what the others wait for, too. */
  taken(seq: number, now_ms: Ms): void {
    this.remove(seq)
    this.#sql.exec('UPDATE stuck SET next_at_ms = ?1 WHERE next_at_ms > ?1', now_ms)
  }

  remove(seq: number): void {
    this.#sql.exec('DELETE FROM stuck WHERE seq = ?', seq)
  }

  nextAt(): Ms | null {
    return this.#sql.exec<{ at: number | null }>('SELECT min(next_at_ms) AS at FROM stuck').one().at
  }

  /** All of them, and those that were refused at least this often. */
  counts(tries: number): { set_aside: number; given_up: number } {
    return this.#sql
      .exec<{ set_aside: number; given_up: number }>(
        'SELECT count(*) AS set_aside, count(*) FILTER (WHERE tries >= ?) AS given_up FROM stuck',
        tries,
      )
      .one()
  }
}
