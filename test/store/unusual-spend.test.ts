/** Spend that is many times the usual, where it is judged: in the organisation's object, over days on a moved clock. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Unusual } from '../../worker/schema/limits.ts'
import type { BudgetAnswer, Intent } from '../../worker/schema/usage.ts'
import { batchOf, emptyStorage, intent, newOrg, settlement } from './fixture.ts'

const HOUR_MS = 3_600_000
const USUAL = 10_000
const RULE: Unusual = { times: 10, at_least_micros: 50_000, after_hours: 24, kind: 'hard' }
const KEY = 'key:abcdefghijk'
const START = Date.parse('2026-11-20T00:00:00Z')

beforeEach(async () => {
  await emptyStorage()
  vi.useFakeTimers({ toFake: ['Date'], now: START })
})
afterEach(() => vi.useRealTimers())

const object = (org: string) => env.USAGE.getByName(org)
const asked = (org: string, micros: number, rule = RULE, change: Partial<Intent> = {}): Intent => {
  const key_id = change.key_id ?? 'abcdefghijk'
  const accounts = [`key:${key_id}`, 'org'].map(account => ({ account, budgets: [], rates: [], expensive: [], unusual: rule }))
  const limited = { hard: rule.kind === 'hard', accounts, tokens: 1, output_micros_per_mtok: 1 }
  return intent({ org, reserved_micros: micros, limited, expires_at_ms: Date.now() + HOUR_MS, ...change })
}
async function spend(org: string, micros: number, rule = RULE, change: Partial<Intent> = {}): Promise<BudgetAnswer | undefined> {
  const request = asked(org, micros, rule, change)
  const [answer] = await object(org).commit(batchOf([request]))
  if (answer?.ok) await object(org).commit(batchOf([], [settlement(request, { cost_micros: micros })]))
  return answer
}
/** So many hours of a working key, each with the usual spend. */
async function hours(org: string, count: number, rule = RULE): Promise<void> {
  for (let i = 0; i < count; i++) {
    expect(await spend(org, USUAL, rule)).toMatchObject({ ok: true })
    vi.setSystemTime(Date.now() + HOUR_MS)
  }
}
const notices = (org: string) =>
  runInDurableObject(object(org), (_, { storage }) =>
    storage.sql
      .exec<{ body: string }>('SELECT body FROM notices')
      .toArray()
      .map(({ body }) => JSON.parse(body) as { data: { account: string; limit: string; at_most: number } }),
  )

describe('a key that spends ten times the usual', () => {
  it('is stopped to the end of the hour and told what is usual; the next hour begins anew', async () => {
    const org = newOrg()
    await hours(org, 24)
    const began_at_ms = Date.now()
    for (let i = 0; i < 10; i++) expect((await spend(org, USUAL))?.ok).toBe(true)
    expect(await spend(org, 1)).toMatchObject({
      ok: false,
      code: 'unusual_spend',
      usual_micros: USUAL,
      at_most_micros: 10 * USUAL,
      spent_micros: 10 * USUAL,
      resets_at_ms: began_at_ms + HOUR_MS,
    })
    vi.setSystemTime(began_at_ms + HOUR_MS)
    expect((await spend(org, USUAL))?.ok).toBe(true)
  })
  it('is stopped in a race too: of a hundred at once as many pass as fit', async () => {
    const org = newOrg()
    await hours(org, 24)
    const answers = (await Promise.all(Array.from({ length: 100 }, () => object(org).commit(batchOf([asked(org, USUAL)]))))).flat()
    expect(answers.filter(({ ok }) => ok)).toHaveLength(10)
  })
  it('never makes it usual by going on: hours in which it was stopped are not learned from', async () => {
    const org = newOrg()
    await hours(org, 24)
    for (let hour = 0; hour < 40; hour++) {
      for (let i = 0; i < 11; i++) await spend(org, USUAL)
      vi.setSystemTime(Date.now() + HOUR_MS)
    }
    for (let i = 0; i < 10; i++) await spend(org, USUAL)
    expect(await spend(org, 1)).toMatchObject({ code: 'unusual_spend', usual_micros: USUAL })
  })
  it('is known as such after the object slept', async () => {
    const org = newOrg()
    await hours(org, 24)
    for (let i = 0; i < 9; i++) await spend(org, USUAL)
    const open = asked(org, USUAL)
    await object(org).commit(batchOf([open]))
    await evictDurableObject(object(org))
    expect(await spend(org, 1)).toMatchObject({ code: 'unusual_spend', spent_micros: 9 * USUAL, held_micros: USUAL })
    await object(org).commit(batchOf([], [settlement(open, { cost_micros: 0 })]))
    expect((await spend(org, 1))?.ok).toBe(true)
  })
  it('tells by webhook once an hour, though it is the caller that is refused', async () => {
    const org = newOrg()
    await hours(org, 24)
    for (let i = 0; i < 15; i++) await spend(org, USUAL)
    expect((await notices(org)).map(({ data }) => [data.limit, data.at_most])).toEqual([['usual_usd_micros_per_hour', 10 * USUAL]])
  })
  it('is only told of where that is all that is wanted', async () => {
    const org = newOrg()
    const soft = { ...RULE, kind: 'soft' as const }
    await hours(org, 24, soft)
    for (let i = 0; i < 10; i++) expect((await spend(org, USUAL, soft))?.standing?.warnings ?? []).toEqual([])
    const answer = await spend(org, USUAL, soft)
    expect([answer?.ok, answer?.standing?.warnings.map(({ code }) => code)]).toEqual([true, ['unusual_spend', 'unusual_spend']])
    expect((await notices(org)).map(({ data }) => data.account).sort()).toEqual([KEY, 'org'])
  })
})

describe('what is not unusual', () => {
  it('is anything before enough hours are known', async () => {
    const org = newOrg()
    await hours(org, 23)
    expect((await spend(org, 1_000 * USUAL))?.ok).toBe(true)
  })
  it('is an hour below the least amount, however little is usual', async () => {
    const org = newOrg()
    for (let i = 0; i < 24; i++) {
      await spend(org, 1)
      vi.setSystemTime(Date.now() + HOUR_MS)
    }
    expect((await spend(org, 50_000))?.ok).toBe(true)
    expect(await spend(org, 1)).toMatchObject({ code: 'unusual_spend', at_most_micros: 50_000 })
  })
  it('is another key of the organisation, as long as all together are not', async () => {
    const org = newOrg()
    await hours(org, 24)
    // The organisation as a whole has spent as usual; so it is watched as a whole, and the new key has no usual of its own.
    expect((await spend(org, 9 * USUAL, RULE, { key_id: 'zyxwvutsrqp' }))?.ok).toBe(true)
    expect(await spend(org, 2 * USUAL, RULE, { key_id: 'zyxwvutsrqp' })).toMatchObject({ code: 'unusual_spend', account: 'org' })
  })
  it('is what comes after an admin has lifted it, for the key and for the organisation', async () => {
    const org = newOrg()
    await hours(org, 24)
    for (let i = 0; i < 10; i++) await spend(org, USUAL)
    expect(await object(org).liftUnusual(KEY)).toBe(true)
    expect(await spend(org, USUAL)).toMatchObject({ code: 'unusual_spend', account: 'org' })
    expect(await object(org).liftUnusual('org')).toBe(true)
    await evictDurableObject(object(org))
    expect((await spend(org, 100 * USUAL))?.ok).toBe(true)
    expect(await object(org).usual(RULE)).toMatchObject([
      { account: KEY, usual_micros: null, hours_known: 0 },
      { account: 'org', usual_micros: null, hours_known: 0 },
    ])
    expect(await object(org).liftUnusual('key:nobody')).toBe(false)
  })
})

describe('what is kept for it', () => {
  it('is a week of hours, and nothing where nobody is watched', async () => {
    const org = newOrg()
    await hours(org, 175)
    const rows = await runInDurableObject(object(org), (_, { storage }) =>
      storage.sql.exec('SELECT name, count(*) AS hours FROM spent_hours GROUP BY name').toArray(),
    )
    expect(rows.every(({ hours }) => Number(hours) <= 170)).toBe(true)
    expect(rows).toHaveLength(2)
    const other = newOrg()
    await object(other).commit(batchOf([intent({ org: other })]))
    expect(await object(other).usual(RULE)).toEqual([])
  })
})
