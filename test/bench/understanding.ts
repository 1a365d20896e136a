/**
 * `npm run bench:understanding`: what understanding and deciding take in the runtime itself, and what the artefacts add to an isolate.
 *
 *   npm run bench:understanding -- --write        also writes results/<date>-understanding.json
 *
 * The runtime's clock stands still while a worker computes, so the processor time of its process is read around requests that ask for many
 * calls. From the batches of `BATCH` calls, less what an empty request takes, come the usual figures of a call. A single call is too short to be
 * told from its request, whose own spread is larger; so the highest figures are what the sums of small batches leave room for (`tail.ts`): a
 * bound that holds the noise of the machine, and not a measure.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { bundle } from './bundle.ts'
import { quantile } from './cell.ts'
import { PROMPT_BYTES } from './micro.ts'
import { cpuMicros, residentBytes, type Started } from './processes.ts'
import { machine, RESULTS, today } from './results.ts'
import { serve } from './serve.ts'
import { atMostMicros } from './tail.ts'

/** Calls in a batch, batches of each size, small ones beside them, and calls before anything is counted. */
const BATCH = 20
const BATCHES = 250
const SMALL = 4
const SMALL_BATCHES = 1_500
/** No call takes less than this share of the usual one: the bodies of one size are alike but for their words. */
const LEAST_SHARE = 0.5
/** An empty request's time that hardly any is below. */
const WAY_SHARE = 0.02
const WARM_UP_CALLS = 3_000
const STARTS = 15
const ARTEFACTS = ['understanding.bin', 'names.bin']

export type InRuntime = { prompt_bytes: number; p50_us: number; batch_p99_us: number; p99_at_most_us: number; calls: number }
/** Medians, of a worker that has the artefacts in its bundle, and of the same one with files of no bytes in their place. */
export type Artefacts = {
  start_ms: number
  start_without_ms: number
  /** Of them the processor's time; the rest is waiting, for it and for others. */
  start_cpu_ms: number
  start_cpu_without_ms: number
  read_us: number
  resident_mb: number
  resident_without_mb: number
  starts: number
}

const median = (values: number[]) =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )

async function ask(port: number, query: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/?${query}`)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`the worker answered ${answer.status}: ${text}`)
  return text
}

/** Processor time of the worker's process while it answers. */
async function spent({ pid, port }: Started, query: string): Promise<number> {
  const before = cpuMicros(pid)
  await ask(port, query)
  return cpuMicros(pid) - before
}

/** `share` shortens all of it for a test of the benchmark. */
async function calls(worker: Started, prompt_bytes: number, share: number): Promise<InRuntime> {
  const query = (from: number, count: number) => `what=both&bytes=${prompt_bytes}&from=${from}&calls=${count}`
  const dear = prompt_bytes > 10_000 ? 0.4 : 1
  for (let from = 0; from < WARM_UP_CALLS * share * dear; from += BATCH) await ask(worker.port, query(from, BATCH))
  const batches: number[] = []
  const small: number[] = []
  const empty: number[] = []
  for (let turn = 0; turn < BATCHES * share * dear; turn++) {
    batches.push(await spent(worker, query(turn * BATCH, BATCH)))
    empty.push(await spent(worker, 'what=nothing'))
  }
  for (let turn = 0; turn < SMALL_BATCHES * share * dear; turn++) small.push(await spent(worker, query(turn * SMALL, SMALL)))
  const way = median(empty)
  const each = batches.map(micros => Math.max(0, micros - way) / BATCH).sort((a, b) => a - b)
  const p50_us = quantile(each, 0.5)
  const way_us = quantile(
    empty.toSorted((a, b) => a - b),
    WAY_SHARE,
  )
  return {
    prompt_bytes,
    p50_us,
    batch_p99_us: quantile(each, 0.99),
    p99_at_most_us: atMostMicros({ sums_us: small, calls: SMALL, way_us, call_us: LEAST_SHARE * p50_us }, 0.01),
    calls: batches.length * BATCH + small.length * SMALL,
  }
}

/** The bundle in a folder of its own, with the artefacts beside it, or empty files in their place. */
async function built(directory: string, with_artefacts: boolean): Promise<string> {
  await bundle('workers/understanding.ts', directory, 'main', {
    external: ['cloudflare:*', 'node:*', ...ARTEFACTS.map(name => `./${name}`)],
    loader: { '.yaml': 'text' },
  })
  for (const name of ARTEFACTS) {
    const to = join(directory, 'main', name)
    if (with_artefacts) copyFileSync(join(PROJECT, 'policies', name), to)
    else writeFileSync(to, '')
  }
  return directory
}

/** Starts of both in turn, each to its first answer and, with the artefacts, to their being read. */
async function starts(whole: string, bare: string, count: number): Promise<Artefacts> {
  const took = {
    start: [] as number[],
    bare: [] as number[],
    cpu: [] as number[],
    bare_cpu: [] as number[],
    read: [] as number[],
    resident: [] as number[],
    bare_resident: [] as number[],
  }
  for (let turn = 0; turn < count; turn++) {
    for (const directory of [whole, bare]) {
      const worker = await serve(directory, { folder: 'main', vars: {} })
      try {
        await ask(worker.port, 'what=nothing')
        ;(directory === whole ? took.start : took.bare).push(performance.now() - worker.spawned_at_ms)
        ;(directory === whole ? took.cpu : took.bare_cpu).push(cpuMicros(worker.pid) / 1_000)
        if (directory === whole) took.read.push((await spent(worker, 'what=read')) - (await spent(worker, 'what=nothing')))
        ;(directory === whole ? took.resident : took.bare_resident).push(residentBytes(worker.pid) / 2 ** 20)
      } finally {
        await worker.stop()
      }
    }
  }
  return {
    start_ms: median(took.start),
    start_without_ms: median(took.bare),
    start_cpu_ms: median(took.cpu),
    start_cpu_without_ms: median(took.bare_cpu),
    read_us: median(took.read),
    resident_mb: median(took.resident),
    resident_without_mb: median(took.bare_resident),
    starts: count,
  }
}

export async function inRuntime(share = 1): Promise<{ rows: InRuntime[]; artefacts: Artefacts }> {
  const root = mkdtempSync(join(tmpdir(), 'signalbox-understanding-'))
  try {
    const whole = await built(join(root, 'whole'), true)
    const bare = await built(join(root, 'bare'), false)
    const artefacts = await starts(whole, bare, Math.max(1, Math.round(STARTS * share)))
    const worker = await serve(whole, { folder: 'main', vars: {} })
    try {
      const rows: InRuntime[] = []
      for (const bytes of PROMPT_BYTES) rows.push(await calls(worker, bytes, share))
      return { rows, artefacts }
    } finally {
      await worker.stop()
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

export function runtimeTable(rows: InRuntime[]): string {
  return [
    '| prompt kB | p50 µs | p99 of batches µs | p99 of calls, at most µs |',
    '| --: | --: | --: | --: |',
    ...rows.map(
      ({ prompt_bytes, p50_us, batch_p99_us, p99_at_most_us }) =>
        `| ${prompt_bytes / 1_000} | ${p50_us.toFixed(0)} | ${batch_p99_us.toFixed(0)} | ${p99_at_most_us.toFixed(0)} |`,
    ),
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values: flags } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
  const { rows, artefacts } = await inRuntime()
  process.stdout.write(`${runtimeTable(rows)}\n${JSON.stringify(artefacts, null, 1)}\n`)
  if (flags.write) {
    mkdirSync(RESULTS, { recursive: true })
    const result = { date: today(), machine: machine(), batch: BATCH, rows, artefacts }
    writeFileSync(join(RESULTS, `${today()}-understanding.json`), `${JSON.stringify(result, null, 1)}\n`)
  }
}
