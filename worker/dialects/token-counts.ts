/**
 * Token counts as OpenAI's formats write them: a count in, a count out, a total, and the details of each under its own name. Chat
 * Completions and Responses differ in what they call the two, and in nothing else.
 *
 * A count that cannot be true (negative, a fraction, ten billion, a part larger than its whole) is unknown, not zero and not
 * billed.
 */
import type { Json, JsonObject, TokenUsage } from '../schema/chat.ts'
import type { Micros } from '../schema/units.ts'
import { isObject, rest } from './check.ts'

/** No request of 4 MB in and a few million tokens out comes near this. */
const MOST = 1e10

export function count(value: Json | undefined): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST ? value : null
}

export const part = (value: number | null, whole: number | null) => (value !== null && whole !== null && value > whole ? null : value)

/** Ten billion of them are a dollar. */
const TICKS_PER_MICRO = 10_000

/**
 * xAI says with each answer what it charges for it, tools included (`cost_in_usd_ticks`, https://docs.x.ai/developers/cost-tracking, read
 * 2026-11-24). Nothing is told by a zero: tokens cost something, so it is a count that is not there yet.
 */
export function toldCost(raw: JsonObject): { told_cost_micros?: Micros } {
  const ticks = raw.cost_in_usd_ticks
  const told = typeof ticks === 'number' && Number.isSafeInteger(ticks) && ticks > 0
  return told ? { told_cost_micros: Math.round(ticks / TICKS_PER_MICRO) } : {}
}

/** `into` and `out_of`: the names of the two counts; their details stand under the same names with `_details` behind. */
export function usageFormat(into: string, out_of: string) {
  const known = new Set([into, out_of, 'total_tokens', `${into}_details`, `${out_of}_details`])
  const details: [name: string, known: Set<string>][] = [
    [`${into}_details`, new Set(['cached_tokens', 'cache_write_tokens', 'audio_tokens', 'image_tokens'])],
    [`${out_of}_details`, new Set(['reasoning_tokens', 'audio_tokens'])],
  ]
  return {
    /** What a provider says about usage beyond these counts: its own price, queue times, other kinds of token. */
    extra(raw: JsonObject): JsonObject | undefined {
      let extra = rest(raw, known)
      for (const [name, named] of details) {
        const given = raw[name]
        const beside = isObject(given) ? rest(given, named) : undefined
        if (beside) extra = { ...extra, [name]: beside }
      }
      return extra
    },

    write(usage: TokenUsage, extra: JsonObject | undefined): JsonObject | null {
      const { input_tokens, output_tokens } = usage
      if (input_tokens === null && output_tokens === null) return null
      // Clients add these three up without asking; a count nobody sent is the one place where zero has to stand for unknown.
      const written: JsonObject = {
        [into]: input_tokens ?? 0,
        [out_of]: output_tokens ?? 0,
        total_tokens: (input_tokens ?? 0) + (output_tokens ?? 0),
        ...extra,
      }
      const counted: Record<string, JsonObject> = {
        [`${into}_details`]: present({
          cached_tokens: usage.cache_read_tokens,
          cache_write_tokens: usage.cache_write_tokens,
          audio_tokens: usage.audio_input_tokens,
          image_tokens: usage.image_input_tokens,
        }),
        [`${out_of}_details`]: present({ reasoning_tokens: usage.reasoning_tokens, audio_tokens: usage.audio_output_tokens }),
      }
      for (const [name] of details) {
        const beside = extra?.[name]
        const all = isObject(beside) ? { ...counted[name], ...beside } : (counted[name] ?? {})
        if (Object.keys(all).length > 0) written[name] = all
      }
      return written
    },
  }
}

function present(counts: Record<string, number | null>): JsonObject {
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== null))
}
