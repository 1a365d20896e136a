/**
 * Stands in for a D1 database under plain workerd: a Durable Object with SQLite on disk, behind the HTTP protocol that the
 * runtime's own D1 binding speaks. D1 is SQLite behind a call as well, so its statements and errors are real; the
 * migrations are run when it is first used, and not again by an instance that finds them done.
 */
import { DurableObject } from 'cloudflare:workers'
import migrations from './migrations.sql'

type Value = string | number | null | number[]
type Query = { sql: string; params?: Value[] | null }

export class Database extends DurableObject {
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env)
    const { sql } = state.storage
    sql.exec('CREATE TABLE IF NOT EXISTS migrated (once INTEGER)')
    if (sql.exec('SELECT 1 FROM migrated').toArray().length > 0) return
    if (migrations.trim() !== '') sql.exec(migrations)
    sql.exec('INSERT INTO migrated VALUES (1)')
  }

  override async fetch(request: Request): Promise<Response> {
    const asked = (await request.json()) as Query | Query[]
    const as_rows = new URL(request.url).searchParams.get('resultsFormat') === 'ROWS_AND_COLUMNS'
    try {
      const queries = Array.isArray(asked) ? asked : [asked]
      return Response.json(this.ctx.storage.transactionSync(() => queries.map(query => this.run(query, as_rows))))
    } catch (error) {
      return Response.json({ success: false, error: error instanceof Error ? error.message : String(error) })
    }
  }

  private run({ sql, params }: Query, as_rows: boolean) {
    const store = this.ctx.storage.sql
    const changes = () =>
      store.exec('SELECT total_changes() AS total, last_insert_rowid() AS last').one() as { total: number; last: number }
    const before = changes()
    const began_at_ms = Date.now()
    const cursor = store.exec(sql, ...(params ?? []).map(value => (Array.isArray(value) ? new Uint8Array(value).buffer : value)))
    const columns = cursor.columnNames
    const rows = [...cursor.raw()].map(row => row.map(value => (value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value)))
    const after = changes()
    return {
      success: true,
      results: as_rows ? { columns, rows } : rows.map(row => Object.fromEntries(columns.map((name, index) => [name, row[index]]))),
      meta: {
        served_by: 'stand-in',
        duration: Date.now() - began_at_ms,
        changes: after.total - before.total,
        last_row_id: after.last,
        changed_db: after.total !== before.total,
        size_after: store.databaseSize,
        rows_read: cursor.rowsRead,
        rows_written: cursor.rowsWritten,
      },
    }
  }
}

export default {
  fetch: (request: Request, env: { DATABASE: DurableObjectNamespace<Database> }) =>
    env.DATABASE.get(env.DATABASE.idFromName('db')).fetch(request),
}
