import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import { openaiResponses } from '../../../worker/dialects/openai-responses/dialect.ts'
import type { Json, JsonObject } from '../../../worker/schema/chat.ts'
import { disturbed } from '../disturbed.ts'
import { namedEvents, responsesReplies, responsesStreams, whole } from '../recordings.ts'

const ASKED: JsonObject = {
  model: 'auto',
  instructions: 's',
  input: [
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'x' },
        { type: 'input_image', image_url: 'https://x', detail: 'low' },
        { type: 'input_file', file_data: 'data:application/pdf;base64,AAAA', filename: 'a.pdf' },
        { type: 'input_audio', input_audio: { data: 'A', format: 'wav' } },
      ],
    },
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'r' }], encrypted_content: 'E' },
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'y', annotations: [] }],
    },
    { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_text', text: 'z' }] },
    { type: 'item_reference', id: 'msg_2' },
  ],
  tools: [{ type: 'function', name: 'f', parameters: { type: 'object' } }, { type: 'web_search' }],
  tool_choice: { type: 'function', name: 'f' },
  text: { format: { type: 'json_schema', name: 'n', schema: {} }, verbosity: 'low' },
  reasoning: { effort: 'low', summary: 'auto' },
  include: ['reasoning.encrypted_content'],
  store: false,
  metadata: { a: 'b' },
  stream: true,
}

describe('a request in which anything may stand anywhere', () => {
  it('is read or refused with the name of a field, and can be written if it was read', () => {
    fc.assert(
      fc.property(disturbed(ASKED), fc.boolean(), (body, foreign) => {
        if (typeof body !== 'object' || body === null || Array.isArray(body)) return
        const read = openaiResponses.request.read(body)
        if (read.ok) openaiResponses.request.write(foreign ? { ...read.value, dialect: 'gemini' } : read.value, 'm')
        else expect(read.error).toMatchObject({ code: 'invalid_request', param: expect.stringMatching(/^[a-z]/) })
      }),
      { numRuns: 2_000 },
    )
  })
})

describe.each(responsesReplies)('a reply like %s in which anything may stand anywhere', path => {
  it('is read or not, and never throws', () => {
    fc.assert(
      fc.property(disturbed(whole(path)), body => {
        if (typeof body !== 'object' || body === null || Array.isArray(body)) return
        const read = openaiResponses.reply.read(body)
        if (read.ok) openaiResponses.reply.write(read.value)
        openaiResponses.reply.observeWhole(nothingSeen(), body)
        openaiResponses.error.read(400, JSON.stringify(body))
      }),
      { numRuns: 50 },
    )
  })
})

describe.each(responsesStreams)('a stream like %s in which anything may stand anywhere', path => {
  it('is read and written on, and never throws', () => {
    const parsed = namedEvents(path)
      .slice(-12)
      .map(({ data }) => JSON.parse(data) as Json)
    fc.assert(
      fc.property(fc.tuple(...parsed.map(disturbed)), events => {
        const reader = openaiResponses.reply.reader()
        const writer = openaiResponses.reply.writer()
        const seen = nothingSeen()
        for (const one of events) {
          const event = { event: null, data: JSON.stringify(one) }
          openaiResponses.reply.observe(seen, event)
          for (const neutral of reader.read(event)) writer.write(neutral)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('an upstream that nests a hundred thousand deep', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  it('is not followed in a stream', () =>
    expect(openaiResponses.reply.reader().read({ event: null, data: `{"type":"response.created","response":{"beside":${deep}}}` })).toEqual(
      [],
    ))
  it('is no reply', () =>
    expect(openaiResponses.reply.read(JSON.parse(`{"beside":${deep},"output":[]}`))).toEqual({ ok: false, error: 'it nests too deep' }))
})
