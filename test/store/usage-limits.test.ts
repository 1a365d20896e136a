/** Limits where they are judged: in the organisation's object, raced, crashed and put to sleep. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { AccountLimits } from '../../worker/schema/limits.ts'
import type { Intent } from '../../worker/schema/usage.ts'
import type { UsageObject } from '../../worker/store/usage-object.ts'
import { batchOf, emptyStorage, intent, newOrg, settlement } from './fixture.ts'

beforeEach(emptyStorage)

const object = (org: string) => env.USAGE.getByName(org)
const of = (account: string, rest: Partial<AccountLimits>): AccountLimits => ({ account, budgets: [], rates: [], expensive: [], ...rest })
const asked = (org: string, accounts: AccountLimits[], rest: Partial<Intent> = {}): Intent =>
  intent({ org, limited: { hard: true, accounts, tokens: 300, output_micros_per_mtok: 1_000_000 }, ...rest })
const commit = async (org: string, ...intents: Intent[]) => object(org).commit(batchOf(intents))
const day = (limit_micros: number) => ({ window: 'day', limit_micros, kind: 'hard' }) as const

/** The same numbers whenever it runs. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe('a thousand requests at the same time', () => {
  it.each(['key:abcdefghijk', 'team:search', 'org'])('against a budget of %s for ten: exactly ten pass', async account => {
    const org = newOrg()
    const limits = [of(account, { budgets: [day(1_000)] })]
    const answers = (
      await Promise.all(Array.from({ length: 1_000 }, () => commit(org, asked(org, limits, { reserved_micros: 100 }))))
    ).flat()
    expect(answers.filter(answer => answer.ok)).toHaveLength(10)
    expect(answers.filter(answer => !answer.ok && answer.code === 'budget_exhausted')).toHaveLength(990)
  })
  it('against ten requests a minute: exactly ten pass', async () => {
    const org = newOrg()
    const limits = [of('org', { rates: [{ of: 'requests_per_minute', at_most: 10, kind: 'hard' }] })]
    const answers = (await Promise.all(Array.from({ length: 1_000 }, () => commit(org, asked(org, limits))))).flat()
    expect(answers.filter(answer => answer.ok)).toHaveLength(10)
  })
})

describe('rounds of requests with crashes between', () => {
  const LIMIT = 20_000
  const DEAREST = 400
  it.each([1, 2, 3, 4, 5, 6])('never go beyond the limit by more than one request’s error of estimate (round %i)', async seed => {
    const random = chance(seed)
    const org = newOrg()
    const limits = [of('key:abcdefghijk', { budgets: [day(LIMIT)] })]
    const open: Intent[] = []
    const costs: number[] = []
    let worst_error = 0
    let refused = 0
    for (let round = 0; round < 60; round++) {
      const wave = Array.from({ length: 1 + Math.floor(random() * 12) }, () =>
        asked(org, limits, { reserved_micros: 1 + Math.floor(random() * DEAREST) }),
      )
      const answers = (await Promise.all(wave.map(each => commit(org, each)))).flat()
      wave.forEach((each, i) => {
        if (answers[i]?.ok) open.push(each)
        else refused++
      })
      const ended = open.splice(0, Math.floor(random() * (open.length + 1)))
      for (const each of ended) {
        // Estimates are wrong in both directions; only what a request costs beyond its own can be beyond the limit.
        const cost_micros = Math.floor(each.reserved_micros * random() * 1.2)
        costs.push(cost_micros)
        worst_error += Math.max(0, cost_micros - each.reserved_micros)
        await object(org).commit(batchOf([], [settlement(each, { cost_micros })]))
      }
      if (random() < 0.3) await evictDurableObject(object(org))
      const [ledgers] = await object(org).ledgers(['key:abcdefghijk'])
      expect(ledgers?.day).toEqual({
        spent_micros: costs.reduce((sum, cost) => sum + cost, 0),
        held_micros: open.reduce((sum, each) => sum + each.reserved_micros, 0),
      })
      expect((ledgers?.day.spent_micros ?? 0) + (ledgers?.day.held_micros ?? 0)).toBeLessThanOrEqual(LIMIT + worst_error)
    }
    expect(refused).toBeGreaterThan(0)
  })
})

describe('an account', () => {
  it('is judged apart from the others of its organisation', async () => {
    const org = newOrg()
    const limits = (key: string) => [of(`key:${key}`, { budgets: [day(100)] })]
    expect((await commit(org, asked(org, limits('aaaaaaaaaaa'), { reserved_micros: 100 })))[0]?.ok).toBe(true)
    expect((await commit(org, asked(org, limits('bbbbbbbbbbb'), { reserved_micros: 100 })))[0]?.ok).toBe(true)
    expect((await commit(org, asked(org, limits('aaaaaaaaaaa'), { reserved_micros: 1 })))[0]).toMatchObject({
      ok: false,
      account: 'key:aaaaaaaaaaa',
    })
  })
  it('of an organisation counts what requests without any limit spent', async () => {
    const org = newOrg()
    const free = intent({ org, reserved_micros: 900 })
    await object(org).commit(batchOf([free], [settlement(free, { cost_micros: 900 })]))
    expect((await commit(org, asked(org, [of('org', { budgets: [day(1_000)] })], { reserved_micros: 101 })))[0]).toMatchObject({
      spent_micros: 900,
    })
  })
  it('keeps its rates, its requests under way and its spend while the object sleeps', async () => {
    const org = newOrg()
    const limits = [
      of('key:abcdefghijk', {
        rates: [
          { of: 'requests_per_minute', at_most: 2, kind: 'hard' },
          { of: 'concurrent_requests', at_most: 5, kind: 'hard' },
        ],
      }),
    ]
    await commit(org, asked(org, limits), asked(org, limits))
    await evictDurableObject(object(org))
    const [answer] = await commit(org, asked(org, limits))
    expect(answer).toMatchObject({ ok: false, of: 'requests_per_minute', used: 2 })
    expect(answer?.standing?.rates).toContainEqual(expect.objectContaining({ of: 'concurrent_requests', left: 3 }))
  })
  it('gives tokens back that an answer did not use', async () => {
    const org = newOrg()
    const limits = [of('key:abcdefghijk', { rates: [{ of: 'tokens_per_minute', at_most: 500, kind: 'hard' }] })]
    const first = asked(org, limits)
    await commit(org, first)
    expect((await commit(org, asked(org, limits)))[0]).toMatchObject({ ok: false, code: 'limit_reached', used: 300 })
    await object(org).commit(batchOf([], [settlement(first)]))
    // 90 tokens in and 150 out, of 300 that were estimated.
    expect((await commit(org, asked(org, limits)))[0]).toMatchObject({ ok: false, used: 240 })
    expect(
      (await commit(org, asked(org, limits, { limited: { hard: true, accounts: limits, tokens: 260, output_micros_per_mtok: null } })))[0]
        ?.ok,
    ).toBe(true)
  })
  it('begins with what was spent before there was a limit', async () => {
    const org = newOrg()
    await object(org).openAccount('key:abcdefghijk', [[Math.floor(Date.now() / 86_400_000), 950]])
    await evictDurableObject(object(org))
    expect((await commit(org, asked(org, [of('key:abcdefghijk', { budgets: [day(1_000)] })], { reserved_micros: 51 })))[0]).toMatchObject({
      ok: false,
      spent_micros: 950,
    })
  })
  it('has the true cost of an orphan that was only slow', async () => {
    const org = newOrg()
    const limits = [of('key:abcdefghijk', { budgets: [day(1_000)] })]
    const slow = asked(org, limits, { expires_at_ms: Date.now() - 1 })
    await commit(org, slow)
    await runDurableObjectAlarm(object(org))
    await evictDurableObject(object(org))
    await object(org).commit(batchOf([], [settlement(slow, { cost_micros: 700 })]))
    expect(await object(org).ledgers(['key:abcdefghijk', 'org'])).toMatchObject([
      { day: { spent_micros: 700, held_micros: 0 } },
      { day: { spent_micros: 700 } },
    ])
  })
  it('is not there for who has no limit', async () => {
    const org = newOrg()
    await commit(org, intent({ org }))
    const kept = await runInDurableObject(object(org), (_: UsageObject, state) =>
      state.storage.sql.exec('SELECT name FROM accounts').toArray(),
    )
    expect(kept).toEqual([])
  })
})
