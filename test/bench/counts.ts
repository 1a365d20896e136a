/**
 * What usage accounting does for a request, counted and not timed, so that it comes out the same on a busy machine as on a quiet one,
 * but for how many requests meet: calls of the object and what they carry, statements, commits, batches to D1.
 *
 *   node test/bench/counts.ts --requests 2000 --connections 1,16,64
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { settle } from './contenders.ts'
import { load } from './load.ts'
import { launch } from './processes.ts'
import { requests } from './requests.ts'
import { SCENARIOS } from './scenarios.ts'
import { COUNTED } from './signalbox.ts'

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '1,16,64' },
    scenario: { type: 'string', default: 'json-2k-16' },
  },
})
const scenario = SCENARIOS.find(({ name }) => name === flags.scenario)
if (scenario === undefined) throw new Error(`there is no scenario "${flags.scenario}"`)

/** By then the last rows are in D1. */
const SETTLED_AFTER_MS = 2_500
const WARM_UP = 200
const settled = () => new Promise(resolve => setTimeout(resolve, SETTLED_AFTER_MS))

const root = mkdtempSync(join(tmpdir(), 'signalbox-counts-'))
const upstream = await launch({ command: process.execPath, args: [join(PROJECT, 'test/bench/upstream.ts')], port_on: 1 })
const target = await COUNTED.start({ directory: await settle(COUNTED, root, 'counted'), upstream })
try {
  const asked = COUNTED.ask(scenario, upstream)
  if (asked === null) throw new Error('this scenario cannot be asked of the router')
  const counted = async () => (await (await fetch(`http://127.0.0.1:${target.port}/counts`)).json()) as Record<string, number>
  const columns: Record<string, number>[] = []
  const connections = flags.connections.split(',').map(Number)
  for (const each of connections) {
    const plan = { port: target.port, requests: requests(asked, scenario.body_bytes, scenario.stream), stream: scenario.stream }
    for (const requests_max of [WARM_UP, Number(flags.requests)]) {
      await counted()
      const { fault } = await load({ ...plan, connections: each, requests_max, duration_ms: 60_000 })
      if (fault !== null) throw new Error(`a wrong answer: ${fault}`)
      await settled()
    }
    columns.push(await counted())
  }
  process.stdout.write(`${'per request, at connections:'.padEnd(34)}${connections.map(each => String(each).padStart(10)).join('')}\n`)
  for (const what of [...new Set(columns.flatMap(column => Object.keys(column)))].sort()) {
    const cells = columns.map(column => ((column[what] ?? 0) / (column.requests ?? 1)).toFixed(3).padStart(10))
    process.stdout.write(`${what.padEnd(34)}${cells.join('')}\n`)
  }
} finally {
  await target.stop()
  await upstream.stop()
  rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
