/**
 * Kills the router again and again while it works, and compares three ledgers: what the upstream was asked, what the usage object holds
 * and says was spent, and the rows in D1. The promise under test: whatever began to be answered has its one row, whatever was
 * asked of an upstream under a policy that records first has its one row, and object and D1 agree to the micro-dollar;
 * whenever the process dies, whatever D1 does meanwhile.
 *
 * Twelve clients ask for answers, whole and streamed, half of them under `durable_before_dispatch`, and a fifth of them hang up early.
 * Each request asks for another most output, and is known by that number in all three ledgers. Every 100 to 1500 ms the whole
 * process group gets SIGKILL and is started again on the same state. At the end D1 goes on failing, and what is under way
 * gets the time to be settled or orphaned.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { estimateCost } from '../../worker/core/spend/price.ts'
import type { Price } from '../../worker/schema/catalogue.ts'
import { bundleForServe } from '../e2e/bundle.ts'
import { chatTarget, localProvider } from '../e2e/overlay.ts'
import { startServer, type TestServer } from '../e2e/server.ts'
import { starterOf } from '../e2e/start.ts'
import { draws } from './draws.ts'
import { startUpstream } from './upstream.ts'

export type KillOptions = {
  rounds: number
  /** Share of D1 batches that fail, 0..1. */
  faults: number
  seed: number
  /** No round begins after this long. */
  at_most_ms?: number
  say?: (line: string) => void
}

export type KillReport = {
  rounds: number
  /** Requests that the upstream saw begin, and the calls for them: a retry is another call. */
  dispatched: number
  calls: number
  /** Requests whose first byte reached a client. */
  answered: number
  rows: number
  outcomes: Record<string, number>
  /** Answered, and no row: must be empty. */
  lost: string[]
  /** Asked of the upstream under a policy that records first, and no row: must be empty. */
  unrecorded: number[]
  /** Asked of the upstream under the other policy, not answered, and no row: the process died between call and record. */
  died_before_record: number
  /** More than one row: must be empty. */
  doubled: string[]
  /** Rows whose calls the upstream never saw: must be empty. */
  invented: string[]
  /** Still held by the object after the wait: must be 0; and what that is. */
  left: number
  still: { under_way: number; unflushed: number; set_aside: number; held_micros: number }
  /** What was spent, by the object and by the rows: must be the same. */
  object_micros: number
  rows_micros: number
}

const CLIENTS = 12
const ABORT_SHARE = 0.2
const STREAM_SHARE = 0.5
const KILL_AFTER_MS = { least: 100, most: 1_500 }
/** Orphans come after 6 s, D1's last backoff may be a minute while it fails. */
const SETTLED_WITHIN_MS = 180_000
/** The first number: above what anybody would take for a default. */
const FIRST_NUMBER = 20_000
const TARGET = { ...chatTarget('north', 'star', { output_tokens: 2_000_000, context_tokens: 4_000_000 }) }
const OVERLAY = { providers: [localProvider('north', 'openai-chat', 'NORTH_URL')], targets: [TARGET] }
/** Odd numbers are asked under this policy: its intents are durable before anybody is called. */
const DURABLE = 'name: durable\nobjective: { quality: 1 }\ntargets: [north/*]\ndurable_before_dispatch: true\nlimits: { attempts: 2 }\n'

export async function killLoop({
  rounds,
  faults,
  seed,
  at_most_ms = Number.POSITIVE_INFINITY,
  say = () => undefined,
}: KillOptions): Promise<KillReport> {
  const draw = draws(seed)
  const upstream = await startUpstream()
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-kill-'))
  const starter = starterOf(await bundleForServe(directory, 'test/kill/worker.ts'))
  const server = await startServer({
    startWith: starter.start,
    vars: { NORTH_URL: `http://127.0.0.1:${upstream.port}/v1`, D1_FAULTS: String(faults) },
  })
  const clients: Clients = { answered: new Map(), next: FIRST_NUMBER, draw }
  const until_ms = Date.now() + at_most_ms
  try {
    await server.putKv('catalogue/overlay', JSON.stringify(OVERLAY))
    await server.putPolicy('durable', DURABLE)
    let round = 0
    while (round < rounds && Date.now() < until_ms) {
      round += 1
      const over = new AbortController()
      const killed = wait(KILL_AFTER_MS.least + draw() * (KILL_AFTER_MS.most - KILL_AFTER_MS.least)).then(async () => {
        await server.kill()
        over.abort()
      })
      await Promise.all([killed, ...Array.from({ length: CLIENTS }, () => client(server, clients, over.signal))])
      say(`round ${round}: ${clients.answered.size} answered, ${upstream.seen.size} dispatched`)
      await server.restart()
    }
    return report(round, upstream.seen, clients.answered, await settledObject(server), await rowsOf(server))
  } finally {
    await server.stop()
    starter.end()
    upstream.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** `answered`: number by decision id. */
type Clients = { answered: Map<string, number>; next: number; draw: () => number }

/** Asks until the round is over. A connection that breaks is what this is about, and no failure of the client. */
async function client(server: TestServer, clients: Clients, over: AbortSignal): Promise<void> {
  const { draw, answered } = clients
  while (!over.aborted) {
    const number = clients.next++
    const stream = draw() < STREAM_SHARE
    const leave = draw() < ABORT_SHARE ? AbortSignal.timeout(20 + Math.floor(draw() * 200)) : null
    const model = number % 2 === 1 ? 'policy/durable' : 'north/star'
    try {
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, stream, max_tokens: number, messages: [{ role: 'user', content: 'Say something.' }] }),
        signal: leave ? AbortSignal.any([over, leave]) : over,
      })
      const id = response.headers.get('x-signalbox-decision')
      for await (const _ of response.body ?? []) if (id && response.ok) answered.set(id, number)
      if (!response.ok) await wait(20)
    } catch {
      // Killed, or hung up by ourselves.
      if (!over.aborted && !leave?.aborted) await wait(20)
    }
  }
}

type Row = {
  decision_id: string
  outcome: string
  cost_micros: number | null
  estimated_input_tokens: number
  calls: number
  number: number | null
}
type ObjectState = {
  under_way: number
  unflushed: number
  set_aside: number
  spent: { month: { spent_micros: number; held_micros: number } }
}

/** D1 goes on failing: nothing may depend on its good days. Asking wakes the object, as any request would. */
async function settledObject(server: TestServer): Promise<ObjectState> {
  const until_ms = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    const state = (await (await fetch(`${server.url}/kill/object?org=dev`)).json()) as ObjectState
    if (state.under_way + state.unflushed + state.set_aside === 0 || Date.now() > until_ms) return state
    await wait(500)
  }
}

async function rowsOf(server: TestServer): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const page = (await (await fetch(`${server.url}/kill/rows?after=${rows.at(-1)?.decision_id ?? ''}`)).json()) as Row[]
    if (page.length === 0) return rows
    rows.push(...page)
  }
}

function report(rounds: number, seen: Map<number, number>, answered: Map<string, number>, object: ObjectState, rows: Row[]): KillReport {
  const by_id = Map.groupBy(rows, row => row.decision_id)
  const by_number = Map.groupBy(rows, row => row.number)
  const without_row = [...seen.keys()].filter(number => !by_number.has(number))
  const answered_numbers = new Set(answered.values())
  const { under_way, unflushed, set_aside } = object
  const { held_micros } = object.spent.month
  return {
    rounds,
    dispatched: seen.size,
    calls: [...seen.values()].reduce((sum, count) => sum + count, 0),
    answered: answered.size,
    rows: rows.length,
    outcomes: Object.fromEntries([...Map.groupBy(rows, row => row.outcome)].map(([outcome, some]) => [outcome, some.length])),
    lost: [...answered].filter(([id]) => !by_id.has(id)).map(([id]) => id),
    unrecorded: without_row.filter(number => number % 2 === 1),
    died_before_record: without_row.filter(number => number % 2 === 0 && !answered_numbers.has(number)).length,
    doubled: [
      ...[...by_id].filter(([, some]) => some.length > 1).map(([id]) => id),
      ...[...by_number].filter(([number, some]) => number !== null && some.length > 1).map(([number]) => String(number)),
    ],
    invented: rows.filter(row => row.outcome === 'completed' && (row.number === null || !seen.has(row.number))).map(row => row.decision_id),
    left: under_way + unflushed + set_aside + held_micros,
    still: { under_way, unflushed, set_aside, held_micros },
    object_micros: object.spent.month.spent_micros,
    rows_micros: rows.reduce((sum, row) => sum + (row.cost_micros ?? heldFor(row)), 0),
  }
}

/** What nobody knows the cost of counts as what was held for it: the one target at its price, for the most output that was asked for. */
const heldFor = ({ estimated_input_tokens, number }: Row): number =>
  estimateCost(estimated_input_tokens, number ?? 0, TARGET.prices[0] as Price) ?? 0

export const broken = (report: KillReport): string[] => [
  ...(report.lost.length ? [`${report.lost.length} lost`] : []),
  ...(report.unrecorded.length ? [`${report.unrecorded.length} unrecorded`] : []),
  ...(report.doubled.length ? [`${report.doubled.length} doubled`] : []),
  ...(report.invented.length ? [`${report.invented.length} invented`] : []),
  ...(report.left ? [`${report.left} left`] : []),
  ...(report.object_micros === report.rows_micros
    ? []
    : [`object ${report.object_micros} and rows ${report.rows_micros} micro-USD differ`]),
]

const wait = (wait_ms: number) => new Promise<void>(resolve => setTimeout(resolve, wait_ms))
