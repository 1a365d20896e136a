/**
 * `npm run bench:micro`: what one understanding and one decision take, by size of the prompt and number of targets. These
 * two run for every request and call nobody, so they can be measured alone, to the microsecond, in plain Node.
 *
 *   npm run bench:micro -- --write        also writes results/<date>-micro.json
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { decide } from '../../worker/core/decide/decide.ts'
import type { World } from '../../worker/core/decide/world.ts'
import { readArtefact } from '../../worker/core/understand/artefact.ts'
import { understand } from '../../worker/core/understand/understand.ts'
import { catalogue as catalogueShape } from '../../worker/schema/catalogue.ts'
import type { ChatRequest } from '../../worker/schema/chat.ts'
import { quantile } from './cell.ts'
import { VARIANTS } from './requests.ts'
import { machine, RESULTS, today } from './results.ts'
import { bodies, requestFrom, worldFrom } from './world.ts'

export const PROMPT_BYTES = [200, 2_000, 20_000, 200_000]
export const TARGETS = [10, 100, 1_000]

export type Timed = { what: string; prompt_bytes: number | null; targets: number | null; p50_us: number; p99_us: number; calls: number }

/** Enough calls for a 99th percentile, and no longer than this. */
const CALLS = 5_000
const WARM_UP_CALLS = 1_000
const TIME_AT_MOST_MS = 3_000

function timed(what: string, prompt_bytes: number | null, targets: number | null, call: (turn: number) => unknown, share = 1): Timed {
  const until_ms = performance.now() + TIME_AT_MOST_MS * share
  for (let turn = 0; turn < WARM_UP_CALLS * share && performance.now() < until_ms - (TIME_AT_MOST_MS * share) / 2; turn++) call(turn)
  const took_us: number[] = []
  do {
    const began = process.hrtime.bigint()
    call(took_us.length)
    took_us.push(Number(process.hrtime.bigint() - began) / 1_000)
  } while (took_us.length < CALLS * share && performance.now() < until_ms)
  took_us.sort((a, b) => a - b)
  return { what, prompt_bytes, targets, p50_us: quantile(took_us, 0.5), p99_us: quantile(took_us, 0.99), calls: took_us.length }
}

const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8')

/** What was learned, as a request meets it. */
function learned() {
  const file = readFileSync(join(PROJECT, 'policies/understanding.bin'))
  return readArtefact(file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer)
}

export const worldOf = (count: number): World =>
  worldFrom(catalogueShape.parse(JSON.parse(read('policies/catalogue.json'))), read('policies/default.yaml'), count)

/** All of it; `share` shortens it for a test of the benchmark itself. */
export function micro(share = 1): Timed[] {
  const model = learned()
  const asked = new Map(PROMPT_BYTES.map(bytes => [bytes, bodies(bytes)]))
  const requests = new Map(PROMPT_BYTES.map(bytes => [bytes, (asked.get(bytes) ?? []).map(requestFrom)]))
  const requestAt = (bytes: number, turn: number) => requests.get(bytes)?.[turn % VARIANTS] as ChatRequest
  const decided = (bytes: number, world: World) => {
    const features = Array.from({ length: VARIANTS }, (_, variant) => understand(requestAt(bytes, variant), model))
    return (turn: number) => {
      const decision = decide(requestAt(bytes, turn), features[turn % VARIANTS] as (typeof features)[number], world)
      if (!decision.ok) throw new Error(`no decision: ${decision.error.code}`)
    }
  }
  const worlds = new Map(TARGETS.map(count => [count, worldOf(count)]))
  const usual = worlds.get(100) as World
  return [
    ...PROMPT_BYTES.map(bytes => timed('read', bytes, null, turn => requestFrom(asked.get(bytes)?.[turn % VARIANTS] as Uint8Array), share)),
    ...PROMPT_BYTES.map(bytes => timed('understand', bytes, null, turn => understand(requestAt(bytes, turn), model), share)),
    ...[...worlds].map(([count, world]) => timed('decide', 2_000, count, decided(2_000, world), share)),
    ...PROMPT_BYTES.map(bytes =>
      timed(
        'understand + decide',
        bytes,
        100,
        turn => decide(requestAt(bytes, turn), understand(requestAt(bytes, turn), model), usual),
        share,
      ),
    ),
  ]
}

export function microTable(rows: Timed[]): string {
  const line = ({ what, prompt_bytes, targets, p50_us, p99_us }: Timed) =>
    `| ${what} | ${prompt_bytes === null ? '' : prompt_bytes / 1_000} | ${targets ?? ''} | ${p50_us.toFixed(1)} | ${p99_us.toFixed(1)} |`
  return ['| step | prompt kB | targets | p50 µs | p99 µs |', '| --- | --: | --: | --: | --: |', ...rows.map(line)].join('\n')
}

const microFile = (date: string) => join(RESULTS, `${date}-micro.json`)

/** The table of a day's figures, for the page of results; null where none were written that day. */
export function keptMicro(date: string): string | null {
  if (!existsSync(microFile(date))) return null
  return microTable((JSON.parse(readFileSync(microFile(date), 'utf8')) as { rows: Timed[] }).rows)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values: flags } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
  const rows = micro()
  process.stdout.write(`${microTable(rows)}\n`)
  if (flags.write) {
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(microFile(today()), `${JSON.stringify({ date: today(), machine: machine(), rows }, null, 1)}\n`)
  }
}
