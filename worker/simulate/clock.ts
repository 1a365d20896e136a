/**
 * The clock of a simulated world: it stands still until nothing can happen without it, then jumps to the next thing that is
 * waited for. Things due at the same moment happen in the order in which they were asked for, so a run replays exactly.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Ms } from '../schema/units.ts'

type Event = { at_ms: Ms; order: number; run(): void }

export type SimClock = {
  nowMs(): Ms
  at(at_ms: Ms, run: () => void): void
  sleep(wait_ms: Ms, signal?: AbortSignal): Promise<void>
  /** Calls back after the wait, unless the function it gives is called before. */
  after(wait_ms: Ms, callback: () => void): () => void
  /** Runs everything that is due until then, where nothing waits on promises. */
  runUntil(until_ms: Ms): void
  /** The same, letting promises settle after each thing that happens. */
  settleUntil(until_ms: Ms): Promise<void>
}

/** A chunk passes through several turns of promises on its way; with fewer than this, runs of one seed would differ. */
const TURNS = 4

export function simClock(start_ms: Ms): SimClock {
  let now_ms = start_ms
  let order = 0
  const heap: Event[] = []

  const before = (a: Event | undefined, b: Event | undefined) =>
    a !== undefined && b !== undefined && (a.at_ms < b.at_ms || (a.at_ms === b.at_ms && a.order < b.order))

  function swap(i: number, j: number): void {
    const [a, b] = [heap[i], heap[j]]
    if (a === undefined || b === undefined) return
    heap[i] = b
    heap[j] = a
  }
  function push(event: Event): void {
    let i = heap.push(event) - 1
    for (let up = (i - 1) >> 1; i > 0 && before(heap[i], heap[up]); up = (i - 1) >> 1) {
      swap(i, up)
      i = up
    }
  }
  function pop(): Event | undefined {
    const first = heap[0]
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return first
    heap[0] = last
    for (let i = 0; ; ) {
      const left = 2 * i + 1
      const least = before(heap[left + 1], heap[left]) ? left + 1 : left
      if (!before(heap[least], heap[i])) return first
      swap(i, least)
      i = least
    }
  }
  function next(until_ms: Ms): Event | undefined {
    if ((heap[0]?.at_ms ?? Number.POSITIVE_INFINITY) > until_ms) return undefined
    const event = pop()
    now_ms = Math.max(now_ms, event?.at_ms ?? now_ms)
    return event
  }
  const at = (at_ms: Ms, run: () => void) => push({ at_ms: Math.max(now_ms, at_ms), order: order++, run })

  return {
    nowMs: () => now_ms,
    at,
    sleep: (wait_ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
        at(now_ms + wait_ms, resolve)
      }),
    after(wait_ms, callback) {
      let cancelled = false
      at(now_ms + wait_ms, () => {
        if (!cancelled) callback()
      })
      return () => {
        cancelled = true
      }
    },
    runUntil(until_ms) {
      for (let event = next(until_ms); event !== undefined; event = next(until_ms)) event.run()
      now_ms = until_ms
    },
    async settleUntil(until_ms) {
      for (let event = next(until_ms); event !== undefined; event = next(until_ms)) {
        event.run()
        for (let turn = 0; turn < TURNS; turn++) await nextTurn()
      }
      now_ms = until_ms
    },
  }
}
