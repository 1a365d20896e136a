/**
 * Makes and measures `policies/names.bin`: the lists of names, the letters of names, and the weights of the tagger that reads words beside them.
 *
 *     node policies/training/names.ts --data DIR --work DIR [--errors] [--sample N] [--write]
 *
 * Prints what is found in the shared sentences, of which no template is on both sides (5 folds). The threshold of each fold is chosen on the
 * other four, by folds within them. `--errors` lists what was missed or wrong; `--sample` shows N finds in prompts of benchmarks;
 * `--write` fits on everything and writes the file.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { WEIGHT_BITS } from '../../worker/core/understand/name-signs.ts'
import { IS_NAME, IS_PLACE, IS_WORD, LIKENESS_BITS, type NameTable, readNameTable } from '../../worker/core/understand/name-table.ts'
import { findNames } from '../../worker/core/understand/names.ts'
import { findPersonalData } from '../../worker/core/understand/personal-data.ts'
import { allPrompts, jsonLines, type Routed, type Typed } from './data.ts'
import { foldOf } from './measure.ts'
import { corpusExamples, ownExamples } from './name-examples.ts'
import { fitLikeness, fitTagger, guessedIn, headerWith, picker, placed, type Seen, seenIn } from './name-fit.ts'
import { readLists } from './name-lists.ts'
import { Counts } from './name-scores.ts'
import { needed } from './needed.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    work: { type: 'string' },
    write: { type: 'boolean' },
    errors: { type: 'boolean' },
    sample: { type: 'string' },
  },
})
const data = needed('data', values.data)
const work = needed('work', values.work)
const say = (text: string) => process.stdout.write(`${text}\n`)

const FOLDS = 5
/** Of our own sentences the names of one in five are left out of the lists while they are read, as of people whom no list knows. */
const UNLISTED_ONE_IN = 5
const OWN_TIMES = 8
const CORPUS_MOST = 900
/** Unmarked prompts of benchmarks that are read for the company of well-known names. */
const GUESSED_PER_SOURCE = 200
const GUESSED_CHARS = 500
/** Ours are marked; the others are attacks, or small all over. */
const NOT_GUESSED = /^(own|clinc|banking|purple|garak|jbb|gptf|advb|harm|donot)/
const THRESHOLDS = [0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05, 1.2, 1.35, 1.5, 1.8, 2.1]
const AGAIN = 1.5
/** What the threshold is chosen for: the best F1 with at least this precision over all types; where it is for use and not for measuring, with a margin. */
const PRECISION_LEAST = 0.95
const PRECISION_IN_USE = 0.96

type Row = { text: string; template_id: number; spans: { type: string; start: number; end: number; value: string }[] }
const TYPES: Record<string, string> = {
  PERSON: 'name',
  CREDIT_CARD: 'card',
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  IBAN_CODE: 'iban',
  IP_ADDRESS: 'ip',
  US_SSN: 'us_ssn',
}

type Find = { start: number; end: number; type: string }
function findsIn(text: string, table: NameTable): { names: Find[]; others: Find[] } {
  const names: Find[] = []
  const others: Find[] = []
  const into = (list: Find[]) => (type: string, start: number, end: number) => void list.push({ start, end, type })
  findPersonalData(text, 0, text.length, { every: true, has: () => false, add: into(others) })
  findNames(text, 0, text.length, { add: into(names) }, table)
  return { names, others }
}

const began = Date.now()
const lists = await readLists(work, data)
const isLeftOut = (word: string) => foldOf(word, UNLISTED_ONE_IN) === 0
const names = [...lists.kinds].filter(([, kind]) => kind & IS_NAME && !(kind & (IS_WORD | IS_PLACE)))
const places = [...lists.kinds].filter(([, kind]) => !(kind & IS_NAME)).map(([word]) => word)
const fitted = fitLikeness(
  names.map(([word]) => word).filter(word => word.length >= 3 && !isLeftOut(word)),
  [...new Set([...lists.words, ...places])].filter(word => word.length >= 3),
)
const whole = placed(lists.kinds)
const partly = placed(new Map([...lists.kinds].filter(([word, kind]) => !(kind & IS_NAME) || !isLeftOut(word))))
const headerFor = (threshold: number) => headerWith(whole.prints.length, fitted.even, threshold, AGAIN)
const tableWith = (weights: Int8Array, threshold: number, from = whole): NameTable => ({
  header: headerFor(threshold),
  ...from,
  likeness: fitted.likeness,
  weights,
})
const nothing = new Int8Array(1 << WEIGHT_BITS)
const bytes_all = 4 * whole.starts.length + 3 * whole.prints.length + (1 << LIKENESS_BITS) + (1 << WEIGHT_BITS)
say(`${whole.prints.length} words, ${bytes_all} bytes; ${Date.now() - began} ms`)

const rows = jsonLines<Row>(join(data, 'pii.jsonl'))
const persons = rows.map(({ text, spans }) => ({ text, spans: spans.filter(span => span.type === 'PERSON') }))
const seen = persons.map(each => seenIn(each, tableWith(nothing, 0)))
const pick = picker(11)
const own: Seen[] = [
  ...ownExamples(lists.raw, OWN_TIMES, pick).map(each => seenIn(each, tableWith(nothing, 0, partly))),
  ...corpusExamples(lists.raw, CORPUS_MOST, pick).map(each => seenIn(each, tableWith(nothing, 0, partly))),
  ...jsonLines<{ text: string }>(join(data, 'banking77.jsonl'))
    .filter((_, i) => i % 9 === 0)
    .map(({ text }) => seenIn({ text, spans: [] }, tableWith(nothing, 0, partly))),
  ...guessed(tableWith(nothing, 0)),
]
const foldOfRow = rows.map(row => foldOf(String(row.template_id), FOLDS))
const fitWithout = (...folds: number[]) => fitTagger([...seen.filter((_, i) => !folds.includes(foldOfRow[i] as number)), ...own])

/** The beginnings of prompts of benchmarks, some of each source. */
function guessed(table: NameTable): Seen[] {
  const counts = new Map<string, number>()
  return allPrompts(data).flatMap(({ source, text }) => {
    const count = (counts.get(source) ?? 0) + 1
    counts.set(source, count)
    if (count > GUESSED_PER_SOURCE || NOT_GUESSED.test(source)) return []
    return guessedIn(text.slice(0, GUESSED_CHARS), table, 1) ?? []
  })
}

/** What is found of the rows of some folds, each by weights that have not seen its template. */
type Judged = { names: Counts; lone: Counts; all: Counts; others: Counts; by_type: Map<string, Counts> }
function judged(folds: readonly number[], weightsOf: (fold: number) => Int8Array, threshold: number, errors?: Set<string>): Judged {
  const out: Judged = { names: new Counts(), lone: new Counts(), all: new Counts(), others: new Counts(), by_type: new Map() }
  for (const [i, row] of rows.entries()) {
    const fold = foldOfRow[i] as number
    if (!folds.includes(fold)) continue
    const finds = findsIn(row.text, tableWith(weightsOf(fold), threshold))
    for (const type of Object.values(TYPES)) {
      const truths = row.spans.filter(span => TYPES[span.type] === type)
      const found = [...finds.names, ...finds.others].filter(find => find.type === type)
      const counts = out.by_type.get(type) ?? new Counts()
      out.by_type.set(type, counts)
      for (const each of [counts, out.all, type === 'name' ? out.names : out.others]) each.add(truths, found)
    }
    const people = row.spans.filter(span => span.type === 'PERSON')
    out.lone.add(
      people.filter(span => !/\s/.test(span.value)),
      finds.names,
    )
    if (!errors) continue
    const around = (start: number, end: number) =>
      `${row.template_id} ${JSON.stringify(row.text.slice(Math.max(0, start - 25), start))} [${row.text.slice(start, end)}] ${JSON.stringify(row.text.slice(end, end + 20))}`
    const meets = (a: { start: number; end: number }, b: { start: number; end: number }) => a.start < b.end && b.start < a.end
    for (const find of finds.names) if (!people.some(span => meets(span, find))) errors.add(`WRONG ${around(find.start, find.end)}`)
    for (const span of people) if (!finds.names.some(find => meets(span, find))) errors.add(`MISSED ${around(span.start, span.end)}`)
  }
  return out
}

const folds = Array.from({ length: FOLDS }, (_, fold) => fold)
/** Weights that have seen neither of two folds. */
const pairs = new Map<string, Int8Array>()
const withoutBoth = (a: number, b: number): Int8Array => {
  const key = [a, b].sort().join()
  const known = pairs.get(key)
  if (known) return known
  const weights = fitWithout(a, b)
  pairs.set(key, weights)
  return weights
}
function chosenOn(inner: readonly number[], weightsOf: (fold: number) => Int8Array, least = PRECISION_LEAST): number {
  let chosen = THRESHOLDS.at(-1) as number
  let best = 0
  for (const threshold of THRESHOLDS) {
    const { all } = judged(inner, weightsOf, threshold)
    if (all.precision < least || all.f1 <= best) continue
    best = all.f1
    chosen = threshold
  }
  return chosen
}
const errors = new Set<string>()
const total: Judged = { names: new Counts(), lone: new Counts(), all: new Counts(), others: new Counts(), by_type: new Map() }
const byFold = folds.map(fold => fitWithout(fold))
const sum = (into: Counts, from: Counts) => {
  for (const key of ['hits', 'exact', 'found', 'real', 'right'] as const) into[key] += from[key]
}
for (const fold of folds) {
  const inner = folds.filter(each => each !== fold)
  const threshold = chosenOn(inner, each => withoutBoth(fold, each))
  const part = judged([fold], () => byFold[fold] as Int8Array, threshold, errors)
  say(`fold ${fold}: threshold ${threshold}, names ${part.names.line()}`)
  for (const key of ['names', 'lone', 'all', 'others'] as const) sum(total[key], part[key])
  for (const [type, counts] of part.by_type) {
    const into = total.by_type.get(type) ?? new Counts()
    total.by_type.set(type, into)
    sum(into, counts)
  }
}
say(`all types  ${total.all.line()}`)
say(`but names  ${total.others.line()}`)
for (const [type, counts] of total.by_type) say(`${type.padEnd(10)} ${counts.line()}`)
say(`lone names recall ${total.lone.recall.toFixed(3)} of ${total.lone.real}`)
for (const threshold of THRESHOLDS) {
  const { all, names } = judged(folds, fold => byFold[fold] as Int8Array, threshold)
  say(
    `  at ${threshold}: all ${all.precision.toFixed(3)} ${all.recall.toFixed(3)} ${all.f1.toFixed(3)}, names ${names.precision.toFixed(3)} ${names.recall.toFixed(3)} ${names.f1.toFixed(3)}`,
  )
}
if (values.errors) say([...errors].sort().join('\n'))
say(`${Date.now() - began} ms`)

if (values.sample !== undefined || values.write) {
  const threshold = chosenOn(folds, fold => byFold[fold] as Int8Array, PRECISION_IN_USE)
  const round = (value: number) => Math.round(value * 1_000) / 1_000
  const scores: Record<string, number> = {}
  for (const [name, counts] of [['all', total.all], ['name', total.names], ...total.by_type] as [string, Counts][]) {
    if (counts.real === 0) continue
    scores[`${name} precision`] = round(counts.precision)
    scores[`${name} recall`] = round(counts.recall)
    scores[`${name} F1`] = round(counts.f1)
  }
  scores['lone name recall'] = round(total.lone.recall)
  const bytes = packed({ ...tableWith(fitTagger([...seen, ...own]), threshold) }, scores)
  say(`threshold ${threshold}, ${bytes.byteLength} bytes`)
  if (values.sample !== undefined) sample(readNameTable(bytes), Number(values.sample))
  if (values.write) writeFileSync(join(import.meta.dirname, '../names.bin'), Buffer.from(bytes))
}

function sample(table: NameTable, count: number): void {
  const prompts = [
    ...jsonLines<Typed>(join(data, 'task_types.jsonl')).map(({ source, prompt }) => ({ source, text: prompt })),
    ...jsonLines<Routed>(join(data, 'routellm.jsonl')).map(({ dataset, prompt }) => ({ source: dataset, text: prompt })),
  ]
  const pick = picker(3)
  const finds: string[] = []
  let with_name = 0
  for (const { source, text } of prompts) {
    const { names } = findsIn(text, table)
    if (names.length > 0) with_name++
    for (const { start, end } of names)
      finds.push(
        `${source}: ${JSON.stringify(text.slice(Math.max(0, start - 30), start))} [${text.slice(start, end)}] ${JSON.stringify(text.slice(end, end + 20))}`,
      )
  }
  say(`${with_name} of ${prompts.length} prompts`)
  for (let i = 0; i < count; i++) say(finds[pick(finds.length)] ?? '')
}

function packed({ header, starts, prints, kinds, likeness, weights }: NameTable, scores: Record<string, number>): ArrayBuffer {
  const body = Buffer.concat(
    [starts, prints, kinds, likeness, weights].map(part => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  )
  const sha256 = createHash('sha256').update(body).digest('hex')
  let text = JSON.stringify({ ...header, scores, sha256 })
  while ((Buffer.byteLength(text) + 8) % 8 !== 0) text += ' '
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x324e4253, 0)
  head.writeUInt32LE(Buffer.byteLength(text), 4)
  const file = Buffer.concat([head, Buffer.from(text), body])
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer
}
