/**
 * Providers' keys that callers bring, for those who administer them. D1 has them; KV gets a copy of an organisation's whole set
 * after each change, so that requests never ask D1. Nothing here ever opens one, but to wrap it under another master, and then
 * what comes out is the data key.
 */
import type { ProviderKey } from '../schema/provider-key.ts'
import { rewrapped } from './envelope.ts'
import { putKv } from './kv-put.ts'

type Bindings = Pick<Env, 'DB' | 'KV'>

const COLUMNS = 'id, org, team, key_id, provider, label, last4, fingerprint, master, wrapped, sealed, created_at_ms, created_by'
const OWNER = 'org = ?1 AND team IS ?2 AND key_id IS ?3 AND provider = ?4'

/** Where KV keeps an organisation's. */
export const ownKeysKey = (org: string): string => `own-keys/${org}`

type Row = Omit<ProviderKey, 'v'>
const recordOf = (row: Row): ProviderKey => ({ v: 1, ...row })

/** In the order of their ids; `after` is the last one of the page before. */
export async function listProviderKeys(
  db: D1Database,
  where: { org: string | null; provider: string | null; after: string },
  limit: number,
): Promise<ProviderKey[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM provider_keys WHERE id > ?1 AND (?2 IS NULL OR org = ?2) AND (?3 IS NULL OR provider = ?3) ORDER BY id LIMIT ?4`,
    )
    .bind(where.after, where.org, where.provider, limit)
    .all<Row>()
  return results.map(recordOf)
}

export async function providerKeyById(db: D1Database, id: string): Promise<ProviderKey | null> {
  const row = await db.prepare(`SELECT ${COLUMNS} FROM provider_keys WHERE id = ?1`).bind(id).first<Row>()
  return row && recordOf(row)
}

/** The one that a new one of the same owner and provider would replace. */
export async function providerKeyOf(
  db: D1Database,
  { org, team, key_id, provider }: Pick<ProviderKey, 'org' | 'team' | 'key_id' | 'provider'>,
): Promise<ProviderKey | null> {
  const row = await db.prepare(`SELECT ${COLUMNS} FROM provider_keys WHERE ${OWNER}`).bind(org, team, key_id, provider).first<Row>()
  return row && recordOf(row)
}

export async function countProviderKeys(db: D1Database, org: string): Promise<number> {
  return (await db.prepare('SELECT count(*) AS count FROM provider_keys WHERE org = ?1').bind(org).first<number>('count')) ?? 0
}

/** In place of the owner's one for the same provider, if there is one. */
export async function putProviderKey(env: Bindings, key: ProviderKey): Promise<void> {
  const { org, team, key_id, provider } = key
  const values = [key.id, org, team, key_id, provider, key.label, key.last4, key.fingerprint, key.master, key.wrapped, key.sealed]
  await env.DB.batch([
    env.DB.prepare(`DELETE FROM provider_keys WHERE ${OWNER}`).bind(org, team, key_id, provider),
    env.DB.prepare(`INSERT INTO provider_keys (${COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)`).bind(
      ...values,
      key.created_at_ms,
      key.created_by,
    ),
  ])
  await publish(env, org)
}

export async function deleteProviderKey(env: Bindings, { id, org }: ProviderKey): Promise<void> {
  await env.DB.prepare('DELETE FROM provider_keys WHERE id = ?1').bind(id).run()
  await publish(env, org)
}

/**
 * Wraps up to `limit` records under the master numbered `master`, which is the newest, and says how many are still under another
 * one, and which of those cannot be opened any more.
 */
export async function rewrapSome(
  env: Bindings,
  variables: Record<string, unknown>,
  master: string,
  after: string,
  limit: number,
): Promise<{ rewrapped: number; unusable: string[]; last: string | null }> {
  const { results } = await env.DB.prepare(`SELECT ${COLUMNS} FROM provider_keys WHERE master <> ?1 AND id > ?2 ORDER BY id LIMIT ?3`)
    .bind(master, after, limit)
    .all<Row>()
  const unusable: string[] = []
  const orgs = new Set<string>()
  for (const row of results) {
    const anew = await rewrapped(row, row, variables)
    if (!anew) {
      unusable.push(row.id)
      continue
    }
    // Unless somebody has replaced it meanwhile.
    await env.DB.prepare('UPDATE provider_keys SET master = ?2, wrapped = ?3 WHERE id = ?1 AND wrapped = ?4')
      .bind(row.id, anew.master, anew.wrapped, row.wrapped)
      .run()
    orgs.add(row.org)
  }
  for (const org of orgs) await publish(env, org)
  return { rewrapped: results.length - unusable.length, unusable, last: results.length === limit ? (results.at(-1)?.id ?? null) : null }
}

/** Two admins at the same moment: who wrote last may have read first, and looks once more. */
const PUBLISH_TRIES = 3

/** What requests read: always the whole of it, as D1 has it now. */
async function publish({ DB, KV }: Bindings, org: string): Promise<void> {
  let written: string | null = null
  for (let tries = 0; tries < PUBLISH_TRIES; tries++) {
    const { results } = await DB.prepare(`SELECT ${COLUMNS} FROM provider_keys WHERE org = ?1 ORDER BY id`).bind(org).all<Row>()
    const text = JSON.stringify({ v: 1, keys: results.map(recordOf) })
    if (text === written) return
    await putKv(KV, ownKeysKey(org), text)
    written = text
  }
}
