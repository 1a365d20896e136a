/** Pings, from the cron to their usage rows, in workerd with real bindings; the provider is a stand-in that notes what it was sent. */
import { createExecutionContext, runDurableObjectAlarm, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { makeDeps } from '../../worker/env.ts'
import { keepWarm } from '../../worker/routes/warm.ts'
import { PINGS_ORG } from '../../worker/store/pings.ts'
import { emptyStorage } from '../store/fixture.ts'
import { promptReports } from './prompt-reports.ts'

const TARGET = 'ollama/small'
const MINUTE = 60_000
let sent: { url: string; body: { model: string; max_tokens: number } }[]

beforeEach(async () => {
  await emptyStorage()
  sent = []
})

const STREAM = [
  '{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"p"},"finish_reason":null}]}',
  '{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}',
  '[DONE]',
]
  .map(data => `data: ${data}\n\n`)
  .join('')

/** A router with an own server that sleeps; a policy with `warm` over it. */
async function router(warm: Record<string, unknown> | null, status = 200) {
  const policy = { name: 'default', objective: { quality: 1 }, ...(warm && { warm: { targets: ['ollama/*'], ...warm } }) }
  await env.KV.put('policy/default', JSON.stringify(policy))
  const variables = {
    ...env,
    OLLAMA_URL: 'http://127.0.0.1:1/v1',
    OLLAMA_MODELS: 'small',
    VLLM_URL: 'http://127.0.0.1:2/v1',
    VLLM_MODELS: 'other',
  }
  const deps = promptReports(makeDeps(variables))
  const fetch = async (_: string, url: string, init: RequestInit) => {
    sent.push({ url, body: JSON.parse(String(init.body)) })
    return status === 200 ? new Response(STREAM, { headers: { 'content-type': 'text/event-stream' } }) : new Response('{}', { status })
  }
  return async () => {
    const ctx = createExecutionContext()
    const called = await keepWarm(variables, { ...deps, effects: { ...deps.effects, fetch } }, ctx)
    await waitOnExecutionContext(ctx)
    await runDurableObjectAlarm(env.USAGE.getByName(PINGS_ORG))
    return called
  }
}

/** The region of Europe has heard this of a target, so many minutes ago. */
const heard = (target: string, kind: 'ok' | 'connection', minutes: number, times = 1) =>
  env.HEALTH.getByName('eu').report({
    v: 1,
    isolate: `of ${target}`,
    region: 'eu',
    seq: 1,
    outcomes: Array.from({ length: times }, (_, i) => ({
      target,
      class: kind,
      decision_id: `d${i}`,
      org: 'acme',
      size: 's',
      sent_at_ms: Date.now() - minutes * MINUTE,
      at_ms: Date.now() - minutes * MINUTE,
      first_token_ms: kind === 'ok' ? 300 : null,
      tokens_per_second: null,
      retry_after_ms: null,
      probe: false,
    })),
    wants_probe: [],
  })
const rows = async () =>
  (await env.DB.prepare('SELECT org, task, target, outcome, attempts FROM usage').all<{ org: string; task: string; attempts: string }>())
    .results

describe('a policy that keeps a target awake', () => {
  it('calls it with one token while another is shut, and accounts for it as a ping of nobody', async () => {
    const look = await router({})
    await heard('vllm/other', 'connection', 0, 6)
    expect(await look()).toEqual([TARGET])
    expect(sent).toMatchObject([{ url: 'http://127.0.0.1:1/v1/chat/completions', body: { model: 'small', max_tokens: 1 } }])
    const [row] = await rows()
    expect(row).toMatchObject({ org: PINGS_ORG, task: 'ping', target: TARGET, outcome: 'completed' })
    expect(JSON.parse(row?.attempts ?? '[]')).toMatchObject([{ role: 'ping', class: 'ok' }])
  })
  it('calls nobody while nobody is in need of it', async () => {
    const look = await router({})
    await heard(TARGET, 'ok', 0)
    expect(await look()).toEqual([])
    expect(sent).toEqual([])
  })
  it('calls no oftener than the day allows', async () => {
    const look = await router({ requests_per_day: 1 })
    await heard('vllm/other', 'connection', 0, 6)
    expect(await look()).toEqual([TARGET])
    expect(await look()).toEqual([])
    expect(sent).toHaveLength(1)
  })
  it('accounts for a ping that failed', async () => {
    const look = await router({}, 503)
    await heard('vllm/other', 'connection', 0, 6)
    await look()
    expect(await rows()).toMatchObject([{ org: PINGS_ORG, outcome: 'failed' }])
  })
})

describe('a policy that says nothing of it', () => {
  it('has nobody called', async () => {
    const look = await router(null)
    await heard('vllm/other', 'connection', 0, 6)
    expect(await look()).toEqual([])
    expect(sent).toEqual([])
  })
})
