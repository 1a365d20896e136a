/**
 * From an object's journal to D1: the oldest settlements first, up to 400 in one statement, and a row leaves the journal
 * only when D1 has said that it has it. An answer that got lost is no harm: the same rows are sent again and D1 ignores
 * them by their decision id, but for one case, an orphan's row that the true settlement replaces.
 *
 * When a batch fails, D1 is asked two things in one call: to write something else, and which of these rows it has. If it does
 * not write at all, everything waits. If it has all of them, only its answer was lost. Else one row is at fault: the batch is cut
 * down until that row stands alone, and then it is set aside, so that it cannot hold up the others. A row that stands aside is
 * never dropped: after eight tries an operator is told, and from then on it is tried once an hour.
 *
 * Rejected: a question that only reads. A D1 that reads and fails six writes in ten had every row in turn taken for one that
 * cannot be stored, and one in forty of those never got through its eight tries.
 */
import type { DecisionId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { Pending, UsageJournal } from './usage-journal.ts'
import { INTEGER_COLUMNS, joined, placeOf, SETTLED_COLUMNS, USAGE_COLUMNS } from './usage-row.ts'
import type { UsageSink } from './usage-sink.ts'

/**
 * Rows in one statement. A call costs as much as 30 rows: 600 rows took 53 us each in calls of 200 and 42 in calls of 500 (plain workerd, database
 * included, busy machine, 2026-11-24). More would make the object pause for longer, and a batch has to be done within 30 s.
 */
export const ROWS_AT_ONCE = 400
/** D1 takes a text of at most 2 MB as one bound value. */
const CHARS_AT_ONCE = 1_400_000
/** Tries of a row that D1 will not take, before an operator has to look; about two minutes. */
export const TRIES = 8
/** Then it is tried this often: what was wrong with D1 may have been mended, and nobody need remember the row. */
export const GIVEN_UP_AGAIN_MS: Ms = 3_600_000
/** D1 was seen to hang for 30 s and longer; what it did then comes out with the next try. */
const FLUSH_LIMIT_MS: Ms = 15_000
const ERROR_CHARS = 300

const extracted = (column: string) => {
  const value = `row->>'${placeOf(column)}'`
  return INTEGER_COLUMNS.has(column) ? `CAST(round(${value}) AS INTEGER)` : value
}

/** The records of a batch are one row, and its usage rows say which. */
const INSERT_PAGE = 'INSERT INTO decision_pages (org, at_ms, shared, records) VALUES (?1, ?2, ?3, ?4)'
/** Each element is made a text once, and not again for each of its forty columns: that was most of the statement's time. */
const INSERT_USAGE = `WITH rows (row) AS MATERIALIZED (SELECT value FROM json_each(?1)), page (id) AS MATERIALIZED (SELECT max(id) FROM decision_pages)
INSERT INTO usage (${USAGE_COLUMNS.join(', ')}, page) SELECT ${USAGE_COLUMNS.map(extracted).join(', ')}, page.id FROM rows, page WHERE true
ON CONFLICT (decision_id) DO UPDATE SET ${SETTLED_COLUMNS.map(column => `${column} = excluded.${column}`).join(', ')}
WHERE usage.outcome = 'orphan' AND excluded.outcome <> 'orphan'`
const HEARD = `INSERT INTO usage_objects (org, registered_at_ms, heard_at_ms) VALUES (?1, ?2, ?2) ON CONFLICT (org) DO UPDATE SET heard_at_ms = ?2`

/** Which of these rows D1 has for good: an orphan's counts only for one that is an orphan here too. */
const WHICH_ARE_THERE = `SELECT decision_id FROM usage
WHERE decision_id IN (SELECT value FROM json_each(?1)) OR (outcome <> 'orphan' AND decision_id IN (SELECT value FROM json_each(?2)))`

export type Flushed = 'done' | 'more' | 'failed'

/** One step: at most one batch, of `rows`. `limit` is how many it may hold, and comes back as what the next one may. */
export async function flush(
  db: D1Database,
  journal: UsageJournal,
  limit: number,
  now_ms: Ms,
  sink: UsageSink | null = null,
): Promise<{ flushed: Flushed; rows: number; limit: number }> {
  const rows = journal.pending(limit, CHARS_AT_ONCE)
  if (!rows.length) return { flushed: await retryOne(db, journal, now_ms, sink), rows: 0, limit: ROWS_AT_ONCE }
  const written = await write(db, journal, rows, now_ms)
  if (written.outcome === 'away') return { flushed: 'failed', rows: 0, limit }
  if (written.outcome === 'there') {
    if (sink && !(await taken(sink, journal, rows))) return { flushed: 'failed', rows: 0, limit }
    journal.acknowledge(rows)
    return { flushed: journal.backlog ? 'more' : 'done', rows: rows.length, limit: Math.min(ROWS_AT_ONCE, limit * 2) }
  }
  const [row] = rows
  if (rows.length === 1 && row) {
    journal.setAside(row, written.error, now_ms + backoffMs(1))
    return { flushed: 'more', rows: 0, limit: ROWS_AT_ONCE }
  }
  return { flushed: 'more', rows: 0, limit: Math.max(1, Math.floor(rows.length / 4)) }
}

/** The wait before the next try after so many failures: 1 s, 2 s, 4 s, at most a minute. */
export function backoffMs(failures: number): Ms {
  return Math.min(60_000, 1_000 * 2 ** (failures - 1))
}

async function retryOne(db: D1Database, journal: UsageJournal, now_ms: Ms, sink: UsageSink | null): Promise<Flushed> {
  const row = journal.stuck(now_ms)
  if (!row) return 'done'
  const written = await write(db, journal, [row], now_ms)
  if (written.outcome === 'away') return 'failed'
  if (written.outcome === 'there') {
    if (sink && !(await taken(sink, journal, [row]))) return 'failed'
    journal.unstick(row.seq, now_ms)
  } else {
    const tries = row.tries + 1
    journal.stillStuck(row.seq, written.error, now_ms + (tries < TRIES ? backoffMs(tries) : GIVEN_UP_AGAIN_MS))
  }
  return 'more'
}

/** A sink that is away is waited for as D1 is. */
async function taken(sink: UsageSink, journal: UsageJournal, rows: Pending[]): Promise<boolean> {
  try {
    await within(FLUSH_LIMIT_MS, sink(journal.org ?? '', rows))
    return true
  } catch {
    // D1 has the rows and ignores them when they come again.
    return false
  }
}

type Written = { outcome: 'there' } | { outcome: 'away' } | { outcome: 'refused'; error: string }

/** `there`: D1 has all of it. `away`: it writes nothing. `refused`: it writes, and not this. */
async function write(db: D1Database, journal: UsageJournal, rows: Pending[], now_ms: Ms): Promise<Written> {
  try {
    const usage = rows.map(({ intended, settled }) => joined(intended, settled))
    const { shared, records } = pageOf(journal, rows)
    const statements = [
      db.prepare(INSERT_PAGE).bind(journal.org, now_ms, shared, records),
      db.prepare(INSERT_USAGE).bind(`[${usage.join()}]`),
      db.prepare(HEARD).bind(journal.org, now_ms),
    ]
    await within(FLUSH_LIMIT_MS, db.batch(statements))
    return { outcome: 'there' }
  } catch (error) {
    const there = await writesAndHas(db, journal, rows, now_ms)
    if (there === null) return { outcome: 'away' }
    return there === rows.length ? { outcome: 'there' } : { outcome: 'refused', error: String(error).slice(0, ERROR_CHARS) }
  }
}

/** The records of these rows, `[place in shared or null, own]` by decision id, and what they share, once each. */
function pageOf(journal: UsageJournal, rows: Pending[]): { shared: string; records: string } {
  const places = new Map<number, number>()
  const records = rows.map(({ decision_id, shared, own }) => {
    if (shared !== null && !places.has(shared)) places.set(shared, places.size)
    return `"${decision_id}":[${shared === null ? null : places.get(shared)},${own}]`
  })
  return { shared: `[${[...places.keys()].map(id => journal.sharedText(id)).join()}]`, records: `{${records.join()}}` }
}

/** How many of these rows D1 has; null where it does not write. Tells a row that cannot be stored from a database that cannot store. */
async function writesAndHas(db: D1Database, journal: UsageJournal, rows: Pending[], now_ms: Ms): Promise<number | null> {
  const ids = (some: Pending[]) => JSON.stringify(some.map(({ decision_id }) => decision_id))
  const orphans = rows.filter(({ orphan }) => orphan)
  const others = rows.filter(({ orphan }) => !orphan)
  const heard = db.prepare(HEARD).bind(journal.org, now_ms)
  const which = db.prepare(WHICH_ARE_THERE).bind(ids(orphans), ids(others))
  try {
    const [, found] = await within(FLUSH_LIMIT_MS, db.batch([heard, which]))
    return found?.results.length ?? null
  } catch {
    // The question was whether it writes.
    return null
  }
}

/** Which of these requests D1 has a row of, an orphan's or another. Rejects where D1 does not say. */
export async function rowsThere(db: D1Database, ids: DecisionId[]): Promise<ReadonlySet<DecisionId>> {
  const question = db.prepare('SELECT decision_id FROM usage WHERE decision_id IN (SELECT value FROM json_each(?1))')
  const [found] = await within(FLUSH_LIMIT_MS, db.batch<{ decision_id: DecisionId }>([question.bind(JSON.stringify(ids))]))
  return new Set(found?.results.map(({ decision_id }) => decision_id))
}

async function within<T>(limit_ms: Ms, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`D1 did not answer within ${limit_ms} ms`)), limit_ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
