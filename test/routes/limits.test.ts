/** Limits as callers meet them, through the Worker's own door: statuses, words and headers in their dialect. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OrgLimits } from '../../worker/schema/limits.ts'
import { forgetCallers } from '../../worker/store/callers.ts'
import type { KeyFields } from '../../worker/store/keys.ts'
import { limitsKey } from '../../worker/store/org-limits.ts'
import { ask, callerOf, emptyRouter, errorOf } from './admin/asking.ts'

beforeAll(emptyRouter)

const MESSAGES = [{ role: 'user', content: 'What is the capital of France?' }]
const chat = (key: string, model = 'demo/small') => ask('POST', '/v1/chat/completions', { key, body: { model, messages: MESSAGES } })
const message = (key: string) =>
  ask('POST', '/v1/messages', {
    key,
    body: { model: 'demo/small', max_tokens: 50, messages: MESSAGES },
    headers: { 'anthropic-version': '2023-06-01' },
  })
const keyOf = async (fields: Partial<KeyFields>) => (await callerOf(fields)).key

async function limit(org: string, change: Partial<OrgLimits>): Promise<void> {
  const none = { budgets: [], rates: [], expensive: [] }
  await env.KV.put(limitsKey(org), JSON.stringify({ v: 1, org, limits: none, teams: {}, webhook: null, ...change }))
  forgetCallers()
}
const limits = (rest: Partial<OrgLimits['limits']>): OrgLimits['limits'] => ({ budgets: [], rates: [], expensive: [], ...rest })

describe('a budget', () => {
  it('of the organisation refuses any of its keys, in words that say whose, how much and when', async () => {
    await limit('poor', { limits: limits({ budgets: [{ window: 'month', limit_micros: 1, kind: 'hard' }] }) })
    const response = await chat(await keyOf({ org: 'poor' }), 'demo/large')
    expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([402, true])
    expect((await errorOf(response)).message).toMatch(
      /^The month budget of \$0.000001 for this organisation .* It resets at \d{4}-\d\d-01T00:00:00.000Z\.$/,
    )
  })
  it('of a team refuses that team and no other', async () => {
    await limit('split', { teams: { red: limits({ budgets: [{ window: 'day', limit_micros: 0, kind: 'hard' }] }) } })
    expect((await chat(await keyOf({ org: 'split', team: 'red' }))).status).toBe(402)
    expect((await chat(await keyOf({ org: 'split', team: 'blue' }))).status).toBe(200)
    expect((await chat(await keyOf({ org: 'split' }))).status).toBe(200)
  })
  it('that is soft answers, and warns in a header', async () => {
    const response = await chat(await keyOf({ org: 'warned', budgets: [{ window: 'day', limit_micros: 1, kind: 'soft' }] }), 'demo/large')
    expect([response.status, response.headers.get('x-signalbox-warning')]).toEqual([
      200,
      expect.stringMatching(/^The day budget of \$0.000001 for this key/),
    ])
  })
  it('is said in Anthropic’s words to Anthropic’s clients', async () => {
    const key = await keyOf({
      org: 'other',
      rates: [{ of: 'requests_per_minute', at_most: 5, kind: 'hard' }],
      budgets: [{ window: 'day', limit_micros: 0, kind: 'hard' }],
    })
    const response = await message(key)
    expect([response.status, response.headers.get('anthropic-ratelimit-requests-remaining')]).toEqual([402, '5'])
    expect((await response.json()) as object).toMatchObject({ type: 'error', error: { type: 'billing_error', code: 'budget_exhausted' } })
  })
})

describe('a rate', () => {
  it('is told with every answer, and refuses with 429 and when to come back', async () => {
    const key = await keyOf({ org: 'rated', rates: [{ of: 'requests_per_minute', at_most: 2, kind: 'hard' }] })
    const left: (string | null)[] = []
    for (let i = 0; i < 2; i++) left.push((await chat(key)).headers.get('x-ratelimit-remaining-requests'))
    const refused = await chat(key)
    const wait_s = Number(refused.headers.get('retry-after'))
    expect([left, refused.status, wait_s > 0 && wait_s <= 61]).toEqual([['1', '0'], 429, true])
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe('2')
    expect(refused.headers.get('x-ratelimit-reset-requests')).toMatch(/^(1m)?\d+s$/)
    expect(await errorOf(refused)).toMatchObject({
      code: 'limit_reached',
      type: 'rate_limit_error',
      message: expect.stringContaining('2 requests a minute for this key'),
    })
  })
  it('is told to Anthropic’s clients in their headers', async () => {
    const key = await keyOf({ org: 'rated-too', rates: [{ of: 'tokens_per_minute', at_most: 10_000, kind: 'hard' }] })
    const { headers } = await message(key)
    expect(headers.get('anthropic-ratelimit-tokens-limit')).toBe('10000')
    expect(Number(headers.get('anthropic-ratelimit-tokens-remaining'))).toBeLessThan(10_000)
    expect(headers.get('anthropic-ratelimit-tokens-reset')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })
  it('of one key leaves the others alone, and who has no limits sees no such header', async () => {
    const free = await chat(await keyOf({ org: 'rated' }))
    expect([free.status, [...free.headers.keys()].filter(name => /ratelimit|warning/.test(name))]).toEqual([200, []])
  })
})

describe('the share of dear targets', () => {
  it('leaves cheap ones once it is used up, and the decision says why', async () => {
    const key = await keyOf({ org: 'hard-looking', expensive: [{ share: 0.2, above_micros_per_mtok: 1 }] })
    const first = await chat(key, 'demo/large')
    expect(first.headers.get('x-signalbox-target')).toBe('demo/large')
    const second = await chat(key, 'demo/large')
    expect([second.status, (await errorOf(second)).message]).toEqual([422, expect.stringContaining('refused for expensive_share')])
    const dry = await ask('POST', '/v1/route', { key, body: { model: 'auto', messages: MESSAGES } })
    expect(((await dry.json()) as { refused: { reason: string }[] }).refused.map(({ reason }) => reason)).toContain('expensive_share')
  })
})

describe('limits that cannot be read', () => {
  it('close the door rather than vanish', async () => {
    const key = await keyOf({ org: 'broken' })
    await env.KV.put(limitsKey('broken'), '{"v":1,"org":"broken","limits":{"budgets":"none"}}')
    forgetCallers()
    expect((await chat(key)).status).toBe(503)
  })
})
