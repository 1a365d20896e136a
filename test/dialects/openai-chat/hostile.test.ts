import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../../worker/dialects/openai-chat/dialect.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'
import { bearsAnything, DEEP } from '../hostile.ts'
import { chatReplies, chatStreams, streamed } from '../recordings.ts'

const ASKED: JsonObject = {
  model: 'auto',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'x' },
        { type: 'image_url', image_url: { url: 'https://x' } },
        { type: 'file', file: { file_id: 'f' } },
        { type: 'input_audio', input_audio: { data: 'A', format: 'wav' } },
      ],
    },
    {
      role: 'assistant',
      content: 'y',
      reasoning_content: 'r',
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'a', content: 'z' },
  ],
  tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
  tool_choice: { type: 'function', function: { name: 'f' } },
  response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {} } },
  stream: true,
  stream_options: { include_usage: true },
  reasoning: { effort: 'low', max_tokens: 10 },
  stop: ['a'],
  logprobs: true,
  top_logprobs: 2,
  metadata: { a: 'b' },
}

bearsAnything(openaiChat, { asked: ASKED, replies: chatReplies, streams: chatStreams, eventsOf: streamed, tries: 200 })

describe('an upstream that nests a hundred thousand deep', () => {
  it('is not followed in a stream', () =>
    expect(openaiChat.reply.reader().read({ event: null, data: `{"id":"x","beside":${DEEP},"choices":[]}` })).toEqual([]))
  it('is no reply', () =>
    expect(openaiChat.reply.read(JSON.parse(`{"beside":${DEEP},"choices":[]}`))).toEqual({ ok: false, error: 'it nests too deep' }))
  it('is an error without words', () => expect(openaiChat.error.read(500, `{"error":${DEEP}}`).kind).toBe('other'))
})
