/** The signs of a text exactly as the Worker sees them, kept for training: the same functions, another memory. */

import type { Understanding } from '../../worker/core/understand/artefact.ts'
import { GRAMS_MAX } from '../../worker/core/understand/grams.ts'
import { DENSE, noSigns, signsOf } from '../../worker/core/understand/heads.ts'
import { cuesIn } from '../../worker/core/understand/lexicon.ts'
import { pieces, signalsOf } from '../../worker/core/understand/signals.ts'
import { appendWords, noWords } from '../../worker/core/understand/words.ts'
import type { Example } from './ftrl.ts'

export type Seen = Example & { nearest: number; point: Float32Array }

const scratch = noSigns()

export function readSigns(text: string, model: Understanding): Seen {
  const words = noWords()
  const ranges = pieces(text.length)
  for (let i = 0; i < ranges.length; i += 2) appendWords(words, text, ranges[i] as number, ranges[i + 1] as number)
  const cues = cuesIn(words, text.length)
  signsOf(text, words, cues, signalsOf(text), model, scratch)
  return {
    dense: scratch.dense.slice(0, DENSE),
    grams: scratch.grams.slice(0, Math.min(GRAMS_MAX, scratch.gram_count)),
    nearest: scratch.embedding.nearest,
    point: scratch.embedding.points.slice(0, 64),
  }
}
