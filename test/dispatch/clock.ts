/**
 * Virtual time: it stands still until nothing can happen without it, then jumps to the next thing that is waited for.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'

type Sleeper = { at_ms: number; wake(): void }

export type VirtualClock = {
  nowMs(): number
  sleep(wait_ms: number, signal?: AbortSignal): Promise<void>
  after(wait_ms: number, callback: () => void): () => void
  /** Lets everything happen that can, until the promise settles. Fails when nothing would ever settle it. */
  run<T>(promise: T | Promise<T>): Promise<T>
  /** Lets everything happen that can happen now. */
  settle(): Promise<void>
  /** Jumps ahead, stopping at each thing that is waited for on the way. */
  advance(by_ms: number): Promise<void>
  readonly sleeping: number
}

export function virtualClock(start_ms = 1_000_000): VirtualClock {
  let now_ms = start_ms
  const sleepers: Sleeper[] = []

  /** Streams hand a chunk on over several turns of promises; this many turns without a timer is standstill. */
  const settle = async () => {
    for (let turn = 0; turn < 6; turn++) await nextTurn()
  }
  const wakeNext = (until_ms: number): boolean => {
    sleepers.sort((one, other) => one.at_ms - other.at_ms)
    const next = sleepers[0]
    if (next === undefined || next.at_ms > until_ms) return false
    sleepers.shift()
    now_ms = Math.max(now_ms, next.at_ms)
    next.wake()
    return true
  }

  const take = (sleeper: Sleeper) => {
    const at = sleepers.indexOf(sleeper)
    if (at >= 0) sleepers.splice(at, 1)
  }

  return {
    nowMs: () => now_ms,
    sleep: (wait_ms, signal) =>
      new Promise((resolve, reject) => {
        if (!(wait_ms >= 0)) throw new Error(`a sleep of ${wait_ms} ms`)
        if (signal?.aborted) return reject(signal.reason)
        const sleeper: Sleeper = { at_ms: now_ms + wait_ms, wake: resolve }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', () => {
          take(sleeper)
          reject(signal.reason)
        })
      }),
    after(wait_ms, callback) {
      if (!(wait_ms >= 0)) throw new Error(`a wait of ${wait_ms} ms`)
      const sleeper: Sleeper = { at_ms: now_ms + wait_ms, wake: callback }
      sleepers.push(sleeper)
      return () => take(sleeper)
    },
    async run(promise) {
      let settled = false
      const mark = () => {
        settled = true
      }
      Promise.resolve(promise).then(mark, mark)
      for (;;) {
        await settle()
        if (settled) return promise
        if (!wakeNext(Number.POSITIVE_INFINITY)) throw new Error('standstill: nothing that is waited for will ever happen')
      }
    },
    settle,
    async advance(by_ms) {
      const until_ms = now_ms + by_ms
      await settle()
      while (wakeNext(until_ms)) await settle()
      now_ms = until_ms
    },
    get sleeping() {
      return sleepers.length
    },
  }
}
