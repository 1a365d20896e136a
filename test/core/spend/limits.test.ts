/** Limits of key, team and organisation together, without any storage. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Account,
  type Asking,
  admitsDear,
  type Begun,
  begin,
  emptyAccount,
  end,
  judge,
  standing,
  untold,
} from '../../../worker/core/spend/limits.ts'
import type { AccountLimits, Budget, Rate } from '../../../worker/schema/limits.ts'

const NOW = Date.parse('2026-11-24T12:00:00Z')
const KEY = 'key:abcdefghijk'
const of = (account: string, rest: Partial<AccountLimits>): AccountLimits => ({ account, budgets: [], rates: [], expensive: [], ...rest })
const day = (limit_micros: number, kind: Budget['kind'] = 'hard'): Budget => ({ window: 'day', limit_micros, kind })
const rate = (what: Rate['of'], at_most: number, kind: Rate['kind'] = 'hard'): Rate => ({ of: what, at_most, kind })

/** Somebody who keeps accounts, and what asks him. */
function books() {
  const accounts = new Map<string, Account>()
  const accountOf = (name: string) => {
    const account = accounts.get(name) ?? emptyAccount()
    accounts.set(name, account)
    return account
  }
  const asking = (
    limits: AccountLimits[],
    rest: { micros?: number; tokens?: number; price?: number | null; at_ms?: number } = {},
  ): Asking => ({
    at_ms: rest.at_ms ?? NOW,
    reserved_micros: rest.micros ?? 0,
    limited: { hard: true, accounts: limits, tokens: rest.tokens ?? 0, output_micros_per_mtok: rest.price === undefined ? 1 : rest.price },
  })
  return {
    accountOf,
    ask(limits: AccountLimits[], rest: Parameters<typeof asking>[1] & { now_ms?: number } = {}) {
      const now_ms = rest.now_ms ?? rest.at_ms ?? NOW
      const wanted = asking(limits, rest)
      const { refusal, warnings } = judge(wanted, accountOf, now_ms)
      const begun: Begun | null = refusal === null ? begin(wanted, accountOf, now_ms) : null
      return { refusal, warnings, begun, stands: standing(wanted.limited, accountOf, warnings, now_ms) }
    },
  }
}

describe('a budget', () => {
  it.each([
    ['a key', KEY],
    ['a team', 'team:search'],
    ['an organisation', 'org'],
  ])('of %s refuses what does not fit any more, and says whose it is', (_, account) => {
    const { ask } = books()
    const limits = [of(account, { budgets: [day(1_000)] })]
    expect(ask(limits, { micros: 600 }).refusal).toBeNull()
    expect(ask(limits, { micros: 401 }).refusal).toEqual({
      ok: false,
      code: 'budget_exhausted',
      account,
      window: 'day',
      limit_micros: 1_000,
      spent_micros: 0,
      held_micros: 600,
      resets_at_ms: Date.parse('2026-11-25T00:00:00Z'),
    })
    expect(ask(limits, { micros: 400 }).refusal).toBeNull()
  })
  it('of the organisation binds two keys together, of which each has room of its own', () => {
    const { ask } = books()
    const org = of('org', { budgets: [day(1_000)] })
    expect(ask([of('key:a', { budgets: [day(900)] }), org], { micros: 700 }).refusal).toBeNull()
    expect(ask([of('key:b', { budgets: [day(900)] }), org], { micros: 700 }).refusal).toMatchObject({ account: 'org' })
    expect(ask([of('key:a', { budgets: [day(900)] }), org], { micros: 250 }).refusal).toMatchObject({ account: 'key:a' })
  })
  it('that refuses leaves nothing behind in any account', () => {
    const { ask, accountOf } = books()
    ask([of('key:a', {}), of('org', { budgets: [day(10)] })], { micros: 11 })
    expect([accountOf('key:a').concurrent, accountOf('key:a').days.size, accountOf('org').days.size]).toEqual([0, 0, 0])
  })
  it('of several that refuse tells the one that resets last', () => {
    const { ask } = books()
    const budgets = (['day', 'month', 'week'] as const).map((window): Budget => ({ window, limit_micros: 1, kind: 'hard' }))
    expect(ask([of(KEY, { budgets })], { micros: 2 }).refusal).toMatchObject({ window: 'month' })
  })
  it('that is soft only warns', () => {
    const { ask } = books()
    expect(ask([of(KEY, { budgets: [day(1, 'soft')] })], { micros: 2 })).toMatchObject({ refusal: null, warnings: [{ window: 'day' }] })
  })
  it('counts a request for the day on which it was decided', () => {
    const { ask } = books()
    const limits = [of(KEY, { budgets: [day(100)] })]
    const midnight = Date.parse('2026-11-25T00:00:00Z')
    expect(ask(limits, { micros: 100, at_ms: midnight - 1 }).refusal).toBeNull()
    expect(ask(limits, { micros: 100, at_ms: midnight }).refusal).toBeNull()
    expect(ask(limits, { micros: 1, at_ms: midnight - 1, now_ms: midnight + 5 }).refusal).not.toBeNull()
  })
  it('never lets what is spent and held together pass the limit of any account, while no cost exceeds its hold', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b'),
      micros: fc.nat(300),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      ends: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const { ask, accountOf } = books()
        const open: [Begun, number][] = []
        for (const { key, micros, share, ends } of steps) {
          const limits = [of(`key:${key}`, { budgets: [day(700)] }), of('org', { budgets: [day(1_000)] })]
          const { begun } = ask(limits, { micros })
          if (begun) open.push([begun, Math.floor(micros * share)])
          const ended = ends ? open.pop() : undefined
          if (ended) end(ended[0], accountOf, ended[1], null)
          for (const [name, limit] of [
            ['key:a', 700],
            ['key:b', 700],
            ['org', 1_000],
          ] as const) {
            for (const { spent_micros, held_micros } of accountOf(name).days.values())
              expect(spent_micros + held_micros).toBeLessThanOrEqual(limit)
          }
        }
        for (const [begun, cost] of open) end(begun, accountOf, cost, null)
        for (const { held_micros } of accountOf('org').days.values()) expect(held_micros).toBe(0)
      }),
    )
  })
})

describe('requests a minute', () => {
  const limits = [of(KEY, { rates: [rate('requests_per_minute', 3)] })]
  it('are taken up to the number and refused beyond, with when the next one fits', () => {
    const { ask } = books()
    for (const wait_ms of [0, 1_000, 2_000]) expect(ask(limits, { now_ms: NOW + wait_ms }).refusal).toBeNull()
    expect(ask(limits, { now_ms: NOW + 2_500 }).refusal).toEqual({
      ok: false,
      code: 'limit_reached',
      account: KEY,
      of: 'requests_per_minute',
      at_most: 3,
      used: 3,
      need: 1,
      resets_at_ms: NOW + 61_000,
    })
    expect(ask(limits, { now_ms: NOW + 61_000 }).refusal).toBeNull()
  })
  it('do not start anew at the full minute', () => {
    const { ask } = books()
    for (let i = 0; i < 3; i++) ask(limits, { now_ms: NOW - 500 })
    expect(ask(limits, { now_ms: NOW + 500 }).refusal).not.toBeNull()
  })
  it('that were refused do not count', () => {
    const { ask } = books()
    for (let i = 0; i < 3; i++) ask(limits)
    for (let i = 0; i < 50; i++) ask(limits, { now_ms: NOW + 30_000 })
    expect(ask(limits, { now_ms: NOW + 61_000 }).refusal).toBeNull()
  })
})

describe('tokens a minute', () => {
  const limits = [of(KEY, { rates: [rate('tokens_per_minute', 1_000)] })]
  it('are counted by estimate, and corrected when the answer has ended', () => {
    const { ask, accountOf } = books()
    const { begun } = ask(limits, { tokens: 800 })
    expect(ask(limits, { tokens: 300 }).refusal).toMatchObject({ of: 'tokens_per_minute', used: 800, need: 300 })
    if (begun) end(begun, accountOf, null, 500)
    expect(ask(limits, { tokens: 300 }).refusal).toBeNull()
    expect(ask(limits, { tokens: 201 }).refusal).not.toBeNull()
  })
  it('of one request above the whole limit never fit', () => {
    expect(books().ask(limits, { tokens: 1_001 }).refusal).toMatchObject({ used: 0, need: 1_001 })
  })
})

describe('requests at the same time', () => {
  it('are counted from their beginning to their end', () => {
    const { ask, accountOf } = books()
    const limits = [of('team:search', { rates: [rate('concurrent_requests', 2)] })]
    const first = ask(limits).begun
    expect(ask(limits).refusal).toBeNull()
    expect(ask(limits).refusal).toMatchObject({ of: 'concurrent_requests', used: 2, resets_at_ms: NOW + 1_000 })
    if (first) end(first, accountOf, 0, 0)
    expect(ask(limits).refusal).toBeNull()
  })
})

describe('the share of dear targets', () => {
  const limits = [of(KEY, { expensive: [{ share: 0.25, above_micros_per_mtok: 10_000_000 }] })]
  const DEAR = 15_000_000
  it('bars dear targets once it is used up, and lets them in again as others are chosen', () => {
    const { ask } = books()
    expect(ask(limits, { price: DEAR }).stands.too_dear_above_micros_per_mtok).toBe(10_000_000)
    for (let i = 0; i < 5; i++) expect(ask(limits, { price: 1 }).stands.too_dear_above_micros_per_mtok).toBe(10_000_000)
    expect(ask(limits, { price: 1 }).stands.too_dear_above_micros_per_mtok).toBeNull()
  })
  it('counts an unknown price as dear, and one that is just at the bound not', () => {
    const { ask } = books()
    expect(ask(limits, { price: 10_000_000 }).stands.too_dear_above_micros_per_mtok).toBeNull()
    expect(ask(limits, { price: null }).stands.too_dear_above_micros_per_mtok).toBe(10_000_000)
  })
  it('is judged by price when there are several, and the cheapest that is used up counts', () => {
    const { ask } = books()
    const several = [
      of(KEY, {
        expensive: [
          { share: 0.5, above_micros_per_mtok: 1_000_000 },
          { share: 0.25, above_micros_per_mtok: 10_000_000 },
        ],
      }),
    ]
    const bar = (price: number) => ask(several, { price }).stands.too_dear_above_micros_per_mtok
    expect(bar(DEAR)).toBe(1_000_000)
    expect([bar(1), bar(1)]).toEqual([1_000_000, 10_000_000])
    expect(bar(2_000_000)).toBe(1_000_000)
  })
  it('of nothing admits none, of all admits every one, and of some the first', () => {
    expect([admitsDear(0, 0, 0), admitsDear(1, 99, 99), admitsDear(0.01, 0, 0), admitsDear(0.01, 1, 1)]).toEqual([false, true, true, false])
  })
  it('keeps the share that was asked for, of any length of traffic that obeys it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.array(fc.boolean(), { minLength: 10, maxLength: 300 }),
        (share, wants) => {
          let [dear, chosen] = [0, 0]
          for (const wanted of wants) {
            if (wanted && admitsDear(share, dear, chosen)) dear++
            chosen++
            expect(dear).toBeLessThanOrEqual(Math.max(1, share * chosen))
          }
        },
      ),
    )
  })
})

describe('what is told', () => {
  it('of rates is that account which leaves least', () => {
    const { ask } = books()
    const limits = [of(KEY, { rates: [rate('requests_per_minute', 10)] }), of('org', { rates: [rate('requests_per_minute', 4)] })]
    ask(limits)
    expect(ask(limits).stands.rates).toEqual([{ of: 'requests_per_minute', at_most: 4, left: 2, resets_at_ms: NOW + 61_000 }])
  })
  it('of a soft limit is told once in its window', () => {
    const { ask, accountOf } = books()
    const limits = [of(KEY, { budgets: [day(1, 'soft')], rates: [rate('requests_per_minute', 1, 'soft')] })]
    const told = (now_ms: number) => untold(ask(limits, { micros: 2, now_ms, at_ms: now_ms }).warnings, accountOf, now_ms).length
    expect([told(NOW), told(NOW + 1), told(NOW + 60_000)]).toEqual([1, 1, 0])
    expect(told(Date.parse('2026-11-25T00:00:00Z'))).toBe(1)
  })
})
