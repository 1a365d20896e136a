/**
 * Graded prompts with their signs: what the Worker reads off a text, its n-grams in a wider table, and runs of four characters besides,
 * which sets of a few hundred prompts need, where most words are seen once.
 */
import { DIMS, type Understanding } from '../../../worker/core/understand/artefact.ts'
import { GRAMS_MAX, gramsOf } from '../../../worker/core/understand/grams.ts'
import { appendWords, noWords } from '../../../worker/core/understand/words.ts'
import { readSigns } from '../read-signs.ts'
import { formOf } from './form.ts'
import type { GradedSet } from './sets.ts'

export type Item = {
  /** Scaled so that all dense signs together weigh about as much as the n-grams. */
  dense: Float32Array
  /** Words, pairs, beginnings, edges; and with them the runs of characters. */
  words: Int32Array
  grams: Int32Array
  point: Float32Array
  /** Chances of the tasks. */
  tasks: Float32Array
  /** Its form, and with it what the lexicon tells. */
  form: Float32Array
  told: Float32Array
  gain: number
  part: string
  question: string
  scores: Record<string, number>
}

export const GRAM_BITS = 18
const DENSE_WORTH = 0.3
const RUN = 4
/** Characters of a prompt whose runs are taken. */
const RUN_CHARS = 1_600
const scratch = new Int32Array(GRAMS_MAX)

function runsOf(text: string): Set<number> {
  const runs = new Set<number>()
  const seen = text.slice(0, RUN_CHARS).toLowerCase()
  for (let i = 0; i + RUN <= seen.length; i++) {
    let hash = RUN
    for (let k = i; k < i + RUN; k++) hash = Math.imul(hash ^ seen.charCodeAt(k), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    runs.add((hash ^ (hash >>> 12)) >>> (32 - GRAM_BITS))
  }
  return runs
}

export function itemsOf(set: GradedSet, model: Understanding): Item[] {
  return set.rows.map(({ prompt, scores, part, question }) => {
    const { dense, point, tasks } = readSigns(prompt, model)
    const form = formOf(prompt)
    const words = noWords()
    appendWords(words, prompt, 0, prompt.length)
    const found = scratch.slice(0, gramsOf(prompt, words, GRAM_BITS, scratch))
    return {
      dense: dense.map(value => value * DENSE_WORTH),
      words: found,
      grams: Int32Array.from(new Set([...found, ...runsOf(prompt)])),
      point,
      tasks,
      form,
      told: Float32Array.from([...form, ...dense.subarray(2 * DIMS)]),
      gain: (scores[set.strong] ?? 0) - (scores[set.weak] ?? 0),
      part,
      question,
      scores,
    }
  })
}
