/**
 * Rows of the fault table against the whole router in workerd: two upstreams that do as they are told, a policy that prefers the first, and
 * for each row a model of its own, so that no row's evidence touches another's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../e2e/server.ts'
import { type Row, type Seen, TIMING } from './rows.ts'
import { answers, type FaultUpstream, startUpstream } from './upstream.ts'

/** A server is bundled and started; on a machine with other work that was seen to take two minutes. */
export const SETUP_MS = 400_000

export type House = {
  server: TestServer
  first: FaultUpstream
  second: FaultUpstream
  post(model: string, stream: boolean, signal?: AbortSignal): Promise<Response>
  /** Of every request of the table. */
  decisions: string[]
}

/** Other policies and models that a file's own tests need, and where the other servers are said to be. */
export type Extras = { models?: string[]; policies?: Record<string, unknown>; urls?: () => Promise<Record<string, string>> }

const providerOf = (row: Row) => row.provider ?? 'vllm'
const firstOf = (row: Row) => `${providerOf(row)}/${row.id}`

/** Declares the tests; what is handed back is filled in before the first of them runs. */
export function table(rows: Row[], extras: Extras = {}): House {
  const house = { decisions: [] } as unknown as House
  const modelsOf = (provider: string) => rows.filter(row => providerOf(row) === provider).map(row => row.id)
  const limits = { attempts: 3, attempts_per_target: 2, retry_after_at_most_ms: 3_000, headers_ms: 30_000, ...TIMING }
  /** The upstream here says its lines whatever beginning it is shown, so nobody is asked to go on from one. */
  const rescue = { by: ['restart'] }
  const pin = (provider: string, ids: string[]) => ({
    name: `${provider} first`,
    when: `request.model in [${ids.map(id => `"${id}"`).join(', ')}]`,
    do: { pin: `${provider}/*` },
  })

  beforeAll(async () => {
    const first = await startUpstream()
    const second = await startUpstream()
    const server = await startServer({
      vars: {
        VLLM_URL: first.url,
        VLLM_MODELS: [...modelsOf('vllm'), ...(extras.models ?? [])].join(','),
        OLLAMA_MODELS: modelsOf('ollama').join(','),
        LMSTUDIO_MODELS: modelsOf('lmstudio').join(','),
        LLAMACPP_URL: second.url,
        LLAMACPP_MODELS: rows.map(row => row.id).join(','),
        ...(await extras.urls?.()),
      },
    })
    Object.assign(house, { server, first, second, post: poster(server) })
    const policies: Record<string, unknown> = { ...extras.policies }
    for (const row of rows.filter(each => each.limits)) {
      const targets = [firstOf(row), `llamacpp/${row.id}`]
      const rules = [{ name: 'first', when: 'true', do: { pin: firstOf(row) } }]
      policies[row.id] = { name: row.id, objective: { quality: 1 }, targets, rules, limits: { ...limits, ...row.limits }, rescue }
    }
    const groups = Object.fromEntries(rows.map(row => [row.id, [firstOf(row), `llamacpp/${row.id}`]]))
    const providers = [...new Set(rows.map(providerOf))]
    const rules = providers.map(provider => pin(provider, modelsOf(provider)))
    policies.default = { name: 'default', objective: { quality: 1 }, groups, rules, limits, rescue }
    await server.putPolicies(policies)
    // Running isolates take a policy up within seconds.
    const known = async () => (await fetch(`${server.url}/v1/models`, { headers: headersFor(server) })).text()
    while (!(await known()).includes(`"${rows[0]?.id}"`)) await sleep(200)
  }, SETUP_MS)

  afterAll(async () => {
    await house.server?.stop()
    await house.first?.stop()
    await house.second?.stop()
  })

  describe('what an upstream does, and what the caller sees', () => {
    for (const row of rows) {
      const { fault, expected } = row
      it(`${row.id.toUpperCase()} ${fault}: ${expected}`, async ({ task }) => {
        const note = { id: row.id.toUpperCase(), fault, expected, where: 'worker' as const, seen: 'failed' }
        task.meta.note = note
        const { first, second } = house
        first.does(row.id, ...row.first)
        second.does(row.id, ...(row.second ?? [answers('second')]))
        let seen = await ask(row, house)
        for (let time = 1; time < (row.times ?? 1); time++) seen = await ask(row, house)
        row.check(seen)
        expect(seen.first.length + seen.second.length).toBeLessThanOrEqual(3 * (row.times ?? 1))
        note.seen = `${seen.status} in ${seen.took_ms} ms, calls ${seen.first.length} + ${seen.second.length}`
      }, 90_000)
    }
  })

  describe('after all of it', () => {
    it('the router answers at once', async () => {
      const { first, post } = house
      const last =
        rows.find(row => providerOf(row) === 'vllm' && row.id.startsWith('f0')) ?? rows.findLast(row => providerOf(row) === 'vllm')
      first.does(last?.id ?? '', answers('still here'))
      const started_ms = performance.now()
      expect((await post(last?.id ?? '', false)).status).toBe(200)
      expect(performance.now() - started_ms).toBeLessThan(2_000)
    })
    it('every request has exactly one usage row', async () => {
      const { server, decisions } = house
      const list = decisions.map(id => `'${id}'`).join(',')
      const counted = () =>
        server.query<{ decision_id: string; n: number }>(
          `SELECT decision_id, COUNT(*) AS n FROM usage WHERE decision_id IN (${list}) GROUP BY decision_id`,
        )
      await expect.poll(async () => (await counted()).length, { timeout: 35_000, interval: 2_000 }).toBe(new Set(decisions).size)
      expect((await counted()).filter(each => each.n !== 1)).toEqual([])
    }, 50_000)
  })
  return house
}

const headersFor = (server: TestServer) => ({ authorization: `Bearer ${server.key}`, 'content-type': 'application/json' })

const poster =
  (server: TestServer): House['post'] =>
  (model, stream, signal) =>
    fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: headersFor(server),
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello' }] }),
      signal,
    })

async function ask(row: Row, { first, second, post, decisions }: House): Promise<Seen> {
  const started_ms = performance.now()
  const reply = await post(row.limits ? `policy/${row.id}` : row.id, row.stream)
  const text = await reply.text()
  const took_ms = Math.round(performance.now() - started_ms)
  await expect
    .poll(() => [...first.of(row.id), ...second.of(row.id)].every(each => each.done || each.hung_up_after_ms !== null), { timeout: 5_000 })
    .toBe(true)
  const decision = reply.headers.get('x-signalbox-decision')
  if (decision !== null) decisions.push(decision)
  const data = text.split('\n').flatMap(line => (line.startsWith('data: ') ? [line.slice(6)] : []))
  return {
    status: reply.status,
    headers: reply.headers,
    target: targetOf(reply.headers, text),
    text,
    events: data,
    content: contentOf(text, data),
    took_ms,
    first: first.of(row.id),
    second: second.of(row.id),
  }
}

function targetOf(headers: Headers, text: string): string {
  const said = headers.get('x-signalbox-target') ?? ''
  return said === 'pending' ? (/^: x-signalbox-target: (.*)$/m.exec(text)?.[1] ?? said) : said
}

function contentOf(text: string, data: string[]): string {
  if (text.startsWith('{')) return JSON.parse(text).choices?.[0]?.message?.content ?? ''
  return data.map(each => (each.startsWith('{') ? (JSON.parse(each).choices?.[0]?.delta?.content ?? '') : '')).join('')
}
