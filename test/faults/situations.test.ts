/**
 * The sixteen situations against the real dev server, set up as somebody would who has two addresses and nothing else: variables and
 * one policy, as in "Try it against your own fault upstream" in the README. In `npm run faults` at full timing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../e2e/server.ts'
import { startDevServer } from '../e2e/start.ts'
import { TIMING } from './rows.ts'
import { fallback, flapping, type Heard, SITUATIONS, type Situation } from './situations.ts'
import { SETUP_MS } from './table.ts'
import { type FaultUpstream, startUpstream } from './upstream.ts'

const FLAPPING = 's15'
const PRIMARIES = [...SITUATIONS.map(({ id }) => id.toLowerCase()), FLAPPING]
const FALLBACKS: Record<Situation['fallback'], string> = { 'takes a beginning': 'fb-ok', 'refuses a beginning': 'fb-ok-noprefill' }
const fallbackOf = (model: string) => FALLBACKS[SITUATIONS.find(({ id }) => id.toLowerCase() === model)?.fallback ?? 'takes a beginning']

const POLICY = {
  name: 'default',
  objective: { quality: 1 },
  groups: Object.fromEntries(PRIMARIES.map(model => [model, [`vllm/${model}`, `llamacpp/${fallbackOf(model)}`]])),
  rules: [{ name: 'primary-first', when: 'true', do: { pin: 'vllm/*' } }],
  limits: { attempts: 3, attempts_per_target: 2, retry_after_at_most_ms: 3_000, headers_ms: 30_000, ...TIMING },
}

let server: TestServer
let primary: FaultUpstream
let second: FaultUpstream

beforeAll(async () => {
  primary = await startUpstream()
  second = await startUpstream()
  server = await startServer({
    startWith: startDevServer,
    vars: {
      VLLM_URL: primary.url,
      VLLM_MODELS: PRIMARIES.join(','),
      VLLM_CONTEXT_TOKENS: '8192',
      LLAMACPP_URL: second.url,
      LLAMACPP_MODELS: Object.values(FALLBACKS).join(','),
      LLAMACPP_CONTEXT_TOKENS: '131072',
    },
  })
  await server.putPolicy('default', JSON.stringify(POLICY))
  for (const [takes, model] of Object.entries(FALLBACKS)) second.does(model, fallback(takes as Situation['fallback']))
  const known = async () => (await fetch(`${server.url}/v1/models`, { headers: { authorization: `Bearer ${server.key}` } })).text()
  while (!(await known()).includes(`"${FLAPPING}"`)) await sleep(200)
}, SETUP_MS)

afterAll(async () => {
  await server?.stop()
  await primary?.stop()
  await second?.stop()
})

async function ask(model: string, stream: boolean): Promise<Heard> {
  const started_ms = performance.now()
  const reply = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      stream,
      ...(stream && { stream_options: { include_usage: true } }),
      temperature: 0,
      messages: [{ role: 'user', content: 'Count.' }],
    }),
  })
  const text = await reply.text()
  const took_ms = Math.round(performance.now() - started_ms)
  const data =
    stream && reply.ok
      ? text.split('\n').flatMap(line => (line.startsWith('data: {') ? [JSON.parse(line.slice(6))] : []))
      : [JSON.parse(text)]
  return {
    status: reply.status,
    text,
    took_ms,
    content: data.map(each => each.choices?.[0]?.delta?.content ?? each.choices?.[0]?.message?.content ?? '').join(''),
    model: data.findLast(each => each.model)?.model ?? '',
    usage: data.findLast(each => each.usage)?.usage ?? null,
  }
}

describe('the sixteen situations', () => {
  for (const { id, title, needs, primary: behaviours, forms, check } of SITUATIONS) {
    for (const form of forms) {
      it(`${id} ${title}${form === 'whole' ? ', not streamed' : ''}: ${needs}`, async ({ task }) => {
        const fault = `${title}${form === 'whole' ? ', not streamed' : ''}`
        const note = { id: form === 'whole' ? `${id}-WHOLE` : id, fault, expected: needs, where: 'worker' as const, seen: 'failed' }
        task.meta.note = note
        const model = id.toLowerCase()
        const fallback_model = fallbackOf(model)
        const [calls, calls_second] = [primary.of(model).length, second.of(fallback_model).length]
        primary.does(model, ...behaviours)
        const heard = await ask(model, form === 'stream')
        const [to_primary, to_second] = [primary.of(model).slice(calls), second.of(fallback_model).slice(calls_second)]
        check(heard, to_primary, to_second, TIMING)
        note.seen = `${heard.status} in ${heard.took_ms} ms, calls ${to_primary.length} + ${to_second.length}`
      }, 120_000)
    }
  }
  it('S15 a primary that fails and comes back: used again within 30 s', async ({ task }) => {
    const note = {
      id: 'S15',
      fault: 'a primary that fails and comes back',
      expected: 'used again within 30 s',
      where: 'worker' as const,
      seen: 'failed',
    }
    task.meta.note = note
    const { back_after_ms, requests } = await flapping(
      () => ask(FLAPPING, true),
      primary,
      FLAPPING,
      ms => sleep(ms),
    )
    expect(back_after_ms).toBeLessThan(30_000)
    note.seen = `back after ${back_after_ms} ms, ${requests} requests`
  }, 120_000)
})
