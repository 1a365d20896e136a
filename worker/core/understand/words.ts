/**
 * The words of a text, as numbers. Each word is folded to lower case and hashed while the text is read, so that looking up
 * a thousand phrases in it makes no strings. In scripts without spaces each character is a word of its own; then a phrase of
 * four characters is found as a phrase of four words is.
 *
 * A 32-bit hash may collide: with some 3,000 entries, about one word in a million is taken for another. Nothing hangs on one word.
 */

/** Words looked at in one text; what follows is as likely more of the same. */
export const WORDS_MAX = 2_000
/** The longest phrase that can be found. */
export const PHRASE_MAX = 6

export type Words = {
  count: number
  /** All code units that were read, or-ed: below 0x80, all of it is ASCII. */
  bits: number
  hashes: Int32Array
  /** Position of each word's first character. */
  starts: Int32Array
}

/** Reused from call to call, since a request is understood in one go: a caller of `noWords` is done with it before the next. */
const scratch: Words = { count: 0, bits: 0, hashes: new Int32Array(WORDS_MAX), starts: new Int32Array(WORDS_MAX) }

const BREAK = 0
const SINGLE = 1
const LETTER = 2

/** What a code unit is to a word, and what it folds to; no script beyond this bound has capitals, and below it a letter's role is its fold. */
const FOLDED_BELOW = 0x2000
const ROLE = new Uint16Array(0x10000)
export const FOLDED = Uint16Array.from({ length: FOLDED_BELOW }, (_, code) => code)
const letters = (first: number, last: number, role = LETTER) => ROLE.fill(role, first, last + 1)
const fold = (first: number, last: number, by: number) => {
  for (let code = first; code <= last; code++) FOLDED[code] = code + by
}
letters(0x30, 0x39) // digits
letters(0x41, 0x5a)
letters(0x61, 0x7a)
letters(0xc0, 0x24f)
letters(0x300, 0x52f) // combining accents, Greek, Cyrillic
letters(0x531, 0x8ff) // Armenian, Hebrew, Arabic
letters(0x900, 0xdff) // India
letters(0x10a0, 0x11ff) // Georgian, Hangul jamo
letters(0x1e00, 0x1fff)
letters(0xac00, 0xd7a3)
letters(0xe00, 0xe7f, SINGLE) // Thai
letters(0xe80, 0x109f, SINGLE)
letters(0x1780, 0x17ff, SINGLE)
letters(0x3041, 0x30ff, SINGLE)
letters(0x3400, 0x9fff, SINGLE)
letters(0xf900, 0xfaff, SINGLE)
ROLE[0xd7] = ROLE[0xf7] = BREAK
fold(0x41, 0x5a, 32)
fold(0xc0, 0xde, 32)
FOLDED[0xd7] = 0xd7
for (let code = 0x100; code < 0x180; code += 2) FOLDED[code] = code + 1
for (const first of [0x139, 0x179]) for (let code = first; code < first + (first === 0x139 ? 16 : 6); code += 2) FOLDED[code] = code + 1
for (let code = 0x1e00; code < 0x1f00; code += 2) FOLDED[code] = code + 1
FOLDED[0x130] = 0x69 // dotted capital I of Turkish
FOLDED[0x1a0] = 0x1a1 // horned O and U of Vietnamese
FOLDED[0x1af] = 0x1b0
fold(0x391, 0x3a9, 32)
fold(0x410, 0x42f, 32)
fold(0x400, 0x40f, 80)

for (let code = 0; code < FOLDED_BELOW; code++) if (ROLE[code] === LETTER) ROLE[code] = FOLDED[code] as number

const SEED = 0x811c9dc5 | 0
const PRIME = 0x01000193

/** Reads the words of `text` between two positions, after those already in `words`. */
export function appendWords(words: Words, text: string, start: number, end: number): void {
  const { hashes, starts } = words
  const room = hashes.length
  let { count, bits } = words
  let hash = SEED
  let begun = -1
  for (let i = start; i <= end && count < room; i++) {
    const code = i < end ? text.charCodeAt(i) : 0
    bits |= code
    const role = ROLE[code] as number
    if (role >= LETTER) {
      if (begun < 0) begun = i
      hash = Math.imul(hash ^ (code < FOLDED_BELOW ? role : code), PRIME)
      continue
    }
    if (begun >= 0) {
      hashes[count] = hash
      starts[count++] = begun
      hash = SEED
      begun = -1
    }
    if (role === SINGLE && count < room) {
      hashes[count] = Math.imul(SEED ^ code, PRIME)
      starts[count++] = i
    }
  }
  words.count = count
  words.bits = bits
}

/** An empty list of words, in the one memory there is for it. */
export function noWords(): Words {
  scratch.count = 0
  scratch.bits = 0
  return scratch
}

/** One number for the phrase of `length` words that ends at word `last`. */
export function phraseHash(hashes: Int32Array, last: number, length: number): number {
  let hash = length
  for (let i = last - length + 1; i <= last; i++) hash = Math.imul(hash ^ (hashes[i] as number), 0x5bd1e995) ^ (hash >>> 15)
  return hash
}

const phrase_words: Words = { count: 0, bits: 0, hashes: new Int32Array(16), starts: new Int32Array(16) }

/** The words of a phrase as written, for filling a table: to be read before the next call. */
export function wordsOf(phrase: string): Words {
  phrase_words.count = 0
  appendWords(phrase_words, phrase, 0, phrase.length)
  return phrase_words
}

/** A table from hash to a small number, open-addressed. Zero means absent, so values begin at 1. */
export class HashTable {
  readonly #keys: Int32Array
  readonly #values: Int32Array
  readonly #mask: number

  /** Room for `entries` at half load, so that a miss mostly ends at the first look. */
  constructor(entries: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(16, entries * 2)))
    this.#keys = new Int32Array(size)
    this.#values = new Int32Array(size)
    this.#mask = size - 1
  }

  get(key: number): number {
    let slot = (key ^ (key >>> 16)) & this.#mask
    for (;;) {
      const value = this.#values[slot] as number
      if (value === 0 || this.#keys[slot] === key) return value
      slot = (slot + 1) & this.#mask
    }
  }

  set(key: number, value: number): void {
    let slot = (key ^ (key >>> 16)) & this.#mask
    while (this.#values[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & this.#mask
    this.#keys[slot] = key
    this.#values[slot] = value
  }
}
