/**
 * Streams in every format a target may speak, with the same words in each, and how what came of one is judged: by reading it, in the
 * format it was asked for, down to its text and its end.
 */
import type { Dialect, SseEvent } from '../../worker/dialects/dialect.ts'
import { dialectNamed } from '../../worker/dialects/dialects.ts'
import type { DialectName, StreamEvent } from '../../worker/schema/chat.ts'
import { framingOf } from '../../worker/stream/framing.ts'
import { encodeEvents } from '../../worker/stream/sse.ts'
import { frame } from '../dialects/bedrock-converse/frames.ts'
import type { Answer } from './http-answer.ts'

/** Pieces of text in an answer; around them stand a few events, more or fewer by format. */
export const WORDS = 200
const words = Array.from({ length: WORDS }, (_, index) => ` word${String(index).padStart(3, '0')}`)

const ANSWER: StreamEvent[] = [
  { type: 'start', id: 'BenchStream0000000000000001', model: 'bench', created_at_s: 1_764_000_000 },
  ...words.map((text): StreamEvent => ({ type: 'text', choice: 0, text })),
  { type: 'finish', choice: 0, finish: 'stop', finish_raw: 'stop' },
  { type: 'end' },
]

function codec(name: DialectName): Dialect {
  const dialect = dialectNamed(name)
  if (dialect === undefined) throw new Error(`${name} has no codec`)
  return dialect
}

export const contentTypeOf = (from: DialectName): string => framingOf(codec(from)).content_type

/** Each event as it goes over the wire. */
export function flowOf(from: DialectName): Uint8Array[] {
  const writer = codec(from).reply.writer()
  const binary = codec(from).reply.framing !== undefined
  return ANSWER.flatMap(event => writer.write(event)).map(event => (binary ? frame(event) : encodeEvents([event])))
}

/** Null where the answer, in this format, holds all the words and its end; else what is wrong with it. */
export function faultOfFlow({ status, body }: Answer, format: DialectName): string | null {
  if (status !== 200) return `status ${status}: ${body().toString('utf8', 0, 200)}`
  const reader = codec(format).reply.reader()
  const framing = framingOf(codec(format))
  const told: StreamEvent[] = []
  const parser = framing.parser((event: SseEvent) => told.push(...reader.read(event)))
  const cut = framing.frames()
  cut.push(body(), piece => parser.push(piece))
  const text = told.map(event => (event.type === 'text' ? event.text : '')).join('')
  if (text !== words.join('')) return 'another text than the upstream gave'
  return told.some(event => event.type === 'finish') ? null : 'a stream without its end'
}
