/**
 * Token counts, read from the several ways in which compatible providers write them, and written in OpenAI's.
 *
 * A count that cannot be true (negative, a fraction, ten billion, a part larger than its whole) is unknown, not zero and not
 * billed. `total_tokens` is used only as a witness: some providers leave reasoning out of `completion_tokens`, and the total
 * gives it away.
 */
import { type Json, type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'

/** No request of 4 MB in and a few million tokens out comes near this. */
const MOST = 1e10

function count(value: Json | undefined): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST ? value : null
}

const part = (value: number | null, whole: number | null) => (value !== null && whole !== null && value > whole ? null : value)

export function readUsage(raw: JsonObject): TokenUsage {
  const prompt = isObject(raw.prompt_tokens_details) ? raw.prompt_tokens_details : {}
  const completion = isObject(raw.completion_tokens_details) ? raw.completion_tokens_details : {}
  const input = count(raw.prompt_tokens)
  const reasoning = count(completion.reasoning_tokens) ?? count(raw.reasoning_tokens)
  let output = count(raw.completion_tokens)
  if (input !== null && output !== null && reasoning !== null && reasoning > 0 && count(raw.total_tokens) === input + output + reasoning)
    output += reasoning
  return {
    ...UNKNOWN_USAGE,
    input_tokens: input,
    cache_read_tokens: part(count(prompt.cached_tokens) ?? count(raw.cached_tokens) ?? count(raw.prompt_cache_hit_tokens), input),
    cache_write_tokens: part(count(prompt.cache_write_tokens) ?? count(prompt.cache_creation_tokens), input),
    output_tokens: output,
    reasoning_tokens: part(reasoning, output),
    audio_input_tokens: part(count(prompt.audio_tokens), input),
    audio_output_tokens: part(count(completion.audio_tokens), output),
    image_input_tokens: part(count(prompt.image_tokens), input),
  }
}

const KNOWN = new Set(['prompt_tokens', 'completion_tokens', 'total_tokens', 'prompt_tokens_details', 'completion_tokens_details'])
const DETAILS = {
  prompt_tokens_details: new Set(['cached_tokens', 'cache_write_tokens', 'audio_tokens', 'image_tokens']),
  completion_tokens_details: new Set(['reasoning_tokens', 'audio_tokens']),
}
type DetailsName = keyof typeof DETAILS
const DETAILS_NAMES = Object.keys(DETAILS) as DetailsName[]

/** What a provider says about usage beyond these counts: its own price, queue times, other kinds of token. */
export function usageExtra(raw: JsonObject): JsonObject | undefined {
  let extra = rest(raw, KNOWN)
  for (const name of DETAILS_NAMES) {
    const details = raw[name]
    const beside = isObject(details) ? rest(details, DETAILS[name]) : undefined
    if (beside) extra = { ...extra, [name]: beside }
  }
  return extra
}

export function writeUsage(usage: TokenUsage, extra: JsonObject | undefined): JsonObject | null {
  const { input_tokens, output_tokens } = usage
  if (input_tokens === null && output_tokens === null) return null
  // Clients add these three up without asking; a count nobody sent is the one place where zero has to stand for unknown.
  const written: JsonObject = {
    prompt_tokens: input_tokens ?? 0,
    completion_tokens: output_tokens ?? 0,
    total_tokens: (input_tokens ?? 0) + (output_tokens ?? 0),
    ...extra,
  }
  const details: Record<DetailsName, JsonObject> = {
    prompt_tokens_details: present({
      cached_tokens: usage.cache_read_tokens,
      cache_write_tokens: usage.cache_write_tokens,
      audio_tokens: usage.audio_input_tokens,
      image_tokens: usage.image_input_tokens,
    }),
    completion_tokens_details: present({ reasoning_tokens: usage.reasoning_tokens, audio_tokens: usage.audio_output_tokens }),
  }
  for (const name of DETAILS_NAMES) {
    const beside = extra?.[name]
    const all = isObject(beside) ? { ...details[name], ...beside } : details[name]
    if (Object.keys(all).length > 0) written[name] = all
  }
  return written
}

function present(counts: Record<string, number | null>): JsonObject {
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== null))
}
