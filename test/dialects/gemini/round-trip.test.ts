import { describe, expect, it } from 'vitest'
import { replyOf } from '../../../worker/dialects/fold.ts'
import { gemini } from '../../../worker/dialects/gemini/dialect.ts'
import { lines, whole } from '../recordings.ts'
import { codecOf, readsAsWritten, sent } from '../round-trip.ts'
import * as generated from './arbitraries.ts'

const { readAll, writeAll, readReply, observed } = codecOf(gemini)

readsAsWritten(gemini, generated, {
  // The end is that the stream closes.
  written: events => [...events, { type: 'end' }],
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
