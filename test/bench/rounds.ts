/**
 * The rounds: every contender under every scenario, again and again. Rounds are interleaved and their order is drawn, so
 * that a machine that slows down slows down for all.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROJECT } from '../../worker/cli/wrangler.ts'
import { type Cell, measure, type Timing } from './cell.ts'
import { type Contender, settle } from './contenders.ts'
import { load } from './load.ts'
import { launch, type Started } from './processes.ts'
import { requests } from './requests.ts'
import type { Scenario } from './scenarios.ts'

/** Above this share of the machine in other hands, a round is marked as disturbed. */
export const FOREIGN_AT_MOST = 0.1

export type Run = {
  contenders: Contender[]
  scenarios: Scenario[]
  rounds: number
  timing: Timing
  /** How long each contender is made to work before anything is measured: a runtime compiles what is hot. */
  first_warm_up_ms: number
  /** No cell is begun after this long. */
  minutes_at_most: number
  onCell?(cell: Cell): void
}

/** Order drawn anew each round; measuring is the one place where chance is wanted and need not be repeatable. */
const shuffled = <Item>(items: Item[]) =>
  items
    .map(item => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)

export async function run({ contenders, scenarios, rounds, timing, first_warm_up_ms, minutes_at_most, onCell }: Run): Promise<Cell[]> {
  const root = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
  const until_ms = performance.now() + minutes_at_most * 60_000
  const stops: (() => Promise<void>)[] = []
  const cells: Cell[] = []
  try {
    const upstream = await launch({ command: process.execPath, args: [join(PROJECT, 'test/bench/upstream.ts')], port_on: 1 })
    stops.push(upstream.stop)
    const standing = new Map<string, Started>()
    for (const contender of contenders) {
      if (scenarios.every(scenario => scenario.fresh)) break
      const directory = await settle(contender, root, contender.name)
      const started = await contender.start({ directory, upstream })
      stops.push(started.stop)
      standing.set(contender.name, started)
      await warmUp(contender, started, upstream, scenarios, first_warm_up_ms)
    }
    for (let round = 1; round <= rounds; round++) {
      for (const scenario of shuffled(scenarios)) {
        for (const contender of shuffled(contenders)) {
          const asked = contender.part && !scenario.parts ? null : contender.ask(scenario, upstream)
          if (asked === null || performance.now() > until_ms) continue
          let target = standing.get(contender.name)
          if (scenario.fresh)
            target = await contender.start({ directory: await settle(contender, root, `${contender.name}-fresh-${round}`), upstream })
          if (target === undefined) continue
          const cell = await measure({
            scenario,
            contender: contender.name,
            round,
            target,
            upstream,
            asked,
            timing: { ...timing, linger_ms: contender.linger_ms ?? timing.linger_ms },
          })
          if (scenario.fresh) await target.stop()
          cells.push(cell)
          onCell?.(cell)
        }
      }
    }
  } finally {
    await Promise.all(stops.map(stop => stop()))
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  return cells
}

/** A little of everything that will be measured; whether the answers are right is asked later. */
async function warmUp(contender: Contender, target: Started, upstream: Started, scenarios: Scenario[], duration_ms: number) {
  const asked = scenarios.flatMap(scenario => {
    const how = scenario.fresh || (contender.part && !scenario.parts) ? null : contender.ask(scenario, upstream)
    return how === null ? [] : [{ scenario, how }]
  })
  for (const { scenario, how } of asked) {
    const { body_bytes, stream, connections } = scenario
    await load({
      port: target.port,
      requests: requests(how, body_bytes, stream),
      connections,
      stream,
      duration_ms: duration_ms / asked.length,
    })
  }
}
