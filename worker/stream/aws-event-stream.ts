/**
 * Amazon's event stream: binary frames, each with its length in front, headers, and a checksum behind. A frame becomes an event with
 * its name and its JSON, so that what watches and translates streams of server-sent events does the same with these. An
 * exception is a frame as well, inside a 200; it becomes an event of its name.
 *
 * Taking a frame apart and checking it is @smithy/eventstream-codec's, which is what Amazon's own clients do it with.
 */
import { EventStreamCodec } from '@smithy/eventstream-codec'
import type { SseEvent } from '../dialects/dialect.ts'
import { type Frames, joined } from './frames.ts'
import { MAX_EVENT, type SseParser } from './sse.ts'

/** Length, length of headers, checksum of both; and the checksum behind: no frame is smaller. */
const LEAST_FRAME = 16
const LENGTH_BYTES = 4

/** Cuts bytes into frames, wherever the chunks were cut. */
export function awsFrames(): Frames {
  let tail: Uint8Array[] = []
  let tail_bytes = 0

  const lengthAt = (bytes: Uint8Array, at: number) => new DataView(bytes.buffer, bytes.byteOffset + at, LENGTH_BYTES).getUint32(0)
  /** The first piece holds the whole length as soon as it is there, so that chunks of a byte each cost no more than large ones. */
  const hold = (piece: Uint8Array) => {
    tail.push(piece)
    tail_bytes += piece.length
    if (tail_bytes >= LENGTH_BYTES && (tail[0] as Uint8Array).length < LENGTH_BYTES) tail = [joined(tail)]
  }
  const lengthOfTail = () => (tail_bytes < LENGTH_BYTES ? null : lengthAt(tail[0] as Uint8Array, 0))
  const sane = (length: number) => length >= LEAST_FRAME && length <= MAX_EVENT

  return {
    push(chunk, onFrame) {
      let at = 0
      // What is held is completed first, in two steps: its length, then the rest of it.
      while (tail_bytes > 0 && at < chunk.length) {
        const length = lengthOfTail()
        if (length !== null && !sane(length)) return false
        const missing = (length ?? LENGTH_BYTES) - tail_bytes
        const piece = chunk.subarray(at, at + missing)
        hold(piece)
        at += piece.length
        if (length === null || tail_bytes < length) continue
        const frame = joined(tail)
        tail = []
        tail_bytes = 0
        onFrame(frame)
      }
      while (chunk.length - at >= LENGTH_BYTES) {
        const length = lengthAt(chunk, at)
        if (!sane(length)) return false
        if (chunk.length - at < length) break
        onFrame(chunk.subarray(at, at + length))
        at += length
      }
      if (at < chunk.length) hold(chunk.subarray(at))
      const length = lengthOfTail()
      return length === null || sane(length)
    },
    rest: () => (tail_bytes === 0 ? null : joined(tail)),
    get between() {
      return tail_bytes === 0
    },
  }
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const codec = new EventStreamCodec(
  input => (typeof input === 'string' ? input : decoder.decode(input as Uint8Array)),
  input => encoder.encode(input),
)

/** One frame a push. A frame that is cut or whose checksum is wrong is an event without JSON, and is counted as what it is. */
export function awsParser(onEvent: (event: SseEvent) => void): SseParser {
  return {
    push(frame) {
      if (frame.length > 0) onEvent(eventIn(frame))
    },
    end() {
      // A frame has its length in front: what did not come whole has been told as such.
    },
    overflowed: false,
  }
}

const BROKEN: SseEvent = { event: null, data: '' }

function eventIn(frame: Uint8Array): SseEvent {
  try {
    const { headers, body } = codec.decode(frame)
    const text = (name: string) => {
      const header = headers[name]
      return header?.type === 'string' ? header.value : null
    }
    const kind = text(':message-type')
    if (kind === 'error') return { event: 'error', data: JSON.stringify({ code: text(':error-code'), message: text(':error-message') }) }
    return { event: text(kind === 'exception' ? ':exception-type' : ':event-type'), data: decoder.decode(body) || '{}' }
  } catch {
    // The codec throws for a frame that is cut short or whose checksum does not fit, and for nothing else.
    return BROKEN
  }
}
