/**
 * Fits linear heads over many sparse and some dense signs, one text at a time: FTRL-proximal (McMahan et al., 2013), which gives
 * every weight its own pace and leaves a weight at zero until its evidence outweighs `l1`. Rare words stay silent that way.
 */

export type Example = { dense: Float32Array; grams: Int32Array }
export type Pace = { alpha: number; beta: number; l1: number; l2: number }

/** Weights of `outputs` heads: a row for each bucket, and for each dense sign and the constant. */
export class Heads {
  readonly outputs: number
  readonly grams: Float32Array
  readonly dense: Float32Array
  readonly #gramZ: Float32Array
  readonly #gramN: Float32Array
  readonly #denseZ: Float32Array
  readonly #denseN: Float32Array

  constructor(outputs: number, buckets: number, dense: number) {
    this.outputs = outputs
    this.grams = new Float32Array(buckets * outputs)
    this.#gramZ = new Float32Array(buckets * outputs)
    this.#gramN = new Float32Array(buckets * outputs)
    this.dense = new Float32Array((dense + 1) * outputs)
    this.#denseZ = new Float32Array((dense + 1) * outputs)
    this.#denseN = new Float32Array((dense + 1) * outputs)
  }

  sums({ dense, grams }: Example, into: Float64Array): void {
    const { outputs } = this
    const share = grams.length > 0 ? 1 / Math.sqrt(grams.length) : 0
    into.fill(0)
    for (const bucket of grams) {
      const at = bucket * outputs
      for (let k = 0; k < outputs; k++) into[k] = (into[k] as number) + (this.grams[at + k] as number)
    }
    const constant = dense.length * outputs
    for (let k = 0; k < outputs; k++) into[k] = (into[k] as number) * share + (this.dense[constant + k] as number)
    for (let i = 0; i < dense.length; i++) {
      const value = dense[i] as number
      if (value === 0) continue
      const at = i * outputs
      for (let k = 0; k < outputs; k++) into[k] = (into[k] as number) + value * (this.dense[at + k] as number)
    }
  }

  /** `slopes`: how the loss changes with each sum. */
  learn({ dense, grams }: Example, slopes: Float64Array, gramPace: Pace, densePace: Pace): void {
    const { outputs } = this
    const share = grams.length > 0 ? 1 / Math.sqrt(grams.length) : 0
    for (const bucket of grams)
      for (let k = 0; k < outputs; k++)
        step(this.grams, this.#gramZ, this.#gramN, bucket * outputs + k, (slopes[k] as number) * share, gramPace)
    for (let i = 0; i <= dense.length; i++) {
      const value = i === dense.length ? 1 : (dense[i] as number)
      if (value === 0) continue
      for (let k = 0; k < outputs; k++)
        step(this.dense, this.#denseZ, this.#denseN, i * outputs + k, (slopes[k] as number) * value, densePace)
    }
  }
}

function step(weights: Float32Array, z: Float32Array, n: Float32Array, at: number, slope: number, pace: Pace): void {
  if (Math.abs(slope) < 1e-6) return
  const before = n[at] as number
  const after = before + slope * slope
  const root = Math.sqrt(after)
  const tug = (z[at] as number) + slope - ((root - Math.sqrt(before)) / pace.alpha) * (weights[at] as number)
  z[at] = tug
  n[at] = after
  weights[at] = Math.abs(tug) <= pace.l1 ? 0 : -(tug - Math.sign(tug) * pace.l1) / ((pace.beta + root) / pace.alpha + pace.l2)
}

/** The same order every time. */
export function shuffled(count: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  let state = seed >>> 0 || 1
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const j = Math.floor((state / 2 ** 32) * (i + 1))
    const kept = order[i] as number
    order[i] = order[j] as number
    order[j] = kept
  }
  return order
}

export const GRAM_PACE: Pace = { alpha: 0.35, beta: 1, l1: 0.5, l2: 0.3 }
export const DENSE_PACE: Pace = { alpha: 0.08, beta: 1, l1: 0, l2: 1 }

/** Probabilities of classes that exclude each other. */
export function softmax(sums: Float64Array, temperature = 1): void {
  let most = -Infinity
  for (const sum of sums) if (sum > most) most = sum
  let total = 0
  for (let k = 0; k < sums.length; k++) total += sums[k] = Math.exp(((sums[k] as number) - most) / temperature)
  for (let k = 0; k < sums.length; k++) sums[k] = (sums[k] as number) / total
}

export type Labelled = Example & { label: number; weight: number }
export type Fit = { buckets: number; dense: number; epochs: number; gramPace?: Pace; densePace?: Pace }

/** Classes that exclude each other, by number. */
export function fitClasses(
  examples: readonly Labelled[],
  classes: number,
  { buckets, dense, epochs, gramPace = GRAM_PACE, densePace = DENSE_PACE }: Fit,
): Heads {
  const heads = new Heads(classes, buckets, dense)
  const sums = new Float64Array(classes)
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const i of shuffled(examples.length, 17 + epoch)) {
      const example = examples[i] as Labelled
      heads.sums(example, sums)
      softmax(sums)
      sums[example.label] = (sums[example.label] as number) - 1
      for (let k = 0; k < classes; k++) sums[k] = (sums[k] as number) * example.weight
      heads.learn(example, sums, gramPace, densePace)
    }
  }
  return heads
}

/** One number: a likelihood (`label` 0 to 1) by its logistic, or a value by its square. */
export function fitNumber(
  examples: readonly Labelled[],
  loss: 'logistic' | 'square',
  { buckets, dense, epochs, gramPace = GRAM_PACE, densePace = DENSE_PACE }: Fit,
): Heads {
  const heads = new Heads(1, buckets, dense)
  const sum = new Float64Array(1)
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const i of shuffled(examples.length, 31 + epoch)) {
      const example = examples[i] as Labelled
      heads.sums(example, sum)
      const said = sum[0] as number
      sum[0] = ((loss === 'logistic' ? 1 / (1 + Math.exp(-said)) : said) - example.label) * example.weight
      heads.learn(example, sum, gramPace, densePace)
    }
  }
  return heads
}
