/**
 * After the commit point: the answer flows to the caller, watched. The pump reads the target, hands each chunk to the relay,
 * and writes what the relay lets through; it knows when the target is silent too long, when the caller has gone, and how it
 * ended, and it says so exactly once. An answer that was cut ends in an error in the caller's own format, never in silence.
 *
 * CONSTRUCTION, CHOSEN BY NUMBERS (2026-11-24, two shared cores with other work on them, plain `workerd serve` 1.20261023.1, 16
 * connections, 200 events of 190 bytes, CPU microseconds per event, medians of 3 to 4 interleaved rounds):
 *
 *     path                                              burst   paced 5 ms
 *     native `return fetch()`                            8-9      26-33
 *     pipeTo an IdentityTransformStream                   10         34
 *     tee, other branch read in JavaScript                27         67
 *     reader and writer, each write awaited            35-37      67-95
 *       the same, reads into own buffers (BYOB)           34      65-78
 *       the same, writes not awaited                      38      72-80
 *     pull or push ReadableStream, bytes or not        39-41      73-87
 *     JavaScript TransformStream                          48         82
 *     reading alone                                    14-15
 *     reader and writer, writes within 1 ms as one        26         86
 *     reader and writer, writes within 2 ms as one     22-26      67-92
 *     all of dispatch around it, within 2 ms           28-29      72
 *     all of dispatch around it, within 4 ms (this)    21-24      73 (104 beside a native 34)
 *
 * A read costs about 6 over native, a write 20. So in a burst, writes are gathered: the first chunk goes out at once, what comes
 * within `GATHER_MS` of it goes out together. Tokens at the speed of most models are further apart than that and wait for nothing;
 * of the fastest, one may wait 4 ms. That is 2.6 times native in a burst and 2.8 times paced. Since then reads go into lent memory
 * (`chunks.ts`): of a burst .96 of the time before, with a standard error of .02 (80 interleaved pairs on busy cores); paced, no difference was seen.
 * Rejected: `tee` with the observer's branch read ten times a second (13 and 44) is cheaper still, but its other branch buffers
 * without bound for a slow caller, and events have already been delivered by the time they are looked at. A stream pulled by the
 * response is not told when the caller leaves (`cancel` is never called on workerd); a writer is: its write rejects.
 *
 * One write is under way at a time; what arrives meanwhile is gathered, and beyond `BUFFERED_AT_MOST` the target is not read.
 *
 * An answer that broke off may be taken up by another source (`rescue`), once: nothing is read until it is there, and what had come
 * whole before the break is written meanwhile.
 */
import type { ChunkReader } from './chunks.ts'
import { joined } from './frames.ts'
import { type Clock, type Guard, guard as guardOf, type Interruption } from './guard.ts'
import type { Relay } from './relay.ts'

/** Chunks closer together than this are written together. */
const GATHER_MS = 4
/** For a caller who reads slowly, beside the write under way, which is as large at most. */
export const BUFFERED_AT_MOST = 128 * 1024
/** After the reason to end, usage and the terminator follow at once or not at all. */
export const AFTER_FINISH_MS = 2_000

/** How an answer ended, once it had begun. */
export type TapEnd =
  | { how: 'complete' }
  /** The caller went away before the end. */
  | { how: 'left' }
  /** The stream closed, or its terminator came, with no reason to end. */
  | { how: 'truncated'; message: string }
  /** The target reported an error in band; it is in `relay.seen.error`. */
  | { how: 'error' }
  | { how: 'late'; interruption: Extract<Interruption, { by: 'clock' }> }

/** Where an answer comes from. */
export type Source = {
  reader: ChunkReader
  relay: Relay
  idle_ms: number
  /** Closes the connection to the target. */
  abort(): void
}

export type Broken = Exclude<TapEnd, { how: 'complete' | 'left' }>

/** A stream on its way to the caller: what is written comes out of `readable`. */
export type Outlet = { readable: ReadableStream<Uint8Array>; writer: WritableStreamDefaultWriter<Uint8Array> }

export function outlet(): Outlet {
  const { readable, writable } = new IdentityTransformStream()
  return { readable, writer: writable.getWriter() }
}

export type Tapped = { readable: ReadableStream<Uint8Array>; ended: Promise<TapEnd> }

const NEVER = new AbortController().signal

export type TapOptions = Source & {
  guard: Guard
  clock: Clock
  /** Where the answer goes, if the caller's stream is open already. */
  into?: Outlet | undefined
  /** What the caller is told where the answer does not end well: an error event and the terminator, in its own format. Null where that has none. */
  errorBytes(end: TapEnd): Uint8Array | null
  /** Looks for somebody who goes on where the answer broke off; null where nobody does. It waits under the same guard. */
  rescue?: ((end: Broken) => Promise<Source | null>) | undefined
  /** Written where the target has said nothing for so long, for the sake of what lies between us and the caller. */
  keep_alive?: { bytes: Uint8Array; every_ms: number } | undefined
  /** Is shown each piece of the answer as it is written. */
  copy?: ((bytes: Uint8Array) => void) | undefined
  /** The caller went away in the middle: so long the rest is read all the same, for its counts; at 0 the connection is closed at once. */
  readsOnFor?(): number
}

export function tap({ guard, clock, into = outlet(), errorBytes, rescue, readsOnFor, keep_alive, copy, ...first }: TapOptions): Tapped {
  let { reader, relay, idle_ms, abort }: Source = first
  let may_rescue = rescue !== undefined
  let rescuing = false
  /** Of the source before, where the caller is slow. */
  let unsent: Uint8Array[] | null = null
  let onRead: (result: ReadableStreamReadResult<Uint8Array>) => void = () => {}
  let onBroken: (problem: unknown) => void = () => {}
  /** Takes what comes after the caller has gone; null for a connection that broke. */
  let dropped: ((result: ReadableStreamReadResult<Uint8Array> | null) => void) | null = null
  const { writer } = into
  let settle: (end: TapEnd) => void = () => {}
  const ended = new Promise<TapEnd>(resolve => {
    settle = resolve
  })
  let end: TapEnd | null = null
  let reading = false
  let writing = false
  let gathering = false
  let wrote_at_ms = Number.NEGATIVE_INFINITY

  /** The caller is gone, or everything was delivered: the last step, taken once. */
  const close = (how: TapEnd) => {
    guard.stop()
    settle(how)
  }

  /** Nothing more is read of this source. What was gathered is still delivered, then the error where there is one. */
  const finish = (how: TapEnd) => {
    if (end !== null) return
    if (may_rescue && how.how !== 'complete' && how.how !== 'left' && !guard.left()) {
      look(how)
      return
    }
    end = how
    guard.relax()
    if (how.how !== 'complete' || reading) abort()
    else if (relay.state === 'ended') letClose()
    if (how.how === 'left') {
      writer.abort().catch(gone)
      close(how)
      return
    }
    if (guard.left()) {
      close(how.how === 'complete' ? how : { how: 'left' })
      return
    }
    guard.watch(({ by }) => {
      if (by === 'caller') onCallerGone()
    })
    flush()
  }

  const look = (how: Broken) => {
    may_rescue = false
    rescuing = true
    guard.watch(null)
    abort()
    const found = (source: Source | null) => {
      rescuing = false
      // The caller went away while somebody was looked for.
      if (end !== null) {
        source?.abort()
        return
      }
      if (source === null) {
        finish(guard.left() ? { how: 'left' } : how)
        return
      }
      unsent = relay.take()
      reader = source.reader
      relay = source.relay
      idle_ms = source.idle_ms
      abort = source.abort
      reading = false
      begin()
    }
    flush()
    rescue?.(how).then(found, () => found(null))
  }

  /** Behind the terminator comes the end of the stream; read to it, and the connection can be used again. Anything else closes it. */
  const letClose = () => {
    reader.read().then(({ done }) => {
      if (!done) abort()
    }, gone)
  }

  /** After the end of the answer it makes no difference to what it was; before it, it is the end. */
  const onCallerGone = () => {
    if (end === null) {
      const drain_ms = rescuing ? 0 : (readsOnFor?.() ?? 0)
      if (drain_ms > 0) drain(drain_ms)
      else finish({ how: 'left' })
    } else close(end.how === 'complete' ? end : { how: 'left' })
  }

  /** Nobody is written to any more. What comes is looked at and dropped, until its end or until the time is up. */
  const drain = (drain_ms: number) => {
    end = { how: 'left' }
    guard.stop()
    writer.abort().catch(gone)
    const patience = guardOf(clock, NEVER, clock.nowMs(), drain_ms)
    const over = (ended: boolean) => {
      dropped = null
      patience.stop()
      if (!ended) abort()
      else if (relay.state === 'ended') letClose()
      close({ how: 'left' })
    }
    dropped = result => {
      if (result?.value !== undefined) relay.push(reader.keep(result.value))
      const closed = result === null || result.done
      if (closed) relay.finish(result === null)
      relay.take()
      if (endOf(relay, closed) !== null) over(!closed || result !== null)
      else reader.read().then(onRead, onBroken)
    }
    patience.watch(() => over(false))
    if (!reading) reader.read().then(onRead, onBroken)
  }

  const flush = (now_ms = clock.nowMs()) => {
    if (writing) return
    const pieces = unsent === null ? relay.take() : [...unsent, ...relay.take()]
    unsent = null
    if (pieces.length > 0) {
      writing = true
      wrote_at_ms = now_ms
      const bytes = joined(pieces)
      if (copy !== undefined) copy(bytes)
      writer.write(bytes).then(onWritten, onCallerGone)
      return
    }
    if (end === null) return
    writing = true
    const last = end
    if (last.how === 'complete') {
      writer.close().then(
        () => close(last),
        () => close(last),
      )
      return
    }
    const told = errorBytes(last)
    if (told === null) {
      writer.abort(new Error('the answer broke off')).catch(gone)
      close(last)
      return
    }
    writer
      .write(told)
      .then(() => writer.close())
      .then(
        () => close(last),
        () => close({ how: 'left' }),
      )
  }

  /** Only whole events are ever written, so it stands between two. Where anything waits to be written, the caller hears of us anyway. */
  const keepAlive = () => {
    if (keep_alive === undefined || end !== null) return
    guard.notice(clock.nowMs() + keep_alive.every_ms, keepAlive)
    if (writing || unsent !== null || relay.waiting_bytes > 0) return
    writing = true
    writer.write(keep_alive.bytes).then(onWritten, onCallerGone)
  }

  const onWritten = () => {
    writing = false
    if (end !== null) flush()
    else {
      const now_ms = clock.nowMs()
      if (relay.waiting_bytes > 0) write(now_ms)
      if (!reading && !rescuing) read(now_ms)
    }
  }

  /** At once where the last write is long enough ago, else together with what follows it closely. */
  const write = (now_ms: number) => {
    if (writing || gathering) return
    if (now_ms - wrote_at_ms >= GATHER_MS) {
      flush(now_ms)
      return
    }
    gathering = true
    clock.after(GATHER_MS, onGathered)
  }

  const onGathered = () => {
    gathering = false
    flush()
  }

  const read = (now_ms: number) => {
    if (relay.waiting_bytes > BUFFERED_AT_MOST) {
      // The caller is slow, which is no fault of the target's.
      guard.relax()
      return
    }
    reading = true
    // Before the limit, so that one timer serves both.
    if (keep_alive !== undefined) guard.notice(now_ms + keep_alive.every_ms, keepAlive)
    guard.allow('idle', relay.seen.finish_raw === null ? idle_ms : Math.min(idle_ms, AFTER_FINISH_MS), now_ms)
    reader.read().then(onRead, onBroken)
  }

  const arrived = (result: ReadableStreamReadResult<Uint8Array>) => {
    reading = false
    if (end !== null || rescuing) {
      dropped?.(result)
      return
    }
    const { done, value } = result
    if (value !== undefined) relay.push(reader.keep(value))
    if (done) relay.finish()
    const how = endOf(relay, done)
    if (how !== null) {
      finish(how)
      return
    }
    const now_ms = clock.nowMs()
    if (relay.waiting_bytes > 0) write(now_ms)
    read(now_ms)
  }

  const broke = (problem: unknown) => {
    if (end !== null || rescuing) {
      dropped?.(null)
      return
    }
    relay.finish(true)
    finish(endOf(relay, true) ?? { how: 'truncated', message: problem instanceof Error ? problem.message : 'the connection broke' })
  }

  const onInterrupted = (interruption: Interruption) => {
    if (interruption.by === 'caller') {
      onCallerGone()
      return
    }
    if (!relay.complete) {
      finish({ how: 'late', interruption })
      return
    }
    // The reason to end was the last that came: the sign of the end is added.
    relay.finish(true)
    finish(endOf(relay, true) ?? { how: 'complete' })
  }

  /** What was held back before the commit is the first write, unless the stream is over with it. */
  const begin = () => {
    // What a source that was left says yet is not heard.
    const mine = reader
    onRead = result => {
      if (mine === reader) arrived(result)
    }
    onBroken = problem => {
      if (mine === reader) broke(problem)
    }
    guard.watch(onInterrupted)
    if (end !== null) return
    const how = endOf(relay, false)
    if (how !== null) finish(how)
    else {
      const now_ms = clock.nowMs()
      flush(now_ms)
      read(now_ms)
    }
  }
  begin()
  return { readable: into.readable, ended }
}

/** The end of an answer, or null while it goes on. */
function endOf(relay: Relay, closed: boolean): TapEnd | null {
  switch (relay.state) {
    case 'ended':
      return { how: 'complete' }
    case 'error':
      return { how: 'error' }
    case 'unfinished':
      return { how: 'truncated', message: 'its terminator came without a reason to end' }
    case 'broken':
      return { how: 'truncated', message: 'too much of it could not be read' }
    case 'diverged':
      return { how: 'truncated', message: 'the target that took it up said it otherwise' }
    case 'open':
      if (!closed) return null
      return relay.complete ? { how: 'complete' } : { how: 'truncated', message: 'the stream closed in the middle' }
  }
}

/** Nobody is left to tell. */
function gone(): void {
  // Whoever held the other end of this stream has let go of it, which is the end that was wanted.
}
