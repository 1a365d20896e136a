import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../../worker/dialects/anthropic-messages/dialect.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'
import { bearsAnything, DEEP } from '../hostile.ts'
import { anthropicReplies, anthropicStreams, namedEvents } from '../recordings.ts'

const ASKED: JsonObject = {
  model: 'auto',
  max_tokens: 100,
  system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral', ttl: '1h' } }],
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'x' },
        { type: 'image', source: { type: 'url', url: 'https://x' } },
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'd' }, title: 't', citations: { enabled: true } },
        { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'r', signature: 's' },
        { type: 'redacted_thinking', data: 'd' },
        { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 }, caller: { type: 'direct' } },
        { type: 'server_tool_use', id: 'b', name: 'web_search', input: {} },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'z' }], is_error: true }] },
  ],
  tools: [
    { name: 'f', input_schema: { type: 'object' } },
    { type: 'web_search_20250305', name: 'web_search' },
  ],
  tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
  output_config: { effort: 'low', format: { type: 'json_schema', schema: {} } },
  thinking: { type: 'enabled', budget_tokens: 2_000 },
  stop_sequences: ['a'],
  metadata: { user_id: 'u' },
  stream: true,
}

bearsAnything(anthropicMessages, { asked: ASKED, replies: anthropicReplies, streams: anthropicStreams, eventsOf: namedEvents, tries: 100 })

describe('an upstream that nests a hundred thousand deep', () => {
  it('is not followed in a stream', () =>
    expect(anthropicMessages.reply.reader().read({ event: null, data: `{"type":"message_start","message":{"beside":${DEEP}}}` })).toEqual(
      [],
    ))
  it('is no reply', () =>
    expect(anthropicMessages.reply.read(JSON.parse(`{"beside":${DEEP},"content":[]}`))).toEqual({ ok: false, error: 'it nests too deep' }))
})
