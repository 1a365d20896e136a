import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Frames, frames, joined } from '../../worker/stream/frames.ts'
import { MAX_EVENT } from '../../worker/stream/sse.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function cut(chunks: Uint8Array[]): { found: string[]; rest: string | null; cutter: Frames } {
  const cutter = frames()
  const found: string[] = []
  for (const chunk of chunks) cutter.push(chunk, frame => found.push(decoder.decode(frame)))
  const rest = cutter.rest()
  return { found, rest: rest === null ? null : decoder.decode(rest), cutter }
}
const cutText = (...chunks: string[]) => cut(chunks.map(chunk => encoder.encode(chunk)))

describe('a stream is cut into events with their bytes', () => {
  it.each<[string, string[], string[], string | null]>([
    ['two in a chunk', ['data: a\n\ndata: b\n\n'], ['data: a\n\n', 'data: b\n\n'], null],
    ['one in two chunks', ['data: ', 'a\n\n'], ['data: a\n\n'], null],
    ['a blank line in two chunks', ['data: a\n', '\ndata: b\n\n'], ['data: a\n\n', 'data: b\n\n'], null],
    ['carriage returns and line feeds', ['data: a\r\n\r\ndata: b\r\rdata: c\n\n'], ['data: a\r\n\r\n', 'data: b\r\r', 'data: c\n\n'], null],
    ['a comment', [': ping\n\ndata: a\n\n'], [': ping\n\n', 'data: a\n\n'], null],
    ['an unfinished one is kept', ['data: a\n\ndata: b\n'], ['data: a\n\n'], 'data: b\n'],
  ])('%s', (_, chunks, found, rest) => {
    expect(cutText(...chunks)).toMatchObject({ found, rest })
  })
  it('a line feed that comes after its carriage return, in the next chunk, is no blank line', () => {
    expect(cutText('data: a\r', '\ndata: b\r', '\n\r', '\n').found.join('|')).toBe('data: a\r\ndata: b\r\n\r\n')
  })
  it('where lines end in both, the last one of an event is not torn, and where they end in carriage returns nothing waits', () => {
    expect(cutText('data: a\r\n\r', '\ndata: b\r\n\r', '\n').found).toEqual(['data: a\r\n\r\n', 'data: b\r\n\r\n'])
    expect(cutText('data: a\r\n\r', 'data: b\n\n').found).toEqual(['data: a\r\n\r', 'data: b\n\n'])
    expect(cutText('data: a\r\n\r')).toMatchObject({ found: [], rest: 'data: a\r\n\r' })
    expect(cutText('data: a\r\r')).toMatchObject({ found: ['data: a\r\r'], rest: null })
  })
  it('and no byte is lost, doubled or moved, wherever the chunks were cut', () => {
    const piece = fc.constantFrom('data: x', ': c', '\n', '\r', '\r\n', '\n\n', 'ü')
    fc.assert(
      fc.property(fc.array(fc.array(piece, { maxLength: 8 }), { maxLength: 8 }), lists => {
        const chunks = lists.map(list => encoder.encode(list.join('')))
        const { found, rest } = cut(chunks)
        expect(found.join('') + (rest ?? '')).toBe(decoder.decode(joined(chunks.length === 0 ? [new Uint8Array(0)] : chunks)))
        const bytewise = cut([...joined(chunks.length === 0 ? [new Uint8Array(0)] : chunks)].map(byte => Uint8Array.of(byte)))
        expect(bytewise.found.join('') + (bytewise.rest ?? '')).toBe(found.join('') + (rest ?? ''))
        expect(bytewise.found.length).toBe(found.length)
      }),
    )
  })
  it('it says when it stands between two', () => {
    const { cutter } = cutText('data: a\n\n')
    expect(cutter.between).toBe(true)
    cutter.push(encoder.encode('data: b\n'), () => {})
    expect(cutter.between).toBe(false)
  })
  it('an event beyond the bound is refused', () => {
    const cutter = frames()
    expect(cutter.push(new Uint8Array(MAX_EVENT).fill(0x61), () => {})).toBe(true)
    expect(cutter.push(Uint8Array.of(0x61), () => {})).toBe(false)
  })
})
