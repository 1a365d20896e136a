/**
 * A stream that is opened before anybody has begun to answer. Callers, and whatever lies between, close connections that say
 * nothing; a target that thinks for twenty seconds says nothing, and so does a walk over three that fail. So after a while the caller gets its
 * status and a comment, then a comment every so often, and the walk goes on behind it as if nothing were: what a target says
 * before its first token is still held back, and a target that fails is still replaced, unseen.
 *
 * The price is the status. It is 200 by then, so that a failure of all targets is an error in the stream, with the status it would have
 * had inside, and who answers cannot stand in the headers: those that were not known yet come as comments ahead of the answer.
 *
 * Whatever the caller's format, what is written here are comments, which every reader of server-sent events skips: a format's own ping may not
 * come before its first event. Answers that are no such stream wait for their first byte: into JSON or sound nothing can be written ahead.
 */
import { statusOf } from '../core/errors.ts'
import { ok, type Result } from '../core/result.ts'
import type { Opening } from '../stream/guard.ts'
import { encodeEvents } from '../stream/sse.ts'
import { type Outlet, outlet } from '../stream/tap.ts'
import type { Call, Carried, Carrier, Ended } from './call.ts'
import { HEADERS } from './deliver.ts'
import { dispatch } from './dispatch.ts'

/** A stream that can be opened, with nobody yet who answers. */
export type Opened = {
  target: null
  status: 200
  headers: Record<string, string>
  /** Opens it. `says` gives what the headers would have held, once somebody answers. */
  release(says: (answer: Carried) => Record<string, string>): { body: ReadableStream<Uint8Array>; ended: Promise<Ended> }
  /** Stops the walk: the caller gets this error instead. */
  abandon: (error: NonNullable<Ended['error']>) => Promise<Ended>
}

/** An answer that is ready to leave, or a stream that should be opened without one; whichever comes first. */
export function dispatchInTime(call: Call, carrier: Carrier): Promise<Result<Carried | Opened, Ended>> {
  const { open_after_ms } = call.record.plan
  if (open_after_ms === undefined || call.passage !== undefined) return dispatch(call, carrier)
  return new Promise((resolve, reject) => {
    const opening: Opening = {
      at_ms: call.started_at_ms + open_after_ms,
      tell: () => resolve(ok(opened(call, carrier, walked, opening))),
      left: false,
      onLeft: [],
    }
    const walked = dispatch(call, carrier, opening)
    walked.then(resolve, reject)
  })
}

type Walked = Promise<Result<Carried, Ended>>

function opened(call: Call, carrier: Carrier, walked: Walked, opening: Opening): Opened {
  const leave = () => {
    opening.left = true
    for (const tell of opening.onLeft) tell()
  }
  return {
    target: null,
    status: 200,
    headers: HEADERS.events,
    release(says) {
      const open = outlet()
      const stop = keptAlive(open, call, carrier, leave)
      const ended = walked.then(
        carried => {
          stop()
          if (!carried.ok) return failed(open, carried.error, call)
          const answer = carried.value
          // Its failure shows in the next write, which somebody listens to.
          open.writer.write(comments({ ...answer.headers, ...says(answer) })).catch(leave)
          return answer.releaseInto(open)
        },
        async (problem: unknown) => {
          stop()
          await open.writer.write(encodeEvents(errorEvents(call, null))).then(() => open.writer.close(), leave)
          throw problem
        },
      )
      return { body: open.readable, ended }
    },
    async abandon(error) {
      leave()
      const carried = await walked
      return carried.ok ? carried.value.abandon(error) : { ...carried.error, outcome: 'failed', error, status: statusOf(error) }
    },
  }
}

/** Writes at once and then every so often, until stopped. A write that fails is how a caller who left is noticed. */
function keptAlive({ writer }: Outlet, call: Call, { effects }: Carrier, onLeft: () => void): () => void {
  const { keep_alive_ms } = call.record.plan
  let writing = false
  let stopped = false
  let cancelBeat: (() => void) | null = null
  const beat = () => {
    if (stopped) return
    if (keep_alive_ms !== undefined) cancelBeat = effects.after(keep_alive_ms, beat)
    // A caller who does not read is not written to without end.
    if (writing) return
    writing = true
    writer.write(KEEP_ALIVE).then(
      () => {
        writing = false
      },
      () => {
        stopped = true
        onLeft()
      },
    )
  }
  beat()
  return () => {
    stopped = true
    cancelBeat?.()
  }
}

/** Nobody answered. The stream ends as one with an error ends in the caller's format. */
async function failed({ writer }: Outlet, ended: Ended, call: Call): Promise<Ended> {
  const sent: Ended = { ...ended, status: 200 }
  if (ended.outcome === 'caller_left') {
    writer.abort().catch(() => {})
    return sent
  }
  return writer
    .write(encodeEvents(errorEvents(call, ended.error)))
    .then(() => writer.close())
    .then(
      () => sent,
      () => sent,
    )
}

const errorEvents = ({ dialect, record }: Call, error: Ended['error']) =>
  dialect.error.writeInBand(error ?? { code: 'internal', reference: record.decision_id })

const ENCODER = new TextEncoder()
const KEEP_ALIVE = ENCODER.encode(': keep-alive\n\n')

/** Headers that came too late to be any, one a line; those that the caller got are not said again. */
function comments(headers: Record<string, string>): Uint8Array {
  const late = Object.entries(headers).filter(([name]) => !(name in HEADERS.events))
  return ENCODER.encode(`${late.map(([name, value]) => `: ${name}: ${value}\n`).join('')}\n`)
}
