/**
 * What a caller has been told of an answer, kept so that another target can take it up where it broke off: its text, whether
 * anything else was in it, and a writer that stands where the caller's stream stands.
 *
 * Where bytes pass through as they are, only references to them are kept while they pass. They are read when somebody asks, which
 * is once in a thousand answers, or when `FRAMES_AT_MOST` of them are together: so a short answer costs nothing, and of
 * a long one no more is held than this and its text.
 */
import type { Dialect, EventWriter, SseEvent } from '../dialects/dialect.ts'
import type { StreamEvent } from '../schema/chat.ts'
import { framingOf } from './framing.ts'

/** Some 300 events. */
const FRAMES_AT_MOST = 64 * 1024

/** What stands in the way of taking an answer up: anything but plain text, or more of it than the bound. */
export type Obstacle = Exclude<StreamEvent['type'], 'start' | 'usage' | 'text' | 'end'> | 'choices' | 'logprobs' | 'length'

export type Told = { text: string; obstacle: Obstacle | null; writer: EventWriter }

export type Keeper = {
  /** Bytes that go to the caller as they are. */
  frame(bytes: Uint8Array): void
  /** An event that was written with `writer`. */
  event(event: StreamEvent): void
  told(): Told
}

export function keeper(dialect: Dialect, writer: EventWriter | null, chars_at_most: number): Keeper {
  let text = ''
  let obstacle: Obstacle | null = null
  let frames: Uint8Array[] = []
  let bytes = 0
  const told_by = writer ?? dialect.reply.writer()
  /** Only for bytes that pass through. */
  const reader = writer === null ? dialect.reply.reader() : null
  let last: SseEvent | null = null

  const event = (said: StreamEvent) => {
    if (obstacle !== null) return
    obstacle = obstacleIn(said)
    if (said.type === 'text') text += said.text
    if (text.length > chars_at_most) obstacle = 'length'
  }
  const parser = framingOf(dialect).parser(sent => {
    if (obstacle !== null || reader === null) return
    told_by.follow?.(sent)
    for (const said of reader.read(sent)) {
      event(said)
      told_by.write(said)
    }
    last = sent
  })
  const readFrames = () => {
    for (const frame of frames) parser.push(frame)
    frames = []
    bytes = 0
  }
  return {
    frame(sent) {
      if (obstacle !== null) return
      frames.push(sent)
      bytes += sent.length
      if (bytes > FRAMES_AT_MOST) readFrames()
    },
    event,
    told() {
      readFrames()
      if (last !== null) told_by.follow?.(last)
      return { text, obstacle, writer: told_by }
    },
  }
}

function obstacleIn(said: StreamEvent): Obstacle | null {
  if ('choice' in said && said.choice !== 0) return 'choices'
  switch (said.type) {
    case 'start':
    case 'usage':
    case 'end':
      return null
    case 'text':
      return said.logprobs === undefined ? null : 'logprobs'
    case 'other':
      // Beside the answer; within it, it is a part that no name covers.
      return typeof said.value === 'object' && said.value !== null && 'choices' in said.value ? 'other' : null
    default:
      return said.type
  }
}
