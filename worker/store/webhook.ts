/**
 * A call to an organisation's webhook, signed as the Standard Webhooks specification says (`webhook-id`, `webhook-timestamp`,
 * `webhook-signature`: an HMAC-SHA-256 over `id.timestamp.body`). The key of an address is made from the Worker's pepper, so it is stored
 * nowhere; whoever set the address was shown it. When to call, and when again, is for those who have something to say.
 */
import { webhookUrl } from '../core/spend/notice.ts'
import type { OrgId } from '../schema/ids.ts'
import type { OrgLimits } from '../schema/limits.ts'
import type { Ms } from '../schema/units.ts'
import { storedLimits } from './org-limits.ts'
import { pepperNamed, secretHmac } from './secret-hmac.ts'

const LIMIT_MS: Ms = 5_000

export type Send = (url: string, init: RequestInit) => Promise<Response>
/** Under the same `id` however often it is sent, so that who is told twice can see that. `body` is JSON. */
export type Message = { id: string; body: string }
export type Webhook = { org: OrgId; url: string; pepper: string }

/** Null where the organisation wants nobody to be told, or an address that is not to be called. Rejects where KV does not answer. */
export async function webhookOf(env: Pick<Env, 'KV'>, org: OrgId): Promise<Webhook | null> {
  const webhook: OrgLimits['webhook'] = (await storedLimits(env.KV, org))?.webhook ?? null
  const pepper = webhook && pepperNamed(webhook.pepper, env as unknown as Record<string, unknown>)
  const url = webhook && webhookUrl(webhook.url)
  return pepper && url?.ok ? { org, url: url.value.href, pepper } : null
}

/** Whether it arrived. Never throws. */
export async function delivered({ org, url, pepper }: Webhook, { id, body }: Message, now_ms: Ms, send: Send): Promise<boolean> {
  const timestamp = String(Math.floor(now_ms / 1_000))
  try {
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${await signature(await signingKey(pepper, org, url), `${id}.${timestamp}.${body}`)}`,
    }
    const response = await send(url, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(LIMIT_MS) })
    await response.body?.cancel()
    return response.ok
  } catch {
    // Whatever it was, it is tried again.
    return false
  }
}

/** As who sets an address is shown it, for a library that checks Standard Webhooks. Another address has another key. */
export async function webhookSecret(pepper: string, org: OrgId, url: string): Promise<string> {
  return `whsec_${base64(await signingKey(pepper, org, url))}`
}

const signingKey = (pepper: string, org: OrgId, url: string) => secretHmac(pepper, `webhook\n${org}\n${url}`)

async function signature(raw: Uint8Array, text: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', raw as BufferSource, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return base64(new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))))
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
