/**
 * The meaning of a text as a point: the sum of its words' vectors, normalised. The vectors were distilled from a sentence encoder so that
 * this sum comes near what the encoder says of the whole text; how much a word counts is in its vector's length. Two points are
 * taken, of the text and of its edges, because in a long prompt the request stands at the beginning or the end, and the middle is material.
 */
import { DIMS, type Understanding } from './artefact.ts'
import { addRows, clear, lanes, sumsOf } from './lanes.ts'
import type { Words } from './words.ts'

/** Words from either end that make the text's point, and the edges' point. */
const END_WORDS = 64
const EDGE_WORDS = 12
const NO_ROW = 0xffff

export type Embedding = {
  /** The text, then its edges. */
  points: Float32Array
  /** Share of the words looked at that have a vector. */
  covered: number
  /** Cosine to the nearest neighbourhood of known texts. */
  nearest: number
}

const sums = lanes(DIMS / 4)
const found = new Int32Array(2 * END_WORDS)

/** The row of a word's vector, or -1. */
export function rowOf(hash: number, model: Understanding): number {
  const { keys, rows } = model
  const mask = keys.length - 1
  let slot = (hash ^ (hash >>> 16)) & mask
  for (;;) {
    const row = rows[slot] as number
    if (row === NO_ROW) return -1
    if (keys[slot] === hash) return row
    slot = (slot + 1) & mask
  }
}

export function embed(words: Words, model: Understanding, into: Embedding): void {
  const { count } = words
  const known = pointOf(words, END_WORDS, model, into.points, 0)
  into.covered = count === 0 ? 0 : known / Math.min(count, 2 * END_WORDS)
  if (count > 2 * EDGE_WORDS) pointOf(words, EDGE_WORDS, model, into.points, DIMS)
  else into.points.copyWithin(DIMS, 0, DIMS)
  into.nearest = nearestOf(into.points, model.centroids)
}

/** Words found among the first and last `reach`. */
function pointOf(words: Words, reach: number, model: Understanding, points: Float32Array, at: number): number {
  const { count, hashes } = words
  clear(sums)
  let known = 0
  for (let i = 0; i < count; i++) {
    if (i === reach && count > 2 * reach) i = count - reach
    const row = rowOf(hashes[i] as number, model)
    if (row >= 0) found[known++] = row
  }
  addRows(sums, model.vectors, found, known)
  const total = sumsOf(sums)
  let square = 0
  for (let d = 0; d < DIMS; d++) {
    const value = (total[d] as number) * (model.vector_scale[d] as number)
    points[at + d] = value
    square += value * value
  }
  const norm = square > 0 ? 1 / Math.sqrt(square) : 0
  for (let d = at; d < at + DIMS; d++) points[d] = (points[d] as number) * norm
  return known
}

function nearestOf(points: Float32Array, centroids: Float32Array): number {
  let nearest = -1
  for (let at = 0; at < centroids.length; at += DIMS) {
    // Four sums at once: one alone waits for each addition to end before the next begins.
    let a = 0
    let b = 0
    let c = 0
    let e = 0
    for (let d = 0; d < DIMS; d += 4) {
      a += (points[d] as number) * (centroids[at + d] as number)
      b += (points[d + 1] as number) * (centroids[at + d + 1] as number)
      c += (points[d + 2] as number) * (centroids[at + d + 2] as number)
      e += (points[d + 3] as number) * (centroids[at + d + 3] as number)
    }
    nearest = Math.max(nearest, a + b + (c + e))
  }
  return nearest
}
