/**
 * What a row of digits says of a person: a card, an account, a telephone, a social security number, an address on the internet. Groups of
 * digits that are apart by one separator are read as one number; its digits, their grouping and, where these leave it open, the words
 * beside it decide. A telephone number of any country may look like a sum or a date, so most of them need a word that names them.
 */
import { addressAround } from './addresses.ts'
import { isDigit, isHex, isLower, isUpper, isWord } from './ascii.ts'
import { birthDateAt } from './birth-dates.ts'
import { pastIban } from './iban.ts'
import { isIpv4, isNanp, isOfCardNetwork, isSsn, passesLuhn } from './number-checks.ts'
import { CARD_WORDS, hasWord, isLabelled, LABEL_BEHIND, PHONE_WORDS } from './number-words.ts'
import type { Finds } from './personal-data.ts'

/** The most groups of digits that are read as one number: a card has four, an IBAN's digits up to eight. */
const GROUPS_MAX = 8
const DIGITS_MAX = 19

/** One number as it is written: `shape` has the length of each group and what separates it from the next; "x818" may follow a telephone's. */
type Written = { digits: string; shape: string; groups: number; before: number; from: number; to: number; past_extension: number }

/** Reads the number that begins at `first`, tells `found` what it is, and gives the position after it. */
export function oneNumber(text: string, first: number, start: number, end: number, found: Finds): number {
  const before = first > start ? text.charCodeAt(first - 1) : 0x20
  // Digits within a word are part of a name, a hash or a country's code.
  if (isWord(before) || before === 0x5f) {
    const past = isUpper(before) || isLower(before) ? pastIban(text, first, start, end) : 0
    if (past > 0) found.add('iban', first - 2, past)
    return Math.max(past, afterDigits(text, first, end))
  }
  let shape = ''
  let digits = ''
  let group = 0
  let groups = 1
  let i = first
  for (; i < end && digits.length <= DIGITS_MAX; i++) {
    const code = text.charCodeAt(i)
    if (isDigit(code)) {
      digits += text[i]
      group++
      continue
    }
    const next = i + 1 < end ? text.charCodeAt(i + 1) : 0
    // "(555) 123-4567", "+41 (0)96 471": a bracket and a space make one separator.
    const width = (code === 0x29 && next === 0x20) || (code === 0x20 && next === 0x28) ? 2 : 1
    const separates = code === 0x20 || code === 0x2d || code === 0x2e || code === 0x29
    if (!separates || groups >= GROUPS_MAX || i + width >= end || !isDigit(text.charCodeAt(i + width))) break
    shape += `${group}${width === 2 ? ')' : text[i]}`
    group = 0
    groups++
    i += width - 1
  }
  shape += group
  const after = i < end ? text.charCodeAt(i) : 0x20
  const past = after === 0x78 && i + 1 < end && isDigit(text.charCodeAt(i + 1)) ? afterDigits(text, i, end) : i
  if (past > i || (!isWord(after) && after !== 0x5f)) {
    if (judge(text, start, { digits, shape, groups, before, from: first, to: i, past_extension: past }, found))
      return Math.max(i, first + 1)
    const birth = found.has('birth_date') ? null : birthDateAt(text, first, start, end)
    if (birth !== null) {
      found.add('birth_date', birth.from, birth.to)
      return birth.to
    }
  }
  // Of "8116 56 rue La Boétie" the last is the house.
  const address = found.has('address') ? null : addressAround(text, i - group, i, start, end)
  if (address === null) return Math.max(i, first + 1)
  found.add('address', address.from, address.to)
  return address.to
}

function afterDigits(text: string, first: number, end: number): number {
  let i = first
  while (i < end && isWord(text.charCodeAt(i))) i++
  return i
}

/** Whether it was found to be something. */
function judge(text: string, start: number, number: Written, found: Finds): boolean {
  const { digits, shape, before, from, to, past_extension } = number
  const { length } = digits
  if (length < 4) return false
  if (shape === '3-2-4' && isSsn(digits)) found.add('us_ssn', from, to)
  else if (isCard(text, start, number)) found.add('card', from, to)
  else if (before === 0x2b && length >= 8 && length <= 15) found.add('phone', from - 1, past_extension)
  else if (length <= 12 && isIpv4(digits, shape)) found.add('ip', from, to)
  else if (isPhone(number) || (length >= 6 && length <= 12 && isNamedPhone(text, start, number)))
    found.add('phone', before === 0x28 && shape.includes(')') ? from - 1 : from, past_extension)
  else return false
  return true
}

/** Groupings in which cards are written. */
const CARD_SHAPES = new Set(['13', '14', '15', '16', '19', '4 4 4 4', '4-4-4-4', '4.4.4.4', '4 6 5', '4-6-5', '4 4 4 4 3', '4-4-4-4-3'])
/** And only where a word says so: of twelve digits one row in ten passes the check by chance. */
const NAMED_CARD_SHAPES = new Set(['12', '17', '18', '4 4 4', '4-4-4'])

function isCard(text: string, start: number, { digits, shape, from }: Written): boolean {
  if (digits.length < 12) return false
  const usual = CARD_SHAPES.has(shape)
  if ((!usual && !NAMED_CARD_SHAPES.has(shape)) || !passesLuhn(digits)) return false
  return (usual && isOfCardNetwork(digits)) || hasWord(text, Math.max(start, from - NEAR_CHARS), from, CARD_WORDS)
}

/** North American numbers; a plain row of ten digits is more often an id. */
const NANP_SHAPES = new Set(['3)3-4', '3-3-4', '3.3.4', '1-3-3-4', '1.3.3.4', '3)3.4', '3)3 4', '3)7'])

/** Told by its form alone. */
function isPhone({ digits, shape, groups, before }: Written): boolean {
  const { length } = digits
  if ((length === 10 || length === 11) && NANP_SHAPES.has(shape) && isNanp(digits)) return true
  // The prefix of calls abroad, and the country behind it: "001-204-821-0538".
  if (groups >= 3 && length >= 10 && length <= 15 && digits.startsWith('00') && digits.charCodeAt(2) !== 0x30 && shape >= '3') return true
  return isNational(digits, shape) || (before === 0x28 && isBracketed(digits, shape))
}

/** National numbers of Europe and Asia begin with a zero and are written in three groups or more: "01 84 17 61 18". */
function isNational(digits: string, shape: string): boolean {
  if (digits.charCodeAt(0) !== 0x30 || digits.length < 9 || digits.length > 11) return false
  const groups = shape.split(/[ .-]/)
  return groups.length >= 3 && groups.every(group => group >= '2' && group <= '5')
}

/** "(37) 788-063": an area's code in brackets. "(12) 1998-2004" are years. */
function isBracketed(digits: string, shape: string): boolean {
  if (digits.length < 8 || digits.length > 12 || !/^[2-4]\)\d+(?:[ -]\d+)*$/.test(shape)) return false
  return !/^\d+\)4[ -]4$/.test(shape) || !/(?:19|20)\d\d(?:19|20)\d\d$/.test(digits)
}

/** Dates and years, which stand near such words as often: 2026-11-24, 24.11.2026, 24-11-26, 2010-2012. */
const DATE_SHAPES = new Set(['4-2-2', '4.2.2', '2-2-4', '2.2.4', '2-2-2', '2.2.2', '4-4'])
const SHORTEST_ALONE = 7
/** Characters before a number in which a word that names it is looked for, and before one that is shorter still. */
const NEAR_CHARS = 30
const BESIDE_CHARS = 12

/** Told by a word beside it: in groups where one is near, in one piece where one is its label. */
function isNamedPhone(text: string, start: number, { digits, shape, groups, from, to }: Written): boolean {
  if (DATE_SHAPES.has(shape)) return false
  if (groups > 1 && hasWord(text, Math.max(start, from - (digits.length < SHORTEST_ALONE ? BESIDE_CHARS : NEAR_CHARS)), from, PHONE_WORDS))
    return true
  if (digits.length < SHORTEST_ALONE) return false
  return isLabelled(text, Math.max(start, from - NEAR_CHARS), from) || LABEL_BEHIND.test(text.slice(to, to + 12))
}

/** Eight groups of hex digits, written out, of which the first ends at `colon`. Shortened ones look too much like times and paths, and give 0. */
export function pastIpv6(text: string, colon: number, start: number, end: number): number {
  if (colon === start || !isHex(text.charCodeAt(colon - 1))) return 0
  let groups = 1
  let length = 0
  let i = colon + 1
  for (; i < end && length <= 4; i++) {
    const code = text.charCodeAt(i)
    if (isHex(code)) length++
    else if (code === 0x3a && length > 0) {
      groups++
      length = 0
    } else break
  }
  return groups === 7 && length > 0 && length <= 4 ? i : 0
}
