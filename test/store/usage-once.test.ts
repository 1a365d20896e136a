/** Requests that are done once, where it is judged: in the organisation's object, raced, crashed, put to sleep and with time passing. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Intent, Once } from '../../worker/schema/usage.ts'
import { KEPT_BYTES_AT_MOST, KEYS_AT_MOST, UsageOnce } from '../../worker/store/usage-once.ts'
import { batchOf, emptyStorage, intent, newOrg, settlement } from './fixture.ts'

const NOW = Date.parse('2026-11-24T12:00:00Z')
const DAY_MS = 86_400_000
beforeEach(async () => {
  await emptyStorage()
  vi.useFakeTimers({ toFake: ['Date'], now: NOW })
})
afterEach(() => vi.useRealTimers())

const object = (org: string) => env.USAGE.getByName(org)
const once = (change: Partial<Once> = {}): Once => ({ name: 'a', fingerprint: 'f', for_ms: DAY_MS, ...change })
const asked = (org: string, change: Partial<Intent> = {}): Intent => intent({ org, once: once(), ...change })
const commit = async (of: Intent) => (await object(of.org).commit(batchOf([of])))[0]
const end = (of: Intent, answered: boolean) =>
  object(of.org).commit(batchOf([], [settlement(of, answered ? { answered } : { outcome: 'failed' })]))
const repeated = (of: string, first: Intent, kept = false) => ({
  ok: false,
  code: 'repeated',
  of,
  decision_id: first.decision_id,
  began_at_ms: NOW,
  kept,
})
const ANSWER = { pepper: '1', nonce: new Uint8Array(12), sealed: new Uint8Array([1, 2, 3]) }

describe('a request that is to be done once', () => {
  it('is taken once of two hundred that come together', async () => {
    const org = newOrg()
    const all = Array.from({ length: 200 }, () => asked(org))
    const answers = await Promise.all(all.map(commit))
    expect(answers.filter(answer => answer?.ok)).toHaveLength(1)
    expect(answers.filter(answer => answer && !answer.ok && answer.code === 'repeated' && answer.of === 'under_way')).toHaveLength(199)
  })
  it('is taken once of two in one message', async () => {
    const org = newOrg()
    const [first, second] = [asked(org), asked(org)]
    expect(await object(org).commit(batchOf([first, second]))).toEqual([{ ok: true }, repeated('under_way', first)])
  })
  it('said twice by its isolate is no second one', async () => {
    const first = asked(newOrg())
    expect([await commit(first), await commit(first)]).toEqual([{ ok: true }, { ok: true, duplicate: true }])
  })
  it('is another one under another name, and by another organisation', async () => {
    const org = newOrg()
    expect([await commit(asked(org)), await commit(asked(org, { once: once({ name: 'b' }) })), await commit(asked(newOrg()))]).toEqual([
      { ok: true },
      { ok: true },
      { ok: true },
    ])
  })
  it('was answered, and stays so until its time is over', async () => {
    const first = asked(newOrg())
    await commit(first)
    await end(first, true)
    vi.setSystemTime(NOW + DAY_MS - 1)
    expect(await commit(asked(first.org))).toEqual(repeated('answered', first))
    vi.setSystemTime(NOW + DAY_MS)
    expect(await commit(asked(first.org))).toEqual({ ok: true })
  })
  it('that failed was not done: it may be sent again', async () => {
    const first = asked(newOrg())
    await commit(first)
    await end(first, false)
    expect(await commit(asked(first.org))).toEqual({ ok: true })
  })
  it('is not what asks something else, whether it is under way or answered', async () => {
    const first = asked(newOrg())
    const other = () => asked(first.org, { once: once({ fingerprint: 'g' }) })
    await commit(first)
    expect(await commit(other())).toEqual(repeated('another_request', first))
    await end(first, true)
    expect(await commit(other())).toEqual(repeated('another_request', first))
  })
  it('that a limit refuses has not taken its key', async () => {
    const org = newOrg()
    const accounts = [{ account: 'org', budgets: [{ window: 'day', limit_micros: 0, kind: 'hard' } as const], rates: [], expensive: [] }]
    const limited = { hard: true, accounts, tokens: 1, output_micros_per_mtok: 1 }
    expect(await commit(asked(org, { limited }))).toMatchObject({ code: 'budget_exhausted' })
    expect(await commit(asked(org))).toEqual({ ok: true })
  })
  it('of a revoked key is refused as such, and has not taken its key', async () => {
    const org = newOrg()
    await object(org).revoke('abcdefghijk')
    expect(await commit(asked(org))).toEqual({ ok: false, code: 'key_revoked' })
    expect(await commit(asked(org, { key_id: 'zyxwvutsrqp' }))).toEqual({ ok: true })
  })
})

describe('an object that is put to sleep', () => {
  it('knows what is under way and what was answered, and ends what began before', async () => {
    const first = asked(newOrg())
    await commit(first)
    await evictDurableObject(object(first.org))
    expect(await commit(asked(first.org))).toEqual(repeated('under_way', first))
    await end(first, true)
    await evictDurableObject(object(first.org))
    expect(await commit(asked(first.org))).toEqual(repeated('answered', first))
  })
  it('gives the key back when the process that had it is given up: its request is an orphan', async () => {
    const first = asked(newOrg(), { expires_at_ms: NOW + 60_000 })
    await commit(first)
    await evictDurableObject(object(first.org))
    vi.setSystemTime(NOW + 60_001)
    expect(await commit(asked(first.org))).toEqual(repeated('under_way', first))
    await runDurableObjectAlarm(object(first.org))
    expect(await commit(asked(first.org))).toEqual({ ok: true })
  })
  it('takes a late settlement of that orphan for no answer to the request that has the key now', async () => {
    const first = asked(newOrg(), { expires_at_ms: NOW + 1 })
    await commit(first)
    vi.setSystemTime(NOW + 2)
    await runDurableObjectAlarm(object(first.org))
    const second = asked(first.org)
    await commit(second)
    await end(first, true)
    expect(await commit(asked(first.org))).toMatchObject({ of: 'under_way', decision_id: second.decision_id })
  })
})

describe('an answer that is kept', () => {
  it('is there once its request was answered, and not before', async () => {
    const first = asked(newOrg())
    await commit(first)
    expect(await object(first.org).keepAnswer('a', first.decision_id, ANSWER)).toBe(true)
    expect(await object(first.org).keptAnswer('a')).toBeNull()
    await end(first, true)
    await evictDurableObject(object(first.org))
    expect(await commit(asked(first.org))).toEqual(repeated('answered', first, true))
    expect(await object(first.org).keptAnswer('a')).toEqual(ANSWER)
  })
  it('is not shown to who asks something else', async () => {
    const first = asked(newOrg())
    await commit(first)
    await object(first.org).keepAnswer('a', first.decision_id, ANSWER)
    await end(first, true)
    expect(await commit(asked(first.org, { once: once({ fingerprint: 'g' }) }))).toEqual(repeated('another_request', first))
  })
  it('is kept for what is under way under that name only', async () => {
    const first = asked(newOrg())
    await commit(first)
    const other = intent({ org: first.org })
    await commit(other)
    expect(await object(first.org).keepAnswer('a', other.decision_id, ANSWER)).toBe(false)
    expect(await object(first.org).keepAnswer('b', first.decision_id, ANSWER)).toBe(false)
  })
  it('goes with a failure, with an orphan, and with its time, from the disk too', async () => {
    const stored = (org: string) =>
      runInDurableObject(object(org), (_, { storage }) => storage.sql.exec('SELECT count(*) AS rows FROM once').one().rows)
    const ends: ((first: Intent) => Promise<unknown>)[] = [
      first => end(first, false),
      async first => {
        vi.setSystemTime(first.expires_at_ms + 1)
        await runDurableObjectAlarm(object(first.org))
      },
      async first => {
        await end(first, true)
        await runDurableObjectAlarm(object(first.org))
        vi.setSystemTime(Date.now() + DAY_MS)
        await runDurableObjectAlarm(object(first.org))
      },
    ]
    for (const ended of ends) {
      const first = asked(newOrg())
      await commit(first)
      await object(first.org).keepAnswer('a', first.decision_id, ANSWER)
      expect(await stored(first.org)).toBe(1)
      await ended(first)
      expect(await stored(first.org)).toBe(0)
    }
  })
})

describe('bounds', () => {
  it('of keys and of bytes: the oldest go first, and what is under way stays', async () => {
    await runInDurableObject(object(newOrg()), (_, { storage }) => {
      const books = new UsageOnce(storage.sql)
      books.begin(once({ name: 'open' }), 'dec_open', NOW)
      const big = new Uint8Array(KEPT_BYTES_AT_MOST / 50)
      for (let i = 0; i <= 50; i++) {
        books.begin(once({ name: `n${i}` }), `dec_${i}`, NOW)
        books.keep(`n${i}`, `dec_${i}`, { ...ANSWER, sealed: big })
        books.end(`dec_${i}`, true, NOW + i)
      }
      expect([books.kept('n0'), books.kept('n1')?.sealed.byteLength]).toEqual([null, big.byteLength])
      expect(books.judge(once({ name: 'n0' }), NOW)).toMatchObject({ of: 'answered', kept: false })
      books.forget(NOW + DAY_MS + 50)
      for (let i = 0; i < KEYS_AT_MOST; i++) {
        books.begin(once({ name: `m${i}` }), `dec_m${i}`, NOW)
        books.end(`dec_m${i}`, true, NOW + i)
      }
      expect([books.judge(once({ name: 'm0' }), NOW), books.judge(once({ name: 'm1' }), NOW)?.of]).toEqual([null, 'answered'])
      expect(books.judge(once({ name: 'open' }), NOW)?.of).toBe('under_way')
    })
  }, 60_000)
})
