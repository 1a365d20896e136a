/**
 * Recordings as they come over a wire, and what a caller of any format is sent of them. Everything here goes by what is in a recording
 * and nothing by its name: one more in `test/fixtures` is one more row of every table.
 */
import type { Dialect, SseEvent } from '../../worker/dialects/dialect.ts'
import { dialectNamed } from '../../worker/dialects/dialects.ts'
import { replyOf } from '../../worker/dialects/fold.ts'
import type { DialectName, Reply, StreamEvent } from '../../worker/schema/chat.ts'
import { relay } from '../../worker/stream/relay.ts'
import { encodeEvents } from '../../worker/stream/sse.ts'
import { frame } from '../dialects/bedrock-converse/frames.ts'
import { framed, lines, namedEvents, REPLIES, STREAMS, streamed, whole } from '../dialects/recordings.ts'

/** The formats that callers and targets both speak. */
export const SPOKEN = ['openai-chat', 'openai-responses', 'anthropic-messages'] as const satisfies DialectName[]
export type Spoken = (typeof SPOKEN)[number]
export const isSpoken = (name: DialectName): name is Spoken => (SPOKEN as readonly DialectName[]).includes(name)

export function codec(name: DialectName): Dialect {
  const dialect = dialectNamed(name)
  if (dialect === undefined) throw new Error(`${name} has no codec`)
  return dialect
}

export function wire(events: SseEvent[], from: DialectName): Uint8Array {
  return codec(from).reply.framing === 'aws-event-stream' ? Buffer.concat(events.map(frame)) : encodeEvents(events)
}

const EVENTS: Partial<Record<DialectName, (path: string) => SseEvent[]>> = {
  'openai-chat': streamed,
  'openai-responses': namedEvents,
  'anthropic-messages': namedEvents,
  gemini: lines,
  'bedrock-converse': framed,
  'cohere-chat': namedEvents,
}

export type Recording = {
  path: string
  from: DialectName
  events: SseEvent[]
  /** All of it as bytes. */
  bytes: Uint8Array
  /** It tells an error. */
  failed: boolean
  /** It begins anew in the middle, which no client can follow, in its own format neither. */
  spliced: boolean
}

export const RECORDINGS: Recording[] = STREAMS.flatMap(({ path, from }) => {
  const eventsOf = from === null ? undefined : EVENTS[from]
  if (from === null || eventsOf === undefined) return []
  const events = eventsOf(path)
  const told = readAll(events, from)
  const starts = events.filter(({ event }) => event === 'message_start').length
  return [{ path, from, events, bytes: wire(events, from), failed: told.some(({ type }) => type === 'error'), spliced: starts > 1 }]
})

/** Answers that came whole. */
export const ANSWERS = REPLIES.flatMap(({ path, from }) =>
  from === null || EVENTS[from] === undefined ? [] : [{ path, from, body: whole(path) }],
)

/** What a caller is sent where its target's bytes come in these chunks. */
export function relayed(chunks: Uint8Array[], from: DialectName, to: DialectName): { bytes: Uint8Array; state: string; complete: boolean } {
  const naming = { id: 'made-up', renames: false, model: 'm', created_at_s: 1 }
  const flow = relay({ from: codec(from), to: codec(to), drop_usage: false, choices: 1, naming })
  const out: Uint8Array[] = []
  for (const chunk of chunks) {
    flow.push(chunk)
    out.push(...flow.take())
  }
  flow.finish()
  out.push(...flow.take())
  return { bytes: Buffer.concat(out), state: flow.state, complete: flow.complete }
}

/** What an answer says, in no format. */
export const meaningOf = (events: SseEvent[], from: DialectName): Reply => replyOf(readAll(events, from))

export function readAll(events: SseEvent[], from: DialectName): StreamEvent[] {
  const reader = codec(from).reply.reader()
  return events.flatMap(event => reader.read(event))
}
