/**
 * What a target would do for this request, before anyone is called: how good, how dear, how soon, how much energy. Columns of
 * numbers, filled in one pass for those targets that may answer it.
 */
import { type Features, SIZE_CLASSES, TASKS } from '../../schema/features.ts'
import type { TargetHealth } from '../../schema/health.ts'
import type { Ms } from '../../schema/units.ts'
import { wakingMs } from '../health/readiness.ts'
import { estimateCost, priceAt, roundedCost } from '../spend/price.ts'
import type { Prepared } from './prepared.ts'
import type { Seen } from './seen.ts'
import type { LiveTarget } from './world.ts'

export type Estimates = {
  quality: Float64Array
  quality_uncertainty: Float64Array
  /** NaN where unknown, as columns of numbers have no null. */
  cost_micros: Float64Array
  first_token_ms: Float64Array
  latency_ms: Float64Array
  energy_wh: Float64Array
}

/**
 * How strongly difficulty moves quality, in logits from the easiest to the hardest. A prior is an average over a benchmark,
 * whose prompts lie around the middle; as in item response theory the chance to succeed is a logistic function of ability less
 * difficulty. 3 moves a prior of .80 to .95 on the easiest prompts and .47 on the hardest, one of .60 to .87 and .25: so the
 * gap is .08 where anyone can and .22 where few can, which is what sends easy prompts to cheap targets.
 */
const DIFFICULTY_LOGITS = 3

/** A prompt is read at about ten tokens a millisecond; the prior of the time to first token was measured on short ones. */
const READ_TOKENS_PER_MS = 10
const SHORT_PROMPT_TOKENS = 1_000

/**
 * A serverless target that has slept must first load its weights: 2 to 4 s on a good platform, 40 s on a bad one (published
 * figures). Whether it sleeps is guessed from how long it has been idle; where it was never seen, even odds. Once such starts were
 * seen, what they were like takes the guess's place.
 */
const COLD_MS = 3_000
const COLD_AFTER_MS = 10 * 60_000
const COLD_UNKNOWN = 0.5

/** Fills `scratch.estimates` for the first `count` of `scratch.passing`. */
export function estimate(
  { targets, columns, scratch }: Prepared,
  seen: Seen,
  count: number,
  features: Features,
  output_tokens: number,
  now_ms: Ms,
): void {
  const { passing, estimates } = scratch
  const { quality, quality_uncertainty, cost_micros, first_token_ms, latency_ms, energy_wh } = estimates
  const { prompt_tokens, task_confidence: trust } = features
  const task = TASKS.indexOf(features.task)
  const prior_quality = columns.quality[task] as Float64Array
  const prior_uncertainty = columns.quality_uncertainty[task] as Float64Array
  const shift = Math.exp(DIFFICULTY_LOGITS * (features.difficulty - 0.5))
  const measured_ms = seen.first_token_ms[SIZE_CLASSES.indexOf(features.size)] as Float64Array
  const reading_ms = Math.max(0, prompt_tokens - SHORT_PROMPT_TOKENS) / READ_TOKENS_PER_MS
  const isUsual = prompt_tokens > 0 && prompt_tokens <= columns.usual_price_tokens && output_tokens > 0 && now_ms < columns.prices_until_ms
  for (let at = 0; at < count; at++) {
    const i = passing[at] as number
    const prior = trust * (prior_quality[i] as number) + (1 - trust) * (columns.mean_quality[i] as number)
    // logistic(logit(p) - d) without leaving the ratio of odds.
    const odds = prior / (1 - Math.min(prior, 0.999)) / shift
    quality[i] = odds / (1 + odds)
    quality_uncertainty[i] = trust * (prior_uncertainty[i] as number) + (1 - trust) * (columns.mean_uncertainty[i] as number)

    cost_micros[i] = isUsual
      ? roundedCost(prompt_tokens, columns.input_micros_per_mtok[i] as number, output_tokens, columns.output_micros_per_mtok[i] as number)
      : costThen(targets[i] as LiveTarget, prompt_tokens, output_tokens, now_ms)
    energy_wh[i] = prompt_tokens * (columns.wh_per_input_token[i] as number) + output_tokens * (columns.wh_per_output_token[i] as number)

    const measured = measured_ms[i] as number
    let first_ms = Number.isNaN(measured) ? (columns.first_token_ms[i] as number) + reading_ms : measured
    if (columns.may_sleep[i]) first_ms += coldMs(seen.health[i], now_ms)
    first_token_ms[i] = first_ms
    latency_ms[i] = first_ms + (output_tokens * 1_000) / Math.max(seen.tokens_per_second[i] as number, 0.1)
  }
}

/** Where a price has changed since the catalogue was compiled, nothing is read or written, or the prompt is so long that it costs more. */
function costThen(target: LiveTarget, prompt_tokens: number, output_tokens: number, now_ms: Ms): number {
  const price = now_ms < target.price_until_ms ? target.price : priceAt(target.target.prices, now_ms).price
  return estimateCost(prompt_tokens, output_tokens, price) ?? Number.NaN
}

function coldMs(health: TargetHealth | undefined, now_ms: Ms): Ms {
  const seen_ms = health?.last_ok_at_ms ?? null
  if (health?.waking && seen_ms !== null) return wakingMs(health.waking, now_ms - seen_ms)
  return COLD_MS * (seen_ms === null ? COLD_UNKNOWN : 1 - Math.exp(-Math.max(0, now_ms - seen_ms) / COLD_AFTER_MS))
}
