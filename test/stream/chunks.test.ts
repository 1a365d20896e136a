import { describe, expect, it } from 'vitest'
import { type ChunkReader, chunksOf } from '../../worker/stream/chunks.ts'

const PIECES = ['one', 'two and a half', '3']
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (piece: Uint8Array) => new TextDecoder().decode(piece)

/** A read that is under way ends with an answer of nothing, as the standard wants it of who closes a stream of bytes. */
function ofBytes(): ReadableStream<Uint8Array> {
  const left = [...PIECES]
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const piece = left.shift()
      if (piece !== undefined) return controller.enqueue(bytes(piece))
      controller.close()
      controller.byobRequest?.respond(0)
    },
  }) as ReadableStream<Uint8Array>
}

function ofPieces(): ReadableStream<Uint8Array> {
  const left = PIECES.map(bytes)
  return new ReadableStream({
    pull(controller) {
      const piece = left.shift()
      if (piece === undefined) controller.close()
      else controller.enqueue(piece)
    },
  })
}

async function allOf(reader: ChunkReader): Promise<Uint8Array[]> {
  const kept: Uint8Array[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return kept
    kept.push(reader.keep(value))
  }
}

describe('a body that is read piece by piece', () => {
  it.each([
    ['of bytes, as the platform has them', ofBytes],
    ['of pieces that JavaScript made', ofPieces],
  ])('%s: each piece stays as it came when the next ones are read', async (_, source) => {
    expect((await allOf(chunksOf(source()))).map(text)).toEqual(PIECES)
  })

  it('keeps no more memory than came', async () => {
    const kept = await allOf(chunksOf(ofBytes()))
    expect(kept.map(piece => piece.buffer.byteLength)).toEqual(PIECES.map(piece => piece.length))
  })

  it('can be read on where a piece was not wanted', async () => {
    const reader = chunksOf(ofBytes())
    await reader.read()
    const { value } = await reader.read()
    expect(text(value as Uint8Array)).toBe(PIECES[1])
  })

  it('fails as its stream does', async () => {
    const broken = new ReadableStream({ type: 'bytes', pull: controller => controller.error(new Error('the connection broke')) })
    await expect(chunksOf(broken as ReadableStream<Uint8Array>).read()).rejects.toThrow('the connection broke')
  })

  it('closes its source when it is cancelled', async () => {
    let cancelled = false
    const endless = new ReadableStream({
      type: 'bytes',
      cancel: () => {
        cancelled = true
      },
    })
    await chunksOf(endless as ReadableStream<Uint8Array>).cancel()
    expect(cancelled).toBe(true)
  })
})
