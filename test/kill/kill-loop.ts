/**
 * Kills the router again and again while it works, and counts. The promise under test: whatever began to be answered has its
 * one row, whenever the process dies, whatever D1 does meanwhile.
 *
 * Twelve clients ask for answers, whole and streamed, and a fifth of them hang up early. Every 100 to 1500 ms the whole
 * process group gets SIGKILL and is started again on the same state. At the end D1 is well, what is under way gets the time
 * to be settled or orphaned, and the decision ids whose first byte arrived are held against the rows.
 */
import { createServer, type Server } from 'node:http'
import { startServer, type TestServer } from '../e2e/server.ts'

export type KillOptions = {
  rounds: number
  /** Share of D1 batches that fail, 0..1. */
  faults: number
  seed: number
  say?: (line: string) => void
}

export type KillReport = {
  rounds: number
  /** Calls that the upstream saw begin. */
  dispatched: number
  /** Decision ids whose first byte reached a client. */
  answered: number
  rows: number
  outcomes: Record<string, number>
  /** Answered, and no row: must be empty. */
  lost: string[]
  /** More than one row: must be empty. */
  doubled: string[]
  /** Still held by the object after the wait: must be 0. */
  left: number
}

const CLIENTS = 12
const ABORT_SHARE = 0.2
const STREAM_SHARE = 0.5
const KILL_AFTER_MS = { least: 100, most: 1_500 }
/** Orphans come after 6 s, D1's last backoff may be 8 s. */
const SETTLED_WITHIN_MS = 60_000

export async function killLoop({ rounds, faults, seed, say = () => undefined }: KillOptions): Promise<KillReport> {
  const draw = draws(seed)
  const upstream = await startUpstream()
  const server = await startServer({
    entry: 'test/kill/worker.ts',
    vars: { VLLM_URL: `http://127.0.0.1:${upstream.port}/v1`, VLLM_MODELS: 'kill', D1_FAULTS: String(faults) },
  })
  const answered = new Set<string>()
  try {
    for (let round = 1; round <= rounds; round++) {
      const over = new AbortController()
      const killed = wait(KILL_AFTER_MS.least + draw() * (KILL_AFTER_MS.most - KILL_AFTER_MS.least)).then(async () => {
        await server.kill()
        over.abort()
      })
      await Promise.all([killed, ...Array.from({ length: CLIENTS }, () => client(server, answered, draw, over.signal))])
      say(`round ${round}: ${answered.size} answered, ${upstream.seen()} dispatched`)
      await server.restart()
    }
    const state = await settledState(server)
    return report(rounds, upstream.seen(), answered, state)
  } finally {
    await server.stop()
    upstream.close()
  }
}

/** Asks until the round is over. A connection that breaks is what this is about, and no failure of the client. */
async function client(server: TestServer, answered: Set<string>, draw: () => number, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const stream = draw() < STREAM_SHARE
    const leave = draw() < ABORT_SHARE ? AbortSignal.timeout(20 + Math.floor(draw() * 200)) : null
    try {
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'vllm/kill', stream, messages: [{ role: 'user', content: 'Say something.' }] }),
        signal: leave ? AbortSignal.any([over, leave]) : over,
      })
      const id = response.headers.get('x-signalbox-decision')
      for await (const _ of response.body ?? []) if (id && response.ok) answered.add(id)
    } catch {
      // Killed, or hung up by ourselves.
      if (!over.aborted && !leave?.aborted) await wait(20)
    }
  }
}

type State = { rows: { decision_id: string; outcome: string }[]; object: { under_way: number; unflushed: number; set_aside: number } }

/** D1 goes on failing: nothing may depend on its good days. Asking wakes the object, as any request would. */
async function settledState(server: TestServer): Promise<State> {
  const until_ms = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    const response = await fetch(`${server.url}/kill/state?org=dev`)
    const state = (await response.json()) as State
    const { under_way, unflushed, set_aside } = state.object
    if (under_way + unflushed + set_aside === 0 || Date.now() > until_ms) return state
    await wait(500)
  }
}

function report(rounds: number, dispatched: number, answered: Set<string>, { rows, object }: State): KillReport {
  const counts = new Map<string, number>()
  const outcomes: Record<string, number> = {}
  for (const { decision_id, outcome } of rows) {
    counts.set(decision_id, (counts.get(decision_id) ?? 0) + 1)
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  return {
    rounds,
    dispatched,
    answered: answered.size,
    rows: rows.length,
    outcomes,
    lost: [...answered].filter(id => !counts.has(id)),
    doubled: [...counts].filter(([, count]) => count > 1).map(([id]) => id),
    left: object.under_way + object.unflushed + object.set_aside,
  }
}

/** Answers like vLLM, in 30 to 300 ms, and counts what it was asked. */
async function startUpstream(): Promise<{ port: number; seen(): number; close(): void }> {
  let seen = 0
  const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 }
  const base = { id: 'chatcmpl-kill', created: 1, model: 'kill' }
  const server: Server = createServer(async (request, response) => {
    seen += 1
    let text = ''
    for await (const chunk of request) text += chunk
    await wait(10 + (seen % 20))
    if (!JSON.parse(text).stream) {
      const message = { role: 'assistant', content: 'Something.' }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }))
      return
    }
    response.setHeader('content-type', 'text/event-stream')
    const send = (delta: object, finish_reason: string | null) =>
      response.write(
        `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
      )
    for (let i = 0; i < 10; i++) {
      send({ content: 'word ' }, null)
      await wait(seen % 30)
    }
    send({}, 'stop')
    response.end('data: [DONE]\n\n')
  })
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  return {
    port,
    seen: () => seen,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const wait = (wait_ms: number) => new Promise<void>(resolve => setTimeout(resolve, wait_ms))

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
function draws(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
