/**
 * The words that get a vector of their own, and the texts that the vectors are fitted on, both as the Worker reads words.
 *
 *     node policies/training/vocabulary.ts --data DIR --tokenizer tokenizer.json --work DIR
 *
 * Words are the whole words of the encoder's own vocabulary, and those that occur in several prompts of the data. Only their
 * hashes reach the artefact. Texts are cut, sampled evenly over their sources, and written to the work folder alone.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { appendWords, noWords } from '../../worker/core/understand/words.ts'
import { allPrompts } from './data.ts'
import { needed } from './needed.ts'

const ROWS_MAX = 28_000
const PROMPTS_WITH_IT_LEAST = 3
const TEXT_CHARS_MAX = 280
const TEXTS_PER_SOURCE = 600
const TEXTS_MAX = 11_000

const { values } = parseArgs({ options: { data: { type: 'string' }, tokenizer: { type: 'string' }, work: { type: 'string' } } })
const work = values.work ?? join(tmpdir(), 'signalbox-training')

/** Hash of each word of a text, with the word as it is spelt. */
function spelt(text: string): [hash: number, word: string][] {
  const words = noWords()
  appendWords(words, text, 0, text.length)
  return Array.from({ length: words.count }, (_, i) => {
    const start = words.starts[i] as number
    const rest = text.slice(start, start + 40)
    return [words.hashes[i] as number, (/^[\p{L}\p{N}\p{M}]+/u.exec(rest)?.[0] ?? rest.slice(0, 1)).toLowerCase()]
  })
}

const prompts = allPrompts(needed('data', values.data))
const counts = new Map<number, { word: string; prompts: number }>()
for (const { text } of prompts) {
  for (const [hash, word] of new Map(spelt(text.slice(0, 2_000)))) {
    const known = counts.get(hash)
    if (known) known.prompts++
    else counts.set(hash, { word, prompts: 1 })
  }
}

const rows = new Map<number, string>()
const tokens = (
  JSON.parse(readFileSync(values.tokenizer ?? join(work, 'encoder/tokenizer.json'), 'utf8')) as { model: { vocab: Record<string, number> } }
).model.vocab
const seen = [...counts].filter(([, { prompts }]) => prompts >= PROMPTS_WITH_IT_LEAST).sort((a, b) => b[1].prompts - a[1].prompts)
for (const [hash, { word }] of seen.slice(0, ROWS_MAX / 2)) rows.set(hash, word)
// The encoder's vocabulary is in order of frequency, after its thousand unused and single-letter tokens.
for (const token of Object.keys(tokens)) {
  if (rows.size >= ROWS_MAX) break
  if (!/^[\p{L}\p{N}]{2,}$/u.test(token)) continue
  const hash = spelt(token)[0]?.[0]
  if (hash !== undefined && !rows.has(hash)) rows.set(hash, token)
}
const index = new Map([...rows.keys()].map((hash, row) => [hash, row]))
writeFileSync(join(work, 'words.tsv'), [...rows].map(([hash, word]) => `${hash}\t${word}\t${counts.get(hash)?.prompts ?? 0}`).join('\n'))

const bySource = Map.groupBy(prompts, each => each.source)
const texts = [...bySource.values()].flatMap(list => {
  const step = Math.max(1, list.length / TEXTS_PER_SOURCE)
  return Array.from(
    { length: Math.min(list.length, TEXTS_PER_SOURCE) },
    (_, i) => list[Math.floor(i * step)]?.text.slice(0, TEXT_CHARS_MAX) ?? '',
  )
})
const every = Math.max(1, texts.length / TEXTS_MAX)
const chosen = Array.from({ length: Math.min(texts.length, TEXTS_MAX) }, (_, i) => texts[Math.floor(i * every)] ?? '')
writeFileSync(
  join(work, 'texts.jsonl'),
  chosen.map(text => JSON.stringify({ text, rows: spelt(text).flatMap(([hash]) => index.get(hash) ?? []) })).join('\n'),
)
process.stdout.write(
  `${rows.size} words (${seen.length} seen in the data), ${chosen.length} texts of ${bySource.size} sources, ${prompts.length} prompts\n`,
)
