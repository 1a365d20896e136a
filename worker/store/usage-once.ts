/**
 * Requests that are done once, however often they are sent: a row for each `Idempotency-Key` in use, in the same transaction as the intent
 * that took it and the settlement that ended it. So of two that come together one is done; a process that dies leaves its key taken until
 * its intent is given up as an orphan, and not longer; a failure frees it at once.
 *
 * Nothing that a caller wrote is here. Names and fingerprints are hashes, and an answer, where a policy keeps any, is sealed under a key
 * that nobody has who does not send the same request again (`repeats.ts`).
 */
import type { DecisionId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { Once, Repeated } from '../schema/usage.ts'

/** `pepper`: the name of the Worker's pepper that the key was made with. */
export type SealedAnswer = { pepper: string; nonce: Uint8Array; sealed: Uint8Array }

/** Of one organisation. Beyond, the oldest key is free again before its time. */
export const KEYS_AT_MOST = 50_000
/** Of one organisation, in all. Beyond, the oldest answers go, and only that they were given is known. */
export const KEPT_BYTES_AT_MOST = 64_000_000

/** `until_ms` is null while the request is under way. */
const TABLE = `
CREATE TABLE IF NOT EXISTS once (
  name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, decision_id TEXT NOT NULL, began_at_ms INTEGER NOT NULL, for_ms INTEGER NOT NULL,
  until_ms INTEGER, pepper TEXT, nonce BLOB, sealed BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS once_until ON once (until_ms) WHERE until_ms IS NOT NULL;
`

type Row = { fingerprint: string; decision_id: string; began_at_ms: number; until_ms: number | null; kept: number }

export class UsageOnce {
  #sql: SqlStorage
  /** Of requests under way. */
  #names = new Map<DecisionId, string>()
  #keys = 0
  #kept_bytes = 0

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(TABLE)
  }

  /** Null where nobody has the key. */
  judge({ name, fingerprint }: Once, now_ms: Ms): Repeated | null {
    const [row] = this.#sql.exec<Row>(
      'SELECT fingerprint, decision_id, began_at_ms, until_ms, sealed IS NOT NULL AS kept FROM once WHERE name = ?',
      name,
    )
    if (!row || (row.until_ms !== null && row.until_ms <= now_ms)) return null
    const of = row.fingerprint !== fingerprint ? 'another_request' : row.until_ms === null ? 'under_way' : 'answered'
    const { decision_id, began_at_ms } = row
    return { ok: false, code: 'repeated', of, decision_id, began_at_ms, kept: of === 'answered' && row.kept === 1 }
  }

  /** The key is this request's from now on. */
  begin({ name, fingerprint, for_ms }: Once, decision_id: DecisionId, now_ms: Ms): void {
    this.#remove('name = ?', name)
    this.#sql.exec('INSERT INTO once VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL, NULL)', name, fingerprint, decision_id, now_ms, for_ms)
    this.#names.set(decision_id, name)
    this.#keys += 1
    if (this.#keys > KEYS_AT_MOST)
      this.#remove('name IN (SELECT name FROM once WHERE until_ms IS NOT NULL ORDER BY until_ms LIMIT ?)', this.#keys - KEYS_AT_MOST)
  }

  /** The request has ended. One without an `Idempotency-Key` is none of ours. */
  end(decision_id: DecisionId, answered: boolean, now_ms: Ms): void {
    const name = this.#names.get(decision_id)
    if (name === undefined) return
    this.#names.delete(decision_id)
    if (answered) this.#sql.exec('UPDATE once SET until_ms = ? + for_ms WHERE name = ?', now_ms, name)
    else this.#remove('name = ?', name)
  }

  keep(name: string, decision_id: DecisionId, { pepper, nonce, sealed }: SealedAnswer): boolean {
    if (this.#names.get(decision_id) !== name) return false
    this.#sql.exec('UPDATE once SET pepper = ?, nonce = ?, sealed = ? WHERE name = ?', pepper, bufferOf(nonce), bufferOf(sealed), name)
    this.#kept_bytes += sealed.byteLength
    while (this.#kept_bytes > KEPT_BYTES_AT_MOST && this.#dropOldest());
    return true
  }

  kept(name: string): SealedAnswer | null {
    const [row] = this.#sql.exec<{ pepper: string; nonce: ArrayBuffer; sealed: ArrayBuffer }>(
      'SELECT pepper, nonce, sealed FROM once WHERE name = ? AND until_ms IS NOT NULL AND sealed IS NOT NULL',
      name,
    )
    return row ? { pepper: row.pepper, nonce: new Uint8Array(row.nonce), sealed: new Uint8Array(row.sealed) } : null
  }

  /** Keys whose time is over, and their answers with them. */
  forget(now_ms: Ms): void {
    this.#remove('until_ms <= ?', now_ms)
  }

  /** When the next key's time is over. */
  nextAt(): Ms | null {
    if (this.#keys === 0) return null
    const [row] = this.#sql.exec<{ at: number | null }>('SELECT min(until_ms) AS at FROM once WHERE until_ms IS NOT NULL')
    return row?.at ?? null
  }

  load(): void {
    this.#names.clear()
    const [all] = this.#sql.exec<{ keys: number; bytes: number | null }>('SELECT count(*) AS keys, sum(length(sealed)) AS bytes FROM once')
    this.#keys = all?.keys ?? 0
    this.#kept_bytes = all?.bytes ?? 0
    if (this.#keys === 0) return
    for (const row of this.#sql.exec<{ decision_id: string; name: string }>('SELECT decision_id, name FROM once WHERE until_ms IS NULL'))
      this.#names.set(row.decision_id, row.name)
  }

  /** False where none is left. */
  #dropOldest(): boolean {
    const oldest = 'SELECT name FROM once WHERE until_ms IS NOT NULL AND sealed IS NOT NULL ORDER BY until_ms LIMIT 1'
    const [row] = this.#sql.exec<{ name: string; bytes: number }>(`SELECT name, length(sealed) AS bytes FROM once WHERE name = (${oldest})`)
    if (!row) return false
    this.#sql.exec('UPDATE once SET pepper = NULL, nonce = NULL, sealed = NULL WHERE name = ?', row.name)
    this.#kept_bytes -= row.bytes
    return true
  }

  /** `which` is a condition of this file's own. */
  #remove(which: string, value: SqlStorageValue): void {
    const gone = this.#sql.exec<{ bytes: number | null }>(`DELETE FROM once WHERE ${which} RETURNING length(sealed) AS bytes`, value)
    for (const { bytes } of gone) {
      this.#keys -= 1
      this.#kept_bytes -= bytes ?? 0
    }
  }
}

const bufferOf = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer as ArrayBuffer
