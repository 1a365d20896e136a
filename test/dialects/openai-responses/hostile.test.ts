import { describe, expect, it } from 'vitest'
import { openaiResponses } from '../../../worker/dialects/openai-responses/dialect.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'
import { bearsAnything, DEEP } from '../hostile.ts'
import { namedEvents, responsesReplies, responsesStreams } from '../recordings.ts'

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

bearsAnything(openaiResponses, { asked: ASKED, replies: responsesReplies, streams: responsesStreams, eventsOf: namedEvents, tries: 50 })

describe('an upstream that nests a hundred thousand deep', () => {
  it('is not followed in a stream', () =>
    expect(openaiResponses.reply.reader().read({ event: null, data: `{"type":"response.created","response":{"beside":${DEEP}}}` })).toEqual(
      [],
    ))
  it('is no reply', () =>
    expect(openaiResponses.reply.read(JSON.parse(`{"beside":${DEEP},"output":[]}`))).toEqual({ ok: false, error: 'it nests too deep' }))
})
