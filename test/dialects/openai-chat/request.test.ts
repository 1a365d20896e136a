import { describe, expect, it } from 'vitest'
import { paramOf, wording } from '../../../worker/core/errors.ts'
import { MAX_MESSAGES, readRequest, writeRequest } from '../../../worker/dialects/openai-chat/request.ts'
import type { ChatRequest, Json, JsonObject, Message } from '../../../worker/schema/chat.ts'

const HELLO = { role: 'user', content: 'Hello' }
const body = (members: JsonObject): JsonObject => ({ model: 'auto', messages: [HELLO], ...members })

function read(members: JsonObject): ChatRequest {
  const result = readRequest(body(members))
  if (!result.ok) throw new Error(wording(result.error))
  return result.value
}
function refused(members: JsonObject): { param: string | null; message: string } {
  const result = readRequest(body(members))
  return result.ok ? { param: 'accepted', message: '' } : { param: paramOf(result.error), message: wording(result.error) }
}
const message = (raw: Json): Message => read({ messages: [raw] }).messages[0] as Message
const parts = (content: Json) => message({ role: 'user', content }).parts

describe('the smallest request', () => {
  it('asks for one plain answer, and says nothing of the rest', () => {
    expect(read({})).toEqual({
      dialect: 'openai-chat',
      model: 'auto',
      stream: false,
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
      tools: [],
      tool_choice: null,
      parallel_tool_calls: null,
      output: { form: 'text' },
      max_output_tokens: null,
      temperature: null,
      top_p: null,
      top_k: null,
      seed: null,
      stop: [],
      frequency_penalty: null,
      presence_penalty: null,
      choices: 1,
      logprobs: null,
      reasoning: null,
      user: null,
      metadata: null,
      service_tier: null,
      stream_usage: false,
      extra: {},
    })
  })
  it('reads null as absent, everywhere', () => {
    const nulls = Object.fromEntries(
      [
        'stream',
        'tools',
        'tool_choice',
        'response_format',
        'max_tokens',
        'temperature',
        'stop',
        'n',
        'logprobs',
        'user',
        'metadata',
        'stream_options',
        'seed',
      ].map(name => [name, null]),
    )
    expect(read(nulls)).toEqual(read({}))
  })
})

describe('a value that cannot be used is refused with the name of its field', () => {
  it.each<[string, JsonObject, string]>([
    ['no model', { model: null }, 'model'],
    ['an empty model', { model: '' }, 'model'],
    ['a model that is a number', { model: 4 }, 'model'],
    ['messages that are text', { messages: 'Hello' }, 'messages'],
    ['no messages', { messages: [] }, 'messages'],
    ['too many messages', { messages: Array(MAX_MESSAGES + 1).fill(HELLO) }, 'messages'],
    ['a message that is text', { messages: [HELLO, 'Hello'] }, 'messages[1]'],
    ['an unknown role', { messages: [HELLO, { role: 'robot', content: 'x' }] }, 'messages[1].role'],
    ['a role out of the prototype', { messages: [{ role: 'constructor', content: 'x' }] }, 'messages[0].role'],
    ['content that is a number', { messages: [HELLO, HELLO, HELLO, { role: 'user', content: 5 }] }, 'messages[3].content'],
    ['no content', { messages: [{ role: 'user' }] }, 'messages[0].content'],
    ['a part that is text', { messages: [{ role: 'user', content: ['x'] }] }, 'messages[0].content[0]'],
    ['a part without a type', { messages: [{ role: 'user', content: [{ text: 'x' }] }] }, 'messages[0].content[0]'],
    ['a text part without text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
    [
      'an image without an address',
      { messages: [{ role: 'user', content: [HELLO as Json, { type: 'image_url', image_url: {} }].slice(1) }] },
      'messages[0].content[0].image_url.url',
    ],
    [
      'sound without data',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { format: 'wav' } }] }] },
      'messages[0].content[0].input_audio.data',
    ],
    ['a tool result without an id', { messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
    [
      'a tool call without a name',
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: {} }] }] },
      'messages[0].tool_calls[0]',
    ],
    ['tool calls that are no list', { messages: [{ role: 'assistant', tool_calls: {} }] }, 'messages[0].tool_calls'],
    ['stream as text', { stream: 'true' }, 'stream'],
    ['stream as a number', { stream: 1 }, 'stream'],
    ['temperature as text', { temperature: 'hot' }, 'temperature'],
    ['temperature as a number in quotes', { temperature: '0.5' }, 'temperature'],
    ['temperature below zero', { temperature: -1 }, 'temperature'],
    ['temperature of minus zero', { temperature: -0 }, 'temperature'],
    ['top_p above one', { top_p: 1.5 }, 'top_p'],
    ['max_tokens as text', { max_tokens: '12' }, 'max_tokens'],
    ['max_tokens of zero', { max_tokens: 0 }, 'max_tokens'],
    ['max_tokens of minus zero', { max_tokens: -0 }, 'max_tokens'],
    ['max_tokens below zero', { max_tokens: -1 }, 'max_tokens'],
    ['half a token', { max_tokens: 0.5 }, 'max_tokens'],
    ['max_tokens of 2^53', { max_tokens: 2 ** 53 }, 'max_tokens'],
    ['max_completion_tokens of 2^53', { max_completion_tokens: 2 ** 53 }, 'max_completion_tokens'],
    ['a thousand million answers', { n: 1e9 }, 'n'],
    ['no answer', { n: 0 }, 'n'],
    ['a hundred thousand stops', { stop: Array(100_000).fill('x') }, 'stop'],
    ['a stop that is a number', { stop: ['x', 1] }, 'stop[1]'],
    ['a seed with a fraction', { seed: 1.5 }, 'seed'],
    ['logprobs as a number', { logprobs: 5 }, 'logprobs'],
    ['top_logprobs of 21', { logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    ['tools that are an object', { tools: {} }, 'tools'],
    ['a tool that is null', { tools: [null] }, 'tools[0]'],
    ['a tool without a type', { tools: [{ function: { name: 'x' } }] }, 'tools[0].type'],
    ['a tool without a name', { tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
    ['parameters as text', { tools: [{ type: 'function', function: { name: 'x', parameters: '{}' } }] }, 'tools[0].function.parameters'],
    ['an unknown tool choice', { tool_choice: 'perhaps' }, 'tool_choice'],
    ['a tool choice without a name', { tool_choice: { type: 'function' } }, 'tool_choice'],
    ['a format that is text', { response_format: 'json' }, 'response_format'],
    ['a schema format without a schema', { response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
    ['metadata as a list', { metadata: [] }, 'metadata'],
    ['user as a number', { user: 1 }, 'user'],
    ['stream options as true', { stream_options: true }, 'stream_options'],
    ['usage as text', { stream_options: { include_usage: 'yes' } }, 'stream_options.include_usage'],
    ['reasoning as text', { reasoning: 'high' }, 'reasoning'],
    ['thought below zero', { reasoning: { max_tokens: -1 } }, 'reasoning.max_tokens'],
  ])('%s', (_, members, param) => {
    const { param: named, message: said } = refused(members)
    expect(named).toBe(param)
    expect(said).toContain(`${param}: `)
  })
  it('says what to send instead', () => {
    expect(refused({ temperature: 'hot' }).message).toBe('temperature: must be a number, not a string.')
    expect(refused({ n: 0 }).message).toBe('n: must be a whole number from 1 to 128.')
  })
  it('never shows the value itself', () => expect(refused({ temperature: 'sk-secret' }).message).not.toContain('sk-secret'))
})

describe('what only the target can judge', () => {
  it('is carried', () => {
    const extra = { logit_bias: { '50256': -100 }, prediction: { type: 'content', content: 'x' }, store: true, tomorrow: { field: [1] } }
    expect(read(extra).extra).toEqual(extra)
  })
  it('is carried under names that mean something to JavaScript, and pollutes nothing', () => {
    const asked = readRequest(
      JSON.parse(
        '{"model":"auto","messages":[{"role":"user","content":"x","__proto__":{"a":1}}],"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      ),
    )
    if (!asked.ok) throw new Error('refused')
    expect(Object.keys(asked.value.extra)).toEqual(['__proto__', 'constructor'])
    expect((asked.value.extra as Record<string, unknown>).polluted).toBeUndefined()
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(Object.keys(writeRequest(asked.value, 'm').body)).toContain('__proto__')
  })
  it.each([0, 1.99, 5])('includes a temperature of %d', temperature => expect(read({ temperature }).temperature).toBe(temperature))
})

describe('a field of tomorrow', () => {
  const tomorrow = { x_new: { a: [1] } }
  const asked = body({
    ...tomorrow,
    messages: [
      {
        role: 'user',
        ...tomorrow,
        content: [
          { type: 'text', text: 'x', ...tomorrow },
          { type: 'image_url', ...tomorrow, image_url: { url: 'https://x', ...tomorrow } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'file', ...tomorrow, file: { file_id: 'f', ...tomorrow } },
          { type: 'input_audio', ...tomorrow, input_audio: { data: 'A', format: 'wav', ...tomorrow } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        ...tomorrow,
        tool_calls: [{ id: 'c', type: 'function', ...tomorrow, function: { name: 'f', arguments: '{}', ...tomorrow } }],
      },
      { role: 'tool', tool_call_id: 'c', content: 'y', ...tomorrow },
    ],
    tools: [{ type: 'function', ...tomorrow, function: { name: 'f', ...tomorrow } }],
    response_format: { type: 'json_schema', ...tomorrow, json_schema: { name: 'n', schema: {}, ...tomorrow } },
    stream: true,
    stream_options: { include_usage: true, ...tomorrow },
    reasoning: { effort: 'low', max_tokens: 5, ...tomorrow },
  })
  const read_back = readRequest(asked)
  if (!read_back.ok) throw new Error(wording(read_back.error))

  it('goes back into its own dialect from wherever it stood', () => expect(writeRequest(read_back.value, 'auto').body).toEqual(asked))
  it('is named as lost on the way into another', () => {
    const { losses } = writeRequest({ ...read_back.value, dialect: 'gemini' }, 'm')
    expect(losses.filter(loss => loss.how === 'dropped').map(loss => loss.field)).toEqual([
      'messages[0].content[0].x_new',
      'messages[0].content[1].x_new',
      'messages[0].content[1].image_url',
      'messages[0].x_new',
      'messages[1].content[0]',
      'messages[1].content[1].x_new',
      'messages[1].content[1].input_audio',
      'messages[2].content[0].x_new',
      'messages[2].content[0].function',
      'messages[2].x_new',
      'messages[3].content[0].x_new',
      'tools[0].x_new',
      'tools[0].function',
      'x_new',
      'response_format',
      'reasoning',
      'stream_options',
    ])
  })
})

describe('the same said in two ways', () => {
  it('reads alike: limits', () => {
    expect(read({ max_tokens: 5 }).max_output_tokens).toBe(5)
    expect(read({ max_completion_tokens: 7, max_tokens: 5 }).max_output_tokens).toBe(7)
  })
  it('reads alike: effort', () => {
    expect(read({ reasoning_effort: 'low' }).reasoning).toEqual({ effort: 'low', budget_tokens: null })
    expect(read({ reasoning: { effort: 'low' } }).reasoning).toEqual({ effort: 'low', budget_tokens: null })
    expect(read({ reasoning: { max_tokens: 2_000 } }).reasoning).toEqual({ effort: null, budget_tokens: 2_000 })
  })
  it('reads alike: stop', () => expect(read({ stop: 'x' }).stop).toEqual(read({ stop: ['x'] }).stop))
  it('reads alike: functions and tools', () => {
    const called = { name: 'weather', parameters: { type: 'object' } }
    const [old] = read({ functions: [called], function_call: { name: 'weather' } }).tools
    const [modern] = read({ tools: [{ type: 'function', function: called }] }).tools
    expect(old).toMatchObject({ ...modern })
    expect(read({ functions: [called], function_call: { name: 'weather' } }).tool_choice).toEqual({ mode: 'named', name: 'weather' })
  })
  it('goes back as it came, in its own dialect', () => {
    const members = {
      functions: [{ name: 'weather' }],
      function_call: 'auto',
      messages: [HELLO, { role: 'function', name: 'weather', content: '5' }],
    }
    expect(writeRequest(read(members), 'm').body).toMatchObject({
      functions: [{ name: 'weather' }],
      function_call: 'auto',
      messages: [HELLO, { role: 'function', content: '5' }],
    })
    const any = { tools: [{ type: 'web_search', depth: 2 }], tool_choice: 'any' }
    expect(writeRequest(read(any), 'm').body).toMatchObject(any)
  })
})

describe('usage at the end of a stream', () => {
  it('is asked for only where there is a stream', () => {
    expect(read({ stream: true, stream_options: { include_usage: true } }).stream_usage).toBe(true)
    expect(read({ stream_options: { include_usage: true } }).stream_usage).toBe(false)
  })
  it('leaves the other stream options as they are', () => {
    const stream_options = { include_usage: true, include_obfuscation: false }
    expect(writeRequest(read({ stream: true, stream_options }), 'm').body.stream_options).toEqual(stream_options)
  })
})

describe('the parts of a message', () => {
  it('are an image behind an address, or inline', () => {
    expect(parts([{ type: 'image_url', image_url: { url: 'https://x/y.png', detail: 'low' } }])).toEqual([
      { type: 'media', modality: 'image', source: { at: 'url', url: 'https://x/y.png' }, detail: 'low' },
    ])
    expect(parts([{ type: 'image_url', image_url: 'data:image/png;base64,iVBORw0=' }])).toEqual([
      { type: 'media', modality: 'image', source: { at: 'base64', media_type: 'image/png', data: 'iVBORw0=' } },
    ])
  })
  it('are sound', () =>
    expect(parts([{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } }])).toEqual([
      { type: 'media', modality: 'audio', source: { at: 'base64', media_type: 'audio/mpeg', data: 'AAAA' } },
    ]))
  it('are a file, by its data or its id', () => {
    expect(parts([{ type: 'file', file: { file_data: 'data:application/pdf;base64,JVBE', filename: 'a.pdf' } }])).toEqual([
      { type: 'media', modality: 'file', source: { at: 'base64', media_type: 'application/pdf', data: 'JVBE' }, name: 'a.pdf' },
    ])
    expect(parts([{ type: 'file', file: { file_id: 'file-1' } }])).toEqual([
      { type: 'media', modality: 'file', source: { at: 'provider_file', id: 'file-1' } },
    ])
  })
  it('are whatever a provider invents, carried whole', () =>
    expect(parts([{ type: 'hologram', depth: 3 }])).toEqual([
      { type: 'other', dialect: 'openai-chat', value: { type: 'hologram', depth: 3 } },
    ]))
  it('keep a cache marker and unknown members', () =>
    expect(parts([{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' }, lang: 'en' }])).toEqual([
      { type: 'text', text: 'x', cache: { ttl: '1h' }, extra: { lang: 'en' } },
    ]))
  it('of an assistant come in reading order', () => {
    const raw = {
      role: 'assistant',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{' } }],
      content: 'Hi',
      reasoning: 'Hm',
      refusal: 'No',
    }
    expect(message(raw).parts).toEqual([
      { type: 'reasoning', text: 'Hm' },
      { type: 'text', text: 'Hi' },
      { type: 'refusal', text: 'No' },
      { type: 'tool_call', id: 'c1', name: 'f', arguments: '{' },
    ])
  })
})

describe('a request from another dialect', () => {
  const foreign: ChatRequest = {
    ...read({ max_tokens: 100 }),
    dialect: 'anthropic-messages',
    top_k: 5,
    reasoning: { effort: null, budget_tokens: 8_000 },
    extra: { container: 'c1' },
    tools: [{ name: 'f', description: 'F', parameters: { type: 'object' }, strict: null, cache: { ttl: null } }],
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.', cache: { ttl: '1h' } }] },
      { role: 'user', parts: [{ type: 'media', modality: 'image', source: { at: 'base64', media_type: 'image/png', data: 'AAAA' } }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'Hm', signature: 'sig' },
          { type: 'tool_call', id: 't1', name: 'f', arguments: '{}' },
          { type: 'tool_call', id: 't2', name: 'f', arguments: '{}' },
        ],
      },
      {
        role: 'user',
        parts: [
          { type: 'tool_result', call_id: 't1', parts: [{ type: 'text', text: 'one' }], is_error: false },
          { type: 'tool_result', call_id: 't2', parts: [{ type: 'text', text: 'two' }], is_error: true },
          { type: 'text', text: 'and?' },
        ],
      },
      {
        role: 'user',
        parts: [
          { type: 'other', dialect: 'anthropic-messages', value: { type: 'document' } },
          { type: 'text', text: 'read it' },
        ],
      },
    ],
  }
  const { body: written, losses } = writeRequest(foreign, 'gpt-x')

  it('is written in this one', () => {
    expect(written).toEqual({
      model: 'gpt-x',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
        {
          role: 'assistant',
          content: null,
          reasoning_content: 'Hm',
          tool_calls: [
            { id: 't1', type: 'function', function: { name: 'f', arguments: '{}' } },
            { id: 't2', type: 'function', function: { name: 'f', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 't1', content: 'one' },
        { role: 'tool', tool_call_id: 't2', content: 'two' },
        { role: 'user', content: 'and?' },
        { role: 'user', content: 'read it' },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'F', parameters: { type: 'object' } } }],
      max_completion_tokens: 100,
      reasoning_effort: 'medium',
    })
  })
  it('names everything it loses, by the names that its caller wrote', () => {
    expect(losses.map(loss => `${loss.field} ${loss.how}`)).toEqual([
      'system[0].cache_control approximated',
      'messages[1].content[0] approximated',
      'messages[2].content[1].is_error dropped',
      'messages[3].content[0] dropped',
      'tools[0].cache_control approximated',
      'top_k dropped',
      'thinking.budget_tokens approximated',
      'container dropped',
    ])
  })
})
