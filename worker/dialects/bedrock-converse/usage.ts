/**
 * Token counts. What was read from the cache and what was written to it stand beside `inputTokens` here and not inside it; in the
 * neutral form they are parts of the whole. How much is kept for an hour is told in a list by time to live.
 */
import { type Json, type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { count } from '../token-counts.ts'

export function readUsage(raw: JsonObject): TokenUsage {
  const fresh = count(raw.inputTokens)
  const read = count(raw.cacheReadInputTokens)
  const written = count(raw.cacheWriteInputTokens)
  const for_an_hour = written === null ? null : keptFor('1h', raw.cacheDetails)
  return {
    ...UNKNOWN_USAGE,
    input_tokens: fresh === null ? null : fresh + (read ?? 0) + (written ?? 0),
    cache_read_tokens: read,
    cache_write_tokens: written,
    cache_write_1h_tokens: for_an_hour !== null && for_an_hour > (written ?? 0) ? null : for_an_hour,
    output_tokens: count(raw.outputTokens),
  }
}

function keptFor(ttl: string, details: Json | undefined): number | null {
  if (!Array.isArray(details)) return null
  const entry = details.find(each => isObject(each) && each.ttl === ttl)
  return isObject(entry) ? count(entry.inputTokens) : null
}

const KNOWN = new Set(['inputTokens', 'outputTokens', 'totalTokens', 'cacheReadInputTokens', 'cacheWriteInputTokens'])

/** What is said beyond these counts. */
export function usageExtra(raw: JsonObject): JsonObject | undefined {
  const extra = rest(raw, KNOWN)
  if (extra && JSON.stringify(extra.cacheDetails) === JSON.stringify(detailsOf(readUsage(raw)))) delete extra.cacheDetails
  return extra && Object.keys(extra).length > 0 ? extra : undefined
}

export function writeUsage(usage: TokenUsage, extra: JsonObject | undefined): JsonObject | null {
  const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = usage
  if (input_tokens === null && output_tokens === null) return null
  const cached = (cache_read_tokens ?? 0) + (cache_write_tokens ?? 0)
  // Clients read these three without asking; here alone zero has to stand for unknown.
  const written: JsonObject = {
    inputTokens: Math.max(0, (input_tokens ?? 0) - cached),
    outputTokens: output_tokens ?? 0,
    totalTokens: (input_tokens ?? 0) + (output_tokens ?? 0),
  }
  if (cache_read_tokens !== null) written.cacheReadInputTokens = cache_read_tokens
  if (cache_write_tokens !== null) written.cacheWriteInputTokens = cache_write_tokens
  const details = detailsOf(usage)
  if (details) written.cacheDetails = details
  return { ...written, ...extra }
}

function detailsOf({ cache_write_tokens, cache_write_1h_tokens }: TokenUsage): JsonObject[] | undefined {
  if (cache_write_1h_tokens === null) return undefined
  const shorter = (cache_write_tokens ?? 0) - cache_write_1h_tokens
  const details: JsonObject[] = [{ inputTokens: cache_write_1h_tokens, ttl: '1h' }]
  if (shorter > 0) details.push({ inputTokens: shorter, ttl: '5m' })
  return details
}
