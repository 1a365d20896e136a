/**
 * A text as a row of words, each as what matters of it where names are told: the part it plays, how it is written, and what the lists say
 * of it. A word that may be a name, or a piece of one, is a candidate; `name-signs.ts` says by which signs it is judged.
 */
import { PART_NAMES, partsByHash } from './name-parts.ts'
import { CAPITAL, HASH_START, hashEnd, hashStep, IS_NAME, IS_WORD, kindOf, LETTERS_END, letterFolds, type NameTable } from './name-table.ts'

/** Marks and plain words; behind them the parts, and what is written like a name. */
const PLAIN = [
  'edge',
  'line',
  'stop',
  'comma',
  'colon',
  'quote',
  'mark',
  'number',
  'lower',
  'lower_s',
  'lower_ed',
  'code',
  'genitive',
] as const
export const ROLE_NAMES: readonly string[] = [...PLAIN, ...PART_NAMES, 'initial', 'written']
const roleAt = (name: string) => ROLE_NAMES.indexOf(name)
export const EDGE = roleAt('edge')
const LINE = roleAt('line')
const STOP = roleAt('stop')
export const COMMA = roleAt('comma')
const COLON = roleAt('colon')
const QUOTE = roleAt('quote')
const MARK = roleAt('mark')
export const NUMBER = roleAt('number')
const LOWER = roleAt('lower')
const LOWER_S = roleAt('lower_s')
const LOWER_ED = roleAt('lower_ed')
const CODE = roleAt('code')
const GENITIVE = roleAt('genitive')
const FIRST_PART = PLAIN.length
export const INITIAL = roleAt('initial')
export const WRITTEN = roleAt('written')
export const PARTICLE = roleAt('particle')
const TITLE = roleAt('title')
export const ADDRESS = roleAt('address')
export const FIRM = roleAt('firm')
export const AND = roleAt('and')
/** Whether the word before begins something: a sentence, a line, what someone says. */
export const BEGINS = Uint8Array.from(ROLE_NAMES, name => (['edge', 'line', 'stop', 'colon', 'quote'].includes(name) ? 1 : 0))
/** Parts that a name may play as well, where it is written like one: King, May, English. */
const MAY_BE_NAME = Uint8Array.from(ROLE_NAMES, name =>
  ['title', 'date', 'firm', 'people', 'region', 'regards', 'be', 'say'].includes(name) ? 1 : 0,
)

/** How a word is written. */
export const SMALL = 0
export const CAP = 1
export const CAPS = 2

/** Words read at once; a longer text is read in as many goes as it needs. */
export const WORDS_MAX = 4_096

/**
 * Reused from call to call: nothing in it outlives one. `small_only`: no word has a capital, so that none says anything by lacking it.
 * `uncased`: something is in a script without capitals.
 */
export type Row = {
  roles: Uint8Array
  shapes: Uint8Array
  kinds: Uint8Array
  candidates: Uint8Array
  /** Hash of the last three letters. */
  tails: Uint32Array
  hashes: Uint32Array
  from: Int32Array
  to: Int32Array
  length: number
  next: number
  small_only: boolean
  uncased: boolean
}
export const emptyRow = (): Row => ({
  roles: new Uint8Array(WORDS_MAX + 8),
  shapes: new Uint8Array(WORDS_MAX + 8),
  kinds: new Uint8Array(WORDS_MAX + 8),
  candidates: new Uint8Array(WORDS_MAX + 8),
  tails: new Uint32Array(WORDS_MAX + 8),
  hashes: new Uint32Array(WORDS_MAX + 8),
  from: new Int32Array(WORDS_MAX + 8),
  to: new Int32Array(WORDS_MAX + 8),
  length: 0,
  next: 0,
  small_only: false,
  uncased: false,
})

const isDigit = (code: number) => code >= 0x30 && code <= 0x39
/** Words that a text must have before it counts as one without capitals. */
const SMALL_ONLY_WORDS = 3

/** Reads words into `row` from `start` on, until it is full or the text ends; `row.next` is where the next go begins. */
export function readRow(row: Row, text: string, start: number, end: number, table: NameTable): void {
  const folds = letterFolds()
  const known = partsByHash()
  let n = 0
  let i = start
  row.uncased = false
  let words = 0
  let capital_words = 0
  const put = (role: number, from: number, to: number, hash: number, shape = SMALL, tail = 0, kind = 0, candidate = 0) => {
    row.roles[n] = role
    row.shapes[n] = shape
    row.kinds[n] = kind
    row.candidates[n] = candidate
    row.tails[n] = tail
    row.from[n] = from
    row.to[n] = to
    row.hashes[n++] = hash
  }
  while (i < end && n < WORDS_MAX) {
    const code = text.charCodeAt(i)
    if (code === 0x20 || code === 0x09 || code === 0x0d) {
      i++
      continue
    }
    const fold = code < LETTERS_END ? (folds[code] as number) : 0
    if (fold === 0) {
      const from = i
      if (isDigit(code)) {
        while (i < end && isNumeric(text.charCodeAt(i), folds)) i++
        put(NUMBER, from, i, 0)
        continue
      }
      i++
      // Scripts without capitals are passed over as one small word.
      if (code >= LETTERS_END && (code < 0x2000 || code > 0x303f)) {
        while (i < end && text.charCodeAt(i) >= 0x3040) i++
        row.uncased = true
        put(LOWER, from, i, 0)
      } else put(markOf(code), from, i, 0)
      continue
    }
    // One word: letters, with a hyphen or an apostrophe between them.
    const from = i
    let hash = HASH_START
    let letters = 0
    let capitals = 0
    let inner_capitals = 0
    let strange = false
    let b = 0
    let c = 0
    let d = 0
    let fresh = true
    let genitive = 0
    for (; i < end; i++) {
      const each = text.charCodeAt(i)
      const letter = each < LETTERS_END ? (folds[each] as number) : 0
      if (letter !== 0) {
        if (letter & CAPITAL) {
          capitals++
          if (!fresh) inner_capitals++
        }
        const plain = letter & 0x7fff
        hash = hashStep(hash, plain)
        letters++
        b = c
        c = d
        d = plain
        fresh = false
        continue
      }
      if (isDigit(each) || each === 0x5f) {
        strange = true
        continue
      }
      const next = i + 1 < end ? text.charCodeAt(i + 1) : 0
      const follows = next < LETTERS_END ? (folds[next] as number) : 0
      if (follows === 0) break
      if (each === 0x27 || each === 0x2019) {
        const after = i + 2 < end ? text.charCodeAt(i + 2) : 0
        const ends = after >= LETTERS_END || ((folds[after] as number) === 0 && !isDigit(after))
        if ((next === 0x73 || next === 0x53) && ends) {
          genitive = i
          i += 2
          break
        }
        // "d'Anna", "l'Italia": the article is a word of its own; "O'Brien" is one word.
        if (follows & CAPITAL && capitals === 0) break
        fresh = true
        continue
      }
      if (each !== 0x2d) {
        // "a.b", "a/b" and "a@b" are code or addresses where no space follows; a stop behind a lone capital is an initial's.
        if ((each === 0x2e && letters > 1) || each === 0x40) strange = true
        break
      }
      // Hyphenated: each half begins anew, and the first half tells the kind.
      if (letters > 0 && !(follows & CAPITAL)) strange = strange || capitals > 1
      while (i + 1 < end && isWordly(text.charCodeAt(i + 1), folds)) i++
      i++
      break
    }
    hash = hashEnd(hash)
    const begins = (fold & CAPITAL) !== 0
    const shape = !begins ? SMALL : capitals === letters && letters > 1 ? CAPS : CAP
    if (letters > 1) {
      words++
      if (begins) capital_words++
    }
    let kind = 0
    let candidate = 0
    let role = CODE
    if (!strange && letters <= 24) {
      const part = known.get(hash)
      if (part !== undefined) {
        role = FIRST_PART + part
        if (begins && letters > 2 && MAY_BE_NAME[role] === 1) {
          kind = kindOf(table, hash)
          candidate = kind & IS_NAME ? 1 : 0
        }
      } else if (letters === 1) {
        role = begins ? INITIAL : LOWER
        candidate = begins ? 1 : 0
      } else if (!begins) {
        if (capitals === 0) {
          kind = letters > 3 ? kindOf(table, hash) : 0
          candidate = kind & IS_NAME && !(kind & IS_WORD) ? 1 : 0
          role = candidate ? WRITTEN : d === 0x73 ? LOWER_S : c === 0x65 && d === 0x64 ? LOWER_ED : LOWER
        }
      } else {
        kind = kindOf(table, hash)
        // "DeVito" has a second capital and is in the lists, "McDonald" has it behind "Mc"; identifiers do not.
        const isMac = text.charCodeAt(from) === 0x4d && text.charCodeAt(from + 1) === 0x63
        const odd = shape === CAP && (inner_capitals > 1 || (inner_capitals === 1 && kind === 0 && !isMac))
        if (!odd) {
          role = WRITTEN
          candidate = 1
        }
      }
    }
    const to = genitive > 0 ? genitive : i
    put(role, from, to, hash, shape, (b << 20) ^ (c << 10) ^ d, kind, candidate)
    if (genitive > 0) put(GENITIVE, genitive, i, 0)
    if ((role !== INITIAL && role !== TITLE) || i >= end || text.charCodeAt(i) !== 0x2e) continue
    if (role === TITLE) {
      // "Dr. Lee": nothing ends there.
      i++
      continue
    }
    // The stop of an initial belongs to it; at the beginning of a line it is the letter of a choice.
    row.to[n - 1] = ++i
    if (n === 1 || row.roles[n - 2] === LINE) {
      row.roles[n - 1] = MARK
      row.candidates[n - 1] = 0
    }
  }
  row.length = n
  row.next = i
  row.small_only = capital_words === 0 && words >= SMALL_ONLY_WORDS
  if (row.small_only) withSmall(row, n, table)
  // What lies behind the last word, for whoever looks two further.
  for (let k = n; k < n + 3; k++) row.roles[k] = EDGE
  row.candidates[n] = 0
}

/** Where nothing has a capital, every word that is no ordinary one may be a name. */
function withSmall({ roles, hashes, kinds, candidates, from, to }: Row, length: number, table: NameTable): void {
  for (let i = 0; i < length; i++) {
    const role = roles[i] as number
    if (role < LOWER || role > LOWER_ED || (to[i] as number) - (from[i] as number) < 3 || hashes[i] === 0) continue
    const kind = kindOf(table, hashes[i] as number)
    kinds[i] = kind
    if (kind === 0 || kind & IS_NAME) candidates[i] = 1
  }
}

const isNumeric = (code: number, folds: Uint16Array) =>
  isDigit(code) || code === 0x2c || code === 0x2e || code === 0x3a || (code < LETTERS_END && (folds[code] as number) !== 0)

const isWordly = (code: number, folds: Uint16Array) => code < LETTERS_END && ((folds[code] as number) !== 0 || code === 0x2d)

function markOf(code: number): number {
  switch (code) {
    case 0x0a:
      return LINE
    case 0x2e:
    case 0x21:
    case 0x3f:
      return STOP
    case 0x2c:
    case 0x3b:
      return COMMA
    case 0x3a:
      return COLON
    case 0x22:
    case 0x27:
    case 0x201c:
    case 0x201d:
    case 0x201e:
    case 0x2018:
    case 0x2019:
    case 0xab:
    case 0xbb:
      return QUOTE
    default:
      return MARK
  }
}
