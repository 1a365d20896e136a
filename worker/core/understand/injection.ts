/**
 * Does the text try to instruct the model, or this router, against its operator? A likelihood for policies to act on, and
 * nothing by itself: no wording in a prompt moves a routing decision here. Precision first, since a refused honest prompt
 * costs more than a missed attempt that the model mostly withstands. Said outright it is found, and hidden in the two ways that `hidden-text.ts` reads.
 *
 * By these cues alone, measured 2026-11-24 at .6: 2 of 27,408 benchmark prompts and none of 535 benign but touchy ones are called one; of
 * collected jailbreaks 70 of 70, 161 of 436 and 16 of 51, of PurpleLlama's indirect injections 35 of 867. What was learned (`learned.ts`)
 * ranks better: area under the curve .959 over makers of attacks that were not trained on (`policies/training/results/`).
 */
import { cueIndex } from './lexicon.ts'

const OVERRIDE = cueIndex('override')
const REVEAL = cueIndex('reveal')

/** 0..1 from the cues of the last turn. An order to forget the rules speaks for itself; asking about a prompt alone does not. */
export function injectionOf(cues: Float64Array): number {
  const override = Math.min(3, cues[OVERRIDE] as number)
  const reveal = Math.min(2, cues[REVEAL] as number)
  const evidence = 1.6 * override + 0.6 * reveal + (override > 0 && reveal > 0 ? 0.8 : 0)
  return evidence === 0 ? 0 : Math.min(0.99, 1 - Math.exp(-0.7 * evidence))
}

/** Of what was written so that it is not read: nobody hides an order to the model by accident, so one cue is worth two. */
export function hiddenInjectionOf(cues: Float64Array): number {
  const override = Math.min(3, cues[OVERRIDE] as number)
  const reveal = Math.min(2, cues[REVEAL] as number)
  return override + reveal === 0 ? 0 : Math.min(0.99, 1 - Math.exp(-1.12 * (2 * override + reveal)))
}
