import { describe, expect, it } from 'vitest'
import { cohereChat } from '../../../worker/dialects/cohere-chat/dialect.ts'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import { openaiChat } from '../../../worker/dialects/openai-chat/dialect.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'

function written(body: JsonObject, reasoning = true) {
  const read = openaiChat.request.read({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...body })
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return cohereChat.request.write(read.value, 'command-a', { output_tokens: 8_000, reasoning })
}
const tool = (name: string, strict?: boolean) => ({
  type: 'function',
  function: { name, parameters: { type: 'object' }, ...(strict !== undefined && { strict }) },
})
const lossesOf = (body: JsonObject, reasoning = true) => written(body, reasoning).losses.map(({ field, how }) => `${field} ${how}`)

describe('what a caller of Chat Completions asks, of Cohere', () => {
  it('says whether to stream, as two answers share one address', () => {
    expect(written({}).body).toEqual({ model: 'command-a', stream: false, messages: [{ role: 'user', content: 'Hi' }] })
    expect(written({ stream: true }).body.stream).toBe(true)
  })
  it('has other names for sampling', () => {
    const { body, losses } = written({ top_p: 0.9, top_k: 40, stop: ['END'], max_completion_tokens: 9, seed: 3 })
    expect(body).toMatchObject({ p: 0.9, k: 40, stop_sequences: ['END'], max_tokens: 9, seed: 3 })
    expect(losses).toEqual([])
  })
  it('has penalties from 0 to 1, and the rest is approximated', () => {
    const { body, losses } = written({ frequency_penalty: -1, presence_penalty: 1 })
    expect(body).toMatchObject({ frequency_penalty: 0, presence_penalty: 1 })
    expect(losses).toEqual([{ field: 'frequency_penalty', how: 'approximated', note: 'as 0' }])
  })
  it('offers a tool alone that must be called', () => {
    const tools = [tool('a'), tool('b')]
    const { body, losses } = written({ tools, tool_choice: { type: 'function', function: { name: 'b' } } })
    expect(body).toMatchObject({ tools: [{ function: { name: 'b' } }], tool_choice: 'REQUIRED' })
    expect(losses.map(({ field, how }) => [field, how])).toEqual([['tool_choice', 'emulated']])
    expect(written({ tools, tool_choice: 'none' }).body.tool_choice).toBe('NONE')
    expect(written({ tools, tool_choice: 'auto' }).body.tool_choice).toBe(undefined)
  })
  it('holds all tools to their schemas, or none', () => {
    expect(written({ tools: [tool('a', true), tool('b', true)] }).body.strict_tools).toBe(true)
    expect(lossesOf({ tools: [tool('a', true), tool('b')] })).toEqual(['tools approximated'])
  })
  it('asks for a form by its schema, without a name', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } }
    const { body, losses } = written({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } } })
    expect(body.response_format).toEqual({ type: 'json_object', json_schema: schema })
    expect(losses).toEqual([])
  })
  it('asks for thought with a budget, or none; how hard is up to the model', () => {
    expect(written({ reasoning_effort: 'none' }).body.thinking).toEqual({ type: 'disabled' })
    expect(written({ reasoning_effort: 'high' }).body.thinking).toEqual({ type: 'enabled' })
    expect(lossesOf({ reasoning_effort: 'high' })).toEqual(['reasoning_effort approximated'])
    expect(lossesOf({ reasoning_effort: 'high' }, false)).toEqual(['reasoning_effort dropped'])
  })
  it('names what it cannot carry', () => {
    const asked = { n: 2, logprobs: true, user: 'u', metadata: { a: 'b' }, service_tier: 'flex', parallel_tool_calls: false, x_new: 1 }
    expect(lossesOf(asked).sort()).toEqual(
      ['logprobs', 'metadata', 'n', 'parallel_tool_calls', 'service_tier', 'user', 'x_new'].map(field => `${field} dropped`),
    )
  })
  it('takes documents from anyone, as nobody else has them', () => {
    expect(written({ documents: ['a'], safety_mode: 'STRICT' })).toMatchObject({
      body: { documents: ['a'], safety_mode: 'STRICT' },
      losses: [],
    })
  })
  it('is given results one message each, and no thought of another model', () => {
    const messages: JsonObject[] = [
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'Hm.',
        tool_calls: [
          { id: '1', type: 'function', function: { name: 'a', arguments: '{}' } },
          { id: '2', type: 'function', function: { name: 'a', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: '1', content: 'one' },
      { role: 'tool', tool_call_id: '2', content: 'two' },
    ]
    const { body, losses } = written({ messages, tools: [tool('a')] })
    expect((body.messages as JsonObject[]).map(({ role, tool_call_id }) => [role, tool_call_id])).toEqual([
      ['user', undefined],
      ['assistant', undefined],
      ['tool', '1'],
      ['tool', '2'],
    ])
    expect(losses).toHaveLength(1)
  })
})

describe('a stream that fails', () => {
  it.each([
    ['by its reason', { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'no luck' } }, 500, 'no luck'],
    ['by the clock', { type: 'message-end', delta: { finish_reason: 'TIMEOUT' } }, 504, 'an error without a message'],
    ['by a bare sentence', { message: 'too many requests' }, null, 'too many requests'],
  ])('%s does not pass for an answer', (_, body, status, message) => {
    const event = { event: null, data: JSON.stringify(body) }
    const seen = nothingSeen()
    cohereChat.reply.observe(seen, event)
    expect(seen.error).toMatchObject({ status, message })
    expect(cohereChat.reply.reader().read(event)).toMatchObject([{ type: 'error', status, message }])
  })
  it('and a prompt that is too long is known as one', () => {
    expect(cohereChat.error.read(400, '{"message":"too many tokens: total must be at most 4096"}').kind).toBe('context_length')
  })
})
