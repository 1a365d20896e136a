import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openaiChat } from '../../../worker/dialects/openai-chat/dialect.ts'
import type { Json, JsonObject } from '../../../worker/schema/chat.ts'
import { disturbed } from '../disturbed.ts'
import { chatReplies, chatStreams, streamed, whole } from '../recordings.ts'

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

describe('a request in which anything may stand anywhere', () => {
  it('is read or refused with the name of a field, and can be written if it was read', () => {
    fc.assert(
      fc.property(disturbed(ASKED), body => {
        if (typeof body !== 'object' || body === null || Array.isArray(body)) return
        const read = openaiChat.request.read(body)
        if (read.ok) openaiChat.request.write(read.value, 'm')
        else expect(read.error).toMatchObject({ code: 'invalid_request', param: expect.stringMatching(/^[a-z]/) })
      }),
      { numRuns: 2_000 },
    )
  })
})

describe.each(chatReplies)('a reply like %s in which anything may stand anywhere', path => {
  it('is read or not, and never throws', () => {
    fc.assert(
      fc.property(disturbed(whole(path)), body => {
        if (typeof body !== 'object' || body === null || Array.isArray(body)) return
        const read = openaiChat.reply.read(body)
        if (read.ok) openaiChat.reply.write(read.value)
        openaiChat.error.read(400, JSON.stringify(body))
      }),
      { numRuns: 200 },
    )
  })
})

describe.each(chatStreams)('a stream like %s in which anything may stand anywhere', path => {
  it('is read and written on, and never throws', () => {
    const events = streamed(path).slice(-12)
    const parsed = events.filter(({ data }) => data.startsWith('{')).map(({ data }) => JSON.parse(data) as Json)
    fc.assert(
      fc.property(fc.tuple(...parsed.map(disturbed)), chunks => {
        const reader = openaiChat.reply.reader()
        const writer = openaiChat.reply.writer()
        for (const chunk of chunks) for (const event of reader.read({ event: null, data: JSON.stringify(chunk) })) writer.write(event)
      }),
      { numRuns: 200 },
    )
  })
})

describe('an upstream that nests a hundred thousand deep', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  it('is not followed in a stream', () =>
    expect(openaiChat.reply.reader().read({ event: null, data: `{"id":"x","beside":${deep},"choices":[]}` })).toEqual([]))
  it('is no reply', () =>
    expect(openaiChat.reply.read(JSON.parse(`{"beside":${deep},"choices":[]}`))).toEqual({ ok: false, error: 'it nests too deep' }))
  it('is an error without words', () => expect(openaiChat.error.read(500, `{"error":${deep}}`).kind).toBe('other'))
})
