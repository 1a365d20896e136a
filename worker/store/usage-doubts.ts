/**
 * Requests whose intent comes so late that an object cannot know whether it had it before. An isolate that got no answer says an intent
 * again with its settlement, and the object's memory tells the two from new ones. That memory is a minute long; an isolate that is asked
 * nothing meanwhile may repeat itself after an hour. Counted again, the request would stand twice in the organisation's spend, though once in
 * D1; refused, one that never arrived would be missing everywhere.
 *
 * So it is counted nowhere at first. It waits here, on disk, until D1 has said whether it has the row; then it is what it turns out to be.
 * Nobody waits for the answer: its caller has been told long ago.
 */
import type { DecisionId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { IntentEntry, SettlementEntry } from './usage-batch.ts'

/**
 * An intent is said for the first time within seconds, by clocks that differ by less than one. What is younger than this and was here before
 * is remembered still, since it was settled after it began.
 */
export const DOUBTED_AFTER_MS: Ms = 45_000
/** In one question to D1; the next follows with the next pass. */
const ASKED_AT_ONCE = 500

export type Doubt = { intent: IntentEntry; settlement: SettlementEntry | null }

const TABLE = 'CREATE TABLE IF NOT EXISTS doubts (decision_id TEXT PRIMARY KEY, intent TEXT NOT NULL, settlement TEXT) WITHOUT ROWID;'

export class UsageDoubts {
  #sql: SqlStorage
  #ids = new Set<DecisionId>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(TABLE)
  }

  get size(): number {
    return this.#ids.size
  }

  has(decision_id: DecisionId): boolean {
    return this.#ids.has(decision_id)
  }

  add(intent: IntentEntry): void {
    this.#sql.exec('INSERT OR IGNORE INTO doubts VALUES (?, ?, NULL)', intent.decision_id, JSON.stringify(intent))
    this.#ids.add(intent.decision_id)
  }

  settle(settlement: SettlementEntry): void {
    this.#sql.exec('UPDATE doubts SET settlement = ? WHERE decision_id = ?', JSON.stringify(settlement), settlement.decision_id)
  }

  /** Some of those there are. */
  asked(): DecisionId[] {
    return [...this.#ids].slice(0, ASKED_AT_ONCE)
  }

  take(decision_id: DecisionId): Doubt | null {
    const [row] = this.#sql.exec<{ intent: string; settlement: string | null }>(
      'DELETE FROM doubts WHERE decision_id = ? RETURNING intent, settlement',
      decision_id,
    )
    this.#ids.delete(decision_id)
    return row ? { intent: JSON.parse(row.intent), settlement: row.settlement === null ? null : JSON.parse(row.settlement) } : null
  }

  load(): void {
    this.#ids = new Set([...this.#sql.exec<{ decision_id: string }>('SELECT decision_id FROM doubts')].map(row => row.decision_id))
  }
}
