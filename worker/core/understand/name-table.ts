/**
 * The names of people that are known, and what was learned of them and of the company they keep: `policies/names.bin`, read in place.
 *
 *     "SBN2" | length of the header | header, JSON, padded to 8 bytes | where each bucket begins | prints | kinds | likeness | weights
 *
 * A word, with its capitals and marks folded away, is a hash of 32 bits. The first 14 say its bucket; 16 others are kept there, and beside
 * them a byte that says what the lists know of the word. One word in some 5,000 that is in no list is taken for one that is. A word that is
 * in no list is judged by its letters: `likenessOf` is what a name has of runs of three and four letters that other words have not.
 * Made by `policies/training/names.ts`.
 */
const MAGIC = 0x324e4253 // SBN2
export const BUCKET_BITS = 14
export const LIKENESS_BITS = 13

/** A byte of kinds: how well known a word is as a given name and as a surname (0 to 2), how much of an ordinary word it is (0 to 3), if a place. */
export const GIVEN = 0x03
export const SURNAME = 0x0c
export const IS_NAME = GIVEN | SURNAME
export const WORD = 0x30
/** Written small at least four times in ten. */
export const IS_WORD = 0x20
export const IS_PLACE = 0x40

/** Made by our own build and never by a caller, so it is believed and not checked. */
export type NameHeader = {
  version: string
  licence: string
  made_from: string[]
  /** SHA-256 of all that follows the header, in hex. */
  sha256: string
  /** What one step of a weight is worth, and the sum of steps from which on a word is a name. */
  step: number
  threshold: number
  /** The lower one for a word beside one that is a name, or that is one elsewhere in the text. */
  threshold_again: number
  /** A sum of likeness in steps that is even odds, and what one step of it is worth. */
  likeness: { even: number; step: number }
  entries: number
  weights: number
  /** Measured when it was made; `policies/training/README.md` says how. */
  scores: Record<string, number>
}

export type NameTable = {
  header: NameHeader
  starts: Uint32Array
  prints: Uint16Array
  kinds: Uint8Array
  likeness: Int8Array
  weights: Int8Array
}

/** Fails where the bytes are no such table: a build mistake, so it throws. */
export function readNameTable(bytes: ArrayBuffer): NameTable {
  const head = new Uint32Array(bytes, 0, 2)
  if (head[0] !== MAGIC) throw new Error('these bytes are no table of names')
  const header_bytes = head[1] as number
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, header_bytes))) as NameHeader
  const starts_at = 8 + header_bytes
  const prints_at = starts_at + 4 * ((1 << BUCKET_BITS) + 1)
  const kinds_at = prints_at + 2 * header.entries
  const likeness_at = kinds_at + header.entries
  return {
    header,
    starts: new Uint32Array(bytes, starts_at, (1 << BUCKET_BITS) + 1),
    prints: new Uint16Array(bytes, prints_at, header.entries),
    kinds: new Uint8Array(bytes, kinds_at, header.entries),
    likeness: new Int8Array(bytes, likeness_at, 1 << LIKENESS_BITS),
    weights: new Int8Array(bytes, likeness_at + (1 << LIKENESS_BITS), header.weights),
  }
}

export const bucketOf = (hash: number) => hash >>> (32 - BUCKET_BITS)
export const printOf = (hash: number) => hash & 0xffff

/** What the lists know of the word with this hash; 0 where no list has it. */
export function kindOf({ starts, prints, kinds }: NameTable, hash: number): number {
  const bucket = bucketOf(hash)
  const print = printOf(hash)
  const end = starts[bucket + 1] as number
  for (let i = starts[bucket] as number; i < end; i++) if (prints[i] === print) return kinds[i] as number
  return 0
}

/** Levels of likeness to a name by letters: 0 not at all, 7 very. */
export const LIKENESS_LEVELS = 8
const LEVEL_STEP = 1

/** How like a name the letters between two positions are, which must be a word. */
export function likenessOf(text: string, from: number, to: number, table: NameTable): number {
  const { even, step } = table.header.likeness
  let sum = even
  eachRun(text, from, to, place => {
    sum += table.likeness[place] as number
  })
  return Math.max(0, Math.min(LIKENESS_LEVELS - 1, Math.floor((sum * step) / LEVEL_STEP) + LIKENESS_LEVELS / 2))
}

const EDGE_LETTER = 0x5f
/** Calls with the place of every run of three and four letters, the edges of the word among them. */
export function eachRun(text: string, from: number, to: number, call: (place: number) => void): void {
  const folds = letterFolds()
  let a = 0
  let b = 0
  let c = EDGE_LETTER
  for (let i = from; i <= to; i++) {
    const code = i < to ? text.charCodeAt(i) : 0
    const letter = i === to ? EDGE_LETTER : code < LETTERS_END ? (folds[code] as number) & 0x7fff : 0
    if (letter === 0) continue
    if (b !== 0) {
      const three = hashStep(hashStep(hashStep(HASH_START, b), c), letter)
      call(hashEnd(three) >>> (32 - LIKENESS_BITS))
      if (a !== 0) call(hashEnd(hashStep(three, a)) >>> (32 - LIKENESS_BITS))
    }
    a = b
    b = c
    c = letter
  }
}

/** Latin, Greek and Cyrillic: the scripts that have capitals, and in which names are looked for. */
export const LETTERS_END = 0x530
/** By character: the letter it is without case and marks, 0 for what is no letter. Bit 15 says that it is a capital. */
let folds: Uint16Array | undefined
export const CAPITAL = 0x8000

/** Made on first need: 1,328 characters, a third of a millisecond. */
export function letterFolds(): Uint16Array {
  if (folds) return folds
  folds = new Uint16Array(LETTERS_END)
  for (let code = 0x41; code < LETTERS_END; code++) {
    const letter = String.fromCharCode(code)
    const lower = letter.toLowerCase()
    const upper = letter.toUpperCase()
    if (lower === upper && !/\p{L}/u.test(letter)) continue
    const plain = PLAIN[lower] ?? lower.normalize('NFD')
    folds[code] = plain.charCodeAt(0) | (lower !== letter ? CAPITAL : 0)
  }
  return folds
}

/** Letters with a stroke, which are no marks to Unicode. */
const PLAIN: Record<string, string> = { ł: 'l', ø: 'o', đ: 'd', ð: 'd', ß: 's', æ: 'a', œ: 'o', ı: 'i', þ: 't', ё: 'е' }

export const HASH_START = 0x811c9dc5
export const hashStep = (hash: number, code: number) => Math.imul(hash ^ code, 0x01000193)
export function hashEnd(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

/** As `name-words.ts` reads it from a text: for whoever makes the table. */
export function nameHash(word: string): number {
  const table = letterFolds()
  let hash = HASH_START
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i)
    const fold = code < LETTERS_END ? (table[code] as number) & 0x7fff : 0
    if (fold !== 0) hash = hashStep(hash, fold)
  }
  return hashEnd(hash)
}
