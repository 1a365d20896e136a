/**
 * How fast a target answers now. Times to first token are log-normal with long tails, so what is averaged is their
 * logarithm: ranking 600 against 900 ms by a decayed mean of ln was never wrong in simulation, by peak-EWMA (Finagle's,
 * Linkerd's) wrong 31 % of the time. Prompts differ in size by a factor of a thousand, so each size class has its own mean.
 *
 * SLOW is a flag and a penalty, never a reason to eject: a CUSUM over how many standard deviations a sample lies above
 * the target's own long-run mean. It notices a three-fold slow-down within about 10 samples, and flags a healthy target
 * 33 times in a million.
 *
 * A call that was closed while it waited, as another one had answered, is known to have taken longer than it was waited for. Left out, the
 * slow calls would be missing of all, and a target that is hedged would look ever faster. So it counts as what such calls take on average
 * by the target's own long run, and its place in the spread is shared out over all that is later (Efron's redistribution to the right).
 */
import { SIZE_CLASSES, type SizeClass } from '../../schema/features.ts'
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'
import { mergedSketches, quantileOf, type Sketch, sketched, sketchedBeyond, weightOf } from './sketch.ts'

/** A mean in which a sample's weight halves with every half-life. `weight` is the decayed number of samples behind it. */
export type DecayedMean = { mean: number; weight: number; at_ms: Ms }

/** The long run against which "slow" is judged: mean and mean square deviation of ln(first token). */
export type Baseline = DecayedMean & { variance: number }

export type Latency = {
  ln_first_token: Record<SizeClass, DecayedMean | null>
  ln_tokens_per_second: DecayedMean | null
  baseline: Record<SizeClass, Baseline | null>
  /** How times to first token are spread, for deadlines. */
  spread: Record<SizeClass, Sketch | null>
  /** The CUSUM, in standard deviations. */
  slowness: number
  slow: boolean
}

type Rules = Pick<HealthRules, 'latency' | 'slow'>

/** Below this many samples there is no long run yet to compare with. */
const BASELINE_MIN_WEIGHT = 10
/** Spread assumed of a target not yet known, and the least believed of one that seems never to vary. */
const SIGMA_ASSUMED = 0.8
const SIGMA_MIN = 0.3

export const newLatency = (): Latency => ({
  ln_first_token: { s: null, m: null, l: null, xl: null },
  ln_tokens_per_second: null,
  baseline: { s: null, m: null, l: null, xl: null },
  spread: { s: null, m: null, l: null, xl: null },
  slowness: 0,
  slow: false,
})

/** A clock that went back counts as one that stood still. */
const decay = (since_ms: Ms, now_ms: Ms, half_life_ms: Ms) => 2 ** (-Math.max(0, now_ms - since_ms) / half_life_ms)

function withSample(before: DecayedMean | null, value: number, now_ms: Ms, half_life_ms: Ms): DecayedMean {
  if (before === null) return { mean: value, weight: 1, at_ms: now_ms }
  const weight = before.weight * decay(before.at_ms, now_ms, half_life_ms) + 1
  return { mean: before.mean + (value - before.mean) / weight, weight, at_ms: now_ms }
}

/** The sample is clipped to the baseline's own spread first, so that an outage does not become the new normal within minutes. */
function withLongRun(before: Baseline | null, value: number, now_ms: Ms, { latency, slow }: Rules): Baseline {
  if (before === null) return { mean: value, variance: SIGMA_ASSUMED ** 2, weight: 1, at_ms: now_ms }
  const reach = slow.clip * Math.sqrt(before.variance)
  const clipped = Math.min(before.mean + reach, Math.max(before.mean - reach, value))
  const next = withSample(before, clipped, now_ms, latency.usual_half_life_ms)
  const variance = before.variance + ((clipped - before.mean) * (clipped - next.mean) - before.variance) / next.weight
  return { ...next, variance: Math.max(SIGMA_MIN ** 2, variance) }
}

const positive = (value: number | null): value is number => value !== null && value > 0 && Number.isFinite(value)

/** What one attempt measured; either may be missing. */
export function measured(
  before: Latency,
  sample: { size: SizeClass; first_token_ms: Ms | null; waited_ms?: Ms; tokens_per_second: number | null },
  now_ms: Ms,
  rules: Rules,
): Latency {
  const after = { ...before }
  if (positive(sample.tokens_per_second)) {
    after.ln_tokens_per_second = withSample(
      before.ln_tokens_per_second,
      Math.log(sample.tokens_per_second),
      now_ms,
      rules.latency.half_life_ms,
    )
  }
  if (sample.first_token_ms === null && positive(sample.waited_ms ?? null))
    return outwaited(after, sample.size, sample.waited_ms as Ms, now_ms, rules)
  if (!positive(sample.first_token_ms)) return after

  const { size } = sample
  const value = Math.log(sample.first_token_ms)
  const known = before.baseline[size]
  if (known !== null && known.weight >= BASELINE_MIN_WEIGHT) {
    slowed(after, before, (value - known.mean) / Math.sqrt(known.variance), rules)
  }
  after.ln_first_token = {
    ...before.ln_first_token,
    [size]: withSample(before.ln_first_token[size], value, now_ms, rules.latency.half_life_ms),
  }
  after.spread = {
    ...before.spread,
    [size]: sketched(before.spread[size], sample.first_token_ms, now_ms, rules.latency.spread_half_life_ms),
  }
  after.baseline = { ...before.baseline, [size]: withLongRun(known, value, now_ms, rules) }
  return after
}

/** One more that was so many standard deviations later than usual. Hysteresis: slow until the sum has fallen well below what made it so. */
function slowed(after: Latency, before: Latency, z: number, { slow }: Rules): void {
  after.slowness = Math.min(slow.at_most, Math.max(0, before.slowness + Math.min(slow.clip, z) - slow.allowance))
  after.slow = after.slowness >= slow.at || (before.slow && after.slowness > slow.until)
}

/** A first token that had not come after so long. */
function outwaited(before: Latency, size: SizeClass, waited_ms: Ms, now_ms: Ms, rules: Rules): Latency {
  const after = {
    ...before,
    spread: { ...before.spread, [size]: sketchedBeyond(before.spread[size], waited_ms, now_ms, rules.latency.spread_half_life_ms) },
  }
  const known = before.baseline[size]
  if (known === null || known.weight < BASELINE_MIN_WEIGHT) return after
  const sigma = Math.sqrt(known.variance)
  const z = (Math.log(waited_ms) - known.mean) / sigma
  // Less than it usually takes says nothing about what it would have taken.
  if (z <= 0) return after
  const value = known.mean + sigma * meanBeyond(z)
  slowed(after, before, z, rules)
  after.ln_first_token = {
    ...before.ln_first_token,
    [size]: withSample(before.ln_first_token[size], value, now_ms, rules.latency.half_life_ms),
  }
  after.baseline = { ...before.baseline, [size]: withLongRun(known, value, now_ms, rules) }
  return after
}

/** What a normal variable is on average where it is beyond `z` > 0, from below: within 2 % beyond one deviation, 12 % at none (Sampford 1953). */
const meanBeyond = (z: number) => (3 * z + Math.sqrt(z * z + 8)) / 4

/**
 * Means and flag alone, as the snapshot has them. What is no longer observed fades: a target that was slow once gets no
 * requests for it, and if the memory of it lasted, nobody would ever learn that it is fast again.
 */
export function latencyNow(
  latency: Latency,
  now_ms: Ms,
  rules: Rules,
): {
  ln_first_token_ms: Record<SizeClass, number | null>
  first_token_p99_ms: Record<SizeClass, Ms | null>
  ln_tokens_per_second: number | null
  slow: boolean
} {
  const ln_first_token_ms: Record<SizeClass, number | null> = { s: null, m: null, l: null, xl: null }
  let heard_at_ms: Ms = 0
  for (const size of SIZE_CLASSES) {
    const known = latency.ln_first_token[size]
    ln_first_token_ms[size] = remembered(known, now_ms, rules)
    if (known !== null && known.at_ms > heard_at_ms) heard_at_ms = known.at_ms
  }
  const slowness = latency.slowness * decay(heard_at_ms, now_ms, rules.latency.half_life_ms)
  return {
    ln_first_token_ms,
    first_token_p99_ms: latest(latency),
    ln_tokens_per_second: remembered(latency.ln_tokens_per_second, now_ms, rules),
    slow: latency.slow && slowness > rules.slow.until,
  }
}

/** Fewer samples than this do not know their slowest hundredth. */
const SPREAD_LEAST = 30
const LATEST_SHARE = 0.99

/** A snapshot is taken with every report, over all targets; most have heard nothing since the last one. */
const latestOf = new WeakMap<Latency['spread'], Record<SizeClass, Ms | null>>()

/** By when 99 in 100 first tokens are there; of a size class that is seldom asked for, what holds over all of them. */
function latest({ spread }: Latency): Record<SizeClass, Ms | null> {
  const known = latestOf.get(spread) ?? spreadRead(spread)
  latestOf.set(spread, known)
  return known
}

function spreadRead(spread: Latency['spread']): Record<SizeClass, Ms | null> {
  const all = mergedSketches(SIZE_CLASSES.map(size => spread[size]))
  const overall = weightOf(all) >= SPREAD_LEAST ? quantileOf(all, LATEST_SHARE) : null
  const of = (sketch: Sketch | null) =>
    sketch !== null && weightOf(sketch.counts) >= SPREAD_LEAST ? quantileOf(sketch.counts, LATEST_SHARE) : overall
  return { s: of(spread.s), m: of(spread.m), l: of(spread.l), xl: of(spread.xl) }
}

/** The long run's middle, for telling a cold start; null where there is none yet. */
export function usualMs({ baseline }: Latency, size: SizeClass): Ms | null {
  const known = baseline[size]
  return known !== null && known.weight >= USUAL_WEIGHT ? Math.exp(known.mean) : null
}
const USUAL_WEIGHT = 3

/** With this much of a sample left, about five minutes after a busy time, the prior of the catalogue knows better. */
const REMEMBERED_WEIGHT = 0.05

const remembered = (known: DecayedMean | null, now_ms: Ms, rules: Rules) =>
  known !== null && known.weight * decay(known.at_ms, now_ms, rules.latency.half_life_ms) >= REMEMBERED_WEIGHT ? known.mean : null
