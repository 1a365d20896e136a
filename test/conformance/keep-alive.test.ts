/**
 * What keeps a silent stream alive, between any two events of any recording, changes nothing of what the official clients read.
 */
import { describe, expect, it } from 'vitest'
import { encodeEvents } from '../../worker/stream/sse.ts'
import { codec, isSpoken, RECORDINGS, SPOKEN, type Spoken } from './replay.ts'
import { STREAM_CLIENTS } from './saw.ts'

const STREAMS = RECORDINGS.flatMap(({ path, from, events, failed, spliced }) =>
  failed || spliced || !isSpoken(from) ? [] : [{ path, from: from as Spoken, events }],
)

describe.each(STREAMS)('$path, kept alive', ({ from, events }) => {
  it('is the same answer for the client of its format', async () => {
    const { keep_alive } = codec(from).reply
    if (keep_alive === undefined) throw new Error(`${from} has nothing to keep a stream alive with`)
    const plain = await STREAM_CLIENTS[from](encodeEvents(events)).catch((error: Error) => error.message)
    const kept = Buffer.concat(events.flatMap((event, i) => (i === 0 ? [encodeEvents([event])] : [keep_alive, encodeEvents([event])])))
    const read = await STREAM_CLIENTS[from](kept).catch((error: Error) => error.message)
    expect(read).toEqual(plain)
  })
  it('is the same answer behind the comments of a stream that was opened before it', async () => {
    const comments = Buffer.from(': keep-alive\n\n: keep-alive\n\n: x-signalbox-target: a/b\n: x-signalbox-attempts: 2\n\n')
    const plain = await STREAM_CLIENTS[from](encodeEvents(events)).catch((error: Error) => error.message)
    const read = await STREAM_CLIENTS[from](Buffer.concat([comments, encodeEvents(events)])).catch((error: Error) => error.message)
    expect(read).toEqual(plain)
  })
})

it('there are recordings of every format that callers speak', () => {
  expect(new Set(STREAMS.map(({ from }) => from))).toEqual(new Set(SPOKEN))
})
