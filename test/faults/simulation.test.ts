/** Rows of the fault catalogue that need a whole edge: many isolates, an object that is away, regions that disagree. */

import { describe, expect } from 'vitest'
import { everywhere, factsOf, withOthers } from '../../worker/core/health/everywhere.ts'
import { costOf, priceAt } from '../../worker/core/spend/price.ts'
import { UNKNOWN_USAGE } from '../../worker/schema/chat.ts'
import { run } from '../../worker/simulate/cluster.ts'
import { figuresOf } from '../../worker/simulate/report.ts'
import { smallScene } from '../../worker/simulate/scene.ts'
import { NO_WEATHER, WEATHERS, type Weather } from '../../worker/simulate/weather.ts'
import { WORKLOADS, type Workload } from '../../worker/simulate/workload.ts'
import { outcome, START } from '../core/health/outcomes.ts'
import { bewareOf, fleet, healthOf, newGate } from '../core/health/usual.ts'
import { row } from './note.ts'

const scene = smallScene()
const usual = WORKLOADS.usual as Workload
const outage = WEATHERS.outage as Weather

describe('an edge', () => {
  row(
    'F87',
    'simulation',
    'the health object is away for the whole of an outage',
    'isolates go by themselves: at most twice the errors',
    async () => {
      const errors = async (weather: Weather) => {
        let failed = 0
        for (const seed of [1, 2, 3])
          failed += figuresOf(await run({ scene, workload: usual, weather, seed }), scene, weather, usual).failed
        return failed / 3
      }
      const [with_it, without] = [await errors(outage), await errors({ ...outage, object_away: { from_ms: 0, until_ms: 600_000 } })]
      // Of 18,000 requests a handful fail either way; one more or less is chance.
      expect(without).toBeLessThanOrEqual(2 * with_it + 0.0002)
      return `${(with_it * 100).toFixed(4)} % with it, ${(without * 100).toFixed(4)} % without`
    },
  )
  row('F96', 'simulation', 'two hundred isolates begin at once', 'each asks the object at most once in two seconds', async () => {
    const load = { ...(WORKLOADS.busy as Workload), duration_ms: 10_000 }
    const outcomes = await run({ scene, workload: load, weather: { ...NO_WEATHER, base: 0 }, seed: 1 })
    const { sent, busiest_per_s, one_isolate_in_2s, looks, found } = outcomes.traffic
    expect(one_isolate_in_2s).toBe(1)
    expect(busiest_per_s).toBeLessThan(load.isolates)
    expect(outcomes.broken).toEqual([])
    return `${one_isolate_in_2s} of each; ${sent} in ten seconds, ${busiest_per_s} in the busiest; ${found} of ${looks} looks found one nearby`
  })
  row(
    'F103',
    'simulation',
    'regions disagree about a target',
    'none shuts it for what the others say; two that do make it believed less',
    () => {
      const failing = fleet()
      for (let i = 0; i < 6; i++) failing.observe(outcome('connection', START + i), START + i, () => 0.5)
      const here = fleet()
      here.observe(outcome('ok', START), START, () => 0.5)
      const all = everywhere()
      const facts = factsOf(failing.snapshot(START + 10), START + 10)
      for (const region of ['eu', 'as', 'oc']) all.exchange(region, facts, START + 10)
      const heard = all.exchange('sa', {}, START + 20)
      const seen = withOthers(here.snapshot(START + 20), heard, START + 20, () => healthOf(newGate(START), START))
      expect(seen.targets['p/m']?.state).toBe('closed')
      expect(bewareOf(heard)).toEqual(['p/m'])
      return 'closed here while three others have it open'
    },
  )
})

describe('one request', () => {
  row('F101', 'pure', 'a price changes between the decision and the end', 'priced by what held when it was decided', () => {
    const known = scene.catalogue.targets[0]
    const [now] = known?.target.prices ?? []
    if (now === undefined) throw new Error('no price')
    const prices = [now, { ...now, from: '2026-12-01', output_micros_per_mtok: 9_000_000 }]
    const usage = { ...UNKNOWN_USAGE, input_tokens: 0, output_tokens: 1_000_000 }
    const cost = (decided_at: string) => costOf(usage, priceAt(prices, Date.parse(decided_at)).price)
    expect([cost('2026-11-30T23:59:59Z'), cost('2026-12-01T00:00:00Z')]).toEqual([4_000_000, 9_000_000])
    return '4,000,000 before, 9,000,000 after; a request keeps the target it was decided on'
  })
})
