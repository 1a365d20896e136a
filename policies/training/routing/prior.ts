/**
 * The prior by domain for prompts whose domain nobody names: a classifier tells which parts of the known data a prompt is like, and
 * how much more than all they gain is weighed by its chances. Most of what text says about routing is said by its subject. Where a set has one part
 * only, it says nothing, and the ridge speaks alone.
 */
import { fitClasses, softmax } from '../ftrl.ts'
import { GRAM_BITS, type Item } from './items.ts'

/** A part's mean is drawn to the mean of all by so many rows' worth. */
const SHRINK_ROWS = 8
const PACE = { alpha: 0.5, beta: 1, l1: 0.05, l2: 0.1 }
const EPOCHS = 4

export function partPrior(items: readonly Item[]): (item: Item) => number {
  const parts = [...new Set(items.map(item => item.part))]
  const all = items.reduce((sum, item) => sum + item.gain, 0) / items.length
  if (parts.length < 2) return () => 0
  const means = parts.map(part => {
    const rows = items.filter(item => item.part === part)
    return rows.reduce((sum, item) => sum + item.gain - all, 0) / (rows.length + SHRINK_ROWS)
  })
  const narrowed = ({ dense, words }: Item) => ({ dense, grams: words.map(bucket => bucket >>> 1) })
  const heads = fitClasses(
    items.map(item => ({ ...narrowed(item), label: parts.indexOf(item.part), weight: 1 })),
    parts.length,
    { buckets: 2 ** (GRAM_BITS - 1), dense: items[0]?.dense.length ?? 0, epochs: EPOCHS, gramPace: PACE },
  )
  const chances = new Float64Array(parts.length)
  return item => {
    heads.sums(narrowed(item), chances)
    softmax(chances)
    return chances.reduce((sum, chance, p) => sum + chance * (means[p] as number), 0)
  }
}
