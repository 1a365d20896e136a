import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cohereChat } from '../../../worker/dialects/cohere-chat/dialect.ts'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import { replyOf } from '../../../worker/dialects/fold.ts'
import type { Json, JsonObject } from '../../../worker/schema/chat.ts'
import { disturbed } from '../disturbed.ts'
import { cohereReplies, cohereStreams, namedEvents, whole } from '../recordings.ts'
import { codecOf, readsAsWritten, sent } from '../round-trip.ts'
import * as generated from './arbitraries.ts'

const { readAll, writeAll, readReply, observed } = codecOf(cohereChat)

readsAsWritten(cohereChat, generated)

describe.each(cohereStreams)('the recorded stream %s', path => {
  const events = namedEvents(path)
  it('means the same after it was read and written anew', () => {
    const once = readAll(events)
    expect(replyOf(readAll(writeAll(once)))).toEqual(replyOf(once))
  })
  it('is seen as it reads', () => {
    const seen = observed(events)
    const { choices, usage } = replyOf(readAll(events))
    expect(seen).toMatchObject({ content: true, terminated: true, error: null, malformed: 0, finish_raw: choices[0]?.finish_raw, usage })
  })
})

describe.each(cohereReplies)('the recorded reply %s', path => {
  const body = whole(path)
  it('is the same after it was read and written anew, to the field', () =>
    expect(sent(cohereChat.reply.write(readReply(body)).body)).toEqual(body))
  it('is seen as it reads', () => {
    const seen = nothingSeen()
    cohereChat.reply.observeWhole(seen, body)
    const { usage, choices } = readReply(body)
    expect(seen).toMatchObject({ content: true, terminated: true, error: null, usage, finish_raw: choices[0]?.finish_raw })
  })
})

describe('whatever an upstream sends, reading does not throw', () => {
  const seeds: Json[] = [...cohereReplies.map(whole), ...cohereStreams.flatMap(namedEvents).map(({ data }) => JSON.parse(data) as Json)]
  it.each(seeds.map((seed, i) => [i, seed]))('seed %i', (_, seed) => {
    fc.assert(
      fc.property(disturbed(seed as Json), value => {
        const body = value as JsonObject
        cohereChat.reply.observe(nothingSeen(), { event: null, data: JSON.stringify(value) })
        cohereChat.reply.reader().read({ event: null, data: JSON.stringify(value) })
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return
        cohereChat.reply.observeWhole(nothingSeen(), body)
        const read = cohereChat.reply.read(body)
        if (read.ok) JSON.stringify(cohereChat.reply.write(read.value))
      }),
      { numRuns: 40 },
    )
  })
})
