/**
 * Targets in the order of their totals, worked out only as far as somebody looks.
 *
 * Of 150 targets a decision reads the first six, seldom more: sorting them all was the second dearest part of it. So the totals
 * are made a heap in one pass, and each place that is asked for takes its target from the top. Those already taken stand at the
 * end of the same array, in reverse. Equal totals are in the catalogue's order, so there is one order and no other.
 */
import type { Mask } from './selector.ts'

export type Ranking = {
  /** By target. */
  totals: Float64Array
  /** Indexes of targets: a heap in front, and from the end those whose place is known. */
  order: Int32Array
  length: number
  /** So many places are known. */
  known: number
}

/** Keeps and reorders the first `length` of `order`, which are indexes of targets. */
export function ranking(order: Int32Array, length: number, totals: Float64Array): Ranking {
  for (let at = (length >> 1) - 1; at >= 0; at--) sink(order, totals, at, length)
  return { totals, order, length, known: 0 }
}

/** Of targets that were put in order by something else than their totals alone. */
export function inOrder(indexes: readonly number[], totals: Float64Array): Ranking {
  return { totals, order: Int32Array.from(indexes).reverse(), length: indexes.length, known: indexes.length }
}

/** The target at a place, the best being at 0; -1 behind the last. */
export function at(ranking: Ranking, place: number): number {
  const { order, totals, length } = ranking
  if (place >= length) return -1
  while (ranking.known <= place) {
    const last = length - 1 - ranking.known
    const top = order[0] as number
    order[0] = order[last] as number
    order[last] = top
    ranking.known++
    sink(order, totals, 0, last)
  }
  return order[length - 1 - place] as number
}

/** The best one in the mask; -1 where there is none. */
export function firstIn(ranking: Ranking, mask: Mask, besides = -1): number {
  for (let place = 0; place < ranking.length; place++) {
    const index = at(ranking, place)
    if (index !== besides && mask[index]) return index
  }
  return -1
}

/** All of them, in order. */
export function whole(ranking: Ranking): number[] {
  return Array.from({ length: ranking.length }, (_, place) => at(ranking, place))
}

function sink(order: Int32Array, totals: Float64Array, from: number, length: number): void {
  const index = order[from] as number
  const total = totals[index] as number
  let at = from
  for (;;) {
    let child = 2 * at + 1
    if (child >= length) break
    let best = order[child] as number
    let best_total = totals[best] as number
    if (child + 1 < length) {
      const other = order[child + 1] as number
      const other_total = totals[other] as number
      if (other_total > best_total || (other_total === best_total && other < best)) {
        child++
        best = other
        best_total = other_total
      }
    }
    if (!(best_total > total || (best_total === total && best < index))) break
    order[at] = best
    at = child
  }
  order[at] = index
}
