/**
 * How a stream is cut into events: as server-sent events, or in the framing that the target's dialect names. Everything behind it,
 * from the commit point to the end of the answer, is the same for all.
 */
import type { Dialect, SseEvent } from '../dialects/dialect.ts'
import { awsFrames, awsParser } from './aws-event-stream.ts'
import { type Frames, frames } from './frames.ts'
import { type SseParser, sseParser } from './sse.ts'

export type Framing = {
  /** As it is asked for, and as it is said to be. */
  content_type: string
  frames(): Frames
  parser(onEvent: (event: SseEvent) => void): SseParser
}

const SSE: Framing = { content_type: 'text/event-stream', frames, parser: sseParser }
const FRAMINGS: Record<NonNullable<Dialect['reply']['framing']>, Framing> = {
  'aws-event-stream': { content_type: 'application/vnd.amazon.eventstream', frames: awsFrames, parser: awsParser },
}

export const framingOf = ({ reply }: Dialect): Framing => (reply.framing === undefined ? SSE : FRAMINGS[reply.framing])
