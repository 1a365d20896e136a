/**
 * Repeatable chance. A whole simulation hangs on one seed: every question has its own number, worked out from the seed and
 * from what is asked (which request, which target, which try), never from how many were asked before it. So two ways to
 * carry the same request meet the same fate, and taking one cause away leaves all other fates as they were.
 */

/** Uniform in [0, 1) for these numbers; murmur3's mixing, which spreads neighbouring numbers well. */
export function chanceOf(seed: number, a: number, b: number, c: number): number {
  let hash = mixed(mixed(mixed(seed | 0, a), b), c)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296
}

function mixed(hash: number, value: number): number {
  const spread = Math.imul(Math.imul(value | 0, 0xcc9e2d51) ^ (value >>> 17), 0x1b873593)
  const turned = hash ^ spread
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0
}

/** A stream of draws, for what is asked in a fixed order (mulberry32). */
export function draws(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let hash = Math.imul(state ^ (state >>> 15), 1 | state)
    hash = (hash + Math.imul(hash ^ (hash >>> 7), 61 | hash)) ^ hash
    return ((hash ^ (hash >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Log-normal with this median and spread of the logarithm, as times to first token are. */
export function logNormal(median: number, sigma: number, u: number, v: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v)
  return median * Math.exp(sigma * normal)
}

/** The time to the next of independent events, which come at this rate. */
export const wait = (mean: number, u: number): number => -mean * Math.log(1 - u)
