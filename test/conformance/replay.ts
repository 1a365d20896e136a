/**
 * Recordings as they come over a wire, and what a caller of any format is sent of them.
 */
import type { Dialect, SseEvent } from '../../worker/dialects/dialect.ts'
import { dialectNamed } from '../../worker/dialects/dialects.ts'
import { replyOf } from '../../worker/dialects/fold.ts'
import type { DialectName, Reply } from '../../worker/schema/chat.ts'
import { relay } from '../../worker/stream/relay.ts'
import { encodeEvents } from '../../worker/stream/sse.ts'
import { anthropicStreams, chatStreams, namedEvents, responsesStreams, streamed } from '../dialects/recordings.ts'

/** The formats that callers and targets both speak. */
export const SPOKEN = ['openai-chat', 'openai-responses', 'anthropic-messages'] as const satisfies DialectName[]
export type Spoken = (typeof SPOKEN)[number]

export function codec(name: DialectName): Dialect {
  const dialect = dialectNamed(name)
  if (dialect === undefined) throw new Error(`${name} has no codec`)
  return dialect
}

export type Recording = { path: string; from: Spoken; events: SseEvent[] }

export const RECORDINGS: Recording[] = [
  ...chatStreams.map((path): Recording => ({ path, from: 'openai-chat', events: streamed(path) })),
  ...responsesStreams.map((path): Recording => ({ path, from: 'openai-responses', events: namedEvents(path) })),
  ...anthropicStreams.map((path): Recording => ({ path, from: 'anthropic-messages', events: namedEvents(path) })),
]

export const wire = (events: SseEvent[]): Uint8Array => encodeEvents(events)

/** What a caller is sent where its target's bytes come in these chunks. */
export function relayed(chunks: Uint8Array[], from: Spoken, to: Spoken): { bytes: Uint8Array; state: string } {
  const flow = relay({ from: codec(from), to: codec(to), drop_usage: false, choices: 1 })
  const out: Uint8Array[] = []
  for (const chunk of chunks) {
    flow.push(chunk)
    out.push(...flow.take())
  }
  flow.finish()
  out.push(...flow.take())
  return { bytes: Buffer.concat(out), state: flow.state }
}

/** What an answer says, in no format. */
export function meaningOf(events: SseEvent[], from: Spoken): Reply {
  const reader = codec(from).reply.reader()
  return replyOf(events.flatMap(event => reader.read(event)))
}
