/**
 * Webhooks of soft limits: written down in the transaction that passed the limit, and sent by the object's alarm, so that no
 * request ever waits for somebody else's server. Tried again for some hours, each time later, and then dropped.
 *
 * Signed as the Standard Webhooks specification says (`webhook-id`, `webhook-timestamp`, `webhook-signature`: an HMAC-SHA-256 over
 * `id.timestamp.body`). The key of an address is made from the Worker's pepper, so it is stored nowhere; whoever set the
 * address was shown it.
 */
import { type Notice, webhookUrl } from '../core/spend/notice.ts'
import type { OrgId } from '../schema/ids.ts'
import type { OrgLimits } from '../schema/limits.ts'
import type { Ms } from '../schema/units.ts'
import { storedLimits } from './org-limits.ts'
import { pepperNamed, secretHmac } from './secret-hmac.ts'

const TABLE = `CREATE TABLE IF NOT EXISTS notices (
  id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, tries INTEGER NOT NULL, next_at_ms INTEGER NOT NULL, body TEXT NOT NULL
)`
/** In one pass, side by side, each within the limit. */
const AT_ONCE = 5
const LIMIT_MS: Ms = 5_000
/** 10 s, 20 s, 40 s and so on, an hour at most: about five hours in all. */
const TRIES = 14
const FIRST_WAIT_MS: Ms = 10_000
const LONGEST_WAIT_MS: Ms = 3_600_000
/** Kept for an address that does not answer; beyond, the oldest goes. */
const KEPT = 200

type Row = { id: string; tries: number; body: string }
type Send = (url: string, init: RequestInit) => Promise<Response>

export class UsageNotices {
  #sql: SqlStorage
  constructor(sql: SqlStorage) {
    this.#sql = sql
    sql.exec(TABLE)
  }

  add(notice: Notice, now_ms: Ms): void {
    this.#sql.exec('INSERT INTO notices VALUES (?, ?, 0, ?, ?)', `msg_${crypto.randomUUID()}`, now_ms, now_ms, JSON.stringify(notice))
    this.#sql.exec('DELETE FROM notices WHERE id NOT IN (SELECT id FROM notices ORDER BY at_ms DESC LIMIT ?)', KEPT)
  }

  nextAt(): Ms | null {
    const [row] = this.#sql.exec<{ at: number | null }>('SELECT min(next_at_ms) AS at FROM notices')
    return row?.at ?? null
  }

  /** Sends what is due. Never throws. */
  async send(env: Pick<Env, 'KV'>, org: OrgId, now_ms: Ms, send: Send = fetch): Promise<void> {
    const due = this.#sql
      .exec<Row>('SELECT id, tries, body FROM notices WHERE next_at_ms <= ? ORDER BY next_at_ms LIMIT ?', now_ms, AT_ONCE)
      .toArray()
    if (!due.length) return
    let webhook: OrgLimits['webhook']
    try {
      webhook = (await storedLimits(env.KV, org))?.webhook ?? null
    } catch {
      // KV passes; the notices wait as if their address did not answer.
      for (const row of due) this.#later(row, now_ms)
      return
    }
    const pepper = webhook && pepperNamed(webhook.pepper, env as unknown as Record<string, unknown>)
    const url = webhook && webhookUrl(webhook.url)
    // Nobody to tell, any more: nothing is kept for one who may come.
    if (!pepper || !url?.ok) return this.#drop(due)
    await Promise.all(
      due.map(async row => {
        const arrived = await delivered(send, url.value.href, await signed(row, pepper, org, url.value.href, now_ms), row.body)
        if (arrived) this.#drop([row])
        else this.#later(row, now_ms)
      }),
    )
  }

  #drop(rows: Row[]): void {
    for (const { id } of rows) this.#sql.exec('DELETE FROM notices WHERE id = ?', id)
  }

  #later(row: Row, now_ms: Ms): void {
    if (row.tries + 1 >= TRIES) {
      this.#drop([row])
      return
    }
    const wait_ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** row.tries)
    this.#sql.exec('UPDATE notices SET tries = tries + 1, next_at_ms = ? WHERE id = ?', now_ms + wait_ms, row.id)
  }
}

/** As who sets an address is shown it, for a library that checks Standard Webhooks. Another address has another key. */
export async function webhookSecret(pepper: string, org: OrgId, url: string): Promise<string> {
  return `whsec_${base64(await signingKey(pepper, org, url))}`
}

const signingKey = (pepper: string, org: OrgId, url: string) => secretHmac(pepper, `webhook\n${org}\n${url}`)

async function signed({ id, body }: Row, pepper: string, org: OrgId, url: string, now_ms: Ms): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(now_ms / 1_000))
  const raw = await signingKey(pepper, org, url)
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${id}.${timestamp}.${body}`))
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${base64(new Uint8Array(mac))}`,
  }
}

async function delivered(send: Send, url: string, headers: Record<string, string>, body: string): Promise<boolean> {
  try {
    const response = await send(url, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(LIMIT_MS) })
    await response.body?.cancel()
    return response.ok
  } catch {
    // Whatever it was, it is tried again.
    return false
  }
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
