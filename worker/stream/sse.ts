/**
 * Server-sent events: bytes in, events out, and back. The grammar is WHATWG's (html.spec.whatwg.org, section 9.2): lines end
 * in CR, LF or CRLF, a byte order mark may come first, comments and unknown fields are skipped, several `data` lines make
 * one event, and chunks may be cut anywhere, inside a character as well.
 *
 * The parsing is eventsource-parser's, which stays linear for one-byte chunks. Around it: decoding of UTF-8 across chunks
 * (what is no UTF-8 becomes U+FFFD, as in a browser), a bound on what may be buffered, and no event for empty data, as the
 * standard has it.
 */
import { createParser } from 'eventsource-parser'
import type { SseEvent } from '../dialects/dialect.ts'

/** No provider sends a larger event: the largest seen are whole images in base64, of some 700 kB. */
export const MAX_EVENT = 1024 * 1024

export type SseParser = {
  push(bytes: Uint8Array): void
  /** The stream is over. An event without its blank line still counts: many servers end on `data: [DONE]` and nothing more. */
  end(): void
  /** An event grew beyond `MAX_EVENT`; nothing is parsed any more. */
  readonly overflowed: boolean
}

export function sseParser(onEvent: (event: SseEvent) => void): SseParser {
  // The parser removes the byte order mark itself, and only at the start.
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  let overflowed = false
  const parser = createParser({
    maxBufferSize: MAX_EVENT,
    onEvent: ({ event, data }) => {
      if (data !== '') onEvent({ event: event ?? null, data })
    },
    onError: error => {
      // Unknown fields and bad retry values are reported here too; the standard ignores them.
      if (error.type === 'max-buffer-size-exceeded') overflowed = true
    },
  })
  const feed = (text: string) => {
    if (!overflowed && text !== '') parser.feed(text)
  }
  return {
    push: bytes => feed(decoder.decode(bytes, { stream: true })),
    end: () => feed(`${decoder.decode()}\n\n`),
    get overflowed() {
      return overflowed
    },
  }
}

const LINE_END = /\r\n|\r|\n/

/** One event as text, blank line included. A line end inside `data` becomes a second `data` line, so it comes back as LF. */
export function encodeEvent({ event, data }: SseEvent): string {
  const body = data.includes('\n') || data.includes('\r') ? data.split(LINE_END).join('\ndata: ') : data
  return event === null ? `data: ${body}\n\n` : `event: ${event.replace(LINE_END, ' ')}\ndata: ${body}\n\n`
}

const ENCODER = new TextEncoder()

export function encodeEvents(events: SseEvent[]): Uint8Array {
  return ENCODER.encode(events.map(encodeEvent).join(''))
}
