/** The signs of a text exactly as the Worker sees them, kept for training: the same functions, another memory. */

import { OUTPUTS, type Understanding } from '../../worker/core/understand/artefact.ts'
import { GRAMS_MAX } from '../../worker/core/understand/grams.ts'
import { DENSE, noSigns, outputsOf, signsOf, TASK_AT } from '../../worker/core/understand/heads.ts'
import { cuesIn } from '../../worker/core/understand/lexicon.ts'
import { pieces, signalsOf } from '../../worker/core/understand/signals.ts'
import { appendWords, noWords } from '../../worker/core/understand/words.ts'
import { TASKS } from '../../worker/schema/features.ts'
import { type Example, softmax } from './ftrl.ts'

export type Seen = Example & {
  nearest: number
  point: Float32Array
  /** Chances of the tasks, in their order, as the artefact's heads tell them of the text alone. */
  tasks: Float32Array
}

const scratch = noSigns()
const outputs = new Float64Array(OUTPUTS)

export function readSigns(text: string, model: Understanding): Seen {
  const words = noWords()
  const ranges = pieces(text.length)
  for (let i = 0; i < ranges.length; i += 2) appendWords(words, text, ranges[i] as number, ranges[i + 1] as number)
  const cues = cuesIn(words, text.length)
  signsOf(text, words, cues, signalsOf(text), model, scratch)
  outputsOf(scratch, model, outputs)
  const tasks = outputs.slice(TASK_AT, TASK_AT + TASKS.length)
  softmax(tasks, model.header.temperature.task)
  return {
    dense: scratch.dense.slice(0, DENSE),
    grams: scratch.grams.slice(0, Math.min(GRAMS_MAX, scratch.gram_count)),
    nearest: scratch.embedding.nearest,
    point: scratch.embedding.points.slice(0, 64),
    tasks: Float32Array.from(tasks),
  }
}
