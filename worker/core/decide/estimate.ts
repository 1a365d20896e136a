/**
 * What a target would do for this request, before anyone is called: how good, how dear, how soon, how much energy. One row of
 * numbers a target, in columns that are filled in one pass.
 */
import { type Features, SIZE_CLASSES, type SizeClass, TASKS } from '../../schema/features.ts'
import type { TargetHealth } from '../../schema/health.ts'
import type { Ms } from '../../schema/units.ts'
import { energyOf } from '../spend/energy.ts'
import { estimateCost, priceAt } from '../spend/price.ts'
import type { Prepared } from './prepared.ts'
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
 * figures). Whether it sleeps is guessed from how long it has been idle; where it was never seen, even odds.
 */
const COLD_MS = 3_000
const COLD_AFTER_MS = 10 * 60_000
const COLD_UNKNOWN = 0.5

export function estimate(
  prepared: Prepared,
  features: Features,
  output_tokens: number,
  now_ms: Ms,
  healthOf: (target: LiveTarget) => TargetHealth | undefined,
): Estimates {
  const { targets, mean_quality, mean_uncertainty } = prepared
  const n = targets.length
  const all = new Float64Array(6 * n)
  const column = (i: number) => all.subarray(i * n, (i + 1) * n)
  const estimates: Estimates = {
    quality: column(0),
    quality_uncertainty: column(1),
    cost_micros: column(2),
    first_token_ms: column(3),
    latency_ms: column(4),
    energy_wh: column(5),
  }
  const task = TASKS.indexOf(features.task)
  const trust = features.task_confidence
  const shift = Math.exp(DIFFICULTY_LOGITS * (features.difficulty - 0.5))
  const size = SIZE_CLASSES.indexOf(features.size)
  const reading_ms = Math.max(0, features.prompt_tokens - SHORT_PROMPT_TOKENS) / READ_TOKENS_PER_MS
  for (let i = 0; i < n; i++) {
    const target = targets[i]
    if (!target) continue
    const prior = trust * (target.quality[task] ?? 0) + (1 - trust) * (mean_quality[i] ?? 0)
    // logistic(logit(p) - d) without leaving the ratio of odds.
    const odds = prior / (1 - Math.min(prior, 0.999)) / shift
    estimates.quality[i] = odds / (1 + odds)
    estimates.quality_uncertainty[i] = trust * (target.quality_uncertainty[task] ?? 0) + (1 - trust) * (mean_uncertainty[i] ?? 0)

    const price = now_ms < target.price_until_ms ? target.price : priceAt(target.target.prices, now_ms).price
    estimates.cost_micros[i] = estimateCost(features.prompt_tokens, output_tokens, price) ?? Number.NaN
    estimates.energy_wh[i] = energyOf(target, features.prompt_tokens, output_tokens) ?? Number.NaN

    const health = healthOf(target)
    const measured = health && firstTokenMeasured(health, size)
    const first_token_ms = (measured ?? target.first_token_ms + reading_ms) + coldMs(target, health, now_ms)
    const tokens_per_second = health?.ln_tokens_per_second == null ? target.tokens_per_second : Math.exp(health.ln_tokens_per_second)
    estimates.first_token_ms[i] = first_token_ms
    estimates.latency_ms[i] = first_token_ms + (output_tokens * 1_000) / Math.max(tokens_per_second, 0.1)
  }
  return estimates
}

/** Measured in this size class, else in the nearest smaller, else in the nearest larger; undefined where nothing was. */
function firstTokenMeasured({ ln_first_token_ms }: TargetHealth, size: number): Ms | undefined {
  for (let i = size; i >= 0; i--) {
    const ln = ln_first_token_ms[SIZE_CLASSES[i] as SizeClass]
    if (ln != null) return Math.exp(ln)
  }
  for (let i = size + 1; i < SIZE_CLASSES.length; i++) {
    const ln = ln_first_token_ms[SIZE_CLASSES[i] as SizeClass]
    if (ln != null) return Math.exp(ln)
  }
  return undefined
}

function coldMs(target: LiveTarget, health: TargetHealth | undefined, now_ms: Ms): Ms {
  if (target.readiness !== 'serverless') return 0
  const seen_ms = health?.last_ok_at_ms ?? null
  return COLD_MS * (seen_ms === null ? COLD_UNKNOWN : 1 - Math.exp(-Math.max(0, now_ms - seen_ms) / COLD_AFTER_MS))
}
