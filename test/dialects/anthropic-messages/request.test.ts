import { describe, expect, it } from 'vitest'
import { paramOf, wording } from '../../../worker/core/errors.ts'
import { MAX_MESSAGES, readRequest, writeRequest } from '../../../worker/dialects/anthropic-messages/request.ts'
import type { ChatRequest, Json, JsonObject, Part } from '../../../worker/schema/chat.ts'

const HELLO = { role: 'user', content: 'Hello' }
const body = (members: JsonObject): JsonObject => ({ model: 'auto', max_tokens: 100, messages: [HELLO], ...members })

function read(members: JsonObject): ChatRequest {
  const result = readRequest(body(members))
  if (!result.ok) throw new Error(wording(result.error))
  return result.value
}
function refused(members: JsonObject): string | null {
  const result = readRequest(body(members))
  return result.ok ? 'accepted' : paramOf(result.error)
}
const parts = (...content: Json[]): Part[] => read({ messages: [{ role: 'user', content }] }).messages[0]?.parts ?? []

describe('the smallest request', () => {
  it('asks for one plain answer, and says nothing of the rest', () =>
    expect(read({})).toMatchObject({
      dialect: 'anthropic-messages',
      model: 'auto',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
      max_output_tokens: 100,
      tools: [],
      output: { form: 'text' },
      reasoning: null,
      stop: [],
      stream_usage: false,
      extra: {},
    }))
  it('reads null as absent, everywhere', () => {
    const names = [
      'system',
      'tools',
      'tool_choice',
      'stop_sequences',
      'temperature',
      'thinking',
      'output_config',
      'metadata',
      'stream',
      'top_k',
    ]
    expect(read(Object.fromEntries(names.map(name => [name, null])))).toEqual(read({}))
  })
  it('is told what a stream used without asking', () => expect(read({ stream: true }).stream_usage).toBe(true))
})

describe('a value that cannot be used is refused with the name of its field', () => {
  const block = (raw: Json): JsonObject => ({ messages: [HELLO, { role: 'user', content: [raw] }] })
  it.each<[string, JsonObject, string]>([
    ['no model', { model: null }, 'model'],
    ['messages that are text', { messages: 'Hello' }, 'messages'],
    ['no messages', { messages: [] }, 'messages'],
    ['too many messages', { messages: Array(MAX_MESSAGES + 1).fill(HELLO) }, 'messages'],
    ['an unknown role', { messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role'],
    ['no content', { messages: [HELLO, { role: 'user' }] }, 'messages[1].content'],
    ['a block that is text', block('x'), 'messages[1].content[0]'],
    ['a text without text', block({ type: 'text' }), 'messages[1].content[0].text'],
    ['an image without a source', block({ type: 'image' }), 'messages[1].content[0].source'],
    [
      'an image without data',
      block({ type: 'image', source: { type: 'base64', media_type: 'image/png' } }),
      'messages[1].content[0].source.data',
    ],
    ['a call without an id', block({ type: 'tool_use', name: 'f', input: {} }), 'messages[1].content[0].id'],
    ['a result without an id', block({ type: 'tool_result', content: 'x' }), 'messages[1].content[0].tool_use_id'],
    [
      'a result with a broken part',
      block({ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text' }] }),
      'messages[1].content[0].content[0].text',
    ],
    ['a system that is a number', { system: 5 }, 'system'],
    ['a system with a broken block', { system: [{ type: 'text' }] }, 'system[0].text'],
    ['max_tokens as text', { max_tokens: '12' }, 'max_tokens'],
    ['max_tokens below zero', { max_tokens: -1 }, 'max_tokens'],
    ['temperature as text', { temperature: 'hot' }, 'temperature'],
    ['stop words that are text', { stop_sequences: 'END' }, 'stop_sequences'],
    ['a stop word that is a number', { stop_sequences: ['a', 1] }, 'stop_sequences[1]'],
    ['a tool without a name', { tools: [{ input_schema: {} }] }, 'tools[0].name'],
    ['a schema that is text', { tools: [{ name: 'f', input_schema: 'x' }] }, 'tools[0].input_schema'],
    ['a choice that is text', { tool_choice: 'auto' }, 'tool_choice'],
    ['a chosen tool without a name', { tool_choice: { type: 'tool' } }, 'tool_choice.name'],
    ['thinking without a type', { thinking: {} }, 'thinking'],
    ['a budget that is text', { thinking: { type: 'enabled', budget_tokens: '5' } }, 'thinking.budget_tokens'],
    ['an effort that is a number', { output_config: { effort: 5 } }, 'output_config.effort'],
    ['a format without a type', { output_config: { format: {} } }, 'output_config.format'],
    ['metadata that is text', { metadata: 'x' }, 'metadata'],
    ['a user that is a number', { metadata: { user_id: 5 } }, 'metadata.user_id'],
    ['stream as text', { stream: 'yes' }, 'stream'],
  ])('%s', (_, members, param) => expect(refused(members)).toBe(param))
})

describe('content', () => {
  it('may be a plain document, whose frame stays beside its text', () =>
    expect(
      parts({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'D' }, title: 'T', citations: { enabled: true } }),
    ).toEqual([{ type: 'text', text: 'D', extra: { document: { title: 'T', citations: { enabled: true } } } }]))
  it('has cache markers with their time to live, on every kind of block', () =>
    expect(
      parts(
        { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } },
        { type: 'image', source: { type: 'url', url: 'https://x' }, cache_control: { type: 'ephemeral', ttl: '1h' } },
        { type: 'tool_result', tool_use_id: 't', content: 'x', cache_control: { type: 'ephemeral', ttl: '5m' } },
      ).map(part => part.cache),
    ).toEqual([{ ttl: null }, { ttl: '1h' }, { ttl: '5m' }]))
  it("is a tool's turn where it is nothing but results", () => {
    const result = { type: 'tool_result', tool_use_id: 't', content: 'x' }
    expect(read({ messages: [{ role: 'user', content: [result] }] }).messages[0]?.role).toBe('tool')
    expect(read({ messages: [{ role: 'user', content: [result, { type: 'text', text: 'y' }] }] }).messages[0]?.role).toBe('user')
  })
  it("keeps a server's tool and what it found whole", () => {
    const used = { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'x' } }
    expect(parts(used)).toEqual([{ type: 'other', dialect: 'anthropic-messages', value: used }])
  })
  it('has thoughts, signed, unsigned and under lock', () =>
    expect(
      parts(
        { type: 'thinking', thinking: 'Hm', signature: 'S' },
        { type: 'thinking', thinking: 'Hm', signature: '' },
        { type: 'redacted_thinking', data: 'D' },
      ),
    ).toEqual([
      { type: 'reasoning', text: 'Hm', signature: 'S' },
      { type: 'reasoning', text: 'Hm' },
      { type: 'reasoning', text: '', encrypted: 'D' },
    ]))
})

describe('what this format alone has', () => {
  const alone = {
    container: { skills: [] },
    mcp_servers: [{ type: 'url', url: 'https://x', name: 'x' }],
    context_management: { edits: [] },
    inference_geo: 'us',
    cache_control: { type: 'ephemeral' },
    thinking: { type: 'adaptive', display: 'summarized' },
    output_config: { effort: 'high', task_budget: { type: 'tokens', total: 9 } },
    tools: [{ type: 'custom', name: 'f', input_schema: { type: 'object' }, defer_loading: true }],
    tool_choice: { type: 'any', disable_parallel_tool_use: false },
    metadata: { user_id: 'u', team: 't' },
  }
  it('goes back into it as it was', () => expect(writeRequest(read(alone), 'auto').body).toEqual(body(alone)))
  it('is named as lost on the way into another', () => {
    const { losses } = writeRequest({ ...read(alone), dialect: 'gemini' }, 'm')
    expect(losses.filter(loss => loss.how === 'dropped').map(loss => loss.field)).toEqual([
      'tools[0].defer_loading',
      'container',
      'mcp_servers',
      'context_management',
      'inference_geo',
      'cache_control',
      'output_config',
      'metadata',
    ])
  })
})

describe('a request from another format', () => {
  const foreign = (members: Partial<ChatRequest>): ChatRequest => ({ ...read({}), dialect: 'openai-chat', ...members })
  it('has the results of parallel calls, and what is said after them, in one message', () => {
    const messages: ChatRequest['messages'] = [
      { role: 'tool', parts: [{ type: 'tool_result', call_id: 'a', parts: [{ type: 'text', text: '1' }], is_error: false }] },
      { role: 'tool', parts: [{ type: 'tool_result', call_id: 'b', parts: [{ type: 'text', text: '2' }], is_error: false }] },
      { role: 'user', parts: [{ type: 'text', text: 'And?' }] },
    ]
    expect(writeRequest(foreign({ messages }), 'm').body.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: '1' },
          { type: 'tool_result', tool_use_id: 'b', content: '2' },
          { type: 'text', text: 'And?' },
        ],
      },
    ])
  })
  it('quotes arguments that are no object, and says so', () => {
    const messages: ChatRequest['messages'] = [
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'a.b', name: 'f', arguments: '{"x' }] },
    ]
    const { body: written, losses } = writeRequest(foreign({ messages }), 'm')
    expect(written.messages).toEqual([
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a_b', name: 'f', input: { arguments: '{"x' } }] },
    ])
    expect(losses).toMatchObject([{ field: 'messages[0].content[0].arguments', how: 'approximated' }])
  })
  it('is as hot as it can be', () => {
    const { body: written, losses } = writeRequest(foreign({ temperature: 1.7 }), 'm')
    expect(written.temperature).toBe(1)
    expect(losses).toMatchObject([{ field: 'temperature', how: 'approximated' }])
  })
  it('is sampled in one way, and in none where it thinks', () => {
    const fields = (request: ChatRequest) => writeRequest(request, 'm').losses.map(loss => loss.field)
    expect(fields(foreign({ temperature: 0.2, top_p: 0.9 }))).toEqual(['top_p'])
    expect(fields(foreign({ temperature: 0.2, top_p: 0.9, reasoning: { effort: 'high', budget_tokens: null } }))).toEqual([
      'temperature',
      'top_p',
    ])
  })
  it('reads a text file as a document, and a nameless PDF as what it is', () => {
    const file = (data: string, media_type: string): Part => ({
      type: 'media',
      modality: 'file',
      source: { at: 'base64', data, media_type },
    })
    const messages: ChatRequest['messages'] = [
      {
        role: 'user',
        parts: [file('SGk=', 'text/markdown'), file('JVBERi0=', 'application/octet-stream'), file('AAAA', 'application/zip')],
      },
    ]
    const { body: written, losses } = writeRequest(foreign({ messages }), 'm')
    expect(written.messages).toMatchObject([
      { content: [{ source: { type: 'text', data: 'Hi' } }, { source: { type: 'base64', media_type: 'application/pdf' } }] },
    ])
    expect(losses).toMatchObject([{ field: 'messages[0].content[2]', how: 'dropped' }])
  })
})
