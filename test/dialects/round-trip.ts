/**
 * What every wire format has to hold, whoever made it: what was written reads as what it was. Each format's own file says beside it what
 * its recordings show.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dialect, nothingSeen, type SseEvent } from '../../worker/dialects/dialect.ts'
import type { ChatRequest, Json, JsonObject, Reply, StreamEvent } from '../../worker/schema/chat.ts'

/** What a body is once it has been on the wire. */
export const sent = (body: JsonObject): JsonObject => JSON.parse(JSON.stringify(body))

/** A dialect's readers and writers, over all of an answer at once. */
export function codecOf({ reply }: Dialect) {
  return {
    readAll(events: SseEvent[]): StreamEvent[] {
      const reader = reply.reader()
      return events.flatMap(event => reader.read(event))
    },
    writeAll(events: StreamEvent[]): SseEvent[] {
      const writer = reply.writer()
      return events.flatMap(event => writer.write(event))
    },
    readReply(body: JsonObject): Reply {
      const read = reply.read(body)
      if (!read.ok) throw new Error(read.error)
      return read.value
    },
    /** What was seen of a stream, but for the number of its events. */
    observed(events: SseEvent[]) {
      const seen = nothingSeen()
      for (const event of events) reply.observe(seen, event)
      const { events: _, ...meaning } = seen
      return meaning
    },
  }
}

/** Paths in `before` that are not in `after`. */
export function missing(before: Json, after: Json | undefined, path = ''): string[] {
  if (typeof before !== 'object' || before === null) return after === undefined ? [path] : []
  if (typeof after !== 'object' || after === null) return [path]
  return Object.entries(before).flatMap(([key, value]) => missing(value, (after as JsonObject)[key], `${path}.${key}`))
}

type Generated = { request: fc.Arbitrary<ChatRequest>; reply: fc.Arbitrary<Reply>; stream: fc.Arbitrary<StreamEvent[]> }
/** What a format adds to the events it writes, and what is left out of those it reads, before they are compared. */
type Streams = { written?(events: StreamEvent[]): StreamEvent[]; told?(events: StreamEvent[]): StreamEvent[] }

export function readsAsWritten(
  dialect: Dialect,
  generated: Generated,
  { written = each => each, told = each => each }: Streams = {},
): void {
  const { readAll, writeAll, readReply } = codecOf(dialect)
  const { request, reply } = dialect
  describe('what was written reads as what it was', () => {
    it(`for requests, without a loss${request.in_address ? ', once the address has said its part' : ''}`, () => {
      fc.assert(
        fc.property(generated.request, asked => {
          const { body, losses } = request.write(asked, asked.model)
          expect(losses).toEqual([])
          if (request.in_address) expect(Object.keys(body)).not.toContain('model')
          const addressed = request.in_address ? { ...sent(body), model: asked.model, stream: asked.stream } : sent(body)
          expect(request.read(addressed)).toEqual({ ok: true, value: asked })
        }),
        { numRuns: 500 },
      )
    })
    it('for replies, without a loss', () => {
      fc.assert(
        fc.property(generated.reply, answer => {
          const { body, losses } = reply.write(answer)
          expect(losses).toEqual([])
          expect(readReply(sent(body))).toEqual(answer)
        }),
        { numRuns: 500 },
      )
    })
    it('for streams, event by event', () => {
      fc.assert(
        fc.property(generated.stream, events => {
          expect(told(readAll(writeAll(written(events))))).toEqual(events)
        }),
        { numRuns: 500 },
      )
    })
  })
}
