/**
 * The audit log: a table that is only appended to, whose entries hold on to each other. An entry's hash is an HMAC, under
 * the Worker's pepper, over the entry and the hash before it; whoever has the database but not the pepper can neither
 * change an entry nor leave one out without `verify` finding the place. (Leaving out the newest is found by comparing the
 * last number and hash with a copy kept elsewhere; `verify` gives both.)
 */
import type { AuditEntry } from '../schema/admin.ts'
import { hex, newestPepper, pepperNamed, secretHmac } from './secret-hmac.ts'

export type AuditFact = Omit<AuditEntry, 'seq' | 'pepper' | 'previous_hash' | 'hash'>
type Row = Omit<AuditEntry, 'detail'> & { detail: string }
type Variables = Record<string, unknown>

/** Two admins may append at the same moment; the later one takes the next number. */
const TRIES = 8
const ROWS_AT_ONCE = 500
const START = '0'.repeat(64)
const COLUMNS = 'seq, at_ms, actor, role, action, subject, org, detail, before_hash, after_hash, pepper, previous_hash, hash'

/** Rejects where it could not be written. */
export async function appendAudit(db: D1Database, variables: Variables, fact: AuditFact): Promise<AuditEntry> {
  const newest = newestPepper(variables)
  if (!newest) throw new Error('there is no pepper to seal the audit log with')
  for (let tries = 1; ; tries++) {
    const last = await db.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').first<{ seq: number; hash: string }>()
    const row: Row = {
      ...fact,
      detail: JSON.stringify(fact.detail),
      seq: (last?.seq ?? 0) + 1,
      pepper: newest.name,
      previous_hash: last?.hash ?? START,
      hash: '',
    }
    row.hash = await sealOf(row, newest.pepper)
    try {
      await db
        .prepare(`INSERT INTO audit (${COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)`)
        .bind(...valuesOf(row), row.hash)
        .run()
      return entryOf(row)
    } catch (error) {
      // Somebody else has taken the number; anything else is D1's trouble and ours.
      if (tries === TRIES || !String(error).includes('UNIQUE')) throw error
    }
  }
}

/** Newest first, below `before_seq`. */
export async function listAudit(
  db: D1Database,
  where: { before_seq: number; subject: string | null; action: string | null; actor: string | null },
  limit: number,
): Promise<AuditEntry[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM audit WHERE seq < ?1 AND (?2 IS NULL OR subject = ?2) AND (?3 IS NULL OR action = ?3) AND (?4 IS NULL OR actor = ?4)
       ORDER BY seq DESC LIMIT ?5`,
    )
    .bind(where.before_seq, where.subject, where.action, where.actor, limit)
    .all<Row>()
  return results.map(entryOf)
}

export type Verdict = {
  intact: boolean
  entries: number

  last_hash: string
  broken_at_seq: number | null
  why: string | null
}

/** Walks the whole chain, in steps. */
export async function verifyAudit(db: D1Database, variables: Variables): Promise<Verdict> {
  let entries = 0
  let last_hash = START
  const broken = (seq: number, why: string): Verdict => ({ intact: false, entries, last_hash, broken_at_seq: seq, why })
  for (;;) {
    const { results } = await db
      .prepare(`SELECT ${COLUMNS} FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ${ROWS_AT_ONCE}`)
      .bind(entries)
      .all<Row>()
    for (const row of results) {
      if (row.seq !== entries + 1) return broken(entries + 1, 'an entry is missing')
      if (row.previous_hash !== last_hash) return broken(row.seq, 'it does not follow the entry before it')
      const pepper = pepperNamed(row.pepper, variables)
      if (pepper === null) return broken(row.seq, `KEY_PEPPER number ${row.pepper}, which it was sealed under, is not set`)
      if ((await sealOf(row, pepper)) !== row.hash) return broken(row.seq, 'it was altered')
      entries = row.seq
      last_hash = row.hash
    }
    if (results.length < ROWS_AT_ONCE) return { intact: true, entries, last_hash, broken_at_seq: null, why: null }
  }
}

/** SHA-256 of a record as JSON, for `before_hash` and `after_hash`. */
export async function stateHash(state: unknown): Promise<string | null> {
  if (state === null || state === undefined) return null
  const text = typeof state === 'string' ? state : JSON.stringify(state)
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}

/** Everything but the hash, in the order of the columns. */
function valuesOf(row: Row): (string | number | null)[] {
  const { seq, at_ms, actor, role, action, subject, org, detail, before_hash, after_hash, pepper, previous_hash } = row
  return [seq, at_ms, actor, role, action, subject, org, detail, before_hash, after_hash, pepper, previous_hash]
}

/** A list as JSON has one reading only, whatever its texts hold. */
const sealOf = async (row: Row, pepper: string): Promise<string> => hex(await secretHmac(pepper, `audit ${JSON.stringify(valuesOf(row))}`))

const entryOf = (row: Row): AuditEntry => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> })
