/**
 * Every row of the fault table against the real dev server. `npm run faults` runs the same rows with the deadlines that
 * operators get, and writes what came of them to RESULTS.md beside this file.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../e2e/server.ts'
import { ROWS, type Row, type Seen, TIMING } from './rows.ts'
import { answers, events, type FaultUpstream, ROLE, startUpstream, tokens } from './upstream.ts'

const FULL = process.env.FAULTS === 'full'
/** What a caller does has no row: its target has a policy of its own, so patient that only the caller can end a call. */
const LEAVING = 'f73'
const PATIENT = JSON.stringify({
  name: 'patient',
  objective: { quality: 1 },
  targets: [`vllm/${LEAVING}`],
  limits: { headers_ms: 60_000, first_token_ms: 60_000, idle_ms: 60_000, total_ms: 60_000 },
})
/** Nothing listens there; the port is the one for discarding, which no test opens. */
const REFUSING = 'http://127.0.0.1:9/v1'
const UNRESOLVED = 'http://signalbox-test.invalid/v1'

const firstOf = (row: Row) => `${row.provider ?? 'vllm'}/${row.id}`
const modelsOf = (provider: string) => ROWS.filter(row => (row.provider ?? 'vllm') === provider).map(row => row.id)

/** One policy for all rows: a group for each, its first target pinned before the fallback. */
const POLICY = JSON.stringify({
  name: 'default',
  objective: { quality: 1 },
  groups: { ...Object.fromEntries(ROWS.map(row => [row.id, [firstOf(row), `llamacpp/${row.id}`]])) },
  rules: ['vllm', 'ollama', 'lmstudio'].map(provider => ({
    name: `${provider} first`,
    when: `request.model in [${modelsOf(provider)
      .map(id => `"${id}"`)
      .join(', ')}]`,
    do: { pin: `${provider}/*` },
  })),
  limits: { attempts: 3, attempts_per_target: 2, retry_after_at_most_ms: 3_000, headers_ms: 30_000, ...TIMING },
})

let server: TestServer
let first: FaultUpstream
let second: FaultUpstream
const results: { row: Row; took_ms: number; passed: boolean }[] = []
const decisions: string[] = []

beforeAll(async () => {
  first = await startUpstream()
  second = await startUpstream()
  server = await startServer({
    vars: {
      VLLM_URL: first.url,
      VLLM_MODELS: [...modelsOf('vllm'), LEAVING].join(','),
      OLLAMA_URL: UNRESOLVED,
      OLLAMA_MODELS: modelsOf('ollama').join(','),
      LMSTUDIO_URL: REFUSING,
      LMSTUDIO_MODELS: modelsOf('lmstudio').join(','),
      LLAMACPP_URL: second.url,
      LLAMACPP_MODELS: ROWS.map(row => row.id).join(','),
    },
  })
  await server.putPolicy('patient', PATIENT)
  await server.putPolicy('default', POLICY)
  // Running isolates take a policy up within seconds.
  while (!(await (await fetch(`${server.url}/v1/models`, { headers: auth() })).text()).includes(`"${ROWS[0]?.id}"`)) await sleep(200)
}, 120_000)

afterAll(async () => {
  await server?.stop()
  await first?.stop()
  await second?.stop()
  if (FULL) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), report())
})

const auth = () => ({ authorization: `Bearer ${server.key}`, 'content-type': 'application/json' })
const post = (model: string, stream: boolean, signal?: AbortSignal) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: auth(),
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello' }] }),
    signal,
  })

async function ask(row: Row): Promise<Seen> {
  const started_ms = performance.now()
  const reply = await post(row.id, row.stream)
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
    text,
    events: data,
    content: contentOf(text, data),
    took_ms,
    first: first.of(row.id),
    second: second.of(row.id),
  }
}

function contentOf(text: string, data: string[]): string {
  if (text.startsWith('{')) return JSON.parse(text).choices?.[0]?.message?.content ?? ''
  return data.map(each => (each.startsWith('{') ? (JSON.parse(each).choices?.[0]?.delta?.content ?? '') : '')).join('')
}

describe('what an upstream does, and what the caller sees', () => {
  it.each(ROWS.map(row => [`${row.id.toUpperCase()} ${row.fault}: ${row.expected}`, row] as const))(
    '%s',
    async (_, row) => {
      first.does(row.id, ...row.first)
      second.does(row.id, ...(row.second ?? [answers('second')]))
      const result = { row, took_ms: 0, passed: false }
      results.push(result)
      let seen = await ask(row)
      for (let time = 1; time < (row.times ?? 1); time++) seen = await ask(row)
      result.took_ms = seen.took_ms
      row.check(seen)
      expect(seen.first.length + seen.second.length).toBeLessThanOrEqual(3 * (row.times ?? 1))
      result.passed = true
    },
    90_000,
  )
})

describe('a caller who hangs up in the middle of an answer', () => {
  // A closed connection looks like a half-closed one, on which an answer is still wanted, until the next byte cannot be
  // delivered. So a token has to follow; what a call that is silent does on a reset connection is told in test/dispatch.
  it('F73 takes the call to the target along with the next token', async () => {
    first.does(LEAVING, events(ROLE, ...tokens(200).flatMap(each => [each, { wait_ms: 100 }])))
    const leaves = new AbortController()
    const reply = await post('policy/patient', true, leaves.signal)
    await reply.body?.getReader().read()
    leaves.abort()
    await expect.poll(() => first.of(LEAVING).at(-1)?.hung_up_after_ms ?? null, { timeout: 10_000 }).not.toBeNull()
  })
})

describe('after all of it', () => {
  it('the router answers at once', async () => {
    first.does('f08', answers('still here'))
    const started_ms = performance.now()
    expect((await post('f08', false)).status).toBe(200)
    expect(performance.now() - started_ms).toBeLessThan(1_000)
  })
  it('every request has exactly one usage row', async () => {
    const list = decisions.map(id => `'${id}'`).join(',')
    const rows = () =>
      server.query<{ decision_id: string; n: number }>(
        `SELECT decision_id, COUNT(*) AS n FROM usage WHERE decision_id IN (${list}) GROUP BY decision_id`,
      )
    await expect.poll(async () => (await rows()).length, { timeout: 25_000, interval: 2_000 }).toBe(decisions.length)
    expect((await rows()).filter(row => row.n !== 1)).toEqual([])
  }, 40_000)
})

function report(): string {
  const lines = results.map(
    ({ row, took_ms, passed }) =>
      `| ${row.id.toUpperCase()} | ${row.fault} | ${row.expected} | ${took_ms} | ${passed ? 'yes' : '**no**'} |`,
  )
  const { first_token_ms, idle_ms, total_ms } = TIMING
  return `# Faults, at full timing

Made by \`npm run faults\` on ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, the dev server on loopback. Limits: ${first_token_ms} ms to the first
token, ${idle_ms} ms between events, ${total_ms} ms in all. Times are a caller's, the dev server's own proxy included.

| row | the upstream | what has to come of it | ms | held |
|---|---|---|--:|---|
${lines.join('\n')}
`
}
