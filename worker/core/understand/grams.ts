/**
 * Words and pairs of words as numbers of buckets, for weights that are looked up and added. What opens a text and what ends it counts
 * apart from what stands within, since "translate" as the first word is a request and in the middle a topic. Word beginnings of
 * four letters stand for what typing, endings and rarer words would lose. In scripts without spaces pairs of characters do that.
 */

import type { Words } from './words.ts'
import { FOLDED } from './words.ts'

/** Words from the beginning and from the end that are looked at: a request is said within that, and the cost of a long text ends here. */
const FIRST_WORDS = 72
const LAST_WORDS = 56
/** Words that open a text, and that end it. */
const OPENING_WORDS = 5
const CLOSING_WORDS = 4
const BEGINNING_LETTERS = 4
/** The most that one text can give. */
export const GRAMS_MAX = (FIRST_WORDS + LAST_WORDS) * 3 + 2 * OPENING_WORDS + CLOSING_WORDS + 1

const PAIR = 0x5bd1e995
const OPENS = 0x68bc21eb
const CLOSES = 0x02e5be93
const BEGINS = 0x1b873593

function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return h ^ (h >>> 15)
}

/** Fills `into` with the buckets of a text, below 2 ** `bits`, and gives their number. */
export function gramsOf(text: string, words: Words, bits: number, into: Int32Array): number {
  const { count, hashes, starts } = words
  const shift = 32 - bits
  let n = 0
  const add = (hash: number) => {
    into[n++] = mixed(hash) >>> shift
  }
  let previous = 0
  for (let i = 0; i < count; i++) {
    if (i === FIRST_WORDS && count > FIRST_WORDS + LAST_WORDS) {
      i = count - LAST_WORDS
      previous = 0
    }
    const hash = hashes[i] as number
    add(hash)
    if (previous !== 0) add(Math.imul(previous, PAIR) ^ hash)
    const start = starts[i] as number
    const beginning = beginningOf(text, start)
    if (beginning !== 0) add(beginning ^ BEGINS)
    if (i < OPENING_WORDS) {
      add(hash ^ OPENS)
      if (previous !== 0) add(Math.imul(previous, PAIR) ^ hash ^ OPENS)
    }
    if (i >= count - CLOSING_WORDS) add(hash ^ CLOSES)
    previous = hash
  }
  return n
}

/** The first four letters as one number; zero where there are fewer, or they are no letters of an alphabet. */
function beginningOf(text: string, start: number): number {
  let hash = 0x811c9dc5 | 0
  for (let i = start; i < start + BEGINNING_LETTERS; i++) {
    const code = text.charCodeAt(i)
    if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0xc0 && code < 0x2000))) return 0
    hash = Math.imul(hash ^ (FOLDED[code] as number), 0x01000193)
  }
  return hash
}
