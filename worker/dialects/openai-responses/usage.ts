/**
 * Token counts. A count that cannot be true (negative, a fraction, ten billion, a part larger than its whole) is unknown.
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
  const input_details = isObject(raw.input_tokens_details) ? raw.input_tokens_details : {}
  const output_details = isObject(raw.output_tokens_details) ? raw.output_tokens_details : {}
  const input = count(raw.input_tokens)
  const output = count(raw.output_tokens)
  return {
    ...UNKNOWN_USAGE,
    input_tokens: input,
    cache_read_tokens: part(count(input_details.cached_tokens), input),
    cache_write_tokens: part(count(input_details.cache_write_tokens), input),
    output_tokens: output,
    reasoning_tokens: part(count(output_details.reasoning_tokens), output),
    audio_input_tokens: part(count(input_details.audio_tokens), input),
    audio_output_tokens: part(count(output_details.audio_tokens), output),
    image_input_tokens: part(count(input_details.image_tokens), input),
  }
}

const USAGE = new Set(['input_tokens', 'output_tokens', 'total_tokens', 'input_tokens_details', 'output_tokens_details'])
const DETAILS = {
  input_tokens_details: new Set(['cached_tokens', 'cache_write_tokens', 'audio_tokens', 'image_tokens']),
  output_tokens_details: new Set(['reasoning_tokens', 'audio_tokens']),
}
type DetailsName = keyof typeof DETAILS
const DETAILS_NAMES = Object.keys(DETAILS) as DetailsName[]

/** What a provider says about usage beyond these counts. */
export function usageExtra(raw: JsonObject): JsonObject | undefined {
  let extra = rest(raw, USAGE)
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
    input_tokens: input_tokens ?? 0,
    output_tokens: output_tokens ?? 0,
    total_tokens: (input_tokens ?? 0) + (output_tokens ?? 0),
    ...extra,
  }
  const details: Record<DetailsName, JsonObject> = {
    input_tokens_details: present({
      cached_tokens: usage.cache_read_tokens,
      cache_write_tokens: usage.cache_write_tokens,
      audio_tokens: usage.audio_input_tokens,
      image_tokens: usage.image_input_tokens,
    }),
    output_tokens_details: present({ reasoning_tokens: usage.reasoning_tokens, audio_tokens: usage.audio_output_tokens }),
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
