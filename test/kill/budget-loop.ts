/**
 * Kills the router again and again while twelve clients race for the last cents of keys with small hard budgets, and compares what the
 * upstream would bill each key with the key's limit. The promise under test: a budget is never overspent by more than one request's
 * estimate can be wrong, however often the process dies between hold, call and settlement, and whatever D1 does meanwhile.
 *
 * Each round has a key of its own, and goes on with those of the three rounds before: with what was held when the process died, with
 * orphans, and with what they give back. The upstream writes as much as it was allowed, or less, and bills what it wrote until its caller
 * was gone; so what it bills is at most what was held, as with a provider who keeps to `max_tokens`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localAdminKey } from '../../worker/cli/local.ts'
import { bundleForServe } from '../e2e/bundle.ts'
import { chatTarget, localProvider } from '../e2e/overlay.ts'
import { startServer, type TestServer } from '../e2e/server.ts'
import { starterOf } from '../e2e/start.ts'
import { draws } from './draws.ts'

export type BudgetOptions = { rounds: number; faults: number; seed: number; at_most_ms?: number; say?: (line: string) => void }

export type BudgetReport = {
  rounds: number
  /** Requests that were answered, and that were refused with 402. */
  passed: number
  refused: number
  /** Rows that were orphans: requests whose process died. */
  orphans: number
  limit_micros: number
  /** The most that one request may cost. */
  worst_micros: number
  /** Keys of which so much was used that one more request would not have fitted. */
  exhausted: number
  /** Micro-USD that the upstream bills the key it bills most, and how far any is above the limit. */
  most_billed_micros: number
  most_over_micros: number
  /** Keys that the object counts more for than the limit, or holds something for in the end; or whose count is not their rows' sum. All must be empty. */
  over_by_the_object: string[]
  still_held: string[]
  differ: string[]
}

const CLIENTS = 12
const KEYS_AT_ONCE = 4
const STREAM_SHARE = 0.5
const ABORT_SHARE = 0.2
const KILL_AFTER_MS = { least: 300, most: 1_500 }
const SETTLED_WITHIN_MS = 180_000
const MAX_TOKENS = 60
/** About ten requests at their worst. */
const LIMIT_MICROS = 2_000
/** The upstream counts so many prompt tokens: no more than the router expects of the text. */
const PROMPT_TOKENS = 5
const TARGET = chatTarget('north', 'star')
const OVERLAY = { providers: [localProvider('north', 'openai-chat', 'NORTH_URL')], targets: [TARGET] }
const PRICE = { input: 1, output: 2 }

type Key = { name: string; key: string; key_id: string }

export async function budgetLoop({ rounds, faults, seed, at_most_ms = Number.POSITIVE_INFINITY, say = () => undefined }: BudgetOptions) {
  const draw = draws(seed)
  const upstream = await startMeter(draw)
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-kill-'))
  const starter = starterOf(await bundleForServe(directory, 'test/kill/worker.ts'))
  const server = await startServer({
    startWith: starter.start,
    vars: { NORTH_URL: `http://127.0.0.1:${upstream.port}/v1`, D1_FAULTS: String(faults) },
  })
  const admin_key = localAdminKey({ state_dir: server.state_dir, vars_file: join(server.state_dir, 'vars') }) ?? ''
  const counts = { passed: 0, refused: 0 }
  const keys: Key[] = []
  const until_ms = Date.now() + at_most_ms
  try {
    await server.putKv('catalogue/overlay', JSON.stringify(OVERLAY))
    let round = 0
    while (round < rounds && Date.now() < until_ms) {
      round += 1
      keys.push(await newKey(server, admin_key, `key-${round}`))
      const over = new AbortController()
      const killed = wait(KILL_AFTER_MS.least + draw() * (KILL_AFTER_MS.most - KILL_AFTER_MS.least)).then(async () => {
        await server.kill()
        over.abort()
      })
      const used = keys.slice(-KEYS_AT_ONCE)
      await Promise.all([killed, ...Array.from({ length: CLIENTS }, () => client(server, used, draw, counts, over.signal))])
      say(`round ${round}: ${counts.passed} passed, ${counts.refused} refused`)
      await server.restart()
    }
    return await report(round, server, keys, upstream.billed, counts)
  } finally {
    await server.stop()
    starter.end()
    upstream.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function newKey(server: TestServer, admin_key: string, name: string): Promise<Key> {
  const response = await fetch(`${server.url}/admin/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ org: 'dev', label: name, budgets: [{ window: 'month', limit_micros: LIMIT_MICROS, kind: 'hard' }] }),
  })
  if (response.status !== 201) throw new Error(`no key: ${response.status} ${await response.text()}`)
  return { name, ...((await response.json()) as { key: string; key_id: string }) }
}

/** Asks with one of the keys until the round is over. */
async function client(
  server: TestServer,
  keys: Key[],
  draw: () => number,
  counts: { passed: number; refused: number },
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    const key = keys[Math.floor(draw() * keys.length)] as Key
    const leave = draw() < ABORT_SHARE ? AbortSignal.timeout(20 + Math.floor(draw() * 200)) : null
    const messages = [{ role: 'user', content: `Say something to the holder of ${key.name}.` }]
    try {
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'north/star', stream: draw() < STREAM_SHARE, max_tokens: MAX_TOKENS, messages }),
        signal: leave ? AbortSignal.any([over, leave]) : over,
      })
      if (response.ok) counts.passed += 1
      else if (response.status === 402) counts.refused += 1
      await response.text()
      if (!response.ok) await wait(20)
    } catch {
      // Killed, or hung up by ourselves.
      if (!over.aborted && !leave?.aborted) await wait(20)
    }
  }
}

/** A target that keeps a meter for each key: micro-USD by the name in the prompt, counted as it writes, before anybody could have read it. */
async function startMeter(draw: () => number): Promise<{ port: number; billed: Map<string, number>; close(): void }> {
  const billed = new Map<string, number>()
  const base = { id: 'chatcmpl-meter', created: 1, model: 'star' }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { stream, max_tokens } = JSON.parse(text) as { stream?: boolean; max_tokens: number }
    const name = /key-\d+/.exec(text)?.[0] ?? 'nobody'
    const bill = (micros: number) => billed.set(name, (billed.get(name) ?? 0) + micros)
    const tokens = 1 + Math.floor(draw() * max_tokens)
    const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: tokens, total_tokens: PROMPT_TOKENS + tokens }
    bill(PROMPT_TOKENS * PRICE.input)
    await wait(10 + Math.floor(draw() * 100))
    if (!stream) {
      bill(tokens * PRICE.output)
      const message = { role: 'assistant', content: 'word '.repeat(tokens) }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }))
      return
    }
    response.setHeader('content-type', 'text/event-stream')
    const send = (more: object) => response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...more })}\n\n`)
    for (let i = 0; i < tokens && !response.destroyed; i++) {
      bill(PRICE.output)
      send({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] })
      await wait(5)
    }
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    send({ choices: [], usage })
    response.end('data: [DONE]\n\n')
  })
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { port: address && typeof address === 'object' ? address.port : 0, billed, close }
}

type Spend = { name: string; spent_micros: number; held_micros: number; rows_micros: number; orphans: number }

async function report(
  rounds: number,
  server: TestServer,
  keys: Key[],
  billed: Map<string, number>,
  counts: { passed: number; refused: number },
): Promise<BudgetReport> {
  const spends = await settled(server, keys)
  const bills = keys.map(({ name }) => billed.get(name) ?? 0)
  // As the router holds it: what it expects of the prompt is a few tokens more than what is billed.
  const worst_micros = (2 * PROMPT_TOKENS + 10) * PRICE.input + MAX_TOKENS * PRICE.output
  const named = (test: (spend: Spend) => boolean) => spends.filter(test).map(({ name }) => name)
  return {
    rounds,
    ...counts,
    orphans: spends.reduce((sum, { orphans }) => sum + orphans, 0),
    limit_micros: LIMIT_MICROS,
    worst_micros,
    exhausted: named(({ spent_micros }) => spent_micros > LIMIT_MICROS - worst_micros).length,
    most_billed_micros: Math.max(0, ...bills),
    most_over_micros: Math.max(0, ...bills.map(micros => micros - LIMIT_MICROS)),
    over_by_the_object: named(({ spent_micros }) => spent_micros > LIMIT_MICROS),
    still_held: named(({ held_micros }) => held_micros !== 0),
    differ: named(({ spent_micros, rows_micros }) => spent_micros !== rows_micros),
  }
}

/** When the object holds nothing any more: what it and D1 say of each key. D1 goes on failing meanwhile. */
async function settled(server: TestServer, keys: Key[]): Promise<Spend[]> {
  const until_ms = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    const ids = keys.map(({ key_id }) => key_id).join()
    const response = await fetch(`${server.url}/kill/keys?org=dev&keys=${ids}`)
    const { left, spends } = (await response.json()) as { left: number; spends: Omit<Spend, 'name'>[] }
    if (left === 0 || Date.now() > until_ms) return spends.map((spend, at) => ({ name: keys[at]?.name ?? '', ...spend }))
    await wait(500)
  }
}

export const overspent = (report: BudgetReport): string[] => [
  ...(report.most_over_micros > report.worst_micros ? [`${report.most_over_micros} micro-USD over a limit`] : []),
  ...(report.over_by_the_object.length ? [`over by the object: ${report.over_by_the_object.join(', ')}`] : []),
  ...(report.still_held.length ? [`still held: ${report.still_held.join(', ')}`] : []),
  ...(report.differ.length ? [`object and rows differ: ${report.differ.join(', ')}`] : []),
]

const wait = (wait_ms: number) => new Promise<void>(resolve => setTimeout(resolve, wait_ms))
