/**
 * Boosted shallow trees (Friedman, 2001) over a few numbers of a text: each tree corrects a little of what those before it left over. They
 * find what sums cannot: that length tells one thing of a question with figures and another of one without. Each tree is grown on half of
 * the rows and half of the columns, drawn the same way every time, and values are told apart in a few steps, so noise is not learned.
 */

export type TreeOptions = {
  trees: number
  depth: number
  /** Share of each tree's answer that is added. */
  pace: number
  /** Rows (by weight) that a leaf holds at least, and rows' worth of nothing added to each leaf. */
  leaf_rows: number
  leaf_shrink: number
}
type Tree = {
  /** Column asked at each inner node, -1 where it is not divided, and the highest bin that goes left. Children of node n: 2n + 1, 2n + 2. */
  columns: Int32Array
  bins: Uint8Array
  values: Float64Array
}

const BINS = 32
const ROW_SHARE = 0.5
const COLUMN_SHARE = 0.5

export function boostedTrees(
  rows: readonly Float32Array[],
  targets: Float64Array,
  options: TreeOptions,
  weights?: Float64Array,
  seed = 7,
): (row: Float32Array) => number {
  const n = rows.length
  const width = rows[0]?.length ?? 0
  const edges = Array.from({ length: width }, (_, column) => edgesOf(rows, column))
  const binned = edges.map((edge, column) => Uint8Array.from(rows, row => binOf(edge, row[column] as number)))
  const weightOf = weights ?? new Float64Array(n).fill(1)
  let mean = 0
  let total = 0
  for (let i = 0; i < n; i++) {
    mean += (targets[i] as number) * (weightOf[i] as number)
    total += weightOf[i] as number
  }
  mean /= total || 1
  const left = Float64Array.from(targets, target => target - mean)
  const chance = seeded(seed)
  const trees: Tree[] = []
  for (let t = 0; t < options.trees; t++) {
    const picked = Int32Array.from({ length: n }, (_, i) => i).filter(() => chance() < ROW_SHARE)
    const columns = Int32Array.from({ length: width }, (_, c) => c).filter(() => chance() < COLUMN_SHARE)
    const tree = grown(binned, picked, columns, left, weightOf, options)
    trees.push(tree)
    for (let i = 0; i < n; i++) {
      const value = tree.values[leafOf(tree, column => (binned[column] as Uint8Array)[i] as number)] as number
      left[i] = (left[i] as number) - value
    }
  }
  const bins = new Uint8Array(width)
  return row => {
    for (let column = 0; column < width; column++) bins[column] = binOf(edges[column] as Float32Array, row[column] as number)
    let sum = mean
    for (const tree of trees) sum += tree.values[leafOf(tree, column => bins[column] as number)] as number
    return sum
  }
}

/** The mean of several such sums, each with draws of its own: what one of them owes to its draws, the others do not. */
export function boostedTreesOften(
  rows: readonly Float32Array[],
  targets: Float64Array,
  options: TreeOptions,
  seeds: readonly number[],
): (row: Float32Array) => number {
  const each = seeds.map(seed => boostedTrees(rows, targets, options, undefined, seed))
  return row => each.reduce((sum, told) => sum + told(row), 0) / each.length
}

/** Grows one tree level by level. `left`: what is still to be told of each row. */
function grown(
  binned: readonly Uint8Array[],
  picked: Int32Array,
  columns: Int32Array,
  left: Float64Array,
  weights: Float64Array,
  { depth, pace, leaf_rows, leaf_shrink }: TreeOptions,
): Tree {
  const nodes = 2 ** (depth + 1) - 1
  const tree: Tree = { columns: new Int32Array(nodes).fill(-1), bins: new Uint8Array(nodes), values: new Float64Array(nodes) }
  const pull = left.map((rest, i) => rest * (weights[i] as number))
  const worth = (sum: number, weight: number) => (sum * sum) / (weight + leaf_shrink)
  /** `drawn`: sums and weights by column and bin of these members, where they are known already. */
  const divide = (node: number, members: Int32Array, level: number, drawn: Float64Array | null): void => {
    let sum = 0
    let weight = 0
    for (const i of members) {
      sum += pull[i] as number
      weight += weights[i] as number
    }
    tree.values[node] = (pace * sum) / (weight + leaf_shrink)
    if (level === depth || weight < 2 * leaf_rows) return
    const bars = drawn ?? barsOf(members)
    let best = worth(sum, weight) + 1e-9
    for (const [c, column] of columns.entries()) {
      let below = 0
      let belowWeight = 0
      for (let bin = 0; bin < BINS - 1; bin++) {
        const at = 2 * (c * BINS + bin)
        below += bars[at] as number
        belowWeight += bars[at + 1] as number
        if (belowWeight < leaf_rows || weight - belowWeight < leaf_rows) continue
        const found = worth(below, belowWeight) + worth(sum - below, weight - belowWeight)
        if (found <= best) continue
        best = found
        tree.columns[node] = column
        tree.bins[node] = bin
      }
    }
    const column = tree.columns[node] as number
    if (column < 0) return
    const bins = binned[column] as Uint8Array
    const bound = tree.bins[node] as number
    const lower = members.filter(i => (bins[i] as number) <= bound)
    const upper = members.filter(i => (bins[i] as number) > bound)
    // The smaller half is counted; the other is what it leaves of the whole.
    const isLower = lower.length <= upper.length
    const counted = level + 1 < depth ? barsOf(isLower ? lower : upper) : null
    const rest = counted && bars.map((bar, at) => bar - (counted[at] as number))
    divide(2 * node + 1, lower, level + 1, isLower ? counted : rest)
    divide(2 * node + 2, upper, level + 1, isLower ? rest : counted)
  }
  const barsOf = (members: Int32Array): Float64Array => {
    const bars = new Float64Array(2 * BINS * columns.length)
    const pulls = Float64Array.from(members, i => pull[i] as number)
    const sizes = Float64Array.from(members, i => weights[i] as number)
    for (const [c, column] of columns.entries()) {
      const bins = binned[column] as Uint8Array
      const first = c * BINS
      for (let k = 0; k < members.length; k++) {
        const at = 2 * (first + (bins[members[k] as number] as number))
        bars[at] = (bars[at] as number) + (pulls[k] as number)
        bars[at + 1] = (bars[at + 1] as number) + (sizes[k] as number)
      }
    }
    return bars
  }
  divide(0, picked, 0, null)
  return tree
}

function leafOf({ columns, bins }: Tree, binAt: (column: number) => number): number {
  let node = 0
  for (let column = columns[0] as number; column >= 0; column = columns[node] as number)
    node = 2 * node + (binAt(column) <= (bins[node] as number) ? 1 : 2)
  return node
}

/** Upper bounds of the bins of a column: values that stand evenly apart in its order. */
function edgesOf(rows: readonly Float32Array[], column: number): Float32Array {
  const sorted = Float32Array.from(rows, row => row[column] as number).sort()
  const edges = new Set<number>()
  for (let bin = 1; bin < BINS; bin++) edges.add(sorted[Math.floor((bin * sorted.length) / BINS)] as number)
  return Float32Array.from(edges)
}

/** How many edges lie below a value. */
function binOf(edges: Float32Array, value: number): number {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((edges[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
