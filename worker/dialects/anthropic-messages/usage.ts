/**
 * Token counts. This format counts three kinds of input apart (new, read from the cache, written to it); the neutral form has their
 * sum and the parts. A stream tells them twice, some at its start and all that changed at its end: `readUsage` lays the
 * newer ones over what was known.
 */
import { type Json, type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { count } from '../token-counts.ts'

/** `container`: where the provider ran code for this answer, which stands beside the counts. */
export function readUsage(raw: JsonObject, before: TokenUsage | null = null, container?: Json): TokenUsage {
  const known = before ?? UNKNOWN_USAGE
  const fresh = count(raw.input_tokens) ?? freshOf(known)
  const read = count(raw.cache_read_input_tokens) ?? known.cache_read_tokens
  const written = count(raw.cache_creation_input_tokens) ?? known.cache_write_tokens
  const output = count(raw.output_tokens) ?? known.output_tokens
  const details = isObject(raw.output_tokens_details) ? raw.output_tokens_details : {}
  const thought = count(details.thinking_tokens) ?? known.reasoning_tokens
  return {
    ...UNKNOWN_USAGE,
    input_tokens: fresh === null ? null : fresh + (read ?? 0) + (written ?? 0),
    cache_read_tokens: read,
    cache_write_tokens: written,
    cache_write_1h_tokens: keptAnHour(raw, written, known),
    output_tokens: output,
    reasoning_tokens: thought !== null && output !== null && thought <= output ? thought : null,
    web_search_calls: (isObject(raw.server_tool_use) ? count(raw.server_tool_use.web_search_requests) : null) ?? known.web_search_calls,
    ...(ranCode(raw, container, known) && { code_runs: 1 }),
    ...advised(raw, known),
  }
}

/**
 * A container is billed by the time it runs, but not where it served a search or a fetch
 * (https://platform.claude.com/docs/en/agents-and-tools/tool-use/code-execution-tool, read 2026-11-24).
 */
function ranCode({ server_tool_use: made }: JsonObject, container: Json | undefined, known: TokenUsage): boolean {
  if (!isObject(container) && !known.code_runs) return false
  return !isObject(made) || ((count(made.web_search_requests) ?? 0) === 0 && (count(made.web_fetch_requests) ?? 0) === 0)
}

/** An advisor's tokens are told by the turn, and are in no sum (https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool, read 2026-11-24). */
function advised({ iterations }: JsonObject, known: TokenUsage): { other_model_tokens?: number } {
  if (!Array.isArray(iterations)) return known.other_model_tokens ? { other_model_tokens: known.other_model_tokens } : {}
  let tokens = 0
  for (const turn of iterations) {
    if (!isObject(turn) || turn.type !== 'advisor_message') continue
    for (const name of ADVISOR_COUNTS) tokens += count(turn[name]) ?? 0
  }
  return tokens > 0 ? { other_model_tokens: tokens } : {}
}

const ADVISOR_COUNTS = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'output_tokens'] as const

const freshOf = ({ input_tokens, cache_read_tokens, cache_write_tokens }: TokenUsage) =>
  input_tokens === null ? null : Math.max(0, input_tokens - (cache_read_tokens ?? 0) - (cache_write_tokens ?? 0))

/** The end of a stream gives the sum without its parts: all of one kind stays all of one kind, and a mixture stays what was told of it. */
function keptAnHour(raw: JsonObject, written: number | null, known: TokenUsage): number | null {
  const told = isObject(raw.cache_creation) ? count(raw.cache_creation.ephemeral_1h_input_tokens) : null
  const { cache_write_1h_tokens: hour, cache_write_tokens: all } = known
  const kept = told ?? (hour !== null && hour > 0 && hour === all ? written : hour)
  return kept !== null && written !== null && kept <= written ? kept : null
}

const USAGE = new Set([
  'input_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_creation',
  'output_tokens',
  'output_tokens_details',
  'service_tier',
])
const DETAILS = new Set(['thinking_tokens'])

/** What is said about usage beyond these counts: searches made, where it ran. */
export function usageExtra(raw: JsonObject): JsonObject | undefined {
  const extra = rest(raw, USAGE)
  const details = isObject(raw.output_tokens_details) ? rest(raw.output_tokens_details, DETAILS) : undefined
  return details ? { ...extra, output_tokens_details: details } : extra
}

/** Counts that this format does not tell apart. */
export const UNCOUNTED = ['audio_input_tokens', 'audio_output_tokens', 'image_input_tokens'] as const

export function writeUsage(usage: TokenUsage, extra: JsonObject | undefined): JsonObject {
  const { cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens } = usage
  // Clients add these up without asking; a count nobody sent is the one place where zero has to stand for unknown.
  const written: JsonObject = { input_tokens: freshOf(usage) ?? 0 }
  if (cache_write_tokens !== null) written.cache_creation_input_tokens = cache_write_tokens
  if (cache_read_tokens !== null) written.cache_read_input_tokens = cache_read_tokens
  if (cache_write_tokens !== null && cache_write_1h_tokens !== null)
    written.cache_creation = {
      ephemeral_5m_input_tokens: cache_write_tokens - cache_write_1h_tokens,
      ephemeral_1h_input_tokens: cache_write_1h_tokens,
    }
  written.output_tokens = usage.output_tokens ?? 0
  if (reasoning_tokens !== null) written.output_tokens_details = { thinking_tokens: reasoning_tokens }
  const beside = extra?.output_tokens_details
  return {
    ...written,
    ...extra,
    ...(isObject(beside) ? { output_tokens_details: { ...beside, ...(written.output_tokens_details as JsonObject) } } : undefined),
  }
}
