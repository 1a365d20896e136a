/**
 * What every wire format has to bear, whoever made it: anything may stand anywhere in what a caller or a target sends, and nothing throws.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dialect, nothingSeen, type SseEvent } from '../../worker/dialects/dialect.ts'
import type { Json, JsonObject } from '../../worker/schema/chat.ts'
import { disturbed } from './disturbed.ts'
import { whole } from './recordings.ts'

type Seeds = {
  /** A request with a bit of everything. */
  asked: JsonObject
  replies: readonly string[]
  streams: readonly string[]
  /** The events of a recorded stream. */
  eventsOf(path: string): SseEvent[]
  /** Tries for each recording. */
  tries: number
}

const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export function bearsAnything({ request, reply, error }: Dialect, { asked, replies, streams, eventsOf, tries }: Seeds): void {
  describe('a request in which anything may stand anywhere', () => {
    it('is read or refused with the name of a field, and can be written if it was read', () => {
      fc.assert(
        fc.property(disturbed(asked), fc.boolean(), (body, foreign) => {
          if (!isObject(body)) return
          const read = request.read(body)
          if (read.ok) request.write(foreign ? { ...read.value, dialect: 'gemini' } : read.value, 'm')
          else expect(read.error).toMatchObject({ code: 'invalid_request', param: expect.stringMatching(/^[a-z]/) })
        }),
        { numRuns: 2_000 },
      )
    })
  })

  describe.each(replies)('a reply like %s in which anything may stand anywhere', path => {
    it('is read or not, and never throws', () => {
      fc.assert(
        fc.property(disturbed(whole(path)), body => {
          if (!isObject(body)) return
          const read = reply.read(body)
          if (read.ok) reply.write(read.value)
          reply.observeWhole(nothingSeen(), body)
          error.read(400, JSON.stringify(body))
        }),
        { numRuns: tries },
      )
    })
  })

  describe.each(streams)('a stream like %s in which anything may stand anywhere', path => {
    it('is read and written on, and never throws', () => {
      const parsed = eventsOf(path)
        .slice(-12)
        .filter(({ data }) => data.startsWith('{'))
        .map(({ data }) => JSON.parse(data) as Json)
      fc.assert(
        fc.property(fc.tuple(...parsed.map(disturbed)), events => {
          const reader = reply.reader()
          const writer = reply.writer()
          const seen = nothingSeen()
          for (const one of events) {
            const event = { event: null, data: JSON.stringify(one) }
            reply.observe(seen, event)
            for (const neutral of reader.read(event)) writer.write(neutral)
          }
        }),
        { numRuns: tries },
      )
    })
  })
}

/** So deep that whoever follows it runs out of stack. */
export const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
