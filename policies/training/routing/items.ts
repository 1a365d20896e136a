/** Graded prompts with their signs: what the Worker reads off a text, and the same n-grams in a wider table for teaching. */
import type { Understanding } from '../../../worker/core/understand/artefact.ts'
import { GRAMS_MAX, gramsOf } from '../../../worker/core/understand/grams.ts'
import { appendWords, noWords } from '../../../worker/core/understand/words.ts'
import { readSigns } from '../read-signs.ts'
import type { GradedSet } from './sets.ts'

export type Item = {
  dense: Float32Array
  grams: Int32Array
  point: Float32Array
  gain: number
  part: string
  question: string
  scores: Record<string, number>
}

export const GRAM_BITS = 18
const scratch = new Int32Array(GRAMS_MAX)

export function itemsOf(set: GradedSet, model: Understanding): Item[] {
  return set.rows.map(({ prompt, scores, part, question }) => {
    const { dense, point } = readSigns(prompt, model)
    const words = noWords()
    appendWords(words, prompt, 0, prompt.length)
    const count = gramsOf(prompt, words, GRAM_BITS, scratch)
    return {
      dense,
      point,
      grams: scratch.slice(0, count),
      gain: (scores[set.strong] ?? 0) - (scores[set.weak] ?? 0),
      part,
      question,
      scores,
    }
  })
}
