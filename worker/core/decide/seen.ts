/**
 * A snapshot of health as columns, one entry a target. A snapshot serves for about a second and hundreds of decisions, so what
 * can be read out of it is read once: logarithms are turned back into times, and the few targets that are not simply well marked.
 *
 * It is remembered by the identity of the snapshot's targets, which nobody changes once they are made. As with `prepared`, without
 * the memory every decision would be the same, only slower.
 */
import { SIZE_CLASSES, type SizeClass } from '../../schema/features.ts'
import type { HealthSnapshot, TargetHealth } from '../../schema/health.ts'
import type { LiveTarget } from './world.ts'

export type Seen = {
  health: readonly (TargetHealth | undefined)[]
  /** 1 where something of its health may keep a request away: it is not `closed`, was rate-limited, or refused the credential. */
  unwell: Uint8Array
  /** 1 where it is flagged as slow. */
  slow: Uint8Array
  /** By size class as in `SIZE_CLASSES`, and within it by target: measured time to first token; NaN where nothing was measured. */
  first_token_ms: readonly Float64Array[]
  /** Measured, else the prior. */
  tokens_per_second: Float64Array
}

/**
 * What is seen of these targets. Of a new snapshot only those are read anew of which it says something new: one that was merged
 * with an isolate's own experience shares all others with the one before.
 */
export function seer(targets: readonly LiveTarget[]): (snapshot: HealthSnapshot) => Seen {
  const count = targets.length
  const health: (TargetHealth | undefined)[] = new Array(count).fill(undefined)
  const seen = {
    health,
    unwell: new Uint8Array(count),
    slow: new Uint8Array(count),
    first_token_ms: SIZE_CLASSES.map(() => new Float64Array(count).fill(Number.NaN)),
    tokens_per_second: Float64Array.from(targets, each => each.tokens_per_second),
  }
  let of: HealthSnapshot['targets'] | null = null
  return ({ targets: told }) => {
    if (of === told) return seen
    of = told
    for (let i = 0; i < count; i++) {
      const target = targets[i] as LiveTarget
      const state = told[target.id]
      if (state === health[i]) continue
      health[i] = state
      seen.unwell[i] = state && (state.state !== 'closed' || state.limited_until_ms !== null || state.auth_broken_until_ms !== null) ? 1 : 0
      seen.slow[i] = state?.slow ? 1 : 0
      seen.tokens_per_second[i] =
        state && state.ln_tokens_per_second !== null ? Math.exp(state.ln_tokens_per_second) : target.tokens_per_second
      measured(state, i, seen.first_token_ms)
    }
    return seen
  }
}

/** Measured in this size class, else in the nearest smaller, else in the nearest larger; NaN where nothing was. */
function measured(state: TargetHealth | undefined, i: number, by_size: Float64Array[]): void {
  let nearest = Number.NaN
  for (let size = 0; size < SIZE_CLASSES.length; size++) {
    const ln = state?.ln_first_token_ms[SIZE_CLASSES[size] as SizeClass] ?? null
    if (ln !== null) {
      const first_token_ms = Math.exp(ln)
      // The smallest measured serves all that are smaller still.
      if (Number.isNaN(nearest)) for (let smaller = 0; smaller < size; smaller++) (by_size[smaller] as Float64Array)[i] = first_token_ms
      nearest = first_token_ms
    }
    ;(by_size[size] as Float64Array)[i] = nearest
  }
}
