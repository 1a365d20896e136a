/**
 * `npm run simulate:report`: the numbers of the gate beside those of other people's rules, under the same seeds, written to
 * test/simulate/RESULTS.md. A quarter of an hour on a quiet core, most of it for the edges, of which `--runs 2` makes fewer; `--short` takes a
 * tenth of all and writes nothing.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { BASELINES } from '../../worker/simulate/baselines.ts'
import { type Judgement, run } from '../../worker/simulate/cluster.ts'
import { type Figures, figuresOf } from '../../worker/simulate/report.ts'
import { smallScene } from '../../worker/simulate/scene.ts'
import { type Contender, detection, falseEjections, gateObserver, quantile, ruleObserver } from '../../worker/simulate/single.ts'
import { NO_WEATHER, WEATHERS, type Weather } from '../../worker/simulate/weather.ts'
import { WORKLOADS, type Workload } from '../../worker/simulate/workload.ts'

const short = process.argv.includes('--short')
const SEEDS = short ? 20 : 500
const HEALTHY = short ? 50_000 : 1_000_000
const RUNS_WHOLE = 10
const asked = process.argv.indexOf('--runs')
const RUNS = short ? 2 : asked < 0 ? RUNS_WHOLE : Number(process.argv[asked + 1])
const COMMAND = `npm run simulate:report${short ? ' -- --short' : asked < 0 ? '' : ` -- --runs ${RUNS}`}`
const AT_MOST = 400
/** Of what a request costs: 20 tokens in at a quarter of the price of the 20 out. */
const PROMPT_SHARE = 0.2

const OURS: Contender = { name: '**Signalbox**', make: gateObserver }
const ALL: Contender[] = [...BASELINES.map((rule): Contender => ({ name: rule.name, make: () => ruleObserver(rule) })), OURS]
const scene = smallScene()
const lines: string[] = []
const say = (line = '') => {
  lines.push(line)
  console.log(line)
}
/** What the goals below are judged by. */
const reached = { outage_p99: 0, brown_p50: 0, brown_p99: 0, false_3: 0, false_5: 0, poison: 0 }
const cluster: Record<string, { wasted: number; failed: number; added_p99_ms: number; back: string }> = {}
const row = (cells: (string | number)[]) => say(`| ${cells.join(' | ')} |`)
const head = (cells: string[]) => {
  row(cells)
  row(cells.map((_, i) => (i === 0 ? '---' : '--:')))
}
const never = (value: number) => (value >= AT_MOST ? 'never' : String(value))

function found(contender: Contender, rps: number, broken: number, base: number): string {
  const seen = Array.from({ length: SEEDS }, (_, seed) => detection(contender, { rps, base, broken, seed, warm: 300, at_most: AT_MOST }))
  if (contender === OURS && base === 0.01) {
    if (broken === 1) reached.outage_p99 = Math.max(reached.outage_p99, quantile(seen, 0.99))
    else {
      reached.brown_p50 = Math.max(reached.brown_p50, quantile(seen, 0.5))
      reached.brown_p99 = Math.max(reached.brown_p99, quantile(seen, 0.99))
    }
  }
  return `${never(quantile(seen, 0.5))} / ${never(quantile(seen, 0.99))}`
}

say('# What the simulation measured')
say()
say(`${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}.`)
say(`\`${COMMAND}\`; seeds 0 to ${SEEDS - 1} for detection, 1 for false alarms, 1 to ${RUNS} for the clusters.`)
say()
say('## One observer, one target')
say()
say('Requests from the onset until the rule opens, p50 / p99, ten tenants; "never": not within 400. The base error is 1 %.')
say()
head(['rule', 'outage, 0.2 rps', '2 rps', '20 rps', '25 % brown-out, 0.2 rps', '2 rps', '20 rps'])
for (const contender of ALL) {
  row([contender.name, ...[1, 0.25].flatMap(broken => [0.2, 2, 20].map(rps => found(contender, rps, broken, 0.01)))])
}
say()
say('The same of our gate where 3 % and 5 % of errors are normal:')
say()
head(['base', 'outage, 0.2 rps', '2 rps', '20 rps', '25 % brown-out, 0.2 rps', '2 rps', '20 rps'])
for (const base of [0.03, 0.05])
  row([`${base * 100} %`, ...[1, 0.25].flatMap(broken => [0.2, 2, 20].map(rps => found(OURS, rps, broken, base)))])
say()
say(
  `False ejections in 10⁶ requests with nothing wrong but the base error (${HEALTHY.toLocaleString('en')} requests each), and with a tenant of 20 % of the traffic whose requests break every target (base 1 %):`,
)
say()
head(['rule', '1 %, 0.2 rps', '20 rps', '3 %, 0.2 rps', '20 rps', '5 %, 0.2 rps', '20 rps', 'poison, 0.2 rps', '20 rps'])
for (const contender of ALL) {
  const cells = [0.01, 0.03, 0.05].flatMap(base =>
    [0.2, 20].map(rps => falseEjections(contender, { rps, base, requests: HEALTHY, seed: 1 })),
  )
  const poison = [0.2, 20].map(rps => falseEjections(contender, { rps, base: 0.01, requests: HEALTHY / 2, seed: 1, poison: 0.2 }))
  if (contender === OURS) {
    reached.false_3 = Math.max(...cells.slice(0, 4))
    reached.false_5 = Math.max(...cells.slice(4))
    reached.poison = Math.max(...poison)
  }
  row([contender.name, ...[...cells, ...poison].map(value => Math.round(value).toLocaleString('en'))])
}

const weather = (name: string) => WEATHERS[name] as Weather
const workload = (name: string) => WORKLOADS[name] as Workload
let broken = 0
let requests = 0

async function figures(judgement: Judgement, load: Workload, sky: Weather, runs: number): Promise<Figures[]> {
  const all: Figures[] = []
  for (let seed = 1; seed <= runs; seed++) {
    const outcomes = await run({ scene, workload: load, weather: sky, seed, judgement })
    broken += outcomes.broken.length
    requests += outcomes.journeys.length
    all.push(figuresOf(outcomes, scene, sky, load))
  }
  return all
}
const mean = (all: Figures[], of: (one: Figures) => number) => all.reduce((sum, one) => sum + of(one), 0) / all.length
const percent = (share: number, digits: number) => `${(share * 100).toFixed(digits)} %`
const seconds = (all: Figures[], of: (one: Figures) => number | null) => {
  const values = all.map(one => of(one) ?? Number.POSITIVE_INFINITY)
  const shown = (value: number) => (Number.isFinite(value) ? (value / 1_000).toFixed(1) : 'never')
  return `${shown(quantile(values, 0.5))} / ${shown(quantile(values, 0.99))}`
}

say()
say('## An edge')
say()
say(
  'A primary and one healthy fallback, each with 1 % of errors of its own, at 20 requests a second; after a minute the primary is struck for two. In vain: requests of the spell that called the primary and failed there. Back: seconds from the end of the spell until the primary answers a request, and until nine in ten requests begin there, p50 / p99 of the runs. Waiting: p99 of what failed calls cost the answered requests of the spell.',
)
const judges: [string, Judgement][] = [
  ['failover only', { by: 'nobody' }],
  ...BASELINES.map((rule): [string, Judgement] => [`${rule.name}, per isolate`, { by: 'rule', rule }]),
  ['Signalbox, object away', { by: 'gate', shared: false }],
  ['**Signalbox**', { by: 'gate', shared: true }],
]
for (const [title, sky] of [
  ['503 at once', 'outage'],
  ['silence', 'silence'],
] as const) {
  for (const name of ['usual', 'wide']) {
    say()
    say(`### ${title}, ${workload(name).isolates} isolates`)
    say()
    head([
      'who decides',
      'in vain',
      'callers who saw an error, of all',
      'waiting, p99',
      'back, s',
      'nine in ten, s',
      'calls to the object a second',
    ])
    for (const [who, judgement] of judges) {
      const all = await figures(judgement, workload(name), weather(sky), RUNS)
      if (judgement.by === 'gate' && judgement.shared) {
        cluster[`${sky} ${name}`] = {
          wasted: mean(all, one => one.wasted),
          failed: mean(all, one => one.failed),
          added_p99_ms: mean(all, one => one.added_p99_ms),
          back: seconds(all, one => one.back_ms),
        }
      }
      row([
        who,
        percent(
          mean(all, one => one.wasted),
          2,
        ),
        percent(
          mean(all, one => one.failed),
          4,
        ),
        `${Math.round(mean(all, one => one.added_p99_ms))} ms`,
        seconds(all, one => one.back_ms),
        seconds(all, one => one.full_ms),
        judgement.by === 'gate' && judgement.shared ? mean(all, one => one.object_calls_per_s).toFixed(0) : '-',
      ])
    }
  }
}
say()
say('### Every weather, Signalbox')
say()
head(['weather', 'workload', 'in vain', 'errors before the answer', 'in its middle', 'calls a request', 'back, s', 'nine in ten, s'])
for (const sky of Object.keys(WEATHERS).filter(name => name !== 'fair')) {
  for (const name of ['usual', 'wide', 'far', 'busy', 'lossy', 'poison']) {
    const all = await figures({ by: 'gate', shared: true }, workload(name), weather(sky), Math.min(RUNS, 3))
    row([
      sky,
      name,
      percent(
        mean(all, one => one.wasted),
        2,
      ),
      percent(
        mean(all, one => one.failed),
        4,
      ),
      percent(
        mean(all, one => one.cut),
        3,
      ),
      mean(all, one => one.calls_per_request).toFixed(3),
      seconds(all, one => one.back_ms),
      seconds(all, one => one.full_ms),
    ])
  }
}
say()
say('### A late first token, hedged')
say()
say(
  'Of the calls to the primary 2 % take four times as long; where they all do, hedging cannot help much, and its share bounds what it costs. Off unless a policy gives it a share. Cost: a call that was closed is paid for its prompt, of the simulated request a fifth.',
)
const tail: Weather = { name: 'tail', base: 0.01, spells: [{ kind: 'slow', target: 0, from_ms: 0, until_ms: 3_600_000, share: 0.02 }] }
const slowed: Weather = { name: 'slowed', base: 0.01, spells: [{ kind: 'slow', target: 0, from_ms: 60_000, until_ms: 180_000 }] }
for (const [title, sky] of [
  ['2 % are slow', tail],
  ['all of them are, for two of five minutes', slowed],
] as const) {
  say()
  head([`${title}: share, after`, 'first token p50', 'p99', 'p99.9', 'p99 gained', 'calls a request', 'second calls', 'cost a request'])
  let unhedged_p99_ms = 0
  for (const [policy, more] of [
    ['none', ''],
    ['5 %, p99', 'hedge: { share: 0.05, after: p99 }'],
    ['5 %, p95', 'hedge: { share: 0.05, after: p95 }'],
    ['20 %, p90', 'hedge: { share: 0.2, after: p90 }'],
  ] as const) {
    const { first_token_ms, calls, hedges, requests: carried } = await hedged(more, sky)
    const at = (share: number) => `${Math.round(quantile(first_token_ms, share))} ms`
    const p99_ms = quantile(first_token_ms, 0.99)
    if (more === '') unhedged_p99_ms = p99_ms
    row([
      policy,
      at(0.5),
      at(0.99),
      at(0.999),
      more === '' ? '-' : percent(1 - p99_ms / unhedged_p99_ms, 0),
      (calls / carried).toFixed(3),
      percent(hedges / carried, 2),
      `${(1 + (hedges / carried) * PROMPT_SHARE).toFixed(3)} times`,
    ])
  }
}

async function hedged(more: string, sky: Weather) {
  const first_token_ms: number[] = []
  let calls = 0
  let hedges = 0
  for (let seed = 1; seed <= RUNS; seed++) {
    const outcomes = await run({ scene: smallScene(more), workload: workload('usual'), weather: sky, seed })
    broken += outcomes.broken.length
    requests += outcomes.journeys.length
    for (const journey of outcomes.journeys) {
      if (journey.first_token_ms !== null) first_token_ms.push(journey.first_token_ms)
      calls += journey.attempts.length
      hedges += journey.attempts.filter(attempt => attempt.hedge).length
    }
  }
  return { first_token_ms, calls, hedges, requests: first_token_ms.length }
}

say()
say('### How health reaches isolates')
say()
say(
  'An outage from 30 s to 60 s of 90. Isolates tell the object, or its relays where it has too many callers; looks into the cache of their data centre, and how many of them found what was wanted; calls a second to the object from whomever, and to the busiest of all objects in its busiest second. In vain: as above.',
)
say()
head([
  'isolates, requests a second, data centres',
  'reports a second',
  'to the object',
  'busiest object',
  'relays',
  'looks a second',
  'found',
  'in vain',
])
const half: Weather = { ...weather('outage'), spells: [{ kind: 'outage', target: 0, from_ms: 30_000, until_ms: 60_000 }] }
for (const [isolates, rps, colos] of [
  [20, 20, 0],
  [20, 20, 2],
  [200, 20, 0],
  [200, 20, 10],
  [200, 200, 10],
  [2_000, 200, 40],
  [2_000, 2_000, 0],
  [2_000, 2_000, 40],
] as const) {
  const load = { ...workload('usual'), isolates, rps, colos, duration_ms: short ? 60_000 : 90_000 }
  const outcomes = await run({ scene, workload: load, weather: half, seed: 1 })
  broken += outcomes.broken.length
  requests += outcomes.journeys.length
  const { sent, at_head, busiest_per_s, relays, looks, found: nearby } = outcomes.traffic
  const per_s = (count: number) => ((count * 1_000) / load.duration_ms).toFixed(0)
  row([
    `${isolates}, ${rps}, ${colos === 0 ? 'no caches' : colos}`,
    per_s(sent),
    per_s(at_head),
    busiest_per_s,
    relays,
    per_s(looks),
    looks === 0 ? '-' : percent(nearby / looks, 0),
    percent(figuresOf(outcomes, scene, half, load).wasted, 2),
  ])
}
say()
const boot = await run({
  scene,
  workload: { ...workload('busy'), rps: 400, duration_ms: 10_000 },
  weather: { ...NO_WEATHER, base: 0 },
  seed: 1,
})
say(
  `Two hundred isolates that begin within a second: ${boot.traffic.one_isolate_in_2s} report of each in any two seconds (but for what is urgent), ${boot.traffic.busiest_per_s} of all of them in the busiest.`,
)
say()
say('### Regions')
say()
say(
  'Three of them, 20 isolates and 20 requests a second each, 60 ms and more apart; the primary is out for half a minute in some. Trusted less: the other regions believe it broken after three failures in a row and not four, for as long as they hear it. Opened: how often its gate there opened, of so many runs.',
)
say()
head(['out in', 'opened there', 'opened elsewhere', 'trusted less elsewhere', 'in vain there', 'callers who saw an error'])
for (const struck of [[0], [0, 1]]) {
  const load = { ...workload('regions'), duration_ms: 120_000 }
  const sky: Weather = {
    ...weather('outage'),
    spells: struck.map(region => ({ kind: 'outage', target: 0, region, from_ms: 30_000, until_ms: 60_000 })),
  }
  let [there, elsewhere, wary, failed, in_vain] = [0, 0, 0, 0, 0]
  for (let seed = 1; seed <= RUNS; seed++) {
    const outcomes = await run({ scene, workload: load, weather: sky, seed })
    broken += outcomes.broken.length
    requests += outcomes.journeys.length
    const opened = new Set(
      outcomes.transitions.filter(each => each.target === scene.order[0] && each.state === 'open').map(each => each.region),
    )
    there += struck.filter(region => opened.has(region)).length / struck.length
    elsewhere += [...opened].some(region => !struck.includes(region)) ? 1 : 0
    wary += outcomes.wary.some(({ region }) => !struck.includes(region)) ? 1 : 0
    const seen = figuresOf(outcomes, scene, sky, load)
    failed += seen.failed
    // A region has a third of the requests.
    in_vain += (seen.wasted * load.regions) / struck.length
  }
  row([
    struck.length === 1 ? 'one' : 'two',
    `${there} of ${RUNS}`,
    `${elsewhere} of ${RUNS}`,
    `${wary} of ${RUNS}`,
    percent(in_vain / RUNS, 2),
    percent(failed / RUNS, 4),
  ])
}

say()
say(
  `Invariants I5 to I7 and I9 to I12, checked at every step of ${requests.toLocaleString('en')} requests: ${broken === 0 ? 'none broken' : `${broken} BROKEN`}. I8 is checked with bytes, in simulate.test.ts; I1 to I4 are of the object that keeps money, which is not simulated.`,
)
const far = mean(await figures({ by: 'gate', shared: true }, workload('far'), weather('outage'), Math.min(RUNS, 5)), one => one.wasted)
say()
say('## Goals')
say()
head(['goal', 'number', 'here', 'met'])
const judge = (goal: string, number: string, here: string, met: boolean) => row([goal, number, here, met ? 'yes' : '**no**'])
const usual = cluster['outage usual']
const wide = cluster['outage wide']
const slowest = (back: string | undefined, at: 0 | 1) => Number(back?.split(' / ')[at])
judge('M6 an outage is found', 'at most 5 requests, p99', `${reached.outage_p99}`, reached.outage_p99 <= 5)
judge('M6 in vain, 20 isolates', 'at most 2 %', percent(usual?.wasted ?? 1, 2), (usual?.wasted ?? 1) <= 0.02)
judge('M6 in vain, 200 isolates', 'at most 4 %', percent(wide?.wasted ?? 1, 2), (wide?.wasted ?? 1) <= 0.04)
judge('M6 the same, 60 ms from the object', 'at most 4 %', percent(far, 2), far <= 0.04)
judge(
  'M7 a 25 % brown-out is found',
  'at most 30 requests p50, 85 p99',
  `${reached.brown_p50} / ${reached.brown_p99}`,
  reached.brown_p50 <= 30 && reached.brown_p99 <= 85,
)
judge(
  'M8 false ejections in a million',
  'at most 5 at 3 %, 30 at 5 %',
  `${Math.round(reached.false_3)} / ${Math.round(reached.false_5)}`,
  reached.false_3 <= 5 && reached.false_5 <= 30,
)
judge('M9 ejections by a poisonous tenant, in a million', '0', `${Math.round(reached.poison)}`, reached.poison === 0)
judge(
  'M10 callers who saw an error',
  'at most 0.05 %',
  percent(Math.max(usual?.failed ?? 1, wide?.failed ?? 1), 4),
  Math.max(usual?.failed ?? 1, wide?.failed ?? 1) <= 0.0005,
)
judge(
  'M10 wait of those who were answered, p99',
  'at most 400 ms',
  `${Math.round(usual?.added_p99_ms ?? 9_999)} ms`,
  (usual?.added_p99_ms ?? 9_999) <= 400,
)
judge(
  'M11 back on the primary',
  'at most 20 s p50, 30 s p99',
  `${usual?.back} s`,
  slowest(usual?.back, 0) <= 20 && slowest(usual?.back, 1) <= 30,
)
say()
say(
  'M8 is measured over a hundred million requests in [ALARMS.md](ALARMS.md). M12 and M13 are measured over bytes: [test/fuzz/CUTS.md](../fuzz/CUTS.md).',
)
if (!short) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), `${lines.join('\n')}\n`)
if (broken > 0) process.exitCode = 1
