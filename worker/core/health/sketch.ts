/**
 * How times to first token are spread, as counts in buckets that grow by a quarter each: any quantile is known to an eighth, and two
 * sketches are merged by adding. Counts are forgotten by half in a half-life; that is applied at most once a minute, so that
 * a sample mostly costs one addition.
 */
import type { Ms } from '../../schema/units.ts'

/** `counts[i]`: samples from `FIRST_MS * GROWTH^i` up to the next. Counts are stored by these buckets, so no policy can change them. */
export type Sketch = { at_ms: Ms; counts: number[] }

const FIRST_MS = 20
const GROWTH = 1.25
/** The last one begins at twelve minutes, longer than anybody waits. */
const BUCKETS = 48
const DECAY_EVERY_MS = 60_000
/** What is left of a sample after about seven half-lives is dropped, so that a stored sketch stays short. */
const LEAST = 0.01

const bucketOf = (value_ms: Ms) => Math.min(BUCKETS - 1, Math.max(0, Math.floor(Math.log(value_ms / FIRST_MS) / Math.log(GROWTH))))

export function sketched(before: Sketch | null, value_ms: Ms, now_ms: Ms, half_life_ms: Ms): Sketch {
  const bucket = bucketOf(value_ms)
  const { at_ms, counts } = faded(before, bucket, now_ms, half_life_ms)
  counts[bucket] = (counts[bucket] ?? 0) + 1
  return { at_ms, counts }
}

/**
 * A sample of which is only known that it is no less than this: shared out over what is known of this bucket and those above, in
 * proportion; where nothing is, it counts as no more than what is sure.
 */
export function sketchedBeyond(before: Sketch | null, least_ms: Ms, now_ms: Ms, half_life_ms: Ms): Sketch {
  const bucket = bucketOf(least_ms)
  const { at_ms, counts } = faded(before, bucket, now_ms, half_life_ms)
  const above = weightOf(counts.slice(bucket))
  if (above === 0) counts[bucket] = 1
  else for (let i = bucket; i < counts.length; i++) counts[i] = (counts[i] ?? 0) * (1 + 1 / above)
  return { at_ms, counts }
}

/** What is left of it by now, as a copy that has this bucket. */
function faded(before: Sketch | null, bucket: number, now_ms: Ms, half_life_ms: Ms): Sketch {
  const old = before ?? { at_ms: now_ms, counts: [] }
  const passed_ms = now_ms - old.at_ms
  const keep = passed_ms >= DECAY_EVERY_MS ? 2 ** (-passed_ms / half_life_ms) : 1
  const counts = keep === 1 ? old.counts.slice() : old.counts.map(count => (count * keep < LEAST ? 0 : count * keep))
  while (counts.length <= bucket) counts.push(0)
  return { at_ms: keep === 1 ? old.at_ms : now_ms, counts }
}

export function mergedSketches(sketches: readonly (Sketch | null)[]): number[] {
  const sum: number[] = new Array(BUCKETS).fill(0)
  for (const sketch of sketches) {
    for (const [i, count] of sketch?.counts.entries() ?? []) sum[i] = (sum[i] ?? 0) + count
  }
  return sum
}

export const weightOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

/** The middle of the bucket in which the quantile lies, on the logarithmic scale; null where there is no sample. */
export function quantileOf(counts: readonly number[], share: number): Ms | null {
  const total = weightOf(counts)
  if (total <= 0) return null
  let passed = 0
  for (let i = 0; i < counts.length; i++) {
    passed += counts[i] ?? 0
    if (passed >= share * total) return Math.round(FIRST_MS * GROWTH ** (i + 0.5))
  }
  return Math.round(FIRST_MS * GROWTH ** BUCKETS)
}
