import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import { awsFrames, awsParser } from '../../worker/stream/aws-event-stream.ts'
import { MAX_EVENT } from '../../worker/stream/sse.ts'
import { errorFrame, frame, recorded, together } from '../dialects/bedrock-converse/frames.ts'

const EVENTS = recorded('amazon-bedrock-reasoning')
const BYTES = together(EVENTS.map(frame))

function read(chunks: Uint8Array[]): { events: SseEvent[]; sane: boolean; rest: Uint8Array | null } {
  const events: SseEvent[] = []
  const parser = awsParser(event => events.push(event))
  const cut = awsFrames()
  const sane = chunks.every(chunk => cut.push(chunk, bytes => parser.push(bytes)))
  return { events, sane, rest: cut.rest() }
}
const cutAt = (bytes: Uint8Array, cuts: number[]) => {
  const at = [0, ...[...cuts].sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.slice(at[i], end))
}

describe('a stream of frames', () => {
  it('is the same events wherever its bytes are cut', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: BYTES.length - 1 }), { maxLength: 60 }), cuts => {
        expect(read(cutAt(BYTES, cuts))).toEqual({ events: EVENTS, sane: true, rest: null })
      }),
      { numRuns: 300 },
    )
  })
  it('comes through a byte at a time', () => {
    const long = together(Array.from({ length: 40 }, () => BYTES))
    expect(read([...long].map(byte => Uint8Array.of(byte))).events).toHaveLength(40 * EVENTS.length)
  })
  it('that was cut holds back the frame that did not come whole', () => {
    const { events, rest } = read([BYTES.slice(0, -1)])
    expect(events).toEqual(EVENTS.slice(0, -1))
    expect(rest?.length).toBe(frame(EVENTS.at(-1) as SseEvent).length - 1)
  })
  it('with a byte changed in it has an event that cannot be read, and goes on', () => {
    const first = frame(EVENTS[0] as SseEvent)
    const spoilt = first.map((byte, i) => (i === first.length - 10 ? byte ^ 1 : byte))
    expect(read([spoilt, frame(EVENTS[1] as SseEvent)]).events).toEqual([{ event: null, data: '' }, EVENTS[1]])
  })
  it('with an error in it says so by that name', () =>
    expect(read([errorFrame('InternalFailure', 'It broke.')]).events).toEqual([
      { event: 'error', data: '{"code":"InternalFailure","message":"It broke."}' },
    ]))
})

describe('what is no stream of frames', () => {
  it.each([
    ['a page', new TextEncoder().encode('<html>')],
    ['JSON', new TextEncoder().encode('{"message":"no"}')],
    ['a length of nothing', new Uint8Array(16)],
    ['a frame larger than any', Uint8Array.of(0, 0x10, 0, 1)],
  ])('%s is known by its first four bytes', (_, bytes) => {
    expect(read([bytes]).sane).toBe(false)
    expect(read([...bytes.slice(0, 4)].map(byte => Uint8Array.of(byte))).sane).toBe(false)
  })
  it('a frame of the largest size is waited for', () => {
    const length = new DataView(new ArrayBuffer(4))
    length.setUint32(0, MAX_EVENT)
    expect(read([new Uint8Array(length.buffer)]).sane).toBe(true)
  })
})
