/**
 * Token counts. `tokens` are those that the model read and wrote; `billed_units` leave out what Cohere adds of its own, and are kept
 * beside. Cached ones are among those read.
 */
import { type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { count, part } from '../token-counts.ts'

const USAGE = new Set(['tokens', 'cached_tokens'])

export function readUsage(raw: JsonObject): TokenUsage {
  const counted = isObject(raw.tokens) ? raw.tokens : isObject(raw.billed_units) ? raw.billed_units : {}
  const input_tokens = count(counted.input_tokens)
  return {
    ...UNKNOWN_USAGE,
    input_tokens,
    output_tokens: count(counted.output_tokens),
    cache_read_tokens: part(count(raw.cached_tokens), input_tokens),
  }
}

export const usageExtra = (raw: JsonObject): JsonObject | undefined => rest(raw, USAGE)

export function writeUsage(
  { input_tokens, output_tokens, cache_read_tokens }: TokenUsage,
  extra: JsonObject | undefined,
): JsonObject | null {
  if (input_tokens === null && output_tokens === null) return null
  const tokens: JsonObject = {}
  if (input_tokens !== null) tokens.input_tokens = input_tokens
  if (output_tokens !== null) tokens.output_tokens = output_tokens
  return { ...extra, tokens, ...(cache_read_tokens !== null && { cached_tokens: cache_read_tokens }) }
}
