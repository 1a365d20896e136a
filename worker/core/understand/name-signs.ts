/**
 * By what a word is judged to be a name: what the lists or its letters say of it, how it is written, the parts that the three words on
 * either side play, those words themselves, and pairs of all these. Each sign is a place among 32,768 weights; two that share one by chance
 * share it, as there are few of them. What a pair has not been seen to mean, its halves still say.
 */
import { GIVEN, IS_NAME, IS_PLACE, IS_WORD, LIKENESS_LEVELS, likenessOf, type NameTable, SURNAME, WORD } from './name-table.ts'
import { ADDRESS, BEGINS, CAP, EDGE, FIRM, INITIAL, NUMBER, PARTICLE, type Row, WORDS_MAX, WRITTEN } from './name-words.ts'

export const WEIGHT_BITS = 15
/** The most that one word has. */
export const SIGNS_MAX = 32

/** How far a word of a firm may stand behind, in "Miller, Ross and Partners Ltd". */
const FIRM_REACH = 6
/** Words with capitals that are passed over on the way to it. */
const CHAIN_MOST = 4

const FORM_SMALL_ONLY = 3
const GUISE_PART = 10
const GUISE_INITIAL = 12
/** A neighbour is seen as the part it plays, or from here on as what it may be. */
const FIRST_GUISE_VIEW = 64

/** By word of the row that is being read, three before its first and behind its last: what a word is, its likeness, what its neighbours see. */
const PAD = 3
const guises = new Uint8Array(WORDS_MAX + 16)
const likeness = new Uint8Array(WORDS_MAX + 16)
const views = new Uint8Array(WORDS_MAX + 16)

/** To be called before the signs of a row are read. */
export function beginSigns(row: Row, text: string, table: NameTable): void {
  const { roles, shapes, candidates, kinds, length, from, to, small_only } = row
  views.fill(EDGE, 0, PAD)
  views.fill(EDGE, PAD + length, PAD + length + PAD)
  for (let i = 0; i < length; i++) {
    const role = roles[i] as number
    views[PAD + i] = role
    if (candidates[i] !== 1) continue
    likeness[i] = kinds[i] === 0 && role !== INITIAL ? likenessOf(text, from[i] as number, to[i] as number, table) : 0
    const guise = guiseOf(role, kinds[i] as number, likeness[i] as number, small_only)
    guises[i] = guise
    if (role === WRITTEN || role === INITIAL || small_only) views[PAD + i] = FIRST_GUISE_VIEW + guise * 4 + (shapes[i] as number)
  }
}

/** What a candidate is, in one of 13 ways. */
function guiseOf(role: number, kind: number, like: number, small_only: boolean): number {
  if (role === INITIAL) return GUISE_INITIAL
  if (role !== WRITTEN && !small_only) return GUISE_PART
  if (kind === 0) return like < 3 ? 0 : like < 5 ? 1 : 2
  if (kind & IS_NAME) {
    if (kind & IS_WORD) return 6
    if (kind & IS_PLACE) return 7
    if (kind & WORD) return 8
    const given = kind & GIVEN
    const surname = (kind & SURNAME) >> 2
    return given === surname ? 5 : given > surname ? 3 : 4
  }
  return kind & IS_PLACE ? 9 : 11
}

function place(sign: number, value: number): number {
  let h = Math.imul(sign, 0x9e3779b1) ^ value
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> (32 - WEIGHT_BITS)
}

/** Fills `into` with the places of the weights that speak of word `i`, which must be a candidate, and gives their number. */
export function signsAt(row: Row, i: number, into: Int32Array): number {
  const { shapes, kinds, hashes, roles } = row
  const form = row.small_only ? FORM_SMALL_ONLY : (shapes[i] as number)
  const kind = kinds[i] as number
  const guise = guises[i] as number
  const like = likeness[i] as number
  const look = form * 16 + guise
  const unlisted = kind === 0 && roles[i] !== INITIAL
  const detail = (unlisted ? 256 + like : kind) * 4 + form
  const before = views[PAD + i - 1] as number
  const behind = views[PAD + i + 1] as number
  const two_before = views[PAD + i - 2] as number
  const two_behind = views[PAD + i + 2] as number
  const word_before = i > 0 ? (hashes[i - 1] as number) : 1
  const word_behind = i + 1 < row.length ? (hashes[i + 1] as number) : 1
  const begins = i === 0 ? 1 : (BEGINS[roles[i - 1] as number] as number)
  let n = 0
  into[n++] = place(1, form)
  into[n++] = place(2, detail)
  into[n++] = place(3, look)
  into[n++] = place(4, before)
  into[n++] = place(5, behind)
  into[n++] = place(6, two_before)
  into[n++] = place(7, two_behind)
  into[n++] = place(8, look * 256 + before)
  into[n++] = place(9, look * 256 + behind)
  into[n++] = place(10, before * 256 + behind)
  into[n++] = place(11, (look * 256 + before) * 256 + behind)
  into[n++] = place(12, (look * 256 + before) * 256 + two_before)
  into[n++] = place(13, (look * 256 + behind) * 256 + two_behind)
  into[n++] = place(14, word_before)
  into[n++] = place(15, word_behind)
  into[n++] = place(16, Math.imul(word_before, 31) ^ guise)
  into[n++] = place(17, Math.imul(word_behind, 31) ^ guise)
  into[n++] = place(18, Math.imul(word_before, 31) ^ (i > 1 ? (hashes[i - 2] as number) : 1))
  into[n++] = place(19, Math.imul(word_behind, 31) ^ (i + 2 < row.length ? (hashes[i + 2] as number) : 1))
  into[n++] = place(20, look * 2 + begins)
  into[n++] = place(21, detail * 2 + begins)
  into[n++] = place(22, row.tails[i] as number)
  into[n++] = place(23, (look * 256 + (views[PAD + i - 3] as number)) * 2)
  into[n++] = place(24, (look * 256 + (views[PAD + i + 3] as number)) * 2)
  into[n++] = place(25, look * 64 + companyNear(row, i))
  // Names themselves are not learned by heart; what else is written like one is.
  if (!(kind & IS_NAME) || kind & (WORD | IS_PLACE)) into[n++] = place(26, hashes[i] as number)
  if (unlisted) into[n++] = place(27, Math.min(LIKENESS_LEVELS, (row.to[i] as number) - (row.from[i] as number)) * 16 + like)
  return n
}

/**
 * What ends the row of words with capitals in which a word stands, on either side: of a company, a street, an address. And whether a
 * word of a company ends the list that it is in: "Miller, Ross and Partners Ltd".
 */
function companyNear({ roles, shapes, length }: Row, i: number): number {
  let k = i - 1
  while (k >= 0 && i - k <= CHAIN_MOST && isInChain(roles[k] as number, shapes[k] as number)) k--
  const before = k >= 0 ? endOf(roles[k] as number) : 0
  k = i + 1
  while (k < length && k - i <= CHAIN_MOST && isInChain(roles[k] as number, shapes[k] as number)) k++
  const behind = k < length ? endOf(roles[k] as number) : 0
  const at_once = k === i + 1 ? 1 : 0
  let listed = 0
  for (; k < length && k <= i + FIRM_REACH; k++) {
    if (roles[k] === FIRM) listed = 1
    if (shapes[k] !== CAP && BEGINS[roles[k] as number] === 1) break
  }
  return ((before * 4 + behind) * 2 + at_once) * 2 + listed
}

const isInChain = (role: number, shape: number) => role !== FIRM && role !== ADDRESS && (shape === CAP || role === PARTICLE)
const endOf = (role: number) => (role === FIRM ? 1 : role === NUMBER ? 2 : role === ADDRESS ? 3 : 0)
