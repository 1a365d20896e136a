/**
 * Writes the corpus: every scenario is filled in a few times, and what comes out is roughened as people write.
 *
 *     node policies/training/corpus/write.ts
 *
 * A scenario is one line of `scenarios/<task>.txt`: a letter for its domain, a digit for its difficulty, and the text with
 * choices in braces, `{this|or that}`, lists by their name, `{place}`, and material in capitals, `{ARTICLE}`. All that was filled from one
 * scenario is one group, so that a split by group never sees the same wording on both sides. Seeded: the same every time.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { overlap, triples } from './check.ts'

const HERE = import.meta.dirname
const DOMAIN: Record<string, string> = {
  g: 'general',
  s: 'stem',
  h: 'humanities',
  o: 'social_sciences',
  m: 'medicine',
  l: 'law',
  b: 'business',
  c: 'code',
}
/** Fillings of one scenario: at most this many, and fewer where its choices would only repeat. */
const FILLINGS = 7
/** Of a scenario with a star, whose lists make hundreds of different ones. */
const FILLINGS_OF_MANY = 90
const TRIES = 3
/** Two prompts of one task whose word triples overlap more than this are one too many. */
const OVERLAP_MAX = 0.6
/** Pasted texts that are several pages, and not one paragraph. */
const LONG_SHARE = 0.15

let state = 0x51b0
function draw(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return state / 2 ** 32
}
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)] as T
const between = (low: number, high: number) => low + Math.floor(draw() * (high - low + 1))

const lists = new Map<string, string[]>()
for (const section of readFileSync(join(HERE, 'materials.txt'), 'utf8').split(/^## /m).slice(1)) {
  const name = section.slice(0, section.indexOf('\n'))
  const body = section.slice(name.length + 1).trim()
  lists.set(name, name === name.toUpperCase() || name.startsWith('ART_') ? body.split('\n---\n') : body.split('|'))
}

/** Some of the sentences of a text, in their order, so that no two tellings of it are the same. */
function retold(text: string): string {
  const sentences = text.split(/(?<=[.!?])\s+|(?<=。)/u)
  const keep = between(Math.min(4, sentences.length), sentences.length)
  const dropped = new Set<number>()
  while (dropped.size < sentences.length - keep) dropped.add(between(0, sentences.length - 1))
  const joined = sentences.filter((_, i) => !dropped.has(i)).join(/[。]/.test(text) ? '' : ' ')
  return draw() < 0.3 ? joined.replace(/([.!?]) (?=\S)/g, (all, mark) => (draw() < 0.25 ? `${mark}\n\n` : all)) : joined
}

function filled(template: string): string {
  const kept: string[] = []
  const keep = (text: string) => `⟦${kept.push(text) - 1}⟧`
  let text = template.replaceAll(/\\n/g, '\n').replaceAll(/\\t/g, '\t')
  for (let round = 0; round < 12; round++) {
    const before = text
    text = text.replace(/\{([^{}]*)\}/g, (all, inner: string) => {
      if (inner === 'n') return String(between(2, 48))
      if (inner === 'm') return String(between(11, 95))
      if (inner === 'bignum') return String(between(1100, 9800))
      const list = lists.get(inner)
      if (list && inner.startsWith('ART'))
        return Array.from({ length: draw() < LONG_SHARE ? between(2, 6) : 1 }, () => retold(oneOf(list))).join('\n\n')
      if (list) return oneOf(list).replaceAll('\\n', '\n').replaceAll('\\t', '\t')
      return inner.includes('|') ? oneOf(inner.split('|')) : keep(all)
    })
    if (text === before) break
  }
  for (let round = 0; round < 6; round++) text = text.replace(/⟦(\d+)⟧/g, (_, index) => kept[Number(index)] ?? '')
  return text
}

const OPENINGS = [
  '',
  '',
  '',
  '',
  '',
  '',
  'Hi, ',
  'please ',
  'hey, ',
  'Quick question: ',
  'Hello! ',
  'ok so ',
  'Can you help? ',
  'urgent!! ',
]
const CLOSINGS = [
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  ' Thanks!',
  ' thx',
  ' please',
  ' asap',
  ' Keep it short.',
  ' Take your time.',
  ' 🙏',
  ' (for a friend)',
]

/** As it is typed: in a hurry, on a phone, or pasted with its mess. Only the first line is touched, never the material. */
function roughened(text: string, language: string): string {
  const end = text.includes('\n') ? text.indexOf('\n') : text.length
  let asked = text.slice(0, end)
  const rest = text.slice(end)
  const code = /[;{}=]|def /.test(asked)
  if (language === 'en' && asked.length > 15) {
    const opening = oneOf(OPENINGS)
    if (opening !== '' && rest === '') asked = opening + asked
    if (rest === '') asked += oneOf(CLOSINGS)
  }
  if (draw() < 0.18) asked = asked.toLowerCase()
  if (draw() < 0.12) asked = asked.replace(/[.?!]$/, '')
  if (draw() < 0.04 && !code) asked = asked.toUpperCase()
  if (draw() < 0.16 && !code) asked = mistyped(asked)
  if (draw() < 0.05) asked = asked.replace(/\?$/, oneOf(['???', '?!', ' ?']))
  let whole = asked + rest
  if (rest.length > 200 && draw() < 0.1) whole = whole.replace(/\n\n/, '\n\n-----Original-----\n> ')
  if (rest.length > 200 && draw() < 0.08)
    whole += oneOf(['\n\nSent from my phone', '\n\n[image removed]', '\n\n\t \n', '\n--\nPage 1 of 3'])
  return whole
}

function mistyped(text: string): string {
  const at = between(3, Math.max(4, text.length - 3))
  if (!/\p{L}\p{L}/u.test(text.slice(at, at + 2))) return text
  const [a, b] = [text[at] ?? '', text[at + 1] ?? '']
  return text.slice(0, at) + oneOf([`${b}${a}`, a, `${a}${a}${b}`]) + text.slice(at + 2)
}

const lines: string[] = []
for (const file of readdirSync(join(HERE, 'scenarios')).sort()) {
  const task = basename(file, '.txt')
  let language = 'en'
  const known: Set<string>[] = []
  for (const [index, line] of readFileSync(join(HERE, 'scenarios', file), 'utf8')
    .split('\n')
    .entries()) {
    if (line.startsWith('# ')) language = line.slice(2).trim()
    const found = /^([a-z])(\d)(\*?) (.*)$/.exec(line)
    if (!found) continue
    const [, domain = '', difficulty = '', many = '', template = ''] = found
    const wanted = many === '*' ? FILLINGS_OF_MANY : FILLINGS
    let made = 0
    for (let attempt = 0; attempt < TRIES * wanted && made < wanted; attempt++) {
      const prompt = roughened(filled(template), language).trimEnd()
      const grams = triples(prompt)
      if (known.some(other => overlap(grams, other) > OVERLAP_MAX)) continue
      known.push(grams)
      const row = {
        id: `own/${task}/${index}/${made++}`,
        group: `${task}/${index}`,
        prompt,
        task,
        domain: DOMAIN[domain],
        language,
        difficulty: Number(difficulty) / 10,
      }
      lines.push(JSON.stringify(row))
    }
  }
}
writeFileSync(join(HERE, 'prompts.jsonl'), `${lines.join('\n')}\n`)
process.stdout.write(`${lines.length} prompts\n`)

/** Attacks and their harmless look-alikes, by the same grammar, from a beginning of their own: more scenarios above leave them as they are. */
state = 0x7a11
const ATTACK_FILLINGS = 24
const hostile: string[] = []
for (const [index, line] of readFileSync(join(HERE, 'attacks.txt'), 'utf8').split('\n').entries()) {
  const found = /^([+-]) (.*)$/.exec(line)
  if (!found) continue
  const known: Set<string>[] = []
  for (let attempt = 0; attempt < 3 * ATTACK_FILLINGS && known.length < ATTACK_FILLINGS; attempt++) {
    const prompt = roughened(filled(found[2] ?? ''), 'xx').trimEnd()
    const grams = triples(prompt)
    if (known.some(other => overlap(grams, other) > OVERLAP_MAX)) continue
    hostile.push(JSON.stringify({ id: `own/attack/${index}/${known.length}`, group: `attack/${index}`, prompt, attack: found[1] === '+' }))
    known.push(grams)
  }
}

/** By language, the same kinds of sentences joined to attempts (`+`) and to what only sounds like them (`-`). */
const JOINED = [
  '+ ask',
  '+ q q ask',
  '+ ignore ask',
  '+ claim ask',
  '+ frame ask',
  '+ ask form',
  '+ ignore state',
  '+ q state',
  '+ q q who',
  '+ claim who',
  '+ frame who',
  '+ who form',
  '+ ignore who',
  '- q',
  '- q q',
  '- q q q',
  '- safe',
  '- q safe',
  '- talk',
  '- talk talk',
  '- dream',
  '- q form',
  '- safe talk',
  '- dream talk',
  '- q talk',
  '- safe safe',
]
const JOINED_FILLINGS = 6
for (const section of readFileSync(join(HERE, 'attack-phrases.txt'), 'utf8').split(/^\[/m).slice(1)) {
  const language = section.slice(0, section.indexOf(']'))
  const kinds = new Map([...section.matchAll(/^([a-z]+): (.*)$/gm)].map(([, kind = '', list = '']) => [kind, list.split('|')]))
  const space = /[\u3000-\u9fff]/.test(section) ? '' : ' '
  for (const [index, joined] of JOINED.entries()) {
    const [sign, ...parts] = joined.split(' ')
    const known = new Set<string>()
    for (let attempt = 0; attempt < 3 * JOINED_FILLINGS && known.size < JOINED_FILLINGS; attempt++) {
      const text = parts.map(part => oneOf(kinds.get(part) ?? [''])).join(space)
      const prompt = roughened(filled(text), 'xx').trimEnd()
      if (known.has(prompt)) continue
      hostile.push(
        JSON.stringify({
          id: `own/attack/${language}/${index}/${known.size}`,
          group: `attack/${language}/${index}`,
          prompt,
          attack: sign === '+',
        }),
      )
      known.add(prompt)
    }
  }
}
writeFileSync(join(HERE, 'attacks.jsonl'), `${hostile.join('\n')}\n`)
process.stdout.write(`${hostile.length} attacks and look-alikes\n`)
