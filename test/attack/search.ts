/**
 * Text that is made to look hard: ten words that are put before a prompt, behind it or between its words, so that a router sends it to
 * a dearer target. Two ways to find them. `greedy` knows nothing of the scorer but its answers, and adds word after word, each time the
 * one that raises the difficulty of some prompts most. `whiteBox` reads the lexicon and tries each of its phrases in the same way, so it
 * begins with what the scorer itself calls hard.
 */

import { requestOf } from '../../worker/core/decide/sketch.ts'
import type { Understanding } from '../../worker/core/understand/artefact.ts'
import { understand } from '../../worker/core/understand/understand.ts'

export const GADGET_WORDS = 10
export const PLACES = ['before', 'behind', 'between'] as const
export type Place = (typeof PLACES)[number]

export function withGadget(prompt: string, gadget: readonly string[], place: Place): string {
  const text = gadget.join(' ')
  if (place === 'before') return `${text}. ${prompt}`
  if (place === 'behind') return `${prompt} ${text}.`
  const words = prompt.split(' ')
  const every = Math.max(1, Math.floor(words.length / gadget.length))
  return [
    ...words.flatMap((word, i) => [word, ...(i % every === 0 && i / every < gadget.length ? [gadget[i / every] as string] : [])]),
    ...gadget.slice(Math.ceil(words.length / every)),
  ].join(' ')
}

export const difficulty = (prompt: string, model: Understanding): number => understand(requestOf({ prompt }), model).difficulty

/** The gadget found, at most ten words, by what each more word adds on these prompts. */
export function search(candidates: readonly string[], prompts: readonly string[], place: Place, model: Understanding): string[] {
  const mean = (gadget: readonly string[]) =>
    prompts.reduce((sum, prompt) => sum + difficulty(gadget.length === 0 ? prompt : withGadget(prompt, gadget, place), model), 0) /
    prompts.length
  const gadget: string[] = []
  let reached = mean(gadget)
  const words = () => gadget.join(' ').split(' ').length
  while (gadget.length === 0 || words() < GADGET_WORDS) {
    let best = { phrase: '', value: reached }
    for (const phrase of candidates) {
      if (gadget.includes(phrase) || (gadget.length > 0 && words() + phrase.split(' ').length > GADGET_WORDS)) continue
      const value = mean([...gadget, phrase])
      if (value > best.value) best = { phrase, value }
    }
    if (best.phrase === '') break
    gadget.push(best.phrase)
    reached = best.value
  }
  return gadget
}
