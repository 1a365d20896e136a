/**
 * `npm run bench`: the router beside a raw pass-through and its peers, on the same upstream, in the same minutes.
 *
 * What counts is processor time per request as a ratio to the floor of the same round; absolute times vary with the
 * machine and the day.
 *
 *   npm run bench                                    all of it, five rounds
 *   npm run bench -- --rounds 1 --seconds 0.5        a quick look
 *   npm run bench -- --only json-2k-16,burst-16 --contenders floor,signalbox
 *   npm run bench -- --url http://127.0.0.1:4000/v1 --pid 1234 --name mine --model gpt-x --header 'authorization: Bearer k'
 *
 * A run with `--only` or `--contenders` is printed and not written, unless `--write` says so.
 */
import { parseArgs } from 'node:util'
import type { Cell } from './cell.ts'
import { PEERS, running } from './contenders.ts'
import { keptMicro } from './micro.ts'
import { tables } from './report.ts'
import { today, writeResults } from './results.ts'
import { FOREIGN_AT_MOST, run } from './rounds.ts'
import { SCENARIOS } from './scenarios.ts'
import { SIGNALBOX } from './signalbox.ts'
import { summarize } from './summary.ts'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
    contenders: { type: 'string' },
    minutes: { type: 'string', default: '60' },
    url: { type: 'string' },
    pid: { type: 'string' },
    name: { type: 'string', default: 'other' },
    model: { type: 'string' },
    header: { type: 'string', multiple: true, default: [] },
    write: { type: 'boolean', default: false },
  },
})

const FIRST_WARM_UP_MS = 3_000
const TIMING = { duration_ms: Number(flags.seconds) * 1_000, warm_up_ms: 300, linger_ms: 300 }

/** Those that are named, or all. */
function chosen<Item extends { name: string }>(items: Item[], names: string | undefined): Item[] {
  if (names === undefined) return items
  return names.split(',').map(name => {
    const found = items.find(item => item.name === name)
    if (found === undefined) throw new Error(`there is no "${name}"; there are ${items.map(item => item.name).join(', ')}`)
    return found
  })
}

const headers = Object.fromEntries(flags.header.map(line => line.split(/:\s*/, 2) as [string, string]))
const others = flags.url === undefined ? [] : [running(flags.name, flags.url, Number(flags.pid), flags.model ?? null, headers)]
const contenders = chosen([...PEERS, ...SIGNALBOX, ...others], flags.contenders)

function say(cell: Cell) {
  const cost = cell.void === null ? `${cell.cpu_us.toFixed(0)} µs, p50 ${cell.p50_ms.toFixed(2)} ms` : `void: ${cell.void}`
  const mark = cell.foreign > FOREIGN_AT_MOST ? `  (disturbed: ${(cell.foreign * 100).toFixed(0)} % in other hands)` : ''
  process.stderr.write(`round ${cell.round}  ${cell.scenario.padEnd(12)} ${cell.contender.padEnd(24)} ${cost}${mark}\n`)
}

const rounds = Number(flags.rounds)
const cells = await run({
  contenders,
  scenarios: chosen(SCENARIOS, flags.only),
  rounds,
  timing: TIMING,
  first_warm_up_ms: FIRST_WARM_UP_MS,
  minutes_at_most: Number(flags.minutes),
  onCell: say,
})
const rows = summarize(cells, contenders, FOREIGN_AT_MOST)
process.stdout.write(`\n${tables(rows)}\n`)
if (flags.write || (flags.only === undefined && flags.contenders === undefined)) {
  process.stdout.write(
    `written: ${writeResults({ cells, rows, contenders, timing: TIMING, rounds, micro: keptMicro(today()) }).join(', ')}\n`,
  )
}
