/** A policy's bound on the answer: in the field of every format, in what is held of a budget, and in the record of the decision. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Intent } from '../../worker/schema/usage.ts'
import { forgetCallers } from '../../worker/store/callers.ts'
import { type Router, router } from '../security/workerd/router.ts'
import { callerOf, emptyRouter } from './admin/asking.ts'

const SECRETS = { ANTHROPIC_API_KEY: 'sk-ant', GEMINI_API_KEY: 'g', MISTRAL_API_KEY: 'm', COHERE_API_KEY: 'c' }
const TARGETS = {
  openai: 'openai/gpt-5-mini',
  anthropic: 'anthropic/claude-haiku-4-5',
  gemini: 'google/gemini-2.5-flash',
  mistral: 'mistral/mistral-small-2603',
} as const
const SAID = 'What is the capital of France?'

let key: string
beforeEach(async () => {
  await emptyRouter()
  forgetCallers()
  key = (await callerOf({ budgets: [{ window: 'day', limit_micros: 1_000_000_000, kind: 'hard' }] })).key
})

async function bound(target: string, output_tokens_at_most?: number): Promise<string> {
  const limits = output_tokens_at_most === undefined ? {} : { output_tokens_at_most }
  await env.KV.put('policy/bound', JSON.stringify({ name: 'bound', objective: { quality: 1 }, targets: [target], limits }))
  return 'policy/bound'
}
type Watched = Router & { intents: Intent[] }
function watched(): Watched {
  const intents: Intent[] = []
  const on = router({
    variables: SECRETS,
    change: deps => ({
      ...deps,
      intend: (intent, ctx) => {
        intents.push(intent)
        return deps.intend(intent, ctx)
      },
    }),
  })
  return { ...on, intents }
}
async function sent(on: Watched, path: string, body: object): Promise<Record<string, unknown>> {
  await on.ask('POST', path, { key, body })
  return JSON.parse(on.sent[0]?.text ?? '{}') as Record<string, unknown>
}
const messages = [{ role: 'user', content: SAID }]
const LIMITS = ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'generationConfig', 'thinking']
const limitsIn = (body: Record<string, unknown>) => Object.fromEntries(Object.entries(body).filter(([name]) => LIMITS.includes(name)))

describe('a request that sets no limit', () => {
  it.each([
    ['/v1/chat/completions', TARGETS.openai, { messages }, { max_completion_tokens: 500 }],
    ['/v1/chat/completions', TARGETS.mistral, { messages }, { max_tokens: 500 }],
    ['/v1/chat/completions', TARGETS.anthropic, { messages }, { max_tokens: 500 }],
    ['/v1/chat/completions', TARGETS.gemini, { messages }, { generationConfig: { maxOutputTokens: 500 } }],
    ['/v1/responses', TARGETS.openai, { input: SAID }, { max_completion_tokens: 500 }],
    ['/v1/responses', TARGETS.anthropic, { input: SAID }, { max_tokens: 500 }],
  ] as const)('at %s for %s is sent with the policy’s', async (path, target, body, limits) => {
    expect(limitsIn(await sent(watched(), path, { ...body, model: await bound(target, 500) }))).toEqual(limits)
  })
  it('is sent without one where the policy has none, to the letter', async () => {
    const on = watched()
    const body = { model: await bound(TARGETS.openai), messages }
    expect(await sent(on, '/v1/chat/completions', body)).toEqual({ ...body, model: 'gpt-5-mini' })
  })
  it('is bound by what the target can, where that is less', async () => {
    const body = await sent(watched(), '/v1/chat/completions', { messages, model: await bound(TARGETS.gemini, 1_000_000) })
    expect(limitsIn(body)).toEqual({ generationConfig: { maxOutputTokens: 65_536 } })
  })
})

describe('a request that sets a limit', () => {
  it.each([
    ['/v1/chat/completions', TARGETS.openai, { messages, max_tokens: 900 }, { max_completion_tokens: 500 }],
    ['/v1/chat/completions', TARGETS.openai, { messages, max_completion_tokens: 900, max_tokens: 900 }, { max_completion_tokens: 500 }],
    ['/v1/chat/completions', TARGETS.anthropic, { messages, max_completion_tokens: 900 }, { max_tokens: 500 }],
    ['/v1/messages', TARGETS.anthropic, { messages, max_tokens: 900 }, { max_tokens: 500 }],
    ['/v1/messages', TARGETS.openai, { messages, max_tokens: 900 }, { max_completion_tokens: 500 }],
  ] as const)('above the policy’s, at %s for %s, gets the policy’s', async (path, target, body, limits) => {
    expect(limitsIn(await sent(watched(), path, { ...body, model: await bound(target, 500) }))).toEqual(limits)
  })
  it.each([
    ['/v1/chat/completions', TARGETS.openai, { messages, max_completion_tokens: 300 }],
    ['/v1/messages', TARGETS.anthropic, { messages, max_tokens: 500 }],
  ] as const)('not above it keeps its own, at %s for %s, with no byte changed', async (path, target, body) => {
    const model = await bound(target, 500)
    expect(await sent(watched(), path, { ...body, model })).toEqual({ ...body, model: target.slice(target.indexOf('/') + 1) })
  })
  it('with a budget for thought that does not fit any more keeps half for it, or none', async () => {
    const body = { messages, max_tokens: 20_000, thinking: { type: 'enabled', budget_tokens: 10_000 } }
    const of = async (tokens: number) =>
      limitsIn(await sent(watched(), '/v1/messages', { ...body, model: await bound(TARGETS.anthropic, tokens) }))
    expect(await of(4_000)).toEqual({ max_tokens: 4_000, thinking: { type: 'enabled', budget_tokens: 2_000 } })
    expect(await of(1_500)).toEqual({ max_tokens: 1_500, thinking: { type: 'disabled' } })
  })
})

describe('what is held of a budget', () => {
  /** 8 USD per million tokens of output. */
  const DEAR = 'openai/gpt-4.1'
  const held = async (limits: number | undefined, body: object = {}) => {
    const on = watched()
    await sent(on, '/v1/chat/completions', { messages, model: await bound(DEAR, limits), ...body })
    return on.intents[0]?.reserved_micros ?? Number.NaN
  }
  it('is the most that the answer can cost: the bound, for each of its choices', async () => {
    const one = await held(5_000)
    expect(Math.floor(one / 1_000)).toBe(40)
    expect((await held(6_000)) - one).toBe(8_000)
    expect((await held(5_000, { n: 3 })) - one).toBe(80_000)
  })
  it('is by the caller’s own limit where that is lower, and by the policy’s assumption where there is no bound', async () => {
    expect((await held(5_000, { max_tokens: 1_000 })) - (await held(undefined, { max_tokens: 1_000 }))).toBe(0)
    expect(Math.floor((await held(undefined)) / 1_000)).toBe(8)
  })
})

describe('the decision', () => {
  it('says what the answer may have, and what was asked for', async () => {
    const on = watched()
    const response = await on.ask('POST', '/v1/chat/completions', {
      key,
      body: { messages, max_completion_tokens: 900, model: await bound(TARGETS.openai, 500) },
    })
    const shown = await on.ask('GET', `/v1/decisions/${response.headers.get('x-signalbox-decision')}`, { key })
    const { plan, explanation } = (await shown.json()) as { plan: { output_bound: object }; explanation: string[] }
    expect(plan.output_bound).toEqual({ tokens: 500, asked: 900 })
    expect(explanation).toContain('The answer may have 500 tokens by the policy; the caller asked for up to 900.')
  })
})
