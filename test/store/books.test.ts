/** The usage object's books and D1's rows: compared on demand, and by the cron. */
import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { compareBooks } from '../../worker/store/books.ts'
import { checkBooks, checkedBooks } from '../../worker/store/books-check.ts'
import { limitsKey } from '../../worker/store/org-limits.ts'
import { webhookSecret } from '../../worker/store/webhook.ts'
import { batchOf, emptyStorage, intent, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const object = (org: string) => env.USAGE.getByName(org)
const spend = async (org: string, cost_micros: number | null, at_ms = Date.now()) => {
  const one = intent({ org, at_ms })
  await object(org).commit(batchOf([one], [settlement(one, { cost_micros })]))
}
const lose = (org: string, micros: number) =>
  env.DB.prepare('UPDATE usage_daily SET cost_micros = cost_micros - ?2 WHERE org = ?1').bind(org, micros).run()

describe('the two books', () => {
  it('agree to the micro-dollar once every row has arrived, and say nothing of the day before', async () => {
    const org = newOrg()
    await spend(org, 250)
    expect(await compareBooks(env, org)).toMatchObject({
      org,
      on_their_way: 1,
      days: [{ object_micros: 250, rows_micros: 0, agrees: null }],
    })
    await runDurableObjectAlarm(object(org))
    expect((await compareBooks(env, org)).days).toMatchObject([{ object_micros: 250, rows_micros: 250, agrees: true }])
  })
  it('are compared on all other days while rows of one are on their way', async () => {
    const org = newOrg()
    await spend(org, 250, Date.now() - 2 * DAY_MS)
    await runDurableObjectAlarm(object(org))
    await spend(org, 30)
    expect((await compareBooks(env, org)).days).toMatchObject([
      { object_micros: 250, agrees: true },
      { object_micros: 30, agrees: null },
    ])
  })
  it('may differ by what nobody knows the price of, which a budget counts', async () => {
    const org = newOrg()
    await spend(org, null)
    await runDurableObjectAlarm(object(org))
    expect((await compareBooks(env, org)).days).toMatchObject([{ object_micros: 500, rows_micros: 0, cost_unknown: 1, agrees: true }])
  })
  it('show a row that was lost, and one that was made up', async () => {
    const org = newOrg()
    await spend(org, 250)
    await runDurableObjectAlarm(object(org))
    await lose(org, 1)
    expect((await compareBooks(env, org)).days).toMatchObject([{ object_micros: 250, rows_micros: 249, agrees: false }])
    await lose(org, -2)
    expect((await compareBooks(env, org)).days).toMatchObject([{ rows_micros: 251, agrees: false }])
  })
  it('say nothing of a day on which something is spent while D1 is asked', async () => {
    const org = newOrg()
    await spend(org, 250)
    await runDurableObjectAlarm(object(org))
    let asked = 0
    const moving = {
      books: async () =>
        asked++ === 1 ? [{ day: Math.floor(Date.now() / DAY_MS), spent_micros: 900, on_their_way: 0 }] : object(org).books(),
    }
    const USAGE = { getByName: () => moving } as unknown as Env['USAGE']
    expect((await compareBooks({ DB: env.DB, USAGE }, org)).days).toMatchObject([{ object_micros: 900, agrees: null }])
  })
})

describe('the check of all books', () => {
  /** A time at which it is due. */
  const due_ms = Math.ceil(Date.now() / (5 * MINUTE_MS)) * 5 * MINUTE_MS
  const spendIn = async (...orgs: string[]) => {
    for (const org of orgs) {
      await spend(org, 250)
      await runDurableObjectAlarm(object(org))
    }
  }

  it('finds the one that differs, keeps since when, and forgets it once it is mended', async () => {
    const [right, wrong] = [newOrg(), newOrg()]
    await spendIn(right, wrong)
    await lose(wrong, 7)
    const difference = { object_micros: 250, rows_micros: 243, agrees: false }
    expect(await checkBooks(env, due_ms)).toMatchObject([{ org: wrong, days: [difference] }])
    expect(await checkBooks(env, due_ms + 60 * MINUTE_MS)).toMatchObject([{ org: wrong, days: [difference] }])
    expect(await checkedBooks(env.DB, null, 10)).toMatchObject([
      { org: wrong, checked_at_ms: due_ms + 60 * MINUTE_MS, differs_since_ms: due_ms, differences: [difference] },
      { org: right, differs_since_ms: null, differences: [] },
    ])
    await lose(wrong, -7)
    expect(await checkBooks(env, due_ms + 120 * MINUTE_MS)).toEqual([])
    expect(await checkedBooks(env.DB, wrong, 10)).toMatchObject([{ org: wrong, differs_since_ms: null, differences: [] }])
  })
  it('takes eight at once, each once an hour, every fifth minute', async () => {
    const orgs = Array.from({ length: 10 }, newOrg)
    await spendIn(...orgs)
    const checked = async () => (await checkedBooks(env.DB, null, 100)).length
    expect([await checkBooks(env, due_ms + MINUTE_MS), await checked()]).toEqual([[], 0])
    expect([await checkBooks(env, due_ms), await checked()]).toEqual([[], 8])
    expect([await checkBooks(env, due_ms + 5 * MINUTE_MS), await checked()]).toEqual([[], 10])
    await checkBooks(env, due_ms + 10 * MINUTE_MS)
    expect((await checkedBooks(env.DB, null, 100)).map(each => each.checked_at_ms).sort()).toEqual([
      ...Array(8).fill(due_ms),
      ...Array(2).fill(due_ms + 5 * MINUTE_MS),
    ])
  })
  it('goes on without an object that does not answer, and keeps what was known of it', async () => {
    const [silent, wrong] = [newOrg(), newOrg()]
    await spendIn(silent, wrong)
    await lose(silent, 5)
    await checkBooks(env, due_ms)
    await lose(wrong, 7)
    const away = { books: () => Promise.reject(new Error('gone')) }
    const USAGE = { getByName: (org: string) => (org === silent ? away : object(org)) } as unknown as Env['USAGE']
    const later_ms = due_ms + 60 * MINUTE_MS
    expect(await checkBooks({ DB: env.DB, KV: env.KV, USAGE }, later_ms)).toMatchObject([{ org: wrong }])
    expect(await checkedBooks(env.DB, silent, 10)).toMatchObject([{ checked_at_ms: later_ms, differs_since_ms: due_ms }])
  })
})

describe('a difference', () => {
  const HOUR_MS = 60 * MINUTE_MS
  const FROM_MS = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS
  const URL_SET = 'https://hooks.example.com/books'
  const listen = (org: string) =>
    env.KV.put(limitsKey(org), JSON.stringify({ v: 1, org, limits: {}, teams: {}, webhook: { url: URL_SET, pepper: '1' } }))
  /** One of these statuses answers each call; 0 is a connection that is refused. What was sent is kept. */
  function hooks(...statuses: number[]) {
    const calls: { url: string; headers: Record<string, string>; body: string }[] = []
    const send = async (url: string, init: RequestInit) => {
      calls.push({ url, headers: init.headers as Record<string, string>, body: String(init.body) })
      const status = statuses.shift() ?? 200
      if (status === 0) throw new Error('connection refused')
      return new Response(null, { status })
    }
    let hour = 0
    return { calls, check: () => checkBooks(env, FROM_MS + HOUR_MS * hour++, send) }
  }
  async function differing(micros = 7) {
    const org = newOrg()
    await spend(org, 250)
    await runDurableObjectAlarm(object(org))
    await lose(org, micros)
    return org
  }
  const told = (calls: { body: string }[]) =>
    calls.map(({ body }) => JSON.parse(body).data.days.map((day: { by_micros: number }) => day.by_micros))

  it('is told to the webhook once, with both sums, and not at every check anew', async () => {
    const org = await differing()
    await listen(org)
    const { calls, check } = hooks()
    for (let i = 0; i < 3; i++) await check()
    expect(calls.map(({ url }) => url)).toEqual([URL_SET])
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({
      type: 'books.differ',
      timestamp: new Date(FROM_MS).toISOString(),
      data: { org, days: [{ day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), object_micros: 250, rows_micros: 243, by_micros: 7 }] },
    })
  })
  it('can be checked with the secret that was shown', async () => {
    const org = await differing()
    await listen(org)
    const { calls, check } = hooks()
    await check()
    const [{ headers, body } = { headers: {} as Record<string, string>, body: '' }] = calls
    const raw = Uint8Array.from(atob((await webhookSecret(env.KEY_PEPPER, org, URL_SET)).slice('whsec_'.length)), char =>
      char.charCodeAt(0),
    )
    const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
    const mac = Uint8Array.from(atob(headers['webhook-signature']?.slice(3) ?? ''), char => char.charCodeAt(0))
    const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    expect(await crypto.subtle.verify('HMAC', key, mac, new TextEncoder().encode(text))).toBe(true)
  })
  it('that did not arrive is told with the next check, under the same id', async () => {
    await listen(await differing())
    const { calls, check } = hooks(500, 0, 302, 200)
    for (let i = 0; i < 6; i++) await check()
    expect(calls).toHaveLength(4)
    expect(new Set(calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })
  it('that nobody wanted to hear is told once somebody does', async () => {
    const org = await differing()
    const { calls, check } = hooks()
    await check()
    expect(calls).toEqual([])
    await listen(org)
    await check()
    expect(told(calls)).toEqual([[7]])
  })
  it('that has changed is told again, and one that comes again after it was mended', async () => {
    const org = await differing()
    await listen(org)
    const { calls, check } = hooks()
    await check()
    await lose(org, 1)
    await check()
    await lose(org, -8)
    await check()
    await lose(org, 8)
    await check()
    expect(told(calls)).toEqual([[7], [8], [8]])
  })
  it('is not told again though more is spent on its day, or something moves on it', async () => {
    const org = await differing()
    await listen(org)
    const { calls, check } = hooks()
    await check()
    await spend(org, 100)
    await check()
    await runDurableObjectAlarm(object(org))
    expect(await check()).toMatchObject([{ days: [{ object_micros: 350, rows_micros: 343 }] }])
    expect(told(calls)).toEqual([[7]])
  })
})
