/**
 * Names of people in a text, with their places; precision first. Lists of given names and surnames of many languages say what a word may be,
 * and a linear tagger says whether it is: from the part that the word plays and those of the two words on either side, as was learned from
 * sentences with marked names. "Will Rose mark it in May?" holds none, "Dear Rose Ann" holds one.
 *
 * A name that was told once is told again where a part of it stands alone: "Ann Lee wrote ... and Lee said". Scripts without capitals are
 * not looked at.
 *
 * Measured 2026-11-24 on presidio-research's sentences, no template on both sides, a find counted as right where it touches a marked name:
 * precision .939, recall .644, F1 .764 (to the letter: .872, .600, .711); all types together .957, .702, .810, and 1.000, .877, .934 without
 * names. Lone names are found in 48 % of cases. The errors of these folds were read while it was made, some of our own sentences written after
 * them, and the threshold chosen on them; before those sentences it was .943 and .62. Expect less on a source that nobody here has seen.
 * In 38,178 prompts of benchmarks something is found in 8,152, mostly people of word problems and news; of 100 finds read by eye some nine
 * were no names (companies, places, "Miranda rights"). `node policies/training/names.ts --data D --work W --sample 100`
 * Processor time in Node 24 on two shared cores under load, lower quartile of 60: 37 us for 2,000 characters, beside 7 us for all other
 * types; the first call of an isolate takes 6 ms. So it is called only for policies to which names make a difference.
 */
import type { PersonalDataType } from '../../schema/features.ts'
import type { NameTable } from './name-table.ts'
import {
  AND,
  BE,
  COMMA,
  emptyRow,
  FIRST_WRITTEN,
  FROM_LISTS,
  INITIAL,
  INTRO,
  INTRODUCES,
  LISTED,
  PARTICLE,
  ROLE_EDGE,
  ROLE_NAMES,
  type Row,
  readRow,
} from './name-words.ts'

/** Called while a text is read, so it must not look for names itself. */
export type NameFinds = { add(type: PersonalDataType, from: number, to: number): void }

const ROLES = ROLE_NAMES.length
const WRITTEN = ROLES - FIRST_WRITTEN
/** Weights, by what they look at: the word; it with the one before, behind; with two before, two behind; with both beside it. */
const ALONE = 0
const BEFORE = ALONE + WRITTEN
const BEHIND = BEFORE + WRITTEN * ROLES
const TWO_BEFORE = BEHIND + WRITTEN * ROLES
/** Across the comma or "and" of a list, another member of it says something else than the last word but one. */
const TWO_BEHIND = TWO_BEFORE + 2 * WRITTEN * ROLES
const BESIDE = TWO_BEHIND + 2 * WRITTEN * ROLES
export const NAME_WEIGHTS = BESIDE + WRITTEN * ROLES * ROLES
export const NAME_SIGNS = 6

/** Places of the weights that speak of word `i`, or none where it can be no part of a name. `roles` has two more at either end. */
export function nameSigns(roles: Uint8Array, i: number, into: Int32Array): boolean {
  const role = (roles[i] as number) - FIRST_WRITTEN
  if (role < 0) return false
  const before = i > 0 ? (roles[i - 1] as number) : ROLE_EDGE
  const two_before = i > 1 ? (roles[i - 2] as number) : ROLE_EDGE
  const behind = roles[i + 1] as number
  const two_behind = roles[i + 2] as number
  into[0] = ALONE + role
  into[1] = BEFORE + role * ROLES + before
  into[2] = BEHIND + role * ROLES + behind
  into[3] = TWO_BEFORE + (role + isLink(before)) * ROLES + two_before
  into[4] = TWO_BEHIND + (role + isLink(behind)) * ROLES + two_behind
  into[5] = BESIDE + (role * ROLES + before) * ROLES + behind
  return true
}

const isLink = (role: number) => (role === COMMA || role === AND ? WRITTEN : 0)

const row = emptyRow()
const signs = new Int32Array(NAME_SIGNS)
const isName = new Uint8Array(row.roles.length)
/** Words of names that were told of in this text, for where they stand alone. */
const TOLD_MAX = 64
const told = new Uint32Array(TOLD_MAX)

/** Adds every name between two positions to `found`, from left to right. */
export function findNames(text: string, start: number, end: number, found: NameFinds, table: NameTable): void {
  for (let at = start; at < end; at = row.next) {
    readRow(row, text, at, end, table)
    judge(row, table)
    tell(row, found)
  }
}

/** Marks the words of names. */
function judge({ roles, hashes, length }: Row, { weights, header }: NameTable): void {
  roles[length] = ROLE_EDGE
  roles[length + 1] = ROLE_EDGE
  isName[length] = 0
  let count = 0
  for (let i = 0; i < length; i++) {
    isName[i] = 0
    if (!nameSigns(roles, i, signs)) continue
    let sum = 0
    for (let k = 0; k < NAME_SIGNS; k++) sum += weights[signs[k] as number] as number
    if (isIntroduced(roles, i)) sum += header.introduced
    if (sum < header.threshold) {
      if (sum >= header.threshold_again) isName[i] = MAYBE
      continue
    }
    isName[i] = SURE
    if (FROM_LISTS[roles[i] as number] === LISTED && count < TOLD_MAX) told[count++] = hashes[i] as number
  }
  // What may be one is one beside a word that is, and where it was told of elsewhere.
  for (let i = 0; i < length; i++) {
    const joined = i > 1 && roles[i - 1] === PARTICLE && isName[i - 2] === SURE && FROM_LISTS[roles[i] as number] === LISTED
    if (joined) isName[i] = SURE
    if (isName[i] !== MAYBE) continue
    isName[i] = (i > 0 && isName[i - 1] === SURE) || isName[i + 1] === SURE || toldBefore(hashes[i] as number, count) ? SURE : 0
  }
}

/** "My name is Lee", "ich heiße Lee": right behind such words, or with one between. */
function isIntroduced(roles: Uint8Array, i: number): boolean {
  if (FROM_LISTS[roles[i] as number] === 0 || i === 0) return false
  return roles[i - 1] === INTRO || (i > 1 && roles[i - 1] === BE && roles[i - 2] === INTRO)
}

const MAYBE = 2
const SURE = 1

function toldBefore(hash: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (told[i] === hash) return true
  return false
}

/** Words of one name stand side by side; a particle may stand between two of them. */
function tell({ roles, from, to, length }: Row, found: NameFinds): void {
  for (let i = 0; i < length; i++) {
    if (isName[i] !== SURE) continue
    const first = i
    let listed = FROM_LISTS[roles[i] as number] as number
    for (;;) {
      let next = i + 1
      while (next < length && next < i + 3 && roles[next] === PARTICLE) next++
      if (next >= length || isName[next] !== SURE) break
      i = next
      listed += FROM_LISTS[roles[i] as number] as number
    }
    // A lone letter is nobody; an unknown word with a capital may be anything, and so may May.
    const introduced = first > 0 ? (INTRODUCES[roles[first - 1] as number] as number) : 0
    if (listed >= LISTED || (listed + introduced >= LISTED && roles[i] !== INITIAL))
      found.add('name', from[first] as number, to[i] as number)
  }
}

/** The words of a name that are names alone: of "Rose Miller" it is "Miller", as roses are not always she. */
export function wordsOfName(name: string, table: NameTable): string[] {
  readRow(row, name, 0, name.length, table)
  if (row.length < 2) return []
  const words: string[] = []
  for (let i = 0; i < row.length; i++)
    if (FROM_LISTS[row.roles[i] as number] === LISTED) words.push(name.slice(row.from[i] as number, row.to[i] as number))
  return words
}
