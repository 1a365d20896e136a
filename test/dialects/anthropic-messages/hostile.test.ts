import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../../worker/dialects/anthropic-messages/dialect.ts'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import type { Json, JsonObject } from '../../../worker/schema/chat.ts'
import { disturbed } from '../disturbed.ts'
import { anthropicReplies, anthropicStreams, namedEvents, whole } from '../recordings.ts'

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

describe('a request in which anything may stand anywhere', () => {
  it('is read or refused with the name of a field, and can be written if it was read', () => {
    fc.assert(
      fc.property(disturbed(ASKED), fc.boolean(), (body, foreign) => {
        if (typeof body !== 'object' || body === null || Array.isArray(body)) return
        const read = anthropicMessages.request.read(body)
        if (read.ok) anthropicMessages.request.write(foreign ? { ...read.value, dialect: 'gemini' } : read.value, 'm')
        else expect(read.error).toMatchObject({ code: 'invalid_request', param: expect.stringMatching(/^[a-z]/) })
      }),
      { numRuns: 2_000 },
    )
  })
})

describe.each(anthropicReplies)('a reply like %s in which anything may stand anywhere', path => {
  it('is read or not, and never throws', () => {
    fc.assert(
      fc.property(disturbed(whole(path)), body => {
        if (typeof body !== 'object' || body === null || Array.isArray(body)) return
        const read = anthropicMessages.reply.read(body)
        if (read.ok) anthropicMessages.reply.write(read.value)
        anthropicMessages.reply.observeWhole(nothingSeen(), body)
        anthropicMessages.error.read(400, JSON.stringify(body))
      }),
      { numRuns: 100 },
    )
  })
})

describe.each(anthropicStreams)('a stream like %s in which anything may stand anywhere', path => {
  it('is read and written on, and never throws', () => {
    const parsed = namedEvents(path)
      .slice(-12)
      .map(({ data }) => JSON.parse(data) as Json)
    fc.assert(
      fc.property(fc.tuple(...parsed.map(disturbed)), events => {
        const reader = anthropicMessages.reply.reader()
        const writer = anthropicMessages.reply.writer()
        const seen = nothingSeen()
        for (const one of events) {
          const event = { event: null, data: JSON.stringify(one) }
          anthropicMessages.reply.observe(seen, event)
          for (const neutral of reader.read(event)) writer.write(neutral)
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('an upstream that nests a hundred thousand deep', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  it('is not followed in a stream', () =>
    expect(anthropicMessages.reply.reader().read({ event: null, data: `{"type":"message_start","message":{"beside":${deep}}}` })).toEqual(
      [],
    ))
  it('is no reply', () =>
    expect(anthropicMessages.reply.read(JSON.parse(`{"beside":${deep},"content":[]}`))).toEqual({ ok: false, error: 'it nests too deep' }))
})
