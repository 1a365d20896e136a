/** Webhooks of soft limits: signed, tried again, never in a request's way. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { noticeOf, webhookUrl } from '../../worker/core/spend/notice.ts'
import type { LimitRefusal } from '../../worker/schema/usage.ts'
import { limitsKey } from '../../worker/store/org-limits.ts'
import { UsageNotices } from '../../worker/store/usage-notices.ts'
import { webhookSecret } from '../../worker/store/webhook.ts'
import { batchOf, emptyStorage, intent, newOrg } from './fixture.ts'

beforeEach(emptyStorage)

const URL_SET = 'https://hooks.example.com/signalbox'
const WARNING: LimitRefusal = {
  ok: false,
  code: 'budget_exhausted',
  account: 'team:search',
  window: 'day',
  limit_micros: 1_000,
  spent_micros: 900,
  held_micros: 200,
  resets_at_ms: Date.parse('2026-11-25T00:00:00Z'),
}
const NOW = Date.parse('2026-11-24T12:00:00Z')

async function webhook(org: string, url = URL_SET): Promise<void> {
  await env.KV.put(limitsKey(org), JSON.stringify({ v: 1, org, limits: {}, teams: {}, webhook: { url, pepper: '1' } }))
}

/** The notices of an object, with what would have gone over the network. */
async function sent(
  org: string,
  statuses: number[],
  passes: number[],
): Promise<{ calls: [string, RequestInit][]; next: (number | null)[] }> {
  return runInDurableObject(env.USAGE.getByName(org), async (_, state) => {
    const notices = new UsageNotices(state.storage.sql)
    notices.add(noticeOf(org, WARNING, NOW), NOW)
    const calls: [string, RequestInit][] = []
    const next: (number | null)[] = []
    for (const at_ms of passes) {
      await notices.send(env, org, at_ms, async (url, init) => {
        calls.push([url, init])
        const status = statuses.shift() ?? 200
        if (status === 0) throw new Error('connection refused')
        return new Response('thanks', { status })
      })
      next.push(notices.nextAt())
    }
    return { calls, next }
  })
}

describe('a webhook', () => {
  it('says whose limit, how much and until when, and nothing else', async () => {
    const org = newOrg()
    await webhook(org)
    const { calls, next } = await sent(org, [200], [NOW])
    expect(calls).toHaveLength(1)
    expect(calls[0]?.[0]).toBe(URL_SET)
    expect(calls[0]?.[1]).toMatchObject({ method: 'POST', redirect: 'manual' })
    expect(JSON.parse(String(calls[0]?.[1].body))).toEqual({
      type: 'limit.passed',
      timestamp: '2026-11-24T12:00:00.000Z',
      data: {
        org,
        account: 'team:search',
        limit: 'usd_micros_per_day',
        at_most: 1_000,
        used: 1_100,
        resets_at: '2026-11-25T00:00:00.000Z',
      },
    })
    expect(next).toEqual([null])
  })
  it('can be checked with the secret that was shown, and with no other', async () => {
    const org = newOrg()
    await webhook(org)
    const { calls } = await sent(org, [200], [NOW])
    const headers = calls[0]?.[1].headers as Record<string, string>
    const check = async (secret: string) => {
      const raw = Uint8Array.from(atob(secret.slice('whsec_'.length)), char => char.charCodeAt(0))
      const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
      const mac = Uint8Array.from(atob(headers['webhook-signature']?.slice(3) ?? ''), char => char.charCodeAt(0))
      const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${calls[0]?.[1].body}`
      return crypto.subtle.verify('HMAC', key, mac, new TextEncoder().encode(text))
    }
    expect(await check(await webhookSecret(env.KEY_PEPPER, org, URL_SET))).toBe(true)
    expect(await check(await webhookSecret(env.KEY_PEPPER, org, `${URL_SET}/`))).toBe(false)
    expect(await check(await webhookSecret(env.KEY_PEPPER, `${org}x`, URL_SET))).toBe(false)
  })
  it('that does not arrive is tried again, later each time, under the same id', async () => {
    const org = newOrg()
    await webhook(org)
    const { calls, next } = await sent(org, [500, 0, 302, 200], [NOW, NOW + 5_000, NOW + 10_000, NOW + 30_000, NOW + 70_000])
    expect(next).toEqual([NOW + 10_000, NOW + 10_000, NOW + 30_000, NOW + 70_000, null])
    expect(new Set(calls.map(([, init]) => (init.headers as Record<string, string>)['webhook-id'])).size).toBe(1)
  })
  it('is given up after some hours', async () => {
    const org = newOrg()
    await webhook(org)
    const passes = Array.from({ length: 20 }, (_, i) => NOW + i * 3_600_000)
    const { calls, next } = await sent(org, new Array(20).fill(503), passes)
    expect([calls.length, next.at(-1)]).toEqual([14, null])
  })
  it('is dropped where nobody wants to be told, or where its address is not one to be called', async () => {
    const org = newOrg()
    expect(await sent(org, [], [NOW])).toEqual({ calls: [], next: [null] })
    await webhook(org, 'https://169.254.169.254/latest')
    expect(await sent(org, [], [NOW])).toEqual({ calls: [], next: [null] })
  })
  it('is written down by the request that passes a soft limit, once, and the alarm is set', async () => {
    const org = newOrg()
    const limited = {
      hard: false,
      accounts: [
        { account: 'org', budgets: [{ window: 'day' as const, limit_micros: 1, kind: 'soft' as const }], rates: [], expensive: [] },
      ],
      tokens: 10,
      output_micros_per_mtok: null,
    }
    const object = env.USAGE.getByName(org)
    for (let i = 0; i < 3; i++) await object.commit(batchOf([intent({ org, limited })]))
    const [count, alarm_at_ms] = await runInDurableObject(object, async (_, state) => [
      state.storage.sql.exec('SELECT count(*) AS count FROM notices').one().count,
      await state.storage.getAlarm(),
    ])
    expect([count, Number(alarm_at_ms) <= Date.now() + 1_000]).toEqual([1, true])
  })
})

describe('an address to be called', () => {
  it.each([
    'http://hooks.example.com/',
    'https://user:secret@hooks.example.com/',
    'https://127.0.0.1/',
    'https://10.0.0.8/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://[::1]/',
    'https://[fd00::1]/',
    'https://localhost/',
    'https://metadata.google.internal/',
    'https://printer.local/',
    'https://hooks.example.com:8080/',
    'https://intranet/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'not an address',
  ])('%s is none', url => {
    expect(webhookUrl(url).ok).toBe(false)
  })
  it('is https at a public name', () => {
    expect(webhookUrl(URL_SET)).toMatchObject({ ok: true })
  })
})
