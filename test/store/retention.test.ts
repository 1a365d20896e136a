/** Roll-ups agree with the rows they are made of, whatever came twice or late, and outlive them. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { keptDays, removeOld } from '../../worker/store/retention.ts'
import { dailyRows } from '../../worker/store/usage-daily.ts'
import type { UsageObject } from '../../worker/store/usage-object.ts'
import { batchOf, emptyStorage, intent, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)

const DAY_MS = 86_400_000
const object = (org: string) => env.USAGE.getByName(org)
const daily = async (org: string) => (await dailyRows(env.DB, { org, from_day: 0, to_day: 1e9 }, null, 1_000)).rows
const sumOf = async (org: string) =>
  env.DB.prepare(
    'SELECT count(*) AS requests, coalesce(sum(cost_micros), 0) AS cost_micros, sum(input_tokens) AS input_tokens FROM usage WHERE org = ?1',
  )
    .bind(org)
    .first()
const kept = async (table: string) => (await env.DB.prepare(`SELECT count(*) AS count FROM ${table}`).first<{ count: number }>())?.count

describe('a roll-up', () => {
  it('sums by day, team, key and target, and counts what is unknown beside', async () => {
    const org = newOrg()
    const intents = [intent({ org }), intent({ org }), intent({ org, team: null, key_id: 'zzzzzzzzzzz' })]
    const [a, b, c] = intents as [(typeof intents)[0], (typeof intents)[0], (typeof intents)[0]]
    await object(org).commit(
      batchOf(intents, [settlement(a), settlement(b, { cost_micros: null }), settlement(c, { target: null, outcome: 'failed' })]),
    )
    await runDurableObjectAlarm(object(org))
    const rows = await daily(org)
    expect(rows).toHaveLength(2)
    expect(rows).toContainEqual(
      expect.objectContaining({
        team: 'search',
        target: 'openai/gpt-5',
        requests: 2,
        completed: 2,
        cost_micros: 250,
        cost_unknown: 1,
        input_tokens: 180,
      }),
    )
    expect(rows).toContainEqual(
      expect.objectContaining({ team: null, key_id: 'zzzzzzzzzzz', target: null, requests: 1, failed: 1, cost_micros: 250 }),
    )
  })
  it('counts a row that is sent again once, and an orphan’s true settlement in its place', async () => {
    const org = newOrg()
    const slow = intent({ org, expires_at_ms: Date.now() - 1 })
    const quick = intent({ org })
    await object(org).commit(batchOf([slow, quick], [settlement(quick)]))
    await runDurableObjectAlarm(object(org))
    expect(await daily(org)).toContainEqual(expect.objectContaining({ orphans: 1, cost_micros: 300, target: null }))
    // D1 has the rows and the answer that said so was lost.
    await runInDurableObject(object(org), (_: UsageObject, state) => state.storage.sql.exec("DELETE FROM facts WHERE name = 'flushed_seq'"))
    await object(org).commit(batchOf([], [settlement(slow, { cost_micros: 700 })]))
    await runDurableObjectAlarm(object(org))
    const rows = await daily(org)
    expect(rows).toMatchObject([{ requests: 2, orphans: 0, completed: 2, cost_micros: 950 }])
    expect(await sumOf(org)).toMatchObject({ requests: 2, cost_micros: 950 })
  })
  it('is read page by page, each row once', async () => {
    const org = newOrg()
    const intents = Array.from({ length: 7 }, (_, i) => intent({ org, key_id: `key0000000${i}` }))
    await object(org).commit(
      batchOf(
        intents,
        intents.map(each => settlement(each)),
      ),
    )
    await runDurableObjectAlarm(object(org))
    const seen: unknown[] = []
    let after: (string | number)[] | null = null
    for (let page = 0; page < 10; page++) {
      const { rows, last } = await dailyRows(env.DB, { org, from_day: 0, to_day: 1e9 }, after, 3)
      seen.push(...rows.map(row => row.key_id))
      if (rows.length < 3) break
      after = last
    }
    expect(seen).toEqual(intents.map(each => each.key_id))
  })
})

describe('what is old', () => {
  it('goes, rows and decisions each by their own time, and what the days cost stays', async () => {
    const org = newOrg()
    const now_ms = Date.now()
    const intents = [1, 40, 500].map(days => intent({ org, at_ms: now_ms - days * DAY_MS }))
    const settlements = intents.map(each => settlement(each))
    await object(org).commit(batchOf(intents, settlements))
    await runDurableObjectAlarm(object(org))
    const before = await daily(org)
    expect(await removeOld(env, now_ms)).toEqual({ usage: 1, decision_pages: 0 })
    await env.DB.prepare('UPDATE decision_pages SET at_ms = at_ms - ?1')
      .bind(31 * DAY_MS)
      .run()
    expect(await removeOld(env, now_ms)).toEqual({ usage: 0, decision_pages: 1 })
    expect([await kept('usage'), await kept('decision_pages'), await daily(org)]).toEqual([2, 0, before])
  })
  it('goes in steps of a bounded size, the oldest first, and nothing young with it', async () => {
    const numbers = (count: number) =>
      `WITH RECURSIVE n (value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < ${count}) SELECT value FROM n`
    await env.DB.prepare(`INSERT INTO decision_pages SELECT value, 'acme', value, '[]', '{}' FROM (${numbers(300)})`).run()
    await env.DB.prepare("INSERT INTO decision_pages VALUES (301, 'acme', ?1, '[]', '{}')").bind(Date.now()).run()
    expect(await removeOld(env, Date.now())).toEqual({ usage: 0, decision_pages: 250 })
    expect(await env.DB.prepare('SELECT min(at_ms) AS oldest FROM decision_pages').first()).toEqual({ oldest: 251 })
    expect(await removeOld(env, Date.now())).toEqual({ usage: 0, decision_pages: 50 })
    expect(await removeOld(env, Date.now())).toEqual({ usage: 0, decision_pages: 0 })
    expect(await kept('decision_pages')).toBe(1)
  })
  it.each([
    ['10', 10],
    ['1', 400],
    ['-5', 400],
    ['soon', 400],
    [undefined, 400],
  ])('is what USAGE_DAYS says, where it can be meant: %s is %s days', (value, days) => {
    expect(keptDays({ USAGE_DAYS: value }, 'USAGE_DAYS')).toBe(days)
  })
})
