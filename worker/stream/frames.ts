/**
 * Cuts a stream of events into frames: the bytes of one event each, blank line included, wherever the chunks were cut.
 *
 * Only whole frames are forwarded. That costs nobody anything, as a client can do nothing with half an event either, and
 * it buys three things: an event can be left out without touching its neighbours' bytes, an error can be added at the end
 * without landing inside an event, and a cut stream never delivers half a one.
 *
 * A line ends in CR, LF or CRLF, and a blank line ends an event (html.spec.whatwg.org, section 9.2). Every byte is looked
 * at once, so that one-byte chunks cost no more than large ones. Where lines have ended in CRLF, a CR at the end of a chunk waits for
 * its LF: sent without it, the last event of an answer would lose a byte that its target sent.
 */
import { MAX_EVENT } from './sse.ts'

const LF = 0x0a
const CR = 0x0d

export type Frames = {
  /** False once a single event is larger than `MAX_EVENT`. */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): boolean
  /** What is left of an event that never ended; null where the stream ended between two. */
  rest(): Uint8Array | null
  /** Nothing is held: the next byte begins an event. */
  readonly between: boolean
}

export function frames(): Frames {
  let tail: Uint8Array[] = []
  let tail_bytes = 0
  let line_is_empty = true
  let after_cr = false
  /** Lines have ended in CRLF. */
  let crlf = false
  /** An event is complete but for the LF of its last line end. */
  let held = false

  return {
    push(chunk, onFrame) {
      let from = 0
      if (held && chunk.length > 0) {
        held = false
        if (chunk[0] === LF) {
          tail.push(chunk.subarray(0, 1))
          from = 1
        }
        const frame = joined(tail)
        tail = []
        tail_bytes = 0
        onFrame(frame)
      }
      for (let at = from; at < chunk.length; at++) {
        const byte = chunk[at]
        if (byte === LF && after_cr) {
          after_cr = false
          crlf = true
          continue
        }
        if (byte !== LF && byte !== CR) {
          line_is_empty = false
          after_cr = false
          continue
        }
        after_cr = byte === CR
        if (!line_is_empty) {
          line_is_empty = true
          continue
        }
        // A CRLF is kept in one piece where it lies in one chunk.
        if (byte === CR && chunk[at + 1] === LF) {
          at++
          after_cr = false
          crlf = true
        } else if (byte === CR && crlf && at + 1 === chunk.length) {
          held = true
          after_cr = false
          break
        }
        const end = chunk.subarray(from, at + 1)
        from = at + 1
        if (tail_bytes === 0) {
          onFrame(end)
          continue
        }
        tail.push(end)
        const frame = joined(tail)
        tail = []
        tail_bytes = 0
        onFrame(frame)
      }
      if (from === chunk.length) return true
      tail.push(chunk.subarray(from))
      tail_bytes += chunk.length - from
      return tail_bytes <= MAX_EVENT
    },
    rest: () => (tail_bytes === 0 ? null : joined(tail)),
    get between() {
      return tail_bytes === 0 && !after_cr
    },
  }
}

/** Several pieces of bytes as one; a single piece is handed back as it is. */
export function joined(pieces: Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (only !== undefined && pieces.length === 1) return only
  let bytes = 0
  for (const piece of pieces) bytes += piece.length
  const all = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
