/**
 * How good a ranking is at sending the right prompts to the strong model. PGR at a share c of strong calls is the part of the gap
 * between weak and strong that is recovered; APGR is its mean over c from 0 to 1 (random .5; above 1 is possible where the weak model is
 * sometimes right alone); CPT(p) the least share at which PGR reaches p. RouteLLM's measures, over every cut instead of ten.
 */

export type Curve = { apgr: number; cpt50: number; cpt80: number }

/** `gains`: strong less weak, in the order in which prompts would be sent to the strong model. */
export function curveOf(gains: ArrayLike<number>): Curve {
  let total = 0
  for (let i = 0; i < gains.length; i++) total += gains[i] as number
  if (total <= 0) return { apgr: Number.NaN, cpt50: Number.NaN, cpt80: Number.NaN }
  let sum = 0
  let area = 0
  let cpt50 = 1
  let cpt80 = 1
  for (let i = 0; i < gains.length; i++) {
    const before = sum
    sum += gains[i] as number
    area += (before + sum) / 2
    const share = (i + 1) / gains.length
    if (sum >= 0.5 * total && share < cpt50) cpt50 = share
    if (sum >= 0.8 * total && share < cpt80) cpt80 = share
  }
  return { apgr: area / total / gains.length, cpt50, cpt80 }
}

/** Prompts in the order of `scores`, highest first; equal ones in an order that says nothing. */
export function ranked(scores: ArrayLike<number>, gains: ArrayLike<number>): Float64Array {
  const tie = (i: number) => Math.imul(i ^ 0x5bd1e995, 0x2c1b3c6d) >>> 0
  const order = Array.from({ length: scores.length }, (_, i) => i)
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number) || tie(a) - tie(b))
  return Float64Array.from(order, i => gains[i] as number)
}

export type Interval = { low: number; high: number }
const RESAMPLES = 400

/** 95 % of what other draws of as many prompts would give, by resampling. The ranking is held; only the prompts are drawn. */
export function apgrInterval(inOrder: Float64Array, seed = 11): Interval {
  let state = seed
  const found: number[] = []
  const n = inOrder.length
  const times = new Int32Array(n)
  for (let resample = 0; resample < RESAMPLES; resample++) {
    times.fill(0)
    for (let i = 0; i < n; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      const at = Math.floor((state / 2 ** 32) * n)
      times[at] = (times[at] as number) + 1
    }
    let total = 0
    let area = 0
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < (times[i] as number); k++) {
        area += total + (inOrder[i] as number) / 2
        total += inOrder[i] as number
      }
    }
    if (total > 0) found.push(area / total / n)
  }
  found.sort((a, b) => a - b)
  return { low: found[Math.floor(found.length * 0.025)] ?? Number.NaN, high: found[Math.floor(found.length * 0.975)] ?? Number.NaN }
}
