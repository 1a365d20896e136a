/**
 * The rules by which others decide that a target is broken, each as its published source and defaults have it, behind one
 * small interface. They are here to be measured beside our gate, under the same requests.
 *
 * `admits` is asked before each request and `saw` told of each answer. While a rule does not admit, it says from when it will;
 * those that probe admit one request then (`half_open`), those that do not simply start again.
 */
import type { Ms } from '../schema/units.ts'

export type Rule = {
  admits(now_ms: Ms): boolean
  saw(ok: boolean, now_ms: Ms): void
}
export type MadeRule = { name: string; source: string; make(): Rule }

/** Shut until a time; then, with `probing`, one request finds out. `wait_ms` of the n-th opening in a row. */
function shutter(wait_ms: (in_row: number) => Ms, probing: boolean) {
  let until_ms = 0
  let in_row = 0
  let half_open = false
  let asked_at_ms = 0
  return {
    admits(now_ms: Ms): boolean {
      if (now_ms < until_ms) return false
      if (!half_open) return true
      // A probe that never answers does not shut a target for good.
      if (asked_at_ms > 0 && now_ms - asked_at_ms < 30_000) return false
      asked_at_ms = now_ms
      return true
    },
    open(now_ms: Ms) {
      until_ms = now_ms + wait_ms(in_row)
      in_row++
      half_open = probing
      asked_at_ms = 0
    },
    /** True where the answer was a probe's, and so no part of the ordinary count. */
    probed(ok: boolean, now_ms: Ms): boolean {
      if (now_ms < until_ms) return true
      if (!half_open) return false
      half_open = false
      if (ok) in_row = 0
      else this.open(now_ms)
      return true
    },
  }
}

/** Counts in slices of time, of which the last `slices` count. */
function windowed(slice_ms: Ms, slices: number) {
  const at: number[] = new Array(slices).fill(-1)
  const ok: number[] = new Array(slices).fill(0)
  const failed: number[] = new Array(slices).fill(0)
  return {
    add(success: boolean, now_ms: Ms) {
      const slice = Math.floor(now_ms / slice_ms)
      const i = slice % slices
      if (at[i] !== slice) {
        at[i] = slice
        ok[i] = 0
        failed[i] = 0
      }
      if (success) ok[i] = (ok[i] ?? 0) + 1
      else failed[i] = (failed[i] ?? 0) + 1
    },
    sum(now_ms: Ms): { total: number; failed: number } {
      const least = Math.floor(now_ms / slice_ms) - slices + 1
      let good = 0
      let bad = 0
      for (let i = 0; i < slices; i++) {
        if ((at[i] ?? -1) < least) continue
        good += ok[i] ?? 0
        bad += failed[i] ?? 0
      }
      return { total: good + bad, failed: bad }
    },
    clear() {
      at.fill(-1)
    },
  }
}

/** A share of failures over a window, above a least number of requests. */
function ratio(slice_ms: Ms, slices: number, share: number, least: number, wait_ms: Ms, probing: boolean, inclusive: boolean): Rule {
  const counts = windowed(slice_ms, slices)
  const shut = shutter(() => wait_ms, probing)
  return {
    admits: shut.admits,
    saw(ok, now_ms) {
      if (shut.probed(ok, now_ms)) return
      counts.add(ok, now_ms)
      const { total, failed } = counts.sum(now_ms)
      const rate = failed / total
      if (total < least || !(inclusive ? rate >= share : rate > share)) return
      counts.clear()
      shut.open(now_ms)
    },
  }
}

export const BASELINES: MadeRule[] = [
  {
    name: 'LiteLLM',
    source: 'more than half of the clock minute failed, of more than one; 5 s, no probe',
    make: () => ratio(60_000, 1, 0.5, 2, 5_000, false, false),
  },
  {
    name: 'opossum',
    source: 'half of the last 10 s failed, of any number; 30 s, then a probe (10.0.0)',
    make: () => ratio(1_000, 10, 0.5, 1, 30_000, true, false),
  },
  {
    name: 'Envoy, consecutive',
    source: 'five in a row; 30 s times the ejections in a row, 300 s at most, no probe',
    make: () => {
      let row = 0
      const shut = shutter(in_row => Math.min(300_000, 30_000 * (in_row + 1)), false)
      return {
        admits: shut.admits,
        saw(ok, now_ms) {
          if (shut.probed(ok, now_ms)) return
          row = ok ? 0 : row + 1
          if (row < 5) return
          row = 0
          shut.open(now_ms)
        },
      }
    },
  },
  {
    name: 'Finagle',
    source: 'five in a row, or a success rate below 0.8 (EWMA over 30 s, five requests); 5 s doubling to 300 s, then a probe',
    make: () => {
      let row = 0
      let seen = 0
      let rate = 1
      let at_ms = 0
      const shut = shutter(in_row => Math.min(300_000, 5_000 * 2 ** in_row), true)
      return {
        admits: shut.admits,
        saw(ok, now_ms) {
          if (shut.probed(ok, now_ms)) return
          const kept = seen === 0 ? 0 : Math.exp(-(now_ms - at_ms) / 30_000)
          rate = rate * kept + (ok ? 1 : 0) * (1 - kept)
          at_ms = now_ms
          seen++
          row = ok ? 0 : row + 1
          if (row < 5 && !(seen >= 5 && rate < 0.8)) return
          row = 0
          seen = 0
          rate = 1
          shut.open(now_ms)
        },
      }
    },
  },
  {
    name: 'Linkerd, unified',
    source: 'seven in a row, or a success rate below 0.8 over 10 s of ten requests; 1 s doubling to 60 s, then a probe',
    make: () => {
      let row = 0
      const counts = windowed(1_000, 10)
      const shut = shutter(in_row => Math.min(60_000, 1_000 * 2 ** in_row), true)
      return {
        admits: shut.admits,
        saw(ok, now_ms) {
          if (shut.probed(ok, now_ms)) return
          counts.add(ok, now_ms)
          row = ok ? 0 : row + 1
          const { total, failed } = counts.sum(now_ms)
          if (row < 7 && !(total >= 10 && failed / total > 0.2)) return
          row = 0
          counts.clear()
          shut.open(now_ms)
        },
      }
    },
  },
  {
    name: 'resilience4j',
    source: 'half of the last 100 calls failed; 60 s, then probes',
    make: () => {
      const last: boolean[] = []
      let failed = 0
      const shut = shutter(() => 60_000, true)
      return {
        admits: shut.admits,
        saw(ok, now_ms) {
          if (shut.probed(ok, now_ms)) return
          last.push(ok)
          if (!ok) failed++
          if (last.length > 100 && last.shift() === false) failed--
          if (last.length < 100 || failed < 50) return
          last.length = 0
          failed = 0
          shut.open(now_ms)
        },
      }
    },
  },
  {
    name: 'Polly v8',
    source: 'a tenth of the last 30 s failed, of 100 calls; 5 s, then a probe',
    make: () => ratio(3_000, 10, 0.1, 100, 5_000, true, true),
  },
  {
    name: 'Helicone',
    source: 'more than a tenth of the last 60 s failed, of twenty; the window slides on, no probe',
    make: () => ratio(6_000, 10, 0.1, 20, 5_000, false, false),
  },
]
