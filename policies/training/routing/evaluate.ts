/**
 * How well the router's signs tell which prompts need the stronger model.
 *
 *     npm run evaluate:routing -- [--data DIR] [--train DIR] [--sets a,b] [--quick] [--out FILE]
 *
 * `--data`: a folder of JSON lines with `{prompt, scores: {model: 0..1}}`, and where there are, `id`, `dataset`, `subset`. With `--train`,
 * rows of that other folder teach, and those of `--data` are only scored; questions in both are left out of the teaching.
 *
 * Splits, each named in what is printed: `k-fold` (five parts; one question, however wrapped, is in one part), `subject out` (each part of a set
 * told by the others), `set out` (each set told by all others), and `transfer` (one named set tells another). One way of teaching with one set of
 * constants serves all of them; the constants were chosen on the k-fold of MMLU, GSM8K and LLMRouter, so those figures flatter by a little.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { foldOf } from '../measure.ts'
import { shippedModel } from '../shipped.ts'
import { apgrInterval, curveOf, ranked } from './apgr.ts'
import { GRAM_BITS, type Item, itemsOf } from './items.ts'
import { kNearest } from './nearest.ts'
import { partPrior } from './prior.ts'
import { type RidgeOptions, ridge } from './ridge.ts'
import { gradedSets } from './sets.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    train: { type: 'string' },
    sets: { type: 'string' },
    quick: { type: 'boolean' },
    out: { type: 'string' },
  },
})
const DATA = values.data ?? join(import.meta.dirname, '../../../../shared/data')
const FOLDS = 5
const RIDGE: RidgeOptions = { lambda: 10, buckets: 2 ** GRAM_BITS, gramWorth: 1, rounds: 14 }
/** What the ridge counts beside the prior by domain; a half and one do alike. */
const RIDGE_WORTH = 0.5
/** Across sets only what carries over helps, so more is held back. */
const RIDGE_ACROSS: RidgeOptions = { ...RIDGE, lambda: 60 }
const SUBJECT_ROWS_LEAST = 20
const SUBJECTS_MOST = 60
/** Rows of one set that teach others: a large set would drown the small ones. */
const SET_ROWS_MOST = 2_500
const NEIGHBOURS = 60

const lines: string[] = []
const say = (text: string) => {
  lines.push(text)
  process.stdout.write(`${text}\n`)
}
const three = (value: number) => (Number.isNaN(value) ? '  -  ' : value.toFixed(3))
const share = (value: number) => (Number.isNaN(value) ? '  -  ' : `${(100 * value).toFixed(1)}%`)

function report(set: string, split: string, scorer: string, scores: ArrayLike<number>, gains: Float64Array): number {
  const order = ranked(scores, gains)
  const { apgr, cpt50, cpt80 } = curveOf(order)
  const { low, high } = apgrInterval(order)
  say(
    `${set.padEnd(12)} ${split.padEnd(12)} ${scorer.padEnd(16)} ${three(apgr)}  [${three(low)}, ${three(high)}]  ${share(cpt50).padStart(6)}  ${share(cpt80).padStart(6)}`,
  )
  return apgr
}

const gainsOf = (items: readonly Item[]) => Float64Array.from(items, item => item.gain)

/**
 * Gains less their mean. What is left out has the opposite of what its absence does to the others' mean, so a mean that were kept would
 * rank the parts of a split the wrong way round; a router needs none, since its threshold is set apart.
 */
function centred(items: readonly Item[]): Float64Array {
  const mean = items.reduce((sum, item) => sum + item.gain, 0) / items.length
  return Float64Array.from(items, item => item.gain - mean)
}

/** In-domain: the prior of the parts that a prompt is like, and what its own words add. */
function taught(train: readonly Item[]): (item: Item) => number {
  const prior = partPrior(train)
  const rest = byWords(train)
  return item => prior(item) + RIDGE_WORTH * rest(item)
}
/** Where the part itself was never seen, its prior would mislead; the words speak alone. */
const byWords = (train: readonly Item[]) => ridge(train, centred(train), RIDGE)

/** Scores of every item by what the others of its set teach, in parts. */
function crossed(
  items: readonly Item[],
  partOf: (item: Item) => number,
  parts: number,
  teach: (train: readonly Item[]) => (item: Item) => number,
): Float64Array {
  const scores = new Float64Array(items.length)
  for (let part = 0; part < parts; part++) {
    const train = items.filter(item => partOf(item) !== part)
    const scorer = teach(train)
    for (const [i, item] of items.entries()) if (partOf(item) === part) scores[i] = scorer(item)
  }
  return scores
}

/** Each part by the others: mean gain of the item's own part of the set, as a prior by domain knows it. */
function priors(items: readonly Item[], fold: (item: Item) => number): Float64Array {
  return Float64Array.from(items, item => {
    let sum = 0
    let count = 0
    for (const other of items)
      if (other.part === item.part && fold(other) !== fold(item)) {
        sum += other.gain
        count++
      }
    return count > 0 ? sum / (count + 5) : 0
  })
}

const model = shippedModel()
const read = (folder: string) =>
  gradedSets(folder)
    .filter(({ name }) => !values.sets || values.sets.split(',').includes(name))
    .map(set => ({ set, items: itemsOf(set, model) }))

say(
  `# Routing, ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}, Node ${process.versions.node}`,
)
say(
  `# artefact ${model.header.version} ${model.header.sha256.slice(0, 12)}; data ${values.data ?? 'shared'}${values.train ? `; taught by ${values.train}` : ''}`,
)
say('# 95 % intervals by resampling prompts. APGR: random is .5. CPT: share of strong calls for half and four fifths of the gap.')
const sets = read(DATA)
const teachers = values.train ? read(values.train) : null
for (const { set, items } of sets) {
  const mean = (name: string) => set.rows.reduce((sum, { scores }) => sum + (scores[name] ?? 0), 0) / set.rows.length
  say(`# ${set.name}: ${items.length} prompts; strong ${set.strong} ${three(mean(set.strong))}, weak ${set.weak} ${three(mean(set.weak))}`)
}
say(`${'set'.padEnd(12)} ${'split'.padEnd(12)} ${'scorer'.padEnd(16)} APGR   95 %            CPT(50)  CPT(80)`)

for (const { set, items } of sets) {
  const gains = gainsOf(items)
  const fold = (item: Item) => foldOf(item.question, FOLDS)
  report(
    set.name,
    '-',
    'random',
    items.map((_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0),
    gains,
  )
  report(set.name, '-', 'oracle', gains, gains)
  const subjects = [...new Set(items.map(item => item.part))]
  if (teachers) {
    const theirs = teachers.find(teacher => teacher.set.name === set.name)
    if (theirs) {
      const known = new Set(items.map(item => item.question))
      const train = theirs.items.filter(item => !known.has(item.question))
      const scorer = taught(train)
      report(set.name, 'other folder', 'router', items.map(scorer), gains)
    }
  } else {
    report(set.name, 'k-fold', 'router', crossed(items, fold, FOLDS, taught), gains)
    if (subjects.length > 1) report(set.name, 'k-fold', 'domain prior', priors(items, fold), gains)
    report(set.name, 'k-fold', 'k-nearest', kNearest(items, fold, FOLDS, NEIGHBOURS), gains)
    const wide = subjects.filter(subject => items.filter(item => item.part === subject).length >= SUBJECT_ROWS_LEAST)
    if (!values.quick && wide.length > 2 && wide.length <= SUBJECTS_MOST)
      report(
        set.name,
        'subject out',
        'router',
        crossed(items, item => subjects.indexOf(item.part), subjects.length, byWords),
        gains,
      )
  }
}

/** All other sets in one ridge, each set's gains less their mean: that a set as a whole is hard is not to be learned. */
function across(train: readonly { items: readonly Item[] }[], questions: ReadonlySet<string>): (item: Item) => number {
  const rows = train.flatMap(({ items }) => {
    const fresh = items.filter(item => !questions.has(item.question))
    const step = Math.max(1, fresh.length / SET_ROWS_MOST)
    return Array.from({ length: Math.min(fresh.length, SET_ROWS_MOST) }, (_, i) => fresh[Math.floor(i * step)] as Item)
  })
  return ridge(
    rows,
    Float64Array.from(rows, row => row.gain),
    RIDGE_ACROSS,
  )
}

const pool = teachers ?? sets
const pooled: { score: number; gain: number }[] = []
const outs: number[] = []
for (const { set, items } of sets) {
  const others = pool.filter(other => other.set.name !== set.name)
  if (others.length === 0) continue
  const scorer = across(others, new Set(items.map(item => item.question)))
  const scores = items.map(scorer)
  outs.push(report(set.name, 'set out', 'router', scores, gainsOf(items)))
  pooled.push(...items.map((item, i) => ({ score: scores[i] as number, gain: item.gain })))
}
if (outs.length > 1) {
  say(
    `${'mean of sets'.padEnd(12)} ${'set out'.padEnd(12)} ${'router'.padEnd(16)} ${three(outs.reduce((sum, each) => sum + each, 0) / outs.length)}`,
  )
  report(
    'all pooled',
    'set out',
    'router',
    pooled.map(each => each.score),
    Float64Array.from(pooled, each => each.gain),
  )
}
for (const [from, to] of [
  ['mmlu', 'gsm8k'],
  ['gsm8k', 'mmlu'],
] as const) {
  const teacher = pool.find(({ set }) => set.name === from)
  const pupil = sets.find(({ set }) => set.name === to)
  if (teacher && pupil) report(to, `by ${from}`, 'router', pupil.items.map(across([teacher], new Set())), gainsOf(pupil.items))
}

/** Sets of many models: the best of a few by predicted score, against the best single one, as taught by the other parts. */
const POOL = 6
for (const { set, items } of sets) {
  if (set.models.length < 4 || teachers) continue
  const names = set.models.slice(0, POOL)
  const fold = (item: Item) => foldOf(item.question, FOLDS)
  let routed = 0
  let single = 0
  let oracle = 0
  for (let part = 0; part < FOLDS; part++) {
    const train = items.filter(item => fold(item) !== part)
    const test = items.filter(item => fold(item) === part)
    const scorers = names.map(name =>
      ridge(
        train,
        Float64Array.from(train, item => item.scores[name] ?? 0),
        { ...RIDGE, rounds: 12 },
      ),
    )
    const means = names.map(name => train.reduce((sum, item) => sum + (item.scores[name] ?? 0), 0))
    const best = names[means.indexOf(Math.max(...means))] as string
    for (const item of test) {
      const said = scorers.map(scorer => scorer(item))
      routed += item.scores[names[said.indexOf(Math.max(...said))] as string] ?? 0
      single += item.scores[best] ?? 0
      oracle += Math.max(...names.map(name => item.scores[name] ?? 0))
    }
  }
  say(
    `${set.name.padEnd(12)} k-fold       best of ${names.length} models: router ${three(routed / items.length)}, best single ${three(single / items.length)}, oracle ${three(oracle / items.length)}, gap closed ${share((routed - single) / (oracle - single))}`,
  )
}
if (values.out) writeFileSync(values.out, `${lines.join('\n')}\n`)
