/**
 * An answer in flight between two parties: bytes of the target's dialect in, bytes for the caller out, and beside them the
 * fold of what has been seen. It has no clock and waits for nothing; `peek` and `tap` feed it.
 *
 * Where both sides speak the same dialect the bytes out are the bytes in, but for four things that are never forwarded: an
 * event that is not JSON (clients throw on it), an error in band (it may quote a key; the caller gets ours instead), a
 * terminator that comes before any reason to end (it would make a cut answer look whole), and whatever follows the
 * terminator. Where they differ, events are read into the neutral form and written anew.
 *
 * Most chunks of a long answer hold plain text deltas. The dialect tells so from the bytes (`dull`), and they are forwarded
 * unparsed; one in sixteen is parsed all the same, so that the count of characters stays a fair estimate.
 */

import type { Restorer } from '../core/understand/redact.ts'
import type { Dialect, Observation, SseEvent } from '../dialects/dialect.ts'
import { nothingSeen } from '../dialects/dialect.ts'
import type { Loss, StreamEvent } from '../schema/chat.ts'
import { framingOf } from './framing.ts'
import { type Resumption, resumer } from './resume.ts'
import { encodeEvents } from './sse.ts'
import { keeper, type Told } from './told.ts'

/** One bad event is an accident, three are a broken stream. */
const MAX_MALFORMED = 3
const PARSED_EVERY = 16

/**
 * `open`: more may come · `ended`: the terminator was seen, after a reason to end · `unfinished`: a terminator without one ·
 * `error`: the target said so in band · `broken`: too much that is no event, or one too large · `diverged`: it does not follow
 * what the caller was already sent of another target's answer.
 */
export type RelayState = 'open' | 'ended' | 'unfinished' | 'error' | 'broken' | 'diverged'

export type Relay = {
  readonly seen: Observation
  readonly state: RelayState
  /** Bytes for the caller that nobody has taken yet. */
  readonly waiting_bytes: number
  take(): Uint8Array[]
  push(chunk: Uint8Array): void
  /** The target closed its stream, or it broke, which some answers end well before. */
  finish(broken?: boolean): void
  /** There is a reason why it ended: an answer without one was cut. */
  readonly complete: boolean
  /** What of the answer so far the caller's format could not say. */
  losses(): Loss[]
  /** What the caller has been told, for whoever takes the answer up; null where nobody may. */
  told(): Told | null
}

export type RelayOptions = {
  from: Dialect
  to: Dialect
  /** The usage event was asked for by us and not by the caller: it is taken out again. */
  drop_usage: boolean
  /** How many answers were asked for. With several, the reason of one says nothing of the others: then the terminator counts. */
  choices: number
  /** What a translated answer is called, and what of itself its format leaves out. */
  naming?: Naming
  /** So many characters of text are kept in case the answer breaks off; where absent, none. */
  keeps_chars?: number
  /** This answer takes up another that broke off. */
  resumes?: Resumption
  /** Brings back what was hidden from the target. */
  restorer?: Restorer
}

/** What an answer is called, whose it is and when it was made. `renames`: it gets this name even where it has one of its own. */
export type Naming = { id: string; renames: boolean; model: string; created_at_s: number }

/** Under its new name, and with what it leaves out filled in: some clients tell answers apart by it. */
export function named<T extends { id: string; model: string; created_at_s: number | null }>(
  answer: T,
  { id, renames, model, created_at_s }: Naming,
): T {
  return { ...answer, id: renames ? id : answer.id || id, model: answer.model || model, created_at_s: answer.created_at_s ?? created_at_s }
}

export function relay({ from, to, drop_usage, choices, naming, keeps_chars, resumes, restorer }: RelayOptions): Relay {
  const seen = nothingSeen()
  const framing = framingOf(from)
  const cut = framing.frames()
  const translates = from.name !== to.name || resumes !== undefined || restorer !== undefined
  const reader = translates ? from.reply.reader() : null
  const writer = translates ? (resumes?.told.writer ?? to.reply.writer()) : null
  const kept = keeps_chars === undefined ? null : keeper(to, writer, keeps_chars)
  const resumed = resumes === undefined ? null : resumer(resumes, to.name)
  let state: RelayState = 'open'
  let out: Uint8Array[] = []
  let out_bytes = 0
  let events: SseEvent[] = []
  let wrote_end = false
  let finished = false
  let dull_chunks = 0
  /** Bytes of an event beside its text: the same for all events of an answer but for a few. */
  let envelope_bytes = Number.POSITIVE_INFINITY
  let event_bytes = Number.POSITIVE_INFINITY

  const parser = framing.parser(event => events.push(event))
  const isComplete = () =>
    seen.finish_raw !== null && seen.error === null && (choices === 1 || seen.terminated || (seen.finishes ?? 0) >= choices)
  const emit = (bytes: Uint8Array) => {
    out.push(bytes)
    out_bytes += bytes.length
  }

  const onFrame = (frame: Uint8Array) => {
    if (state !== 'open') return
    parser.push(frame)
    if (parser.overflowed) state = 'broken'
    const arrived = events
    if (arrived.length === 0) {
      // A comment keeps the caller's connection alive; it is no event.
      if (state === 'open') emit(frame)
      return
    }
    events = []
    for (const event of arrived) onEvent(event, frame)
  }

  const onEvent = (event: SseEvent, frame: Uint8Array) => {
    if (state !== 'open') return
    const { malformed, usage, output_chars } = seen
    from.reply.observe(seen, event)
    if (seen.output_chars > output_chars) {
      event_bytes = frame.length
      envelope_bytes = frame.length - (seen.output_chars - output_chars)
    }
    if (seen.error !== null) {
      state = 'error'
      return
    }
    if (seen.malformed > malformed) {
      if (seen.malformed >= MAX_MALFORMED) state = 'broken'
      return
    }
    if (seen.terminated) {
      state = isComplete() ? 'ended' : 'unfinished'
      if (state === 'unfinished') return
    }
    if (reader !== null) translate(event)
    else if (!(drop_usage && seen.usage !== usage && holdsOnlyUsage(from, event))) pass(frame)
  }

  const pass = (frame: Uint8Array) => {
    kept?.frame(frame)
    emit(frame)
  }

  const translate = (event: SseEvent) => {
    if (reader === null) return
    const read = reader.read(event)
    const events = restorer === undefined ? read : read.flatMap(neutral => restorer.follow(neutral))
    if (resumed === null) {
      for (const neutral of events) write(neutral)
      return
    }
    for (const neutral of events) for (const follows of resumed.follow(neutral)) write(follows)
    if (resumed.diverged) state = 'diverged'
  }

  const write = (neutral: StreamEvent) => {
    if (writer === null || (drop_usage && neutral.type === 'usage')) return
    if (neutral.type === 'end') wrote_end = true
    kept?.event(neutral)
    const written = writer.write(neutral.type === 'start' && naming ? named(neutral, naming) : neutral)
    if (written.length > 0) emit(encodeEvents(written))
  }

  return {
    seen,
    get state() {
      return state
    },
    get waiting_bytes() {
      return out_bytes
    },
    get complete() {
      return isComplete()
    },
    losses: () => writer?.losses?.() ?? [],
    take() {
      const taken = out
      out = []
      out_bytes = 0
      return taken
    },
    push(chunk) {
      if (state !== 'open' || chunk.length === 0) return
      if (!translates && seen.content && cut.between && from.reply.dull(chunk) && ++dull_chunks % PARSED_EVERY !== 0) {
        // Most chunks hold one; where several came together, their number follows from their length.
        const held = Math.max(1, Math.round(chunk.length / event_bytes))
        seen.events += held
        seen.last_malformed = false
        seen.output_chars += Math.max(0, chunk.length - held * envelope_bytes)
        pass(chunk)
        return
      }
      if (!cut.push(chunk, onFrame) && state === 'open') state = 'broken'
    },
    finish() {
      if (finished) return
      finished = true
      const rest = cut.rest()
      if (rest !== null && state === 'open') {
        parser.push(rest)
        parser.end()
        const arrived = events
        events = []
        // The blank line that the target left out is what makes the caller's client see the event.
        const frame = encodeEvents(arrived)
        for (const event of arrived) onEvent(event, frame)
      }
      if (state !== 'open' || !isComplete()) return
      // The end is there, only its sign is missing, for which some clients wait.
      if (writer === null) {
        if (!seen.terminated && to.reply.terminator !== undefined) emit(encodeEvents([to.reply.terminator]))
      } else if (!wrote_end) write({ type: 'end' })
    },
    told: () => kept?.told() ?? null,
  }
}

/** Nothing in this event but the counts: what providers send as the extra last event when asked for usage. */
function holdsOnlyUsage(dialect: Dialect, event: SseEvent): boolean {
  return dialect.reply
    .reader()
    .read(event)
    .every(neutral => neutral.type === 'usage' || neutral.type === 'start')
}
