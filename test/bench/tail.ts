/**
 * A bound to the slowest calls that needs no clock inside the runtime. Of a batch only its sum is known, with the way to the worker and back
 * in it; a call of more than T and the rest of no less than the least leave no room for many such calls in one sum. So
 * the sums tell how many calls of all can have taken more than T, whatever else ran meanwhile: noise makes the bound worse and never too good.
 */

export type Batches = {
  /** Processor time of each batch, the way included. */
  sums_us: readonly number[]
  calls: number
  /** What the way takes at least, and a call. */
  way_us: number
  call_us: number
}

/** Tried in steps of this. */
const STEP_US = 5
const TRIED_MOST_US = 20_000

/** The least T of which it is certain that no more than `share` of the calls took longer. */
export function atMostMicros({ sums_us, calls, way_us, call_us }: Batches, share: number): number {
  for (let bound_us = call_us + STEP_US; bound_us < TRIED_MOST_US; bound_us += STEP_US) {
    let longer = 0
    for (const sum_us of sums_us) {
      const left_us = sum_us - way_us - calls * call_us
      longer += Math.min(calls, Math.max(0, Math.floor(left_us / (bound_us - call_us))))
    }
    if (longer <= share * calls * sums_us.length) return bound_us
  }
  return TRIED_MOST_US
}
