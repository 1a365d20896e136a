/**
 * The lists that `policies/names.bin` is made from, as words with what is known of them: given names and surnames of packages, and what makes
 * a name doubtful: that it is a place, or a word that prompts write small.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { IS_NAME, IS_PLACE, LETTERS_END, letterFolds } from '../../worker/core/understand/name-table.ts'
import { townsIn } from './cities.ts'
import { allPrompts } from './data.ts'
import type { RawNames } from './name-examples.ts'

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

/** Single words of at least two letters. */
function wordsOf(list: readonly string[]): string[] {
  return list
    .flatMap(each => each.split(/[\s,./()-]+/))
    .map(foldedName)
    .filter(word => word.length >= 2)
}

type Locale = { person?: Record<string, unknown>; location?: Record<string, unknown>; word?: Record<string, unknown> }
/** What `names.py` writes: of Faker's locales, and of the census of 1990 in order of how common they are. */
type Python = { given: string[]; surname: string[]; census_given: string[]; census_surname: string[] }

/** Written small at least this often, and so often for each time with a capital, a name is an ordinary word as well. */
const SMALL_AT_LEAST = 4
const SMALL_SHARE = 0.4
const SMALL_SHARE_SOME = 0.1
/** A word that is no name is listed from so many times on; more of them make it more of a word. */
const WORD_STEPS = [5, 20, 60]
const COMMON_RANK = 500
const COMMON_IN = 'english german french spanish italian portuguese dutch polish turkish russian swedish czech'.split(' ')
/** A name of the census counts as one list for each of these ranks that it is above. */
const CENSUS_STEPS = [60_000, 12_000, 3_000, 1_000, 400, 150]
/** A given name that is a surname in so many more lists is hardly one, and the other way round. */
const RULED_BY = 3
/** In fewer lists than that a place is no name. */
const NAME_OF_PLACE_LISTS = 4
const NAME_OF_COUNTRY_LISTS = 9
/** Smaller towns are mostly called like someone. */
const TOWN_INHABITANTS = 20_000

export type Lists = { kinds: Map<string, number>; raw: RawNames; words: string[] }

/** `work` holds the unpacked packages, as `README.md` says; `data` the prompts. */
export async function readLists(work: string, data: string): Promise<Lists> {
  const faker = (await import(pathToFileURL(join(work, 'faker-js/dist/index.js')).href)) as { allLocales: Record<string, Locale> }
  const python = JSON.parse(readFileSync(join(work, 'faker-python.json'), 'utf8')) as Python
  const locales = Object.values(faker.allLocales)
  const of = (part: keyof Locale, ...names: string[]) => locales.flatMap(each => names.flatMap(name => texts(each[part]?.[name])))
  const given = counted(
    locales.map(each => texts(each.person?.first_name)),
    [python.given, genderLists(work)],
    python.census_given,
  )
  const surname = counted(
    locales.map(each => texts(each.person?.last_name)),
    [python.surname],
    python.census_surname.slice(0, CENSUS_STEPS[0]),
  )
  const { small, large } = countsIn(data)
  const common = commonWords(join(work, 'common-words/build/resources'))

  const whole = (list: string[]) => list.filter(each => !/[ -]/.test(each))
  const towns = townsIn(join(work, 'cities/cities.pbf'), TOWN_INHABITANTS)
  const countries = new Set(wordsOf(whole(of('location', 'country', 'continent'))))
  const places = new Set([...wordsOf(whole([...of('location', 'city_name', 'state', 'county', 'language'), ...towns])), ...countries])
  const listed = wordsOf(whole(locales.flatMap(each => texts(each.word)).filter(each => each === each.toLowerCase())))
  const kinds = new Map<string, number>()
  for (const word of new Set([...given.keys(), ...surname.keys()])) {
    const [asGiven, asSurname] = [given.get(word) ?? 0, surname.get(word) ?? 0]
    const levelOf = (count: number, other: number) => (count === 0 ? 0 : count >= 2 && count * RULED_BY > other ? 2 : 1)
    // Hardly anyone is called Canada, though a census of millions has some who are.
    if (places.has(word) && asGiven + asSurname < (countries.has(word) ? NAME_OF_COUNTRY_LISTS : NAME_OF_PLACE_LISTS)) continue
    kinds.set(word, levelOf(asGiven, asSurname) | (levelOf(asSurname, asGiven) << 2))
  }
  const mark = (word: string, level: number) => {
    const kind = kinds.get(word) ?? 0
    if (level > ((kind >> 4) & 3)) kinds.set(word, (kind & ~0x30) | (level << 4))
  }
  for (const word of listed) mark(word, kinds.has(word) ? 2 : 1)
  for (const word of common) if (!((kinds.get(word) ?? 0) & IS_NAME)) mark(word, 3)
  for (const [word, count] of small) {
    const share = count / (count + (large.get(word) ?? 0))
    if (!((kinds.get(word) ?? 0) & IS_NAME)) mark(word, WORD_STEPS.filter(step => count >= step).length)
    else if (count >= SMALL_AT_LEAST) mark(word, share >= SMALL_SHARE ? (count >= 60 ? 3 : 2) : share >= SMALL_SHARE_SOME ? 1 : 0)
  }
  for (const [word, count] of large) if (!kinds.has(word) && count >= 60) mark(word, 2)
  for (const word of places) {
    const kind = kinds.get(word) ?? 0
    if (!(kind & 0x20)) kinds.set(word, kind | IS_PLACE)
  }
  const written = (list: string[]) => [...new Set(list)].filter(each => /^\p{Lu}\p{Ll}+$/u.test(each) && foldedName(each) !== '').sort()
  const isDoubtful = (each: string) => ((kinds.get(foldedName(each)) ?? 0) & 0x23) === 0x22
  const raw = {
    doubtful: written(of('person', 'first_name')).filter(isDoubtful),
    given: written([...of('person', 'first_name'), ...python.given]),
    surname: written([...of('person', 'last_name'), ...python.surname]),
    place: [...new Set([...of('location', 'city_name', 'country'), ...towns])].filter(each => /^\p{Lu}[\p{L} -]+$/u.test(each)).sort(),
  }
  const words = [...small].filter(([word, count]) => count >= 2 && !((kinds.get(word) ?? 0) & IS_NAME)).map(([word]) => word)
  return { kinds, raw, words }
}

/** In how many lists a word is; in the census, the more common the more. */
function counted(locales: string[][], more: string[][], census: string[]): Map<string, number> {
  const counts = new Map<string, number>()
  const add = (word: string, count: number) => counts.set(word, (counts.get(word) ?? 0) + count)
  for (const list of [...locales, ...more]) for (const word of new Set(wordsOf(list))) add(word, 1)
  for (const [rank, name] of census.entries()) {
    const word = foldedName(name)
    if (word.length >= 2) add(word, CENSUS_STEPS.filter(step => rank < step).length)
  }
  return counts
}

/** Given names of `gender-detection-from-name`, a file for each of six languages. */
function genderLists(work: string): string[] {
  return ['en', 'it', 'es', 'fr', 'de', 'tr'].flatMap(language =>
    [...readFileSync(join(work, `gender-names/names/${language}.js`), 'utf8').matchAll(/\['([^']+)',/g)].map(match => match[1] as string),
  )
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
