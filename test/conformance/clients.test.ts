/**
 * Every recording, translated, as the official clients of the other formats read it: the same text, calls, thoughts, end and counts as
 * the client of its own format reads in what the provider sent.
 */
import { describe, expect, it } from 'vitest'
import type { DialectName } from '../../worker/schema/chat.ts'
import { ANSWERS, codec, isSpoken, meaningOf, RECORDINGS, relayed, SPOKEN } from './replay.ts'
import { comparable, STREAM_CLIENTS, said, WHOLE_CLIENTS } from './saw.ts'

const others = <R extends { from: DialectName }>(recordings: R[]) =>
  recordings.flatMap(recording => SPOKEN.filter(to => to !== recording.from).map(to => ({ ...recording, to })))

const STREAMS = RECORDINGS.filter(({ failed, spliced }) => !failed && !spliced)

describe.each(others(STREAMS))('$path, for the client of $to', ({ from, to, events, bytes }) => {
  it('is the same answer', async () => {
    // Not every provider's bytes can be read by the client of the format they claim to be in.
    const meant = said(meaningOf(events, from))
    const target = isSpoken(from) ? await STREAM_CLIENTS[from](bytes).catch(() => meant) : meant
    expect(await STREAM_CLIENTS[to](relayed([bytes], from, to).bytes)).toEqual(comparable(target))
  })
})

describe.each(others(ANSWERS))('$path, whole, for the client of $to', ({ from, to, body }) => {
  it('is the same answer', async () => {
    const read = codec(from).reply.read(body)
    if (!read.ok) throw new Error(read.error)
    const target = isSpoken(from) ? await WHOLE_CLIENTS[from](body) : said(read.value)
    expect(await WHOLE_CLIENTS[to](codec(to).reply.write(read.value).body)).toEqual(comparable(target))
  })
})

describe.each(RECORDINGS.filter(({ failed }) => failed))('$path, which tells an error', ({ from, bytes }) => {
  it.each(SPOKEN)('does not pass for an answer to a caller of %s', to => {
    expect(relayed([bytes], from, to)).toMatchObject({ state: 'error', complete: false })
  })
})
