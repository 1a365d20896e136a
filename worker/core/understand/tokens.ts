/**
 * How many tokens a text has, by estimate. A real tokenizer for one family weighs a megabyte and takes 50 to 1,200 ms of
 * an isolate's start, and there is none to be had for the others.
 */
import type { Tokens } from '../../schema/units.ts'

/** Estimated tokens of a text. */
export function estimateTokens(text: string): Tokens {
  return Math.ceil(text.length / 4)
}
