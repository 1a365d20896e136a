/**
 * What is asked, from every format into every other: each cell means the same on the other side, or what it loses is listed here with
 * its reason, and reported by the name that the caller wrote.
 */
import { describe, expect, it } from 'vitest'
import type { ChatRequest, JsonObject, Part } from '../../worker/schema/chat.ts'
import { codec, SPOKEN, type Spoken } from './replay.ts'

type Row = {
  asked: Record<Spoken, JsonObject>
  /** What must be the same on the other side. */
  meaning(request: ChatRequest): unknown
  /** By caller and target: what is lost, and why it must be. Where nothing stands here, nothing is lost. */
  loses?: Partial<Record<`${Spoken} > ${Spoken}`, { losses: string[]; because: string; means?: unknown }>>
}

const HELLO = { role: 'user', content: 'Hello' }
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }
const PNG = 'iVBORw0KGgo='

/** Words and roles, without what only one format has. A developer is a system, and a tool's results are one message or several. */
const conversation = ({ messages }: ChatRequest) =>
  messages
    .flatMap(({ role, parts }) =>
      parts.map(part => ({ role: role === 'developer' ? 'system' : role === 'tool' ? 'user' : role, ...plain(part) })),
    )
    .filter((part: Record<string, unknown>) => part.type !== 'text' || part.text !== '')

function plain(part: Part): Record<string, unknown> {
  const { cache: _, extra: __, ...rest } = part
  if (rest.type === 'tool_call') return { ...rest, arguments: JSON.parse(rest.arguments) }
  if (rest.type === 'tool_result') return { ...rest, parts: rest.parts.map(plain) }
  return rest
}

const ROWS: Record<string, Row> = {
  'text, and who says it': {
    asked: {
      'openai-chat': {
        model: 'm',
        messages: [
          { role: 'system', content: 'Be brief.' },
          HELLO,
          { role: 'assistant', content: 'Hi.' },
          { role: 'user', content: 'More.' },
        ],
        max_completion_tokens: 50,
        temperature: 0.5,
      },
      'openai-responses': {
        model: 'm',
        instructions: 'Be brief.',
        input: [HELLO, { role: 'assistant', content: 'Hi.' }, { role: 'user', content: 'More.' }],
        max_output_tokens: 50,
        temperature: 0.5,
      },
      'anthropic-messages': {
        model: 'm',
        system: 'Be brief.',
        messages: [HELLO, { role: 'assistant', content: 'Hi.' }, { role: 'user', content: 'More.' }],
        max_tokens: 50,
        temperature: 0.5,
      },
    },
    meaning: request => [conversation(request), request.max_output_tokens, request.temperature],
  },
  tools: {
    asked: {
      'openai-chat': {
        model: 'm',
        messages: [HELLO],
        tools: [{ type: 'function', function: { name: 'weather', description: 'W', parameters: SCHEMA, strict: true } }],
        tool_choice: { type: 'function', function: { name: 'weather' } },
        parallel_tool_calls: false,
      },
      'openai-responses': {
        model: 'm',
        input: [HELLO],
        tools: [{ type: 'function', name: 'weather', description: 'W', parameters: SCHEMA, strict: true }],
        tool_choice: { type: 'function', name: 'weather' },
        parallel_tool_calls: false,
      },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [HELLO],
        tools: [{ name: 'weather', description: 'W', input_schema: SCHEMA, strict: true }],
        tool_choice: { type: 'tool', name: 'weather', disable_parallel_tool_use: true },
      },
    },
    meaning: ({ tools, tool_choice, parallel_tool_calls }) => [tools, tool_choice, parallel_tool_calls],
  },
  'parallel calls and their results': {
    asked: {
      'openai-chat': {
        model: 'm',
        messages: [
          HELLO,
          {
            role: 'assistant',
            content: 'Looking.',
            tool_calls: [
              { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
              { id: 'call_2', type: 'function', function: { name: 'weather', arguments: '{"city":"Basel"}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'call_1', content: '17' },
          { role: 'tool', tool_call_id: 'call_2', content: '18' },
        ],
      },
      'openai-responses': {
        model: 'm',
        input: [
          HELLO,
          { role: 'assistant', content: 'Looking.' },
          { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}', status: 'completed' },
          { type: 'function_call', id: 'fc_2', call_id: 'call_2', name: 'weather', arguments: '{"city":"Basel"}', status: 'completed' },
          { type: 'function_call_output', call_id: 'call_1', output: '17' },
          { type: 'function_call_output', call_id: 'call_2', output: '18' },
        ],
      },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [
          HELLO,
          {
            role: 'assistant',
            content: [
              { type: 'text', text: 'Looking.' },
              { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Bern' } },
              { type: 'tool_use', id: 'call_2', name: 'weather', input: { city: 'Basel' } },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'call_1', content: '17' },
              { type: 'tool_result', tool_use_id: 'call_2', content: '18' },
            ],
          },
        ],
      },
    },
    meaning: conversation,
  },
  'a tool that failed': {
    asked: {
      'openai-chat': { model: 'm', messages: [HELLO] },
      'openai-responses': { model: 'm', input: [HELLO] },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [
          HELLO,
          { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'weather', input: {} }] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'no such city', is_error: true }] },
        ],
      },
    },
    meaning: request => conversation(request).map(part => ('is_error' in part ? { ...part, is_error: 'told by its text' } : part)),
    loses: {
      'anthropic-messages > openai-chat': {
        losses: ['messages[2].content[0].is_error dropped'],
        because: 'results have no such flag there',
      },
      'anthropic-messages > openai-responses': {
        losses: ['messages[2].content[0].is_error dropped'],
        because: 'results have no such flag there',
      },
    },
  },
  'structured output': {
    asked: {
      'openai-chat': {
        model: 'm',
        messages: [HELLO],
        response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: SCHEMA } },
      },
      'openai-responses': { model: 'm', input: 'Hello', text: { format: { type: 'json_schema', name: 'answer', schema: SCHEMA } } },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [HELLO],
        output_config: { format: { type: 'json_schema', schema: SCHEMA } },
      },
    },
    meaning: ({ output }) => output,
  },
  'JSON of any shape': {
    asked: {
      'openai-chat': { model: 'm', messages: [HELLO], response_format: { type: 'json_object' } },
      'openai-responses': { model: 'm', input: 'Hello', text: { format: { type: 'json_object' } } },
      'anthropic-messages': { model: 'm', max_tokens: 9, messages: [HELLO] },
    },
    meaning: ({ output }) => output.form,
    loses: {
      'openai-chat > anthropic-messages': {
        losses: ['response_format dropped'],
        because: 'only a schema can be promised there',
        means: 'text',
      },
      'openai-responses > anthropic-messages': {
        losses: ['text.format dropped'],
        because: 'only a schema can be promised there',
        means: 'text',
      },
    },
  },
  'an image, inline and by address, and a PDF': {
    asked: {
      'openai-chat': {
        model: 'm',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
              { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
              { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'a.pdf' } },
            ],
          },
        ],
      },
      'openai-responses': {
        model: 'm',
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_image', image_url: `data:image/png;base64,${PNG}` },
              { type: 'input_image', image_url: 'https://example.com/a.png' },
              { type: 'input_file', file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'a.pdf' },
            ],
          },
        ],
      },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
              { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
              { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' }, title: 'a.pdf' },
            ],
          },
        ],
      },
    },
    meaning: conversation,
  },
  'a file that a provider keeps': {
    asked: {
      'openai-chat': {
        model: 'm',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Read.' },
              { type: 'file', file: { file_id: 'file-1' } },
            ],
          },
        ],
      },
      'openai-responses': {
        model: 'm',
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'Read.' },
              { type: 'input_file', file_id: 'file-1' },
            ],
          },
        ],
      },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Read.' },
              { type: 'document', source: { type: 'file', file_id: 'file_1' } },
            ],
          },
        ],
      },
    },
    meaning: conversation,
    loses: Object.fromEntries(
      [
        ['openai-chat > anthropic-messages', 'messages[0].content[1]'],
        ['openai-responses > openai-chat', 'input[0].content[1]'],
        ['openai-responses > anthropic-messages', 'input[0].content[1]'],
        ['anthropic-messages > openai-chat', 'messages[0].content[1]'],
        ['anthropic-messages > openai-responses', 'messages[0].content[1]'],
      ].map(([cell, field]) => [
        cell,
        { losses: [`${field} dropped`], because: 'nobody else has the file', means: [{ role: 'user', type: 'text', text: 'Read.' }] },
      ]),
    ),
  },
  'how hard to think, in a word': {
    asked: {
      'openai-chat': { model: 'm', messages: [HELLO], reasoning_effort: 'high' },
      'openai-responses': { model: 'm', input: 'Hello', reasoning: { effort: 'high' } },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [HELLO],
        thinking: { type: 'adaptive' },
        output_config: { effort: 'high' },
      },
    },
    meaning: ({ reasoning }) => reasoning,
  },
  'how hard to think, in tokens': {
    asked: {
      'openai-chat': { model: 'm', messages: [HELLO], reasoning: { max_tokens: 8_000 } },
      'openai-responses': { model: 'm', input: 'Hello' },
      'anthropic-messages': { model: 'm', max_tokens: 9_000, messages: [HELLO], thinking: { type: 'enabled', budget_tokens: 8_000 } },
    },
    meaning: ({ reasoning }) => reasoning,
    loses: Object.fromEntries(
      [
        ['openai-chat > openai-responses', 'reasoning.max_tokens'],
        ['openai-chat > anthropic-messages', 'reasoning.max_tokens'],
        ['anthropic-messages > openai-chat', 'thinking.budget_tokens'],
        ['anthropic-messages > openai-responses', 'thinking.budget_tokens'],
      ].map(([cell, field]) => [
        cell,
        { losses: [`${field} approximated`], because: 'newer models are told in a word', means: { effort: 'medium', budget_tokens: null } },
      ]),
    ),
  },
  'cache markers': {
    asked: {
      'openai-chat': {
        model: 'm',
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Long.', cache_control: { type: 'ephemeral', ttl: '1h' } }] }],
      },
      'openai-responses': {
        model: 'm',
        input: [{ role: 'user', content: [{ type: 'input_text', text: 'Long.', cache_control: { type: 'ephemeral', ttl: '1h' } }] }],
      },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Long.', cache_control: { type: 'ephemeral', ttl: '1h' } }] }],
      },
    },
    meaning: ({ messages }) => messages[0]?.parts[0]?.cache ?? null,
    loses: Object.fromEntries(
      [
        ['openai-chat > openai-responses', 'messages[0].content[0]'],
        ['openai-responses > openai-chat', 'input[0].content[0]'],
        ['anthropic-messages > openai-chat', 'messages[0].content[0]'],
        ['anthropic-messages > openai-responses', 'messages[0].content[0]'],
      ].map(([cell, field]) => [
        cell,
        { losses: [`${field}.cache_control approximated`], because: 'prompts are cached there without a marker', means: null },
      ]),
    ),
  },
  'stop words': {
    asked: {
      'openai-chat': { model: 'm', messages: [HELLO], stop: ['END'] },
      'openai-responses': { model: 'm', input: 'Hello' },
      'anthropic-messages': { model: 'm', max_tokens: 9, messages: [HELLO], stop_sequences: ['END'] },
    },
    meaning: ({ stop }) => stop,
    loses: {
      'openai-chat > openai-responses': { losses: ['stop dropped'], because: 'there is no such word there', means: [] },
      'anthropic-messages > openai-responses': { losses: ['stop_sequences dropped'], because: 'there is no such word there', means: [] },
    },
  },
  "a provider's own tools": {
    asked: {
      'openai-chat': { model: 'm', messages: [HELLO], tools: [{ type: 'custom', custom: { name: 'sql' } }] },
      'openai-responses': { model: 'm', input: 'Hello', tools: [{ type: 'web_search' }] },
      'anthropic-messages': { model: 'm', max_tokens: 9, messages: [HELLO], tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
    },
    meaning: ({ tools }) => tools.map(({ name }) => name),
    loses: Object.fromEntries(
      SPOKEN.flatMap(from => SPOKEN.filter(to => to !== from).map(to => `${from} > ${to}`)).map(cell => [
        cell,
        { losses: ['tools[0] dropped'], because: 'only its own provider runs it', means: [] },
      ]),
    ),
  },
  'settings that few formats have': {
    asked: {
      'openai-chat': { model: 'm', messages: [HELLO], seed: 1, n: 2, logit_bias: { 5: 1 }, presence_penalty: 1, metadata: { a: 'b' } },
      'openai-responses': { model: 'm', input: 'Hello', metadata: { a: 'b' }, truncation: 'auto', store: false },
      'anthropic-messages': {
        model: 'm',
        max_tokens: 9,
        messages: [HELLO],
        top_k: 5,
        container: 'c',
        mcp_servers: [],
        service_tier: 'standard_only',
      },
    },
    meaning: ({ service_tier }) => (service_tier === 'standard_only' ? 'default' : service_tier),
    loses: {
      'openai-chat > openai-responses': {
        losses: ['seed dropped', 'presence_penalty dropped', 'n dropped', 'logit_bias dropped'],
        because: 'there are no such settings there',
      },
      'openai-chat > anthropic-messages': {
        losses: ['seed dropped', 'presence_penalty dropped', 'n dropped', 'metadata dropped', 'logit_bias dropped'],
        because: 'there are no such settings there',
      },
      'openai-responses > openai-chat': { losses: ['truncation dropped'], because: 'a prompt that is too long is refused there' },
      'openai-responses > anthropic-messages': {
        losses: ['metadata dropped', 'truncation dropped'],
        because: 'there are no such settings there',
      },
      'anthropic-messages > openai-chat': {
        losses: ['top_k dropped', 'container dropped', 'mcp_servers dropped'],
        because: 'there are no such settings there',
      },
      'anthropic-messages > openai-responses': {
        losses: ['top_k dropped', 'container dropped', 'mcp_servers dropped'],
        because: 'there are no such settings there',
      },
    },
  },
}

function read(from: Spoken, body: JsonObject): ChatRequest {
  const result = codec(from).request.read(body)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

const CELLS = SPOKEN.flatMap(from => SPOKEN.map(to => ({ from, to })))

describe.each(Object.entries(ROWS))('%s', (_, { asked, meaning, loses }) => {
  it.each(CELLS)('from $from into $to', ({ from, to }) => {
    const request = read(from, asked[from])
    const { body, losses } = codec(to).request.write(request, 'm', { output_tokens: 32_000, reasoning: true })
    const expected = loses?.[`${from} > ${to}`]
    expect(losses.map(({ field, how }) => `${field} ${how}`)).toEqual(expected?.losses ?? [])
    const arrived = meaning(read(to, JSON.parse(JSON.stringify(body)) as JsonObject))
    expect(arrived).toEqual(expected && 'means' in expected ? expected.means : meaning(request))
  })
})

describe('a limit of output that its format demands', () => {
  const asked = read('openai-chat', { model: 'm', messages: [HELLO] })
  const facts = { output_tokens: 32_000, reasoning: true }
  it("is the target's own where the caller set none", () =>
    expect(codec('anthropic-messages').request.write(asked, 'm', facts).body.max_tokens).toBe(32_000))
  it("is the caller's where it set one", () =>
    expect(codec('anthropic-messages').request.write({ ...asked, max_output_tokens: 5 }, 'm', facts).body.max_tokens).toBe(5))
  it('is a modest one where nobody knows', () => expect(codec('anthropic-messages').request.write(asked, 'm').body.max_tokens).toBe(4_096))
})

describe('a model that knows thought only as a budget', () => {
  const facts = { output_tokens: 32_000, reasoning: true, thinking_by: 'budget' as const }
  const asked = read('openai-chat', { model: 'm', messages: [HELLO], reasoning_effort: 'low', max_completion_tokens: 3_000 })
  it('is given one, below the limit of output', () => {
    const { body, losses } = codec('anthropic-messages').request.write(asked, 'm', facts)
    expect(body.thinking).toEqual({ type: 'enabled', budget_tokens: 2_999 })
    expect(losses).toMatchObject([{ field: 'reasoning_effort', how: 'approximated' }])
  })
  it('does not think on from a call that came without its thought', () => {
    const calls = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }]
    const going_on = read('openai-chat', {
      model: 'm',
      reasoning_effort: 'low',
      messages: [HELLO, { role: 'assistant', content: null, tool_calls: calls }, { role: 'tool', tool_call_id: 'c', content: '1' }],
    })
    const { body, losses } = codec('anthropic-messages').request.write(going_on, 'm', facts)
    expect(body.thinking).toBeUndefined()
    expect(losses).toMatchObject([{ field: 'reasoning_effort', how: 'dropped' }])
  })
  it('is not asked to think where there is no room', () => {
    const { body, losses } = codec('anthropic-messages').request.write({ ...asked, max_output_tokens: 500 }, 'm', facts)
    expect(body.thinking).toBeUndefined()
    expect(losses).toMatchObject([{ field: 'reasoning_effort', how: 'dropped' }])
  })
})

describe('a target that does not think', () => {
  const asked = read('openai-chat', { model: 'm', messages: [HELLO], reasoning_effort: 'high' })
  it.each(['openai-responses', 'anthropic-messages'] as const)('is not asked to in %s, and that is reported', to => {
    const { body, losses } = codec(to).request.write(asked, 'm', { output_tokens: 32_000, reasoning: false })
    expect([body.thinking, body.reasoning, body.output_config]).toEqual([undefined, undefined, undefined])
    expect(losses).toMatchObject([{ field: 'reasoning_effort', how: 'dropped' }])
  })
})

describe('what a tool shows', () => {
  const shown = read('anthropic-messages', {
    model: 'm',
    max_tokens: 9,
    messages: [
      HELLO,
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c', name: 'screen', input: {} }] },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'c',
            content: [
              { type: 'text', text: 'Seen:' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
            ],
          },
        ],
      },
    ],
  })
  const image = `data:image/png;base64,${PNG}`
  it('is shown by the user behind the results where a result is text', () => {
    const { body, losses } = codec('openai-chat').request.write(shown, 'm')
    expect((body.messages as JsonObject[]).slice(-2)).toEqual([
      { role: 'tool', tool_call_id: 'c', content: 'Seen:' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: image } }] },
    ])
    expect(losses).toMatchObject([{ field: 'messages[2].content[0].content[1]', how: 'emulated' }])
  })
  it('stays in the result where a result may be shown', () => {
    const { body, losses } = codec('openai-responses').request.write(shown, 'm')
    expect((body.input as JsonObject[]).at(-1)).toMatchObject({
      output: [
        { type: 'input_text', text: 'Seen:' },
        { type: 'input_image', image_url: image },
      ],
    })
    expect(losses).toEqual([])
  })
})

describe('a system that speaks in the middle', () => {
  const asked = read('openai-chat', { model: 'm', messages: [HELLO, { role: 'system', content: 'French now.' }] })
  it('is heard from the user, in its place, where it may speak only at the beginning', () => {
    const { body, losses } = codec('anthropic-messages').request.write(asked, 'm')
    expect(body.messages).toEqual([HELLO, { role: 'user', content: 'French now.' }])
    expect(losses).toMatchObject([{ field: 'messages[1].role', how: 'approximated' }])
  })
})
