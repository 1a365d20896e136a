/**
 * Texts that many rows of a usage object refer to by a number: what decisions have in common is written down once, and forgotten with
 * the last intent that refers to it.
 */
type Shared = { id: number; json: string; last_seq: number }

export const SHARED_TABLE = 'CREATE TABLE IF NOT EXISTS shared (id INTEGER PRIMARY KEY, json TEXT NOT NULL);'

export class SharedTexts {
  #sql: SqlStorage
  /** By its text and by its number; `last_seq` is the newest intent that refers to it. */
  #by_text = new Map<string, Shared>()
  #by_id = new Map<number, string>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** The number of a text that the intent `seq` refers to; written down the first time. */
  numberOf(json: string, seq: number): number {
    let known = this.#by_text.get(json)
    if (known === undefined) {
      const { id } = this.#sql.exec<{ id: number }>('INSERT INTO shared (json) VALUES (?) RETURNING id', json).one()
      known = { id, json, last_seq: seq }
      this.#keep(known)
    }
    known.last_seq = seq
    return known.id
  }

  textOf(id: number): string {
    return this.#by_id.get(id) ?? '{}'
  }

  /** What no intent refers to any more, the oldest there is being `oldest_seq`. */
  forget(oldest_seq: number): void {
    for (const { id, json, last_seq } of this.#by_text.values()) {
      if (last_seq >= oldest_seq) continue
      this.#sql.exec('DELETE FROM shared WHERE id = ?', id)
      this.#by_text.delete(json)
      this.#by_id.delete(id)
    }
  }

  /** From storage, as if the newest intent, `seq`, referred to all of them. */
  load(seq: number): void {
    this.#by_text.clear()
    this.#by_id.clear()
    for (const { id, json } of this.#sql.exec<{ id: number; json: string }>('SELECT id, json FROM shared'))
      this.#keep({ id, json, last_seq: seq })
  }

  #keep(shared: Shared): void {
    this.#by_text.set(shared.json, shared)
    this.#by_id.set(shared.id, shared.json)
  }
}
