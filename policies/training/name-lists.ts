/**
 * The lists that `policies/names.bin` is made from, as words with their kinds: given names and surnames of two packages (both MIT), and what
 * makes a name doubtful: that it is a place, or a word that prompts write small.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ENDING_LETTERS, KINDS, LETTERS_END, letterFolds, type NameKind } from '../../worker/core/understand/name-table.ts'
import { allPrompts } from './data.ts'

/** Folded as the table has it; empty for what has other letters in it. */
export function foldedName(word: string): string {
  const folds = letterFolds()
  let out = ''
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i)
    if (code >= LETTERS_END) return ''
    const fold = (folds[code] as number) & 0x7fff
    if (fold !== 0) out += String.fromCharCode(fold)
  }
  return out
}

/** Every text in a value, however deep. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  const { value: weighted } = value as { value?: unknown }
  if (typeof weighted === 'string') return [weighted]
  return Object.values(value).flatMap(texts)
}

/** Single words of at least two letters; of a hyphenated one the first half, as that is what is looked up. */
function wordsOf(list: readonly string[]): string[] {
  return list
    .flatMap(each => each.split(/[\s,./()]+/))
    .map(word => foldedName(word.split('-')[0] as string))
    .filter(word => word.length >= 2)
}

type Locale = { person?: Record<string, unknown>; location?: Record<string, unknown>; word?: Record<string, unknown> }
/** `raw`: as people write them, to fill sentences with. */
export type Lists = {
  given: Set<string>
  surname: Set<string>
  place: Set<string>
  word: Set<string>
  raw: { given: string[]; surname: string[] }
}

/** Written small at least this often, and so often for each time with a capital, a name is an ordinary word as well. */
const SMALL_AT_LEAST = 4
const SMALL_SHARE = 0.4
/** An unlisted word that prompts have this often is no surname. */
const SEEN_AT_LEAST = 60
const COMMON_RANK = 500
const COMMON_IN = [
  'english',
  'german',
  'french',
  'spanish',
  'italian',
  'portuguese',
  'dutch',
  'polish',
  'turkish',
  'russian',
  'swedish',
  'czech',
]

/** `work` holds the unpacked packages, as `README.md` says; `data` the prompts. */
export async function readLists(work: string, data: string): Promise<Lists> {
  const faker = (await import(pathToFileURL(join(work, 'faker-js/dist/index.js')).href)) as { allLocales: Record<string, Locale> }
  const python = JSON.parse(readFileSync(join(work, 'faker-python.json'), 'utf8')) as { given: string[]; surname: string[] }
  const locales = Object.values(faker.allLocales)
  const of = (part: keyof Locale, ...names: string[]) => locales.flatMap(each => names.flatMap(name => texts(each[part]?.[name])))
  const given = new Set(wordsOf([...of('person', 'first_name'), ...python.given]))
  const surname = new Set(wordsOf([...of('person', 'last_name'), ...python.surname]))
  const whole = (list: string[]) => list.filter(each => !/[ -]/.test(each))
  const everywhere = wordsOf(whole(of('location', 'city_name', 'country', 'state', 'county', 'continent', 'language')))
  const wellKnown = new Set(wordsOf(whole([...of('location', 'country', 'continent'), ...texts(faker.allLocales.en?.location)])))
  const place = new Set(everywhere.filter(each => wellKnown.has(each) || given.has(each) || surname.has(each)))
  const listed = new Set(wordsOf(whole(locales.flatMap(each => texts(each.word)).filter(each => each === each.toLowerCase()))))
  const { small, large } = countsIn(data)
  const word = new Set<string>()
  for (const each of listed) if (given.has(each) || surname.has(each)) word.add(each)
  for (const [each, count] of small) {
    const capital = large.get(each) ?? 0
    const isOfName = given.has(each) || surname.has(each)
    if (isOfName ? count >= SMALL_AT_LEAST && count / (count + capital) >= SMALL_SHARE : count >= SEEN_AT_LEAST) word.add(each)
  }
  for (const [each, count] of large) if (!given.has(each) && !surname.has(each) && count >= SEEN_AT_LEAST) word.add(each)
  for (const each of commonWords(join(work, 'common-words/build/resources'))) if (!given.has(each) && !surname.has(each)) word.add(each)
  const written = (list: string[]) => [...new Set(list)].filter(each => /^\p{Lu}\p{Ll}+$/u.test(each) && foldedName(each) !== '').sort()
  const raw = {
    given: written([...of('person', 'first_name'), ...python.given]),
    surname: written([...of('person', 'last_name'), ...python.surname]),
  }
  return { given, surname, place, word, raw }
}

function commonWords(folder: string): string[] {
  return COMMON_IN.flatMap(language =>
    wordsOf(
      readFileSync(join(folder, `${language}.txt`), 'utf8')
        .split('\n')
        .slice(0, COMMON_RANK),
    ),
  )
}

/** How often prompts have a word small, and with a capital that no sentence's beginning explains. */
function countsIn(data: string) {
  const small = new Map<string, number>()
  const large = new Map<string, number>()
  for (const { text } of allPrompts(data)) {
    // Where nothing has a capital, a name has none either.
    if (text === text.toLowerCase()) continue
    for (const [found, before, word] of text.slice(0, 2_000).matchAll(/(.{0,2})(?<![\p{L}\d_])(\p{L}{2,24})(?![\p{L}\d_])/gu)) {
      if (found === undefined || word === undefined) continue
      const first = word[0] as string
      const isSmall = first === first.toLowerCase()
      if (!isSmall && !/[\p{L},] $/u.test(before ?? '')) continue
      const folded = foldedName(word)
      if (folded === '') continue
      const counts = isSmall ? small : large
      counts.set(folded, (counts.get(folded) ?? 0) + 1)
    }
  }
  return { small, large }
}

/** One kind for each word. What is neither known as a name nor as a word nor as a place is left out. */
export function kindsOf(lists: Lists): Map<string, NameKind> {
  const { given, surname, place, word } = lists
  const kinds = new Map<string, NameKind>()
  for (const each of place) kinds.set(each, 'place')
  for (const each of word) kinds.set(each, 'word')
  for (const each of surname) kinds.set(each, word.has(each) ? 'surname_word' : place.has(each) ? 'surname_place' : 'surname')
  for (const each of given) {
    const kind = word.has(each) ? 'given_word' : place.has(each) ? 'given_place' : surname.has(each) ? 'either' : 'given'
    kinds.set(each, kind)
  }
  // What the ending of a word tells already need not be listed.
  const endings = new Set(endingsOf(lists))
  for (const [each, kind] of kinds)
    if (kind === 'surname' && each.length > ENDING_LETTERS && endings.has(each.slice(-ENDING_LETTERS))) kinds.delete(each)
  return kinds
}

/** Endings of four letters that surnames have far more often than words do: "-sson", "-ovic". */
export function endingsOf({ given, surname, word, place }: Lists): string[] {
  const names = new Map<string, number>()
  const words = new Map<string, number>()
  const count = (list: Set<string>, into: Map<string, number>) => {
    for (const each of list) {
      if (each.length <= ENDING_LETTERS) continue
      const ending = each.slice(-ENDING_LETTERS)
      into.set(ending, (into.get(ending) ?? 0) + 1)
    }
  }
  count(new Set([...surname, ...given].filter(each => !word.has(each))), names)
  count(new Set([...word, ...place]), words)
  return [...names].filter(([ending, n]) => n >= 6 && n >= 6 * (words.get(ending) ?? 0)).map(([ending]) => ending)
}

export const kindIndex = (kind: NameKind) => KINDS.indexOf(kind)
