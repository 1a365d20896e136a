/**
 * What of a graded answer was chance. Whether the weak model got one question right says little of the question; how all other models did
 * on it says more. So its grade is taught as what theirs let one expect, where the set, or another set that asks the same question, tells
 * them. The strong model's grade stays as it is: where it fails is often its own manner, which the text shows and the others do not share. The
 * same can be true of the weak one: whether steadying helps is tried out within the rows that teach.
 */
import { foldOf } from '../measure.ts'
import { curveOf, ranked } from './apgr.ts'
import type { Item } from './items.ts'
import { ridge } from './ridge.ts'
import type { GradedSet } from './sets.ts'
import { boostedTrees } from './trees.ts'

type Grades = Record<string, number>
/** Grades of other sets on the same question, by the question. */
export type Elsewhere = ReadonlyMap<string, readonly Grades[]>

/** Questions that enough models answered for an expectation, in a set of this many of them. */
const MODELS_LEAST = 5
const ROWS_LEAST = 100
/** Where fewer of the rows can be steadied, the lesson would be of two kinds of rows, and teach their difference (MMLU: half of them, .663 -> .647). */
const SHARE_LEAST = 0.9
const SHRINK = 30

/** Of every set but this one. A question that a set asks in several rows may be several questions that open alike, and is left out. */
export function elsewhere(sets: readonly { set: GradedSet; items: readonly Item[] }[], name: string): Elsewhere {
  const found = new Map<string, Grades[]>()
  for (const { set, items } of sets) {
    if (set.name === name) continue
    const rows = new Map<string, Item[]>()
    for (const item of items) rows.set(item.question, [...(rows.get(item.question) ?? []), item])
    for (const [question, [only, second]] of rows) {
      if (only === undefined || second !== undefined) continue
      const named = Object.entries(only.scores).map(([model, score]) => [`${set.name}/${model}`, score])
      found.set(question, [...(found.get(question) ?? []), Object.fromEntries(named) as Grades])
    }
  }
  return found
}

/** Gains of the items to teach with, the weak model's part of them steadied. */
export function steadied(items: readonly Item[], { strong, weak }: GradedSet, others: Elsewhere): Float64Array {
  const known = items.map(({ scores, question }) => {
    const { [strong]: _strong, [weak]: _weak, ...rest } = scores
    return Object.assign(rest, ...(others.get(question) ?? [])) as Grades
  })
  const rich = known.map(grades => Object.keys(grades).length >= MODELS_LEAST)
  const told = known.flatMap((grades, i) => (rich[i] ? [grades] : []))
  const gains = Float64Array.from(items, item => item.gain)
  if (told.length < Math.max(ROWS_LEAST, SHARE_LEAST * items.length)) return gains
  const models = [...new Set(told.flatMap(grades => Object.keys(grades)))]
  const means = models.map(model => {
    const grades = told.flatMap(each => (each[model] === undefined ? [] : [each[model]]))
    return grades.reduce((sum, grade) => sum + grade, 0) / grades.length
  })
  const rowOf = (grades: Grades) => ({
    dense: Float32Array.from(models, (model, m) => grades[model] ?? (means[m] as number)),
    grams: new Int32Array(0),
  })
  const weakOf = (item: Item) => item.scores[weak] ?? 0
  const expected = ridge(
    told.map(rowOf),
    Float64Array.from(
      items.filter((_, i) => rich[i]),
      weakOf,
    ),
    { lambda: SHRINK, buckets: 1 },
  )
  return gains.map((gain, i) => (rich[i] ? gain + weakOf(items[i] as Item) - expected(rowOf(known[i] as Grades)) : gain))
}

const TRIED_IN = 3
const TRIED_ROWS_MOST = 2_500
/** Few and quick: they only tell which of two lessons teaches better. */
const TRIAL = { trees: 40, depth: 2, pace: 0.15, leaf_rows: 30, leaf_shrink: 150 }

/** The gains to teach with: steadied, where parts of these rows rank the others' plain gains better so. */
export function lessonGains(items: readonly Item[], set: GradedSet, others: Elsewhere): Float64Array {
  const plain = Float64Array.from(items, item => item.gain)
  const steady = steadied(items, set, others)
  if (steady.every((gain, i) => gain === plain[i])) return plain
  const step = Math.max(1, items.length / TRIED_ROWS_MOST)
  const tried = Array.from({ length: Math.min(items.length, TRIED_ROWS_MOST) }, (_, i) => Math.floor(i * step))
  const itemAt = (i: number) => items[i] as Item
  const partOf = (i: number) => foldOf(`tried/${itemAt(i).question}`, TRIED_IN)
  const ranks = (gains: Float64Array): number => {
    const scores = new Float64Array(tried.length)
    for (let part = 0; part < TRIED_IN; part++) {
      const kept = tried.filter(i => partOf(i) !== part)
      const told = boostedTrees(
        kept.map(i => itemAt(i).told),
        Float64Array.from(kept, i => gains[i] as number),
        TRIAL,
      )
      for (const [at, i] of tried.entries()) if (partOf(i) === part) scores[at] = told(itemAt(i).told)
    }
    return curveOf(
      ranked(
        scores,
        tried.map(i => plain[i] as number),
      ),
    ).apgr
  }
  return ranks(steady) > ranks(plain) ? steady : plain
}
