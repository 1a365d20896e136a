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
import { compileCatalogue } from '../../worker/core/decide/catalogue.ts'
import { decide } from '../../worker/core/decide/decide.ts'
import { compilePolicy } from '../../worker/core/decide/rules.ts'
import { callerOf } from '../../worker/core/decide/sketch.ts'
import type { World } from '../../worker/core/decide/world.ts'
import { parseJsonText } from '../../worker/core/json-text.ts'
import { readArtefact } from '../../worker/core/understand/artefact.ts'
import { understand } from '../../worker/core/understand/understand.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import { type Catalogue, catalogue as catalogueShape } from '../../worker/schema/catalogue.ts'
import type { ChatRequest } from '../../worker/schema/chat.ts'
import type { HealthSnapshot } from '../../worker/schema/health.ts'
import { quantile } from './cell.ts'
import { conversation, VARIANTS } from './requests.ts'
import { machine, RESULTS, today } from './results.ts'
import { everythingOn } from './secrets.ts'

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

function bodies(bytes: number): Uint8Array[] {
  return Array.from({ length: VARIANTS }, (_, variant) =>
    new TextEncoder().encode(JSON.stringify({ model: 'auto', max_tokens: 300, messages: conversation(bytes, variant) })),
  )
}

function requestFrom(body: Uint8Array): ChatRequest {
  const json = parseJsonText(body)
  const request = json.ok ? openaiChat.request.read(json.value.value) : json
  if (!request.ok) throw new Error('the benchmark made a request that the router refuses')
  return request.value
}

/** The catalogue with exactly `count` targets switched on: the first ones, or copies of them under other names. */
function catalogueOf(whole: Catalogue, count: number): Catalogue {
  const network = new Set(whole.providers.filter(provider => provider.transport === 'network').map(provider => provider.id))
  const real = whole.targets.filter(target => network.has(target.provider))
  const targets = Array.from({ length: count }, (_, index) => {
    const target = real[index % real.length] as Catalogue['targets'][number]
    const copy = Math.floor(index / real.length)
    return copy === 0 ? target : { ...target, id: `${target.id}-${copy}`, model: `${target.model}-${copy}`, aliases: [] }
  })
  return { ...whole, targets }
}

/** A world in which everything is on and measured: the dearest that a decision meets. */
export function worldOf(count: number): World {
  const whole = catalogueShape.parse(JSON.parse(read('policies/catalogue.json')))
  const catalogue = compileCatalogue(catalogueOf(whole, count), everythingOn(whole), Date.now(), '0'.repeat(16))
  const policy = compilePolicy(read('policies/default.yaml'), '0'.repeat(16))
  if (!policy.ok) throw new Error(`the default policy does not compile: ${JSON.stringify(policy.error)}`)
  const health: HealthSnapshot = { v: 1, taken_at_ms: Date.now(), targets: {} }
  catalogue.targets.forEach(({ id, first_token_ms, tokens_per_second }, index) => {
    const ln = Math.log(first_token_ms * (1 + (index % 7) / 10))
    health.targets[id] = {
      state: 'closed',
      until_ms: null,
      limited_until_ms: null,
      auth_broken_until_ms: null,
      ramp_share: 1,
      error_rate: (index % 5) / 200,
      ln_first_token_ms: { s: ln, m: ln + 0.1, l: ln + 0.4, xl: null },
      ln_tokens_per_second: Math.log(tokens_per_second),
      slow: false,
      last_ok_at_ms: Date.now(),
      samples: 50,
    }
  })
  return {
    catalogue,
    policy: policy.value,
    policy_names: ['default'],
    health,
    codecs: new Set(['openai-chat']),
    losses: () => [],
    caller: callerOf({ prompt: '' }),
    now_ms: Date.now(),
    draw: 0.5,
    decision_id: 'dec_00000000-0000-4000-8000-000000000000',
    endpoint: '/v1/chat/completions',
  }
}

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
