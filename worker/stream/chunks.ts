/**
 * Reads a body piece by piece, in one piece of memory. Left to itself, workerd makes 4 kB of empty memory for each read, however little
 * comes, and a streamed token is some two hundred bytes: so what was read is copied out at its size, and the memory lent to the next read.
 *
 * The promise of a read is the platform's own, without another around it; what came is taken by `keep`, and stays.
 */

/** More than most events; what is larger takes several reads. */
const ROOM_BYTES = 16 * 1024

export type ChunkReader = {
  read(): Promise<ReadableStreamReadResult<Uint8Array>>
  /** What the last read gave, to stay when the next one is made. Called before that. */
  keep(value: Uint8Array): Uint8Array
  cancel(): Promise<void>
}

export function chunksOf(body: ReadableStream<Uint8Array>): ChunkReader {
  const lent = lentReader(body)
  if (lent === null) {
    const reader = body.getReader()
    return { read: () => reader.read(), keep: value => value, cancel: () => reader.cancel() }
  }
  /** Null while the platform has it. */
  let room: Uint8Array<ArrayBuffer> | null = null
  return {
    read() {
      const view = room ?? new Uint8Array(ROOM_BYTES)
      room = null
      return lent.read(view)
    },
    keep(value) {
      room = new Uint8Array(value.buffer as ArrayBuffer)
      return value.slice()
    },
    cancel: () => lent.cancel(),
  }
}

/** Null for a stream that is made of pieces by JavaScript, as the demo's is, and cannot be read into lent memory. */
function lentReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: 'byob' })
  } catch {
    // That is how such a stream says so, and it is still to be had.
    return null
  }
}
