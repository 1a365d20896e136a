import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import { encodeEvent, MAX_EVENT, sseParser } from '../../worker/stream/sse.ts'

const encoder = new TextEncoder()

/** Parses bytes that arrive cut at the given places. */
function parse(bytes: Uint8Array, cuts: number[] = []): SseEvent[] {
  const events: SseEvent[] = []
  const parser = sseParser(event => events.push(event))
  let from = 0
  for (const cut of [...new Set(cuts)].sort((one, other) => one - other)) {
    parser.push(bytes.subarray(from, cut))
    from = cut
  }
  parser.push(bytes.subarray(from))
  parser.end()
  return events
}

const parseText = (text: string) => parse(encoder.encode(text))
const data = (...texts: string[]) => texts.map(text => ({ event: null, data: text }))

describe('an event stream is read as the standard has it', () => {
  it.each<[string, string, SseEvent[]]>([
    ['one line', 'data: a\n\n', data('a')],
    ['no space behind the colon', 'data:a\n\n', data('a')],
    ['only one space belongs to the grammar', 'data:  a\n\n', data(' a')],
    ['several data lines are one event', 'data: a\ndata: b\ndata\n\n', data('a\nb\n')],
    ['a name', 'event: error\ndata: a\n\ndata: b\n\n', [{ event: 'error', data: 'a' }, ...data('b')]],
    ['a name without data is nothing', 'event: ping\n\ndata: a\n\n', data('a')],
    ['empty data is nothing', 'data:\n\ndata: a\n\n', data('a')],
    ['comments', ': ping\n\n:\ndata: a\n: more\n\n', data('a')],
    ['id, retry and unknown fields', 'id: 7\nretry: 10\nretry: x\nfoo: bar\nfoo\ndata: a\n\n', data('a')],
    ['carriage returns', 'data: a\r\rdata: b\r\r', data('a', 'b')],
    ['both', 'data: a\r\n\r\ndata: b\r\n\r\n', data('a', 'b')],
    ['a mixture', 'data: a\r\ndata: b\n\rdata: c\r\n\n', data('a\nb', 'c')],
    ['a byte order mark at the start', '\uFEFFdata: a\n\n', data('a')],
    ['a byte order mark anywhere else is text', 'data: \uFEFFa\n\n', data('\uFEFFa')],
    ['NUL and lone control characters are text', 'data: a\u0000\u0007b\n\n', data('a\u0000\u0007b')],
    ['a last event without its blank line', 'data: a\n\ndata: b', data('a', 'b')],
  ])('%s', (_, text, events) => {
    expect(parseText(text)).toEqual(events)
  })

  it('what is no UTF-8 becomes U+FFFD', () => {
    const bytes = Uint8Array.of(...encoder.encode('data: '), 0xff, 0x61, 0xed, 0xa0, 0x80, 0x0a, 0x0a)
    expect(parse(bytes)).toEqual(data('\uFFFDa\uFFFD\uFFFD\uFFFD'))
  })

  it('and it makes no difference where the chunks were cut', () => {
    const piece = fc.constantFrom(
      'data: ',
      'data:',
      'event: x',
      ': c',
      'ä€🚂',
      '{"a":1}',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      '\r\n\r\n',
      '\uFEFF',
      'id: 1',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(400), { maxLength: 30 }), (pieces, cuts) => {
        const bytes = encoder.encode(pieces.join(''))
        const inside = cuts.filter(cut => cut < bytes.length)
        expect(parse(bytes, inside)).toEqual(parse(bytes))
        expect(parse(bytes, [...bytes.keys()])).toEqual(parse(bytes))
      }),
      { numRuns: 500 },
    )
  })

  it('byte by byte, however long: what copied all of it for each byte would not end here', () => {
    const text = `data: ${'x'.repeat(200_000)}\n\n`
    expect(parse(encoder.encode(text), [...Array(text.length).keys()])).toHaveLength(1)
  })

  it('up to a bound for one event, and not beyond', () => {
    const sized = (length: number) => {
      const parser = sseParser(() => {})
      parser.push(encoder.encode('data: '))
      for (let left = length - 'data: '.length; left > 0; left -= 4_096) parser.push(encoder.encode('x'.repeat(Math.min(4_096, left))))
      return parser.overflowed
    }
    expect(sized(MAX_EVENT)).toBe(false)
    expect(sized(MAX_EVENT + 1)).toBe(true)
  })
})

describe('an event that is written', () => {
  it('is read back the same', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter(value => !value.includes('\r') && !value.startsWith('\uFEFF'))
    const name = fc.option(fc.constantFrom('error', 'message_stop'))
    fc.assert(
      fc.property(fc.array(fc.record({ event: name, data: text })), events => {
        expect(parseText(events.map(encodeEvent).join(''))).toEqual(events)
      }),
    )
  })
  it('has one data line for each line of its data, so that no data can end it', () => {
    expect(encodeEvent({ event: null, data: 'a\n\nevent: b\r\nc\rd' })).toBe('data: a\ndata: \ndata: event: b\ndata: c\ndata: d\n\n')
    expect(encodeEvent({ event: 'a\ndata: b', data: 'c' })).toBe('event: a data: b\ndata: c\n\n')
  })
})
