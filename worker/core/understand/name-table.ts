/**
 * The names of people that are known, and what was learned of the company they keep: `policies/names.bin`, read in place.
 *
 *     "SBN1" | length of the header | header, JSON, padded to 8 bytes | where each bucket begins | entries | weights
 *
 * A name, with its capitals and marks folded away, is a hash of 32 bits. The first 13 say its bucket; of the others 12 are kept beside 4
 * that say what kind of word it is. A word that is in no list is taken for one of them in about one of 500 cases (entries of a bucket over
 * 4,096), which is why no name is told by the table alone. Made by `policies/training/names.ts`.
 */
const MAGIC = 0x314e4253 // SBN1
export const BUCKET_BITS = 13
export const KIND_BITS = 4

/** What the lists say of a word. `word`: ordinary as well, such as Rose or Mark; `place`: such as Paris or Jordan. */
export const KINDS = [
  'unknown',
  'word',
  'place',
  'given',
  'surname',
  'either',
  'given_word',
  'surname_word',
  'given_place',
  'surname_place',
  'ending',
] as const
export type NameKind = (typeof KINDS)[number]

/** Made by our own build and never by a caller, so it is believed and not checked. */
export type NameHeader = {
  version: string
  licence: string
  made_from: string[]
  /** SHA-256 of all that follows the header, in hex. */
  sha256: string
  /** What one step of a weight is worth, and the score from which on a word is a name. */
  step: number
  threshold: number
  /** The lower one for a word that was part of a name elsewhere in the text. */
  threshold_again: number
  /** What is added to the score of a listed word that is introduced as a name. */
  introduced: number
  entries: number
  weights: number
  /** Measured when it was made; `policies/training/README.md` says how. */
  scores: Record<string, number>
}

export type NameTable = {
  header: NameHeader
  starts: Uint16Array
  entries: Uint16Array
  weights: Int8Array
}

/** Fails where the bytes are no such table: a build mistake, so it throws. */
export function readNameTable(bytes: ArrayBuffer): NameTable {
  const head = new Uint32Array(bytes, 0, 2)
  if (head[0] !== MAGIC) throw new Error('these bytes are no table of names')
  const header_bytes = head[1] as number
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, header_bytes))) as NameHeader
  const starts_at = 8 + header_bytes
  const entries_at = starts_at + 2 * ((1 << BUCKET_BITS) + 1)
  const weights_at = entries_at + 2 * header.entries
  return {
    header,
    starts: new Uint16Array(bytes, starts_at, (1 << BUCKET_BITS) + 1),
    entries: new Uint16Array(bytes, entries_at, header.entries),
    weights: new Int8Array(bytes, weights_at, header.weights),
  }
}

/** The kind of the word with this hash, as an index of `KINDS`; 0 where no list has it. */
export function kindOf({ starts, entries }: NameTable, hash: number): number {
  const bucket = hash >>> (32 - BUCKET_BITS)
  const rest = (hash >>> KIND_BITS) & 0xfff
  const end = starts[bucket + 1] as number
  for (let i = starts[bucket] as number; i < end; i++) {
    const entry = entries[i] as number
    if (entry >>> KIND_BITS === rest) return entry & ((1 << KIND_BITS) - 1)
  }
  return 0
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

/** Of the last four letters of a word, kept apart from words by how it begins. */
export const ENDING_LETTERS = 4
export function endingHash(a: number, b: number, c: number, d: number): number {
  return hashEnd(hashStep(hashStep(hashStep(hashStep(0x5bd1e995, a), b), c), d))
}
