/**
 * Streams that arrive as badly as a network, a proxy or a careless server may deliver them: recordings in other line ends, with
 * comments and fields nobody asked for, without their last blank line or their terminator, cut off anywhere, and always in random
 * pieces that split characters and line ends. Whatever the pieces, the events must be those of the same bytes in one piece.
 */
import { isDeepStrictEqual } from 'node:util'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import type { DialectName } from '../../worker/schema/chat.ts'
import { framingOf } from '../../worker/stream/framing.ts'
import { codec, RECORDINGS, relayed, SPOKEN, type Spoken } from '../conformance/replay.ts'

/** Mulberry32: the same pieces for the same seed, on every machine. */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Larger ones are replayed elsewhere; a fuzz needs many streams and not long ones. */
const BYTES_AT_MOST = 40_000
/** Text that a careless cut breaks: two to four bytes a character, joined characters, line separators that are none here, a NUL, an escape. */
const HARD = ['äöü', '漢字かな', '🚂👩‍👩‍👧', '\u2028\u2029', '\ufeff', '\\u0000', 'e\u0301', '\\ud83d\\ude82']

type Source = { path: string; from: DialectName; lines: SseEvent[]; bytes: Uint8Array }
const SOURCES: Source[] = [
  ...RECORDINGS.filter(({ bytes, spliced }) => bytes.length <= BYTES_AT_MOST && !spliced).map(({ path, from, events, bytes }) => ({
    path,
    from,
    lines: events,
    bytes,
  })),
  {
    path: 'hard characters',
    from: 'openai-chat',
    lines: [
      ...HARD.map(text => ({
        event: null,
        data: `{"id":"h","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${text}"}}]}`,
      })),
      { event: null, data: '{"id":"h","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}' },
      { event: null, data: '[DONE]' },
    ],
    bytes: new Uint8Array(0),
  },
]

const ENDS = ['\n', '\r\n', '\r']
const BETWEEN = [': OPENROUTER PROCESSING', ':', 'id: 7', 'retry: 3000', 'unknown: field', ': ä🚂']

/** The same events, dressed as some other server would send them; `fixed` is how all lines end, where they end alike. */
function dressed(lines: SseEvent[], fixed: string | undefined, chance: () => number): Uint8Array {
  const end = () => fixed ?? (ENDS[Math.floor(chance() * 3)] as string)
  const space = chance() < 0.7 ? ' ' : ''
  const chatty = chance() < 0.3
  let text = chance() < 0.1 ? '\ufeff' : ''
  for (const { event, data } of lines) {
    if (chatty && chance() < 0.4) text += `${BETWEEN[Math.floor(chance() * BETWEEN.length)]}${end()}`
    if (event !== null) text += `event:${space}${event}${end()}`
    text += `data:${space}${data}${end()}`
    // A comment glued to an event, and one that stands alone.
    if (chatty && chance() < 0.2) text += `: more${end()}`
    text += end()
    if (chatty && chance() < 0.2) text += `: alone${end()}${end()}`
  }
  return new TextEncoder().encode(text)
}

/** One stream, and what a caller is to be sent of it. `mixed`: its lines end in several ways. */
export type Case = { path: string; from: DialectName; to: Spoken | null; bytes: Uint8Array; mixed: boolean }

export function caseOf(chance: () => number): Case {
  const { path, from, lines, bytes } = SOURCES[Math.floor(chance() * SOURCES.length)] as Source
  const binary = codec(from).reply.framing !== undefined
  const kept = chance() < 0.15 ? lines.slice(0, Math.max(1, lines.length - 1 - Math.floor(chance() * 2))) : lines
  const fixed = chance() < 0.7 ? ENDS[Math.floor(chance() * 3)] : undefined
  let all = binary ? bytes : dressed(kept, fixed, chance)
  // Without the last blank line, or broken off in the middle.
  if (chance() < 0.1) all = all.subarray(0, Math.max(1, all.length - 1 - Math.floor(chance() * 2)))
  if (chance() < 0.15) all = all.subarray(0, 1 + Math.floor(chance() * all.length))
  const callers = [null, ...SPOKEN]
  return {
    path,
    from,
    to: callers[Math.floor(chance() * callers.length)] as Spoken | null,
    bytes: all,
    mixed: !binary && fixed === undefined,
  }
}

/** Pieces of one byte, of a few, of a packet, or the whole; never none. */
export function piecesOf(bytes: Uint8Array, chance: () => number): Uint8Array[] {
  const kind = chance()
  const largest = kind < 0.1 && bytes.length < 4_000 ? 1 : kind < 0.4 ? 40 : kind < 0.8 ? 600 : 4_000
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(chance() * largest)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

/**
 * What comes of these pieces: the events themselves, or all that a caller is sent with how it ended. To the byte, but where lines end in
 * several ways at once: there a CR and an LF that came apart may be one line end or two, which is no event more or less.
 */
export function outcomeOf({ from, to, mixed }: Case, pieces: Uint8Array[]): unknown {
  if (to === null) return eventsIn(from, pieces)
  const { bytes, state, complete } = relayed(pieces, from, to)
  return { sent: mixed ? eventsIn(to, [bytes]) : Buffer.from(bytes).toString('utf8'), state, complete }
}

function eventsIn(from: DialectName, pieces: Uint8Array[]): SseEvent[] {
  const framing = framingOf(codec(from))
  const events: SseEvent[] = []
  const parser = framing.parser(event => events.push(event))
  const cut = framing.frames()
  for (const piece of pieces) cut.push(piece, frame => parser.push(frame))
  const rest = cut.rest()
  if (rest !== null) parser.push(rest)
  parser.end()
  return events
}

export type Fuzzed = {
  rounds: number
  streams: number
  pieces: number
  bytes: number
  failures: { seed: number; round: number; path: string }[]
}

/** How many ways each stream is cut before the next one is made. */
const CUTS_A_STREAM = 20

export function fuzz(rounds: number, seed: number): Fuzzed {
  const chance = chanceOf(seed)
  const done: Fuzzed = { rounds: 0, streams: 0, pieces: 0, bytes: 0, failures: [] }
  while (done.rounds < rounds) {
    const one = caseOf(chance)
    const whole = outcomeOf(one, [one.bytes])
    done.streams += 1
    for (let cut = 0; cut < CUTS_A_STREAM && done.rounds < rounds; cut += 1) {
      const pieces = piecesOf(one.bytes, chance)
      done.pieces += pieces.length
      done.bytes += one.bytes.length
      if (!isDeepStrictEqual(outcomeOf(one, pieces), whole)) done.failures.push({ seed, round: done.rounds, path: one.path })
      done.rounds += 1
    }
  }
  return done
}
