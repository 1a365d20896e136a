/** What the nearest known prompts gained, by the angle between their points: the yardstick that published routers are measured with. */
import type { Item } from './items.ts'

/** Known prompts that are compared with: enough for the measure, few enough for its time. */
const KNOWN_MOST = 3_000

export function kNearest(items: readonly Item[], foldOf: (item: Item) => number, folds: number, k: number): Float64Array {
  const scores = new Float64Array(items.length)
  for (let fold = 0; fold < folds; fold++) {
    const all = items.filter(item => foldOf(item) !== fold)
    const step = Math.max(1, all.length / KNOWN_MOST)
    const known = Array.from({ length: Math.min(all.length, KNOWN_MOST) }, (_, i) => all[Math.floor(i * step)] as Item)
    for (const [i, item] of items.entries()) {
      if (foldOf(item) !== fold) continue
      const near = known.map(other => ({ cosine: cosine(item.point, other.point), gain: other.gain }))
      near.sort((a, b) => b.cosine - a.cosine)
      let sum = 0
      for (let at = 0; at < Math.min(k, near.length); at++) sum += near[at]?.gain ?? 0
      scores[i] = sum / k
    }
  }
  return scores
}

function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let d = 0; d < a.length; d++) sum += (a[d] as number) * (b[d] as number)
  return sum
}
