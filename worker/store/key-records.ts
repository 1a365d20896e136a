/**
 * The records of keys in KV, for those who administer them: one by its id, or a page of them. Requests never come here; they
 * find their caller by `callers.ts`, from memory.
 *
 * KV may give a record as it was up to a minute ago. Two admins who change the same key within that minute can undo each
 * other; nothing that must hold at once (revocation, spend) is left to KV.
 */
import type * as z from 'zod'
import { type AdminRecord, adminRecord } from '../schema/admin.ts'
import { type Caller, caller } from '../schema/caller.ts'
import { adminKey, callerKey } from './keys.ts'
import { putKv } from './kv-put.ts'

export type KeyRecords<R> = {
  /** Null where there is none, or none that can be read. */
  get(key_id: string): Promise<R | null>
  put(record: R): Promise<void>
  page(cursor: string | undefined, limit: number): Promise<{ records: R[]; cursor: string | null }>
}

/** KV gives at most this many values at once. */
export const RECORDS_AT_ONCE = 100

export const callerRecords = (kv: KVNamespace): KeyRecords<Caller> => keyRecords(kv, callerKey, caller)
export const adminRecords = (kv: KVNamespace): KeyRecords<AdminRecord> => keyRecords(kv, adminKey, adminRecord)

function keyRecords<R extends { key_id: string }>(
  kv: KVNamespace,
  nameOf: (key_id: string) => string,
  schema: z.ZodType<R>,
): KeyRecords<R> {
  const read = (stored: unknown): R | null => schema.safeParse(stored).data ?? null
  return {
    async get(key_id) {
      const record = read(await kv.get(nameOf(key_id), 'json'))
      return record?.key_id === key_id ? record : null
    },
    put: record => putKv(kv, nameOf(record.key_id), JSON.stringify(record)),
    async page(cursor, limit) {
      const list = await kv.list({ prefix: nameOf(''), limit: Math.min(limit, RECORDS_AT_ONCE), ...(cursor ? { cursor } : {}) })
      const names = list.keys.map(key => key.name)
      const values = names.length ? await kv.get<unknown>(names, 'json') : new Map<string, unknown>()
      const records = names.map(name => read(values.get(name))).filter(record => record !== null)
      return { records, cursor: list.list_complete ? null : list.cursor }
    },
  }
}
