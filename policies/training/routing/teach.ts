/**
 * How a scorer is taught, by what of the data is near to what it will be asked. One way with one set of constants serves every set; what
 * differs is how much may be believed. They were chosen on other splits of MMLU and GSM8K than those reported (`--seed`), and for other sets
 * on the whole of them, so figures across sets flatter by a little.
 */
import type { Item } from './items.ts'
import { GRAM_BITS } from './items.ts'
import { partPrior } from './prior.ts'
import { type RidgeOptions, ridge } from './ridge.ts'
import { boostedTrees, boostedTreesOften, type TreeOptions } from './trees.ts'

export type Scorer = (item: Item) => number
export type Lesson = { items: readonly Item[]; gains: Float64Array }

const RIDGE: RidgeOptions = { lambda: 10, buckets: 2 ** GRAM_BITS, gramWorth: 1, rounds: 10 }
const TREES: TreeOptions = { trees: 140, depth: 4, pace: 0.05, leaf_rows: 30, leaf_shrink: 250 }
/** Any four numbers; one alone is .005 worse on MMLU. */
const TREE_SEEDS = [7, 11, 13, 17]
/** What words and form count beside the prior by domain. */
const WORDS_WORTH = 0.5
/** Of form the trees know more the more rows they grew on: worth a third where 750 rows teach, and nearly all where 8,000 do. */
const FORM_ROWS = 1_500

/**
 * Gains less their mean. What is left out has the opposite of what its absence does to the others' mean, so a mean that were kept would
 * rank the parts of a split the wrong way round; a router needs none, since its threshold is set apart.
 */
function centred(gains: Float64Array): Float64Array {
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
  return gains.map(gain => gain - mean)
}

/** By the words and the form of prompts: what is left where the part that a prompt is of was never seen. */
export function byWordsAndForm({ items, gains }: Lesson): Scorer {
  const around = centred(gains)
  const words = ridge(items, around, RIDGE)
  const form = boostedTreesOften(
    items.map(item => item.told),
    around,
    TREES,
    TREE_SEEDS,
  )
  const form_worth = items.length / (items.length + FORM_ROWS)
  return item => WORDS_WORTH * words(item) + form_worth * form(item.told)
}

/** In-domain: the prior of the parts that a prompt is like besides. */
export function taught(lesson: Lesson): Scorer {
  const prior = partPrior(lesson.items)
  const rest = byWordsAndForm(lesson)
  return item => prior(item) + rest(item)
}

/** Rows of one set that teach others: a large set would drown the small ones; and what a small set's rows count for at most. */
const SET_ROWS_MOST = 2_500
const SET_WORTH = 1_200
const SET_ROWS_LEAST = 400
const TASK_SHRINK = 10
const TREES_ACROSS: TreeOptions = { trees: 60, depth: 3, pace: 0.05, leaf_rows: 100, leaf_shrink: 200 }
const FORM_WORTH_ACROSS = 0.4

/**
 * For a set of which nothing is known: how much each task gains elsewhere, weighed by the chances of the task as the shipped heads tell
 * them, and what form adds. Words are left out: what they mean for gain in one set they do not mean in the next.
 */
export function across(sets: readonly (readonly Item[])[]): Scorer {
  const thinned = sets.map(items => {
    const step = Math.max(1, items.length / SET_ROWS_MOST)
    return Array.from({ length: Math.min(items.length, SET_ROWS_MOST) }, (_, i) => items[Math.floor(i * step)] as Item)
  })
  const rows = thinned.flat()
  const gains = Float64Array.from(rows, row => row.gain)
  const weights = Float64Array.from(thinned.flatMap(items => items.map(() => SET_WORTH / Math.max(SET_ROWS_LEAST, items.length))))
  const asked = (item: Item) => ({ dense: item.tasks, grams: new Int32Array(0) })
  const task = ridge(rows.map(asked), gains, { lambda: TASK_SHRINK, buckets: 1 }, weights)
  const form = boostedTrees(
    rows.map(row => row.form),
    gains,
    TREES_ACROSS,
    weights,
  )
  return item => task(asked(item)) + FORM_WORTH_ACROSS * form(item.form)
}
