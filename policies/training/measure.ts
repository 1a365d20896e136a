/** How good an answer is: ranks, recalls, intervals; and which part of the data a row is in. */

/** Which of `folds` a group of rows is in: the same on every machine. */
export function foldOf(group: string, folds: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < group.length; i++) hash = Math.imul(hash ^ group.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return ((hash ^ (hash >>> 13)) >>> 0) % folds
}

/** Chance that a true one is ranked above a false one. */
export function areaUnder(scores: readonly number[], truths: readonly boolean[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[a] as number) - (scores[b] as number))
  let ranks = 0
  let trues = 0
  for (let i = 0; i < order.length; ) {
    let j = i
    while (j < order.length && scores[order[j] as number] === scores[order[i] as number]) j++
    for (let k = i; k < j; k++) {
      if (!truths[order[k] as number]) continue
      ranks += (i + j + 1) / 2
      trues++
    }
    i = j
  }
  return (ranks - (trues * (trues + 1)) / 2) / (trues * (scores.length - trues))
}

/** Mean over the tasks of the share of each that was told right, of those with at least four texts. */
export function balanced(found: readonly Float64Array[], rows: readonly { task: string }[], names: readonly string[]): number {
  const byTask = new Map<string, [right: number, all: number]>()
  for (const [i, { task }] of rows.entries()) {
    const chances = found[i] as Float64Array
    const counts = byTask.get(task) ?? [0, 0]
    counts[1]++
    if (names[chances.indexOf(Math.max(...chances))] === task) counts[0]++
    byTask.set(task, counts)
  }
  const recalls = [...byTask.values()].filter(([, all]) => all >= 4).map(([right, all]) => right / all)
  return recalls.reduce((sum, each) => sum + each, 0) / recalls.length
}
