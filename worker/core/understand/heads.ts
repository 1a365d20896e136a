/**
 * What was learned of a text, from four kinds of sign: where its words point, which words and pairs it has, what the lexicon says,
 * and its form. Every answer is one weighted sum of these, so each can be told apart and none can run away. Sums of tasks and of domains
 * become probabilities; on a text unlike all that was seen they are drawn to even odds, because a guess should not look like knowledge.
 */
import { DOMAINS, TASKS } from '../../schema/features.ts'
import { DIMS, OUTPUTS, type Understanding } from './artefact.ts'
import { type Embedding, embed } from './embedding.ts'
import { GRAMS_MAX, gramsOf } from './grams.ts'
import { addRows, clear, lanes, sumsOf } from './lanes.ts'
import { CUE_NAMES } from './lexicon.ts'
import type { Signals } from './signals.ts'
import { taskScores } from './task.ts'
import type { Words } from './words.ts'

/** Where each answer's sum stands among the outputs. */
export const TASK_AT = 0
export const DOMAIN_AT = TASKS.length
export const GAIN_AT = DOMAIN_AT + DOMAINS.length
export const INJECTION_AT = GAIN_AT + 1

const FORMS = 17
/** Two points, the lexicon's cues and what it makes of them, the form. */
export const DENSE = 2 * DIMS + CUE_NAMES.length + TASKS.length + FORMS
/** What words say outright counts before where they point: larger, and texts of new sources are told worse. */
const POINT_WORTH = 0.5
const NO_SETTING = { tools: 0, tool_required: false, at_work: false, tool_results: false, context_chars: 0 }

/** The signs of one text, in memory that the next text reuses. */
export type Signs = { dense: Float32Array; grams: Int32Array; gram_count: number; embedding: Embedding }

export function noSigns(): Signs {
  return {
    dense: new Float32Array(DENSE),
    grams: new Int32Array(GRAMS_MAX),
    gram_count: 0,
    embedding: { points: new Float32Array(2 * DIMS), covered: 0, nearest: 0 },
  }
}

export function signsOf(text: string, words: Words, cues: Float64Array, form: Signals, model: Understanding, signs: Signs): void {
  const { dense, embedding } = signs
  signs.gram_count = gramsOf(text, words, model.header.gram_bits, signs.grams)
  embed(words, model, embedding)
  const { points } = embedding
  let at = 0
  for (let i = 0; i < points.length; i++) dense[at++] = (points[i] as number) * POINT_WORTH
  for (let i = 0; i < cues.length; i++) dense[at++] = (cues[i] as number) / (1 + (cues[i] as number))
  const scores = taskScores(cues, form, NO_SETTING)
  for (let i = 0; i < scores.length; i++) dense[at++] = (scores[i] as number) / 3
  const most = (value: number, limit: number) => Math.min(1, value / limit)
  const chars = Math.log1p(form.chars)
  dense[at++] = form.code_share
  dense[at++] = Math.min(1, form.math_share * 3)
  dense[at++] = form.fenced ? 1 : 0
  dense[at++] = form.questions > 0 ? 1 : 0
  dense[at++] = form.asks_at_end ? 1 : 0
  dense[at++] = most(form.items, 5)
  dense[at++] = most(form.options, 4)
  dense[at++] = form.options >= 8 ? 1 : 0
  dense[at++] = most(form.numbers, 8)
  dense[at++] = form.numbers > 0 ? 1 : 0
  dense[at++] = most(form.lines, 12)
  dense[at++] = chars / 6
  dense[at++] = Math.max(0, 1 - form.chars / 60)
  dense[at++] = most(form.chars, 600)
  dense[at++] = most(form.chars, 2_500)
  dense[at++] = form.longest_line > 350 ? 1 : 0
  dense[at++] = embedding.covered
}

const gramSums = lanes(OUTPUTS / 4)

/** The sum of every output, in the order of the artefact. */
export function outputsOf(signs: Signs, model: Understanding, into: Float64Array): void {
  const { dense, grams, gram_count } = signs
  clear(gramSums)
  addRows(gramSums, model.grams, grams, gram_count)
  const added = sumsOf(gramSums)
  const share = gram_count > 0 ? 1 / Math.sqrt(gram_count) : 0
  for (let output = 0; output < OUTPUTS; output += 4) addDense(dense, model.dense, output, into)
  for (let output = 0; output < OUTPUTS; output++)
    into[output] = (into[output] as number) + (added[output] as number) * (model.gram_scale[output] as number) * share
}

/** The weighted sums of four outputs at once: one alone waits for each addition to end before the next begins. */
function addDense(dense: Float32Array, weights: Float32Array, output: number, into: Float64Array): void {
  const first = output * (DENSE + 1)
  const second = first + DENSE + 1
  const third = second + DENSE + 1
  const fourth = third + DENSE + 1
  let a = weights[first + DENSE] as number
  let b = weights[second + DENSE] as number
  let c = weights[third + DENSE] as number
  let d = weights[fourth + DENSE] as number
  for (let i = 0; i < DENSE; i++) {
    const value = dense[i] as number
    // Of the lexicon's cues most are not there.
    if (value === 0) continue
    a += (weights[first + i] as number) * value
    b += (weights[second + i] as number) * value
    c += (weights[third + i] as number) * value
    d += (weights[fourth + i] as number) * value
  }
  into[output] = a
  into[output + 1] = b
  into[output + 2] = c
  into[output + 3] = d
}

/** How like the known texts it is: 0 nothing was like it, 1 much was. */
export function familiarity(signs: Signs, model: Understanding): number {
  const { none, full } = model.header.familiar
  const near = (signs.embedding.nearest - none) / (full - none)
  return Math.min(1, Math.max(0, near))
}
