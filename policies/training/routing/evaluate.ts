/**
 * How well the router's signs tell which prompts need the stronger model.
 *
 *     npm run evaluate:routing -- [--data DIR] [--train DIR] [--sets a,b] [--quick] [--seed N] [--out FILE]
 *
 * `--data`: a folder of JSON lines with `{prompt, scores: {model: 0..1}}`, and where there are, `id`, `dataset`, `subset`. With `--train`,
 * rows of that other folder teach, and those of `--data` are only scored; questions in both are left out of the teaching.
 * `--seed` draws other parts for the k-fold: with these the constants were chosen.
 *
 * Splits, each named in what is printed: `k-fold` (five parts; one question, however wrapped, is in one part), `subject out` (each part of a set
 * told by the others, of many parts several at once), `set out` (each set told by all others), and `transfer` (one named set tells another). `teach.ts` says how.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { foldOf } from '../measure.ts'
import { shippedModel } from '../shipped.ts'
import { apgrInterval, curveOf, ranked } from './apgr.ts'
import { type Item, itemsOf } from './items.ts'
import { kNearest } from './nearest.ts'
import { type GradedSet, gradedSets } from './sets.ts'
import { elsewhere, lessonGains } from './steadied.ts'
import { across, byWordsAndForm, type Lesson, type Scorer, taught } from './teach.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    train: { type: 'string' },
    sets: { type: 'string' },
    quick: { type: 'boolean' },
    seed: { type: 'string' },
    out: { type: 'string' },
  },
})
const DATA = values.data ?? join(import.meta.dirname, '../../../../shared/data')
const FOLDS = 5
const SUBJECT_ROWS_LEAST = 20
const SUBJECTS_MOST = 60
/** Of more subjects than these, several are left out at once, which is the harder question. */
const SUBJECT_FITS_MOST = 20
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

/** Five parts; with `--seed`, five others. */
const fold = (item: Item) => foldOf(`${values.seed ?? ''}${item.question}`, FOLDS)
const gainsOf = (items: readonly Item[]) => Float64Array.from(items, item => item.gain)

type Read = { set: GradedSet; items: Item[] }
/** What rows of a set teach, with all that is known of their questions. */
function lessonsOf({ set }: Read, all: readonly Read[]): (train: readonly Item[]) => Lesson {
  const others = elsewhere(all, set.name)
  return items => ({ items, gains: lessonGains(items, set, others) })
}

/** Scores of every item by what the others of its set teach, in parts. */
function crossed(
  items: readonly Item[],
  partOf: (item: Item) => number,
  parts: number,
  teach: (train: readonly Item[]) => Scorer,
): Float64Array {
  const scores = new Float64Array(items.length)
  for (let part = 0; part < parts; part++) {
    const train = items.filter(item => partOf(item) !== part)
    if (train.length === items.length) continue
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
const read = (folder: string): Read[] => gradedSets(folder).map(set => ({ set, items: itemsOf(set, model) }))
/** All sets teach; these are told of. */
const asked = ({ set }: Read) => !values.sets || values.sets.split(',').includes(set.name)

say(
  `# Routing, ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}, Node ${process.versions.node}`,
)
say(
  `# artefact ${model.header.version} ${model.header.sha256.slice(0, 12)}; data ${values.data ?? 'shared'}${values.train ? `; taught by ${values.train}` : ''}`,
)
say('# 95 % intervals by resampling prompts. APGR: random is .5. CPT: share of strong calls for half and four fifths of the gap.')
const sets = read(DATA)
const teachers = values.train ? read(values.train) : null
for (const { set, items } of sets.filter(asked)) {
  const mean = (name: string) => set.rows.reduce((sum, { scores }) => sum + (scores[name] ?? 0), 0) / set.rows.length
  say(`# ${set.name}: ${items.length} prompts; strong ${set.strong} ${three(mean(set.strong))}, weak ${set.weak} ${three(mean(set.weak))}`)
}
say(`${'set'.padEnd(12)} ${'split'.padEnd(12)} ${'scorer'.padEnd(16)} APGR   95 %            CPT(50)  CPT(80)`)

for (const { set, items } of sets.filter(asked)) {
  const gains = gainsOf(items)
  const lesson = lessonsOf({ set, items }, sets)
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
      const scorer = taught(lessonsOf(theirs, teachers)(train))
      report(set.name, 'other folder', 'router', items.map(scorer), gains)
    }
  } else {
    report(
      set.name,
      'k-fold',
      'router',
      crossed(items, fold, FOLDS, train => taught(lesson(train))),
      gains,
    )
    if (subjects.length > 1) report(set.name, 'k-fold', 'domain prior', priors(items, fold), gains)
    report(set.name, 'k-fold', 'k-nearest', kNearest(items, fold, FOLDS, NEIGHBOURS), gains)
    const wide = subjects.filter(subject => items.filter(item => item.part === subject).length >= SUBJECT_ROWS_LEAST)
    if (!values.quick && wide.length > 2 && wide.length <= SUBJECTS_MOST)
      report(
        set.name,
        'subject out',
        'router',
        crossed(
          items,
          item => subjects.indexOf(item.part) % SUBJECT_FITS_MOST,
          Math.min(subjects.length, SUBJECT_FITS_MOST),
          train => byWordsAndForm(lesson(train)),
        ),
        gains,
      )
  }
}

/** What other sets teach, without the questions that are asked. */
const elsewhereTaught = (others: readonly { items: readonly Item[] }[], asked: ReadonlySet<string>) =>
  across(others.map(({ items }) => items.filter(item => !asked.has(item.question))))

const pool = teachers ?? sets
const pooled: { score: number; gain: number }[] = []
const outs: number[] = []
for (const { set, items } of sets.filter(asked)) {
  const others = pool.filter(other => other.set.name !== set.name)
  if (others.length === 0) continue
  const scorer = elsewhereTaught(others, new Set(items.map(item => item.question)))
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
  if (teacher && pupil)
    report(
      to,
      `by ${from}`,
      'router',
      pupil.items.map(elsewhereTaught([teacher], new Set(pupil.items.map(item => item.question)))),
      gainsOf(pupil.items),
    )
}

/** Sets of many models: the one of a few that is said to do most better than the best single one of the other parts, if any does. */
const POOL = 6
const POOL_ROWS_MOST = 3_000
for (const { set, items } of sets.filter(asked)) {
  if (set.models.length < 4 || teachers) continue
  const names = set.models.slice(0, POOL)
  let routed = 0
  let single = 0
  let oracle = 0
  for (let part = 0; part < FOLDS; part++) {
    const train = items.filter(item => fold(item) !== part)
    const test = items.filter(item => fold(item) === part)
    const means = names.map(name => train.reduce((sum, item) => sum + (item.scores[name] ?? 0), 0))
    const best = names[means.indexOf(Math.max(...means))] as string
    const step = Math.max(1, train.length / POOL_ROWS_MOST)
    const rows = train.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step))
    const others = names
      .filter(name => name !== best)
      .map(name => {
        const gains = Float64Array.from(rows, item => (item.scores[name] ?? 0) - (item.scores[best] ?? 0))
        const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
        const scorer = byWordsAndForm({ items: rows, gains })
        return { name, better: (item: Item) => mean + scorer(item) }
      })
    for (const item of test) {
      const said = others.map(({ better }) => better(item))
      const most = Math.max(...said)
      routed += item.scores[most > 0 ? (others[said.indexOf(most)]?.name ?? best) : best] ?? 0
      single += item.scores[best] ?? 0
      oracle += Math.max(...names.map(name => item.scores[name] ?? 0))
    }
  }
  say(
    `${set.name.padEnd(12)} k-fold       best of ${names.length} models: router ${three(routed / items.length)}, best single ${three(single / items.length)}, oracle ${three(oracle / items.length)}, gap closed ${share((routed - single) / (oracle - single))}`,
  )
}
if (values.out) writeFileSync(values.out, `${lines.join('\n')}\n`)
