/**
 * Names of people in a text, with their places; precision first. Lists of given names and surnames of many languages say what a word may be,
 * runs of letters what an unlisted one is like, and a linear tagger whether it is a name: by the words around it, as was learned from
 * sentences with marked names. "Will Rose mark it in May?" holds none, "Dear Rose Ann" holds one.
 *
 * A word that is nearly sure is one beside a word that is, and where it was told of elsewhere: "Ann Lee wrote ... and Lee said". In scripts
 * without capitals names are told by what introduces them alone (`names-by-cue.ts`).
 *
 * Measured 2026-11-24 on presidio-research's sentences, no template on both sides, thresholds chosen within the other folds, a find counted as
 * right where it touches a marked name: precision .938, recall .819, F1 .874 (before: .939, .644, .764), lone names found in 73 % of cases
 * (48 %); all types of personal data together .955, .864, .907 (.957, .702, .810). In use the threshold is stricter: .967, .849, .904. The
 * errors of these folds were read while it was made, and the last thirty of our own sentences were written after them: without those it was
 * .965, .843, .900. Expect less on a source that nobody here has seen. In 38,178 prompts of benchmarks something is found in 9,435, mostly
 * people of word problems and news; of 100 finds read by eye some seven were no names (peoples, prizes, "Pascal's triangle").
 * Processor time in Node 24, lower quartile of 40, interleaved with the version before: 52 us for 2,000 characters (38), nearly all of it for
 * reading the words; so it is called only for policies to which names make a difference.
 */
import type { PersonalDataType } from '../../schema/features.ts'
import { beginSigns, SIGNS_MAX, signsAt } from './name-signs.ts'
import { IS_NAME, IS_PLACE, IS_WORD, type NameTable } from './name-table.ts'
import { AND, COMMA, emptyRow, INITIAL, PARTICLE, readRow } from './name-words.ts'
import { namesByCue } from './names-by-cue.ts'

/** Called while a text is read, so it must not look for names itself. */
export type NameFinds = { add(type: PersonalDataType, from: number, to: number): void }

const row = emptyRow()
const signs = new Int32Array(SIGNS_MAX)
const isName = new Uint8Array(row.roles.length)
const sums = new Float64Array(row.roles.length)
/** Words of names that were told of in this text, for where they stand alone. */
const TOLD_MAX = 64
const told = new Uint32Array(TOLD_MAX)

const NO = 0
const SURE = 1
const MAYBE = 2

/** Adds every name between two positions to `found`, from left to right. */
export function findNames(text: string, start: number, end: number, found: NameFinds, table: NameTable): void {
  for (let at = start; at < end; at = row.next) {
    readRow(row, text, at, end, table)
    judge(text, table)
    tell(found, row.uncased ? namesByCue(text, at, row.next) : NONE)
  }
}

/** Marks the words of names. */
function judge(text: string, table: NameTable): void {
  const { candidates, kinds, roles, hashes, length } = row
  const { weights, header } = table
  beginSigns(row, text, table)
  for (let i = 0; i < length; i++) {
    isName[i] = NO
    if (candidates[i] !== 1) continue
    const n = signsAt(row, i, signs)
    let sum = 0
    for (let k = 0; k < n; k++) sum += weights[signs[k] as number] as number
    sums[i] = sum
  }
  isName[length] = NO
  shareInLists()
  let count = 0
  for (let i = 0; i < length; i++) {
    if (candidates[i] !== 1) continue
    const sum = sums[i] as number
    // What the lists have as a place or a word alone may be part of a name, and is none by itself.
    if (sum < header.threshold || (kinds[i] !== 0 && !((kinds[i] as number) & IS_NAME))) {
      if (sum >= header.threshold_again) isName[i] = MAYBE
      continue
    }
    isName[i] = SURE
    if (count < TOLD_MAX && roles[i] !== INITIAL) told[count++] = hashes[i] as number
  }
  for (let i = 0; i < length; i++) {
    if (isName[i] !== MAYBE) continue
    if ((i > 0 && isName[i - 1] === SURE) || isName[i + 1] === SURE || toldBefore(hashes[i] as number, count)) isName[i] = SURE
    else if (i > 1 && roles[i - 1] === PARTICLE && isName[i - 2] === SURE) isName[i] = SURE
    else isName[i] = NO
  }
}

/** What "Hans, Lee and Ann" are, each of them is: a member of a list is judged half by itself and half by all of them. */
function shareInLists(): void {
  const { candidates, roles, length } = row
  for (let i = 0; i < length; i++) {
    if (candidates[i] !== 1) continue
    let total = 0
    let members = 0
    let last = i
    for (let k = i; k < length; ) {
      total += sums[k] as number
      members++
      last = k
      let next = k + 1
      while (next < length && next < k + 3 && (roles[next] === COMMA || roles[next] === AND)) next++
      if (next === k + 1 && next < length && candidates[next] === 1) k = next
      else if (next > k + 1 && next < length && candidates[next] === 1) k = next
      else break
    }
    if (members > 1) {
      const mean = total / members
      for (let k = i; k <= last; k++) if (candidates[k] === 1) sums[k] = ((sums[k] as number) + mean) / 2
    }
    i = last
  }
}

function toldBefore(hash: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (told[i] === hash) return true
  return false
}

const NONE: readonly number[] = []

/** Words of one name stand side by side; a particle may stand between two of them. A lone letter is nobody. `others`: places of more names. */
function tell(found: NameFinds, others: readonly number[]): void {
  const { roles, from, to, length } = row
  let next_other = 0
  const tellOthers = (before: number) => {
    for (; next_other < others.length && (others[next_other] as number) < before; next_other += 2)
      found.add('name', others[next_other] as number, others[next_other + 1] as number)
  }
  for (let i = 0; i < length; i++) {
    if (isName[i] !== SURE) continue
    const first = i
    for (;;) {
      let next = i + 1
      while (next < length && next < i + 3 && roles[next] === PARTICLE) next++
      if (next >= length || isName[next] !== SURE) break
      i = next
    }
    if (i === first && roles[i] === INITIAL) continue
    tellOthers(from[first] as number)
    found.add('name', from[first] as number, to[i] as number)
  }
  tellOthers(Number.POSITIVE_INFINITY)
}

/** The words of a name that are names alone: of "Rose Miller" it is "Miller", as roses are not always she. */
export function wordsOfName(name: string, table: NameTable): string[] {
  readRow(row, name, 0, name.length, table)
  if (row.length < 2) return []
  const words: string[] = []
  for (let i = 0; i < row.length; i++) {
    const kind = row.kinds[i] as number
    if (kind & IS_NAME && !(kind & (IS_WORD | IS_PLACE))) words.push(name.slice(row.from[i] as number, row.to[i] as number))
  }
  return words
}
