/**
 * Keys that were revoked lately. KV may take a minute to tell an isolate; a usage object is told at once, and every request passes by one. Keys
 * revoked longer ago are known to be so by every copy of KV, and need not stand here.
 */
import type { KeyId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

/** KV tells a change everywhere within a minute or so, and an isolate believes a record for half of one: a day is plenty. */
const KEPT_MS: Ms = 86_400_000

const TABLE = 'CREATE TABLE IF NOT EXISTS revoked (key_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL);'

export class UsageRevoked {
  #sql: SqlStorage
  #keys = new Map<KeyId, Ms>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(TABLE)
  }

  add(key_id: KeyId, now_ms: Ms): void {
    this.#sql.exec('DELETE FROM revoked WHERE at_ms < ?', now_ms - KEPT_MS)
    this.#sql.exec('INSERT OR IGNORE INTO revoked VALUES (?, ?)', key_id, now_ms)
    if (!this.#keys.has(key_id)) this.#keys.set(key_id, now_ms)
  }

  has(key_id: KeyId): boolean {
    return this.#keys.has(key_id)
  }

  at(key_id: KeyId): Ms | null {
    return this.#keys.get(key_id) ?? null
  }

  load(): void {
    const rows = this.#sql.exec<{ key_id: string; at_ms: number }>('SELECT key_id, at_ms FROM revoked').toArray()
    this.#keys = new Map(rows.map(({ key_id, at_ms }) => [key_id, at_ms]))
  }
}
