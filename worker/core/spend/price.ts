/**
 * What tokens cost, in whole micro-dollars. Unknown is not zero: where a class of token was used and nobody knows its
 * price, the whole cost is unknown, because a sum that silently leaves out a part is wrong in the caller's favour today
 * and in nobody's tomorrow.
 *
 * Three fallbacks are facts about how providers bill, and not guesses:
 * - no price for reading the cache: cached tokens are billed as input;
 * - no price for writing the cache at all: writing is billed as input (providers that cache by themselves);
 * - how many tokens were cached is unknown: all are billed as input, which is never too little for a read.
 * A price for the five-minute cache says nothing about the one-hour cache, which costs more; that stays unknown.
 */
import type { Price } from '../../schema/catalogue.ts'
import type { TokenUsage } from '../../schema/chat.ts'
import type { Micros, Ms, Tokens } from '../../schema/units.ts'

const PER_MTOK = 1_000_000

/** Tokens times price, both may be unknown; nothing used costs nothing, whatever the price. Not yet divided or rounded. */
function product(count: Tokens, micros_per_mtok: Micros | null): number | null {
  if (count === 0) return 0
  return micros_per_mtok === null ? null : count * micros_per_mtok
}

/** Tokens that are priced apart; null where there are some and nobody has said their price. */
function apart(count: Tokens | null, price: Micros | undefined): Tokens | null {
  return !count ? 0 : price === undefined ? null : count
}

/**
 * The cost of what a target reports to have used; null where it cannot be known. Rounded once, at the end, half up.
 * Sound is priced apart from text by those who take it, and searches by the call; where the catalogue has no figure for them, they
 * make the cost unknown; so do containers that are billed by the minute, and tokens of another model than the one that was called. Where the
 * provider says itself what it charges, that is the cost.
 */
export function costOf(usage: TokenUsage, price: Price | null): Micros | null {
  if (usage.told_cost_micros !== undefined) return usage.told_cost_micros
  if (usage.other_model_tokens) return null
  if (price === null || usage.input_tokens === null || usage.output_tokens === null) return null
  const heard = apart(usage.audio_input_tokens, price.audio_input_micros_per_mtok)
  const spoken = apart(usage.audio_output_tokens, price.audio_output_micros_per_mtok)
  const searched = callCost(searchesCharged(usage, price), price.web_search_micros_per_call)
  const looked_up = callCost(usage.file_search_calls, price.file_search_micros_per_call)
  const ran = callCost(usage.code_runs ?? 0, price.code_micros_per_run)
  if (heard === null || spoken === null || searched === null || looked_up === null || ran === null) return null
  const seen = price.image_input_micros_per_mtok === undefined ? 0 : (usage.image_input_tokens ?? 0)

  // A provider whose parts exceed the whole is not believed about the parts.
  const read = Math.min(usage.cache_read_tokens ?? 0, usage.input_tokens)
  const written = Math.min(usage.cache_write_tokens ?? 0, usage.input_tokens - read)
  const written_1h = Math.min(usage.cache_write_1h_tokens ?? 0, written)
  const plain = usage.input_tokens - read - written - heard - seen
  // Parts priced apart that exceed the whole, or were read from the cache as well: nobody knows what that costs.
  if (plain < 0 || spoken > usage.output_tokens) return null

  const rates = ratesFor(price, usage.input_tokens)
  const input_price = rates.input_micros_per_mtok
  const write_price = rates.cache_write_micros_per_mtok
  const write_1h_price = rates.cache_write_1h_micros_per_mtok ?? (write_price === null ? input_price : null)
  const parts = [
    product(plain, input_price),
    product(read, rates.cache_read_micros_per_mtok ?? input_price),
    product(written - written_1h, write_price ?? input_price),
    product(written_1h, write_1h_price),
    product(heard, price.audio_input_micros_per_mtok ?? null),
    product(seen, price.image_input_micros_per_mtok ?? null),
    product(usage.output_tokens - spoken, rates.output_micros_per_mtok),
    product(spoken, price.audio_output_micros_per_mtok ?? null),
  ]
  let sum = 0
  for (const part of parts) {
    if (part === null) return null
    sum += part
  }
  return Math.round(sum / PER_MTOK) + searched + looked_up + ran
}

/** Some providers charge a long prompt otherwise, all of it and its answer: from one token beyond a bound. */
const ratesFor = (price: Price, input_tokens: Tokens) =>
  price.longer !== undefined && input_tokens > price.longer.above_tokens ? price.longer : price

/** Calls that are priced one by one; null where there are some and nobody has said their price. */
function callCost(calls: number | null, micros_per_call: Micros | undefined): Micros | null {
  return !calls ? 0 : micros_per_call === undefined ? null : calls * micros_per_call
}

const searchesCharged = ({ web_search_calls: calls }: TokenUsage, { web_search_per }: Price): number | null =>
  web_search_per === 'answer' && calls !== null ? Math.min(1, calls) : calls

/** Whether the cost is the most that it may be: the account has some of what was used for nothing, and nobody here knows how much of that is left. */
export const mayCostLess = (usage: TokenUsage, price: Price | null): boolean =>
  price?.web_search_partly_free === true && usage.told_cost_micros === undefined && !!usage.web_search_calls

/** The cost of a request not yet made, nothing cached. Called once per target and request, so it allocates nothing. */
export function estimateCost(prompt_tokens: Tokens, output_tokens: Tokens, price: Price | null): Micros | null {
  if (price === null) return null
  const { input_micros_per_mtok, output_micros_per_mtok } = ratesFor(price, prompt_tokens)
  if ((input_micros_per_mtok === null && prompt_tokens > 0) || (output_micros_per_mtok === null && output_tokens > 0)) return null
  return roundedCost(prompt_tokens, input_micros_per_mtok ?? 0, output_tokens, output_micros_per_mtok ?? 0)
}

/** The same for prices in columns, where an unknown one is NaN: then so is the cost, also of no tokens at all. */
export function roundedCost(
  prompt_tokens: Tokens,
  input_micros_per_mtok: number,
  output_tokens: Tokens,
  output_micros_per_mtok: number,
): number {
  return Math.round((prompt_tokens * input_micros_per_mtok + output_tokens * output_micros_per_mtok) / PER_MTOK)
}

/**
 * The price in force at an instant, and the instant from which another one is (Infinity where none is announced). A price
 * begins at midnight UTC of its day; before the first one, the price is unknown.
 */
export function priceAt(prices: readonly Price[], now_ms: Ms): { price: Price | null; until_ms: Ms } {
  let price: Price | null = null
  let from_ms = Number.NEGATIVE_INFINITY
  let until_ms = Number.POSITIVE_INFINITY
  for (const candidate of prices) {
    const candidate_ms = Date.parse(candidate.from)
    if (candidate_ms > now_ms) until_ms = Math.min(until_ms, candidate_ms)
    else if (candidate_ms >= from_ms) {
      price = candidate
      from_ms = candidate_ms
    }
  }
  return { price, until_ms }
}
