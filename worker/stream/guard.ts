/**
 * What may end a wait: a deadline, or the caller going away. A request has one guard from its start to its end; everything
 * that waits for an upstream waits under it.
 *
 * One timer serves all deadlines. When a deadline moves away, as the one between two events does with every event, nothing
 * is done: the timer that is already running fires, sees that it was early, and sleeps for the rest. Only a nearer deadline
 * starts a new one. So an event in a stream costs one comparison, not one timer.
 *
 * A timer is `setTimeout`, and taken back when the waiting is over: on workerd 2 us, where one that is left to its request's end costs 3 and
 * stays in memory until then, one as a promise (`scheduler.wait`) 5, and cancelling that by an AbortSignal 30 to 70.
 */
import type { Ms } from '../schema/units.ts'

/** The part of the world that waiting needs. */
export type Clock = {
  nowMs(): Ms
  /** Calls back after the wait, unless the function it gives is called before. */
  after(wait_ms: Ms, callback: () => void): () => void
}

export type Phase = 'headers' | 'first_token' | 'idle' | 'total'
export type Interruption = { by: 'caller' } | { by: 'clock'; phase: Phase; limit_ms: Ms }
export type Waited<T> = { done: true; value: T } | { done: false; interruption: Interruption }

/** A moment of a request that each of its guards knows of, and a second way to hear that the caller is gone: a write that fails. */
export type Opening = {
  at_ms: Ms
  /** The moment has come while something was being waited for. May be called again. */
  tell(): void
  /** Set, and each guard told, once the caller is known to be gone. */
  left: boolean
  onLeft: (() => void)[]
}

export type Guard = {
  /** From now on, `limit_ms` for this phase; never beyond the request's own end. Who knows the time already passes it on. */
  allow(phase: Phase, limit_ms: Ms, now_ms?: Ms): void
  /** Tells once when this moment comes while something is still being waited for; null takes it back. It interrupts nothing. */
  notice(at_ms: Ms, onNotice: (() => void) | null): void
  /** Only the request's own end counts, as while nothing is being waited for. */
  relax(): void
  /** Waits for a promise, or for what interrupts it. Its rejection passes through; after an interruption it is ignored. */
  wait<T>(promise: Promise<T>): Promise<Waited<T>>
  /** Called once when an interruption comes while nobody waits. Called at once if it has already come. */
  watch(onInterrupted: ((interruption: Interruption) => void) | null): void
  /** Until the request's own end. */
  remainingMs(): Ms
  /** Has the caller gone away? */
  left(): boolean
  /** Nothing is heard any more; lets go of the caller's signal. */
  stop(): void
}

export function guard(clock: Clock, gone: AbortSignal, started_at_ms: Ms, total_ms: Ms, opening?: Opening): Guard {
  const ends_at_ms = started_at_ms + total_ms
  let phase: Phase = 'total'
  let limit_ms = total_ms
  let due_ms = ends_at_ms
  let wakes_ms = Number.POSITIVE_INFINITY
  let cancelTimer: (() => void) | null = null
  let stopped = false
  let notice_ms = Number.POSITIVE_INFINITY
  let noticed: (() => void) | null = null
  let opens_ms = opening?.at_ms ?? Number.POSITIVE_INFINITY
  let listener: ((interruption: Interruption) => void) | null = null

  const interrupt = (interruption: Interruption) => {
    const heard = listener
    listener = null
    heard?.(interruption)
  }
  const onGone = () => interrupt({ by: 'caller' })
  const hasLeft = () => gone.aborted || opening?.left === true
  const sleepUntil = (at_ms: Ms) => {
    cancelTimer?.()
    wakes_ms = at_ms
    cancelTimer = clock.after(Math.max(0, at_ms - clock.nowMs()), onTimer)
  }
  const onTimer = () => {
    wakes_ms = Number.POSITIVE_INFINITY
    if (listener === null) return
    if (clock.nowMs() >= opens_ms) {
      opens_ms = Number.POSITIVE_INFINITY
      opening?.tell()
    }
    if (clock.nowMs() >= notice_ms) {
      const tell = noticed
      notice_ms = Number.POSITIVE_INFINITY
      noticed = null
      tell?.()
    }
    if (clock.nowMs() >= due_ms) interrupt({ by: 'clock', phase, limit_ms })
    else sleepUntil(Math.min(due_ms, notice_ms, opens_ms))
  }
  /** A timer runs only while somebody listens. */
  const arm = () => {
    const next_ms = Math.min(due_ms, notice_ms, opens_ms)
    if (!stopped && listener !== null && next_ms < wakes_ms) sleepUntil(next_ms)
  }
  const listen = (next: (interruption: Interruption) => void) => {
    if (hasLeft()) return next({ by: 'caller' })
    if (clock.nowMs() >= due_ms) return next({ by: 'clock', phase, limit_ms })
    listener = next
    arm()
  }
  gone.addEventListener('abort', onGone)
  opening?.onLeft.push(onGone)

  return {
    allow(next_phase, next_limit_ms, now_ms = clock.nowMs()) {
      const at_ms = now_ms + next_limit_ms
      if (at_ms < ends_at_ms) {
        phase = next_phase
        limit_ms = next_limit_ms
        due_ms = at_ms
      } else {
        phase = 'total'
        limit_ms = total_ms
        due_ms = ends_at_ms
      }
      arm()
    },
    notice(at_ms, onNotice) {
      notice_ms = onNotice === null ? Number.POSITIVE_INFINITY : at_ms
      noticed = onNotice
      arm()
    },
    relax() {
      phase = 'total'
      limit_ms = total_ms
      due_ms = ends_at_ms
      arm()
    },
    wait: <T>(promise: Promise<T>) =>
      new Promise<Waited<T>>((resolve, reject) => {
        listen(interruption => resolve({ done: false, interruption }))
        const mine = listener
        const release = () => {
          if (listener === mine) listener = null
        }
        promise.then(
          value => {
            release()
            resolve({ done: true, value })
          },
          (reason: unknown) => {
            release()
            reject(reason)
          },
        )
      }),
    watch(onInterrupted) {
      if (onInterrupted === null) listener = null
      else listen(onInterrupted)
    },
    remainingMs: () => Math.max(0, ends_at_ms - clock.nowMs()),
    left: hasLeft,
    stop() {
      stopped = true
      listener = null
      cancelTimer?.()
      gone.removeEventListener('abort', onGone)
    },
  }
}
