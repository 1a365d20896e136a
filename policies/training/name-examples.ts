/**
 * Sentences of our own, in which names of people are marked, to train the tagger of names beside those of the shared set: one a line in
 * `name-sentences.txt`, with `{n}` for a whole name, `{g}` for a given name, `{s}` for a surname, `{w}` for a given name that is a word as well, filled from the lists. `{G}` and `{S}` are
 * such words where they name no person, `{c}` is a town, `{o}` a company. What has no mark has no name in it. And prompts of our corpus,
 * whose invented names are known and are changed for others.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownCorpus } from './data.ts'

export type Marked = { text: string; spans: { start: number; end: number }[] }
/** As people write them. */
export type RawNames = { given: string[]; surname: string[]; place: string[]; doubtful: string[] }
type Pick = (count: number) => number

const SENTENCES = readFileSync(join(import.meta.dirname, 'name-sentences.txt'), 'utf8')
  .split('\n')
  .filter(line => line.trim() !== '')
  .map(line => line.replaceAll('\\n', '\n'))

const isCyrillic = (text: string) => /\p{Script=Cyrillic}/u.test(text)
const isLatin = (text: string) => /^[\u0041-\u024f' -]+$/u.test(text)
const LEGAL = ['Inc', 'Inc.', 'Ltd', 'LLC', 'GmbH', 'Group', 'Corporation', 'and Sons', 'Partners', 'PLC', 'Associates', 'AG', 'Co.']
const TRADES = [
  'Systems',
  'Labs',
  'Bank',
  'Media',
  'Foods',
  'Energy',
  'Software',
  'Insurance',
  'Capital',
  'Health',
  'Logistics',
  'Analytics',
]
const SYLLABLES = 'va ri tek nor sol ax pro li quan zen bit ver ma lu cor dex om ni flo cap tru net ast ra pix el'.split(' ')

/** What stands for a mark, by script of the sentence. */
class Fillers {
  readonly pick: Pick
  readonly given: string[]
  readonly surname: string[]
  readonly place: string[]
  readonly doubtful: string[]
  constructor(names: RawNames, isOfScript: (text: string) => boolean, pick: Pick) {
    this.pick = pick
    this.given = names.given.filter(isOfScript)
    this.surname = names.surname.filter(isOfScript)
    this.place = names.place.filter(isOfScript)
    this.doubtful = names.doubtful.filter(isOfScript)
  }
  one = (list: readonly string[]) => list[this.pick(list.length)] as string
  g = () => this.one(this.given)
  s = () => (this.pick(25) === 0 ? `${this.one(this.surname)}-${this.one(this.surname)}` : this.one(this.surname))
  n = () => {
    const kind = this.pick(20)
    if (kind === 0) return `${this.g()} ${this.g()} ${this.s()}`
    if (kind <= 3) return `${this.g()} ${this.one('ABCDEFGHJKLMNPRSTVW'.split(''))}${this.pick(3) ? '.' : ''} ${this.s()}`
    if (kind === 4) return `${this.g()} ${this.one(['van', 'de', 'von', 'da', 'di', 'van der', 'el', 'bin'])} ${this.s()}`
    if (kind === 5) return `${this.g()} ${this.one(this.surname)} ${this.one(this.surname)}`
    return `${this.g()} ${this.s()}`
  }
  c = () => this.one(this.place)
  w = () => this.one(this.doubtful)
  brand = () => {
    const word = this.one(SYLLABLES) + this.one(SYLLABLES) + (this.pick(2) ? this.one(SYLLABLES) : '')
    return word[0]?.toUpperCase() + word.slice(1)
  }
  o = () => {
    const [a, b, c] = [this.one(this.surname), this.one(this.surname), this.one(this.surname)]
    const kind = this.pick(9)
    if (kind < 2) return `${a} ${this.one(LEGAL)}`
    if (kind === 2) return `${a}, ${b} and ${c}`
    if (kind === 3) return `${a}-${b}`
    if (kind === 4) return `${a} ${this.one(TRADES)}`
    if (kind === 5) return `${this.brand()} ${this.one([...TRADES, ...LEGAL])}`
    if (kind === 6) return `${a} & ${b}`
    return this.brand()
  }
}

/** Each sentence `times` over; of these some all small, as people type. */
export function ownExamples(names: RawNames, times: number, pick: Pick): Marked[] {
  const scripts = { latin: new Fillers(names, isLatin, pick), cyrillic: new Fillers(names, isCyrillic, pick) }
  const out: Marked[] = []
  for (const sentence of SENTENCES) {
    const fill = isCyrillic(sentence) ? scripts.cyrillic : scripts.latin
    for (let turn = 0; turn < times; turn++) out.push(cased(filled(sentence, fill), pick))
  }
  return out
}

function filled(sentence: string, fill: Fillers): Marked {
  let text = ''
  const spans: Marked['spans'] = []
  for (const piece of sentence.split(/(\{[a-zA-Z]{1,2}\})/)) {
    const name = piece === '{n}' ? fill.n() : piece === '{g}' ? fill.g() : piece === '{s}' ? fill.s() : piece === '{w}' ? fill.w() : null
    const loud = piece === '{N}' ? fill.n().toUpperCase() : piece === '{SS}' ? fill.s().toUpperCase() : null
    const other =
      piece === '{G}'
        ? fill.g()
        : piece === '{S}'
          ? fill.s()
          : piece === '{c}'
            ? fill.c()
            : piece === '{C}'
              ? fill.c().toUpperCase()
              : piece === '{o}'
                ? fill.o()
                : null
    const person = name ?? loud
    if (person !== null) spans.push({ start: text.length, end: text.length + person.length })
    text += person ?? other ?? piece
  }
  return { text, spans }
}

/** Small all over in one of eight, loud in one of sixty. What changes its length by that is left as it is. */
function cased({ text, spans }: Marked, pick: Pick): Marked {
  const changed = pick(8) === 0 ? text.toLowerCase() : pick(60) === 0 ? text.toUpperCase() : text
  return { text: changed.length === text.length ? changed : text, spans }
}

/** Names in `corpus/materials.txt`. */
function corpusNames(): { given: Set<string>; surname: Set<string> } {
  const sections = readFileSync(join(import.meta.dirname, 'corpus/materials.txt'), 'utf8').split(/^## /m)
  const words = (name: string) => {
    const section = sections.find(each => each.startsWith(`${name}\n`)) ?? ''
    return section
      .slice(name.length + 1)
      .split(/[|\n]/)
      .map(each => each.trim())
      .filter(each => /^\p{Lu}\p{L}+$/u.test(each))
  }
  return { given: new Set([...words('name'), ...words('name2')]), surname: new Set(words('surname')) }
}

/** Prompts of our corpus with other names, `most` of them with a name and as many without. */
export function corpusExamples(names: RawNames, most: number, pick: Pick): Marked[] {
  const known = corpusNames()
  const fill = new Fillers(names, isLatin, pick)
  const found: Marked[] = []
  const none: Marked[] = []
  for (const { prompt } of ownCorpus()) {
    if (prompt.length > 1_500) continue
    let text = ''
    const spans: Marked['spans'] = []
    for (const piece of prompt.split(/((?<![\p{L}\d])\p{Lu}\p{L}+(?![\p{L}\d]))/u)) {
      const other = known.given.has(piece) ? fill.g() : known.surname.has(piece) ? fill.one(fill.surname) : null
      const last = spans.at(-1)
      if (other !== null && last && text.slice(last.end) === ' ') last.end = text.length + other.length
      else if (other !== null) spans.push({ start: text.length, end: text.length + other.length })
      text += other ?? piece
    }
    ;(spans.length > 0 ? found : none).push({ text, spans })
  }
  const thinned = (list: Marked[]) => list.filter((_, i) => i % Math.max(1, Math.floor(list.length / most)) === 0)
  return [...thinned(found), ...thinned(none)]
}
