import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nothingSeen, type SseEvent } from '../../../worker/dialects/dialect.ts'
import { replyOf } from '../../../worker/dialects/fold.ts'
import { gemini } from '../../../worker/dialects/gemini/dialect.ts'
import type { JsonObject, Reply, StreamEvent } from '../../../worker/schema/chat.ts'
import { lines, whole } from '../recordings.ts'
import * as generated from './arbitraries.ts'

const sent = (body: JsonObject): JsonObject => JSON.parse(JSON.stringify(body))
const readAll = (events: SseEvent[]): StreamEvent[] => {
  const reader = gemini.reply.reader()
  return events.flatMap(event => reader.read(event))
}
const writeAll = (events: StreamEvent[]): SseEvent[] => {
  const writer = gemini.reply.writer()
  return events.flatMap(event => writer.write(event))
}
const readReply = (body: JsonObject): Reply => {
  const read = gemini.reply.read(body)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
const observed = (events: SseEvent[]) => {
  const seen = nothingSeen()
  for (const event of events) gemini.reply.observe(seen, event)
  return seen
}

describe('what was written reads as what it was', () => {
  it('for requests, without a loss, once the address has said its part', () => {
    fc.assert(
      fc.property(generated.request, asked => {
        const { body, losses } = gemini.request.write(asked, asked.model)
        expect(losses).toEqual([])
        expect(Object.keys(body)).not.toContain('model')
        expect(gemini.request.read({ ...sent(body), model: asked.model, stream: asked.stream })).toEqual({ ok: true, value: asked })
      }),
      { numRuns: 500 },
    )
  })
  it('for replies, without a loss', () => {
    fc.assert(
      fc.property(generated.reply, reply => {
        const { body, losses } = gemini.reply.write(reply)
        expect(losses).toEqual([])
        expect(readReply(sent(body))).toEqual(reply)
      }),
      { numRuns: 500 },
    )
  })
  it('for streams, event by event but for the end, which is that the stream closes', () => {
    fc.assert(
      fc.property(generated.stream, events => {
        expect(readAll(writeAll([...events, { type: 'end' }]))).toEqual(events)
      }),
      { numRuns: 500 },
    )
  })
})

const STREAMS = ['google-text', 'google-stream-tool-call-arguments', 'google-vertex-stream-tool-call-arguments-nested.1']

describe.each(STREAMS)('the recorded stream %s', name => {
  const events = lines(`google/${name}.chunks.txt`)
  it('means the same after it was read and written anew', () => {
    const once = readAll(events)
    expect(replyOf(readAll(writeAll([...once, { type: 'end' }])))).toEqual(replyOf(once))
  })
  it('is seen as it reads: that it has content, why it ended, what it used', () => {
    const seen = observed(events)
    const { choices, usage } = replyOf(readAll(events))
    expect(seen).toMatchObject({ content: true, error: null, malformed: 0, finish_raw: choices[0]?.finish_raw, finishes: 1, usage })
  })
})

describe('the recorded reply google-text', () => {
  const body = whole('google/google-text.json')
  it('is the same after it was read and written anew, to the field', () => {
    expect(sent(gemini.reply.write(readReply(body)).body)).toEqual(body)
  })
  it('has its text, its seal, and thoughts among its output', () => {
    expect(readReply(body)).toMatchObject({
      id: 'Un6LacrVMcjUxs0PmJfWoQc',
      choices: [
        {
          parts: [{ type: 'text' }, { type: 'reasoning', text: '', signature: expect.stringMatching(/^EtoFCtcF/) }],
          finish: 'stop',
        },
      ],
      usage: { input_tokens: 9, output_tokens: 28 + 244, reasoning_tokens: 244, cache_read_tokens: null },
    })
  })
})
