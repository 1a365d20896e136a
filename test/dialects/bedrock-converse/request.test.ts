import { describe, expect, it } from 'vitest'
import { bedrockConverse } from '../../../worker/dialects/bedrock-converse/dialect.ts'
import { openaiChat } from '../../../worker/dialects/openai-chat/dialect.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'

type Facts = NonNullable<Parameters<typeof bedrockConverse.request.write>[2]>
const PLAIN: Facts = { output_tokens: 8_000, reasoning: true }
const CLAUDE: Facts = { ...PLAIN, model_fields: 'anthropic-messages' }
const OLDER_CLAUDE: Facts = { ...CLAUDE, thinking_by: 'budget' }

function asked(body: JsonObject, target = PLAIN) {
  const read = openaiChat.request.read({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...body })
  if (!read.ok) throw new Error('the test sends no request')
  return bedrockConverse.request.write(read.value, 'some.model-v1:0', target)
}
const lost = ({ losses }: ReturnType<typeof asked>) => losses.map(({ field, how }) => `${field} ${how}`)
const TOOLS: JsonObject[] = [
  { type: 'function', function: { name: 'f', description: 'does', parameters: { type: 'object' }, strict: true } },
]
const CALLED: JsonObject[] = [
  { role: 'user', content: 'x' },
  { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
  { role: 'tool', tool_call_id: 'a', content: 'y' },
]

describe('a Chat Completions request on its way to Converse', () => {
  it('keeps its conversation: instructions, alternating turns, calls and their results', () => {
    const written = asked({
      tools: TOOLS,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'One.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Two.' },
            { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,AAAA' } },
          ],
        },
        ...CALLED.slice(1),
        { role: 'user', content: [{ type: 'file', file: { file_data: 'data:application/pdf;base64,BBBB', filename: 'report.pdf' } }] },
      ],
    })
    expect(written).toEqual({
      body: {
        system: [{ text: 'Be brief.' }],
        messages: [
          { role: 'user', content: [{ text: 'One.' }, { text: 'Two.' }, { image: { format: 'jpeg', source: { bytes: 'AAAA' } } }] },
          { role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: 'f', input: { a: 1 } } }] },
          {
            role: 'user',
            content: [
              { toolResult: { toolUseId: 'a', content: [{ text: 'y' }] } },
              { document: { format: 'pdf', source: { bytes: 'BBBB' }, name: 'report' } },
            ],
          },
        ],
        toolConfig: { tools: [{ toolSpec: { name: 'f', description: 'does', inputSchema: { json: { type: 'object' } }, strict: true } }] },
      },
      losses: [],
    })
  })
  it('keeps how it wants to be sampled, its schema, its tier and what it is for', () => {
    const written = asked({
      max_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      stop: 'END',
      service_tier: 'flex',
      metadata: { team: 'search' },
      response_format: { type: 'json_schema', json_schema: { name: 'answer', description: 'd', schema: { type: 'object' } } },
      additionalModelRequestFields: { own: 1 },
      performanceConfig: { latency: 'optimized' },
    })
    expect(written.losses).toEqual([])
    expect(written.body).toMatchObject({
      inferenceConfig: { maxTokens: 100, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
      outputConfig: {
        textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: '{"type":"object"}', name: 'answer', description: 'd' } } },
      },
      serviceTier: { type: 'flex' },
      requestMetadata: { team: 'search' },
      additionalModelRequestFields: { own: 1 },
      performanceConfig: { latency: 'optimized' },
    })
  })
  it('chooses among its tools', () => {
    const choice = (tool_choice: string | JsonObject) =>
      (asked({ tools: TOOLS, tool_choice }).body.toolConfig as JsonObject | undefined)?.toolChoice
    expect(choice('auto')).toEqual({ auto: {} })
    expect(choice('required')).toEqual({ any: {} })
    expect(choice({ type: 'function', function: { name: 'f' } })).toEqual({ tool: { name: 'f' } })
  })
  it('that forbids its tools goes without them, or says that it cannot', () => {
    const none = asked({ tools: TOOLS, tool_choice: 'none' })
    expect(none.body.toolConfig).toBeUndefined()
    expect(lost(none)).toEqual(['tool_choice emulated'])
    expect(lost(asked({ tools: TOOLS, tool_choice: 'none', messages: CALLED }))).toEqual(['tool_choice dropped'])
  })
  it('with calls and without tools declares those that were called, as it would be refused otherwise', () => {
    const written = asked({ messages: CALLED })
    expect(written.body.toolConfig).toEqual({
      tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: {} } } } }],
    })
    expect(lost(written)).toEqual(['tools emulated'])
  })
  it('caches where it marked the prompt and the model takes marks', () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'long', cache_control: { type: 'ephemeral', ttl: '1h' } }] }]
    expect(asked({ messages }, CLAUDE)).toMatchObject({
      body: { messages: [{ content: [{ text: 'long' }, { cachePoint: { type: 'default', ttl: '1h' } }] }] },
      losses: [],
    })
    expect(lost(asked({ messages }))).toEqual(['messages[0].content[0].cache_control approximated'])
  })
})

describe("what is said in the model's own fields", () => {
  const fields = (body: JsonObject, target: Facts) => {
    const written = asked(body, target)
    return { ...(written.body.additionalModelRequestFields as JsonObject), lost: written.losses.map(loss => loss.field) }
  }
  it.each<[name: string, body: JsonObject, target: Facts, expected: JsonObject]>([
    [
      'effort, as Claude takes it',
      { reasoning_effort: 'low' },
      CLAUDE,
      { thinking: { type: 'adaptive' }, output_config: { effort: 'low' }, lost: [] },
    ],
    [
      'effort, as older ones do',
      { reasoning_effort: 'medium', max_tokens: 40_000 },
      OLDER_CLAUDE,
      { thinking: { type: 'enabled', budget_tokens: 16_384 }, lost: ['reasoning_effort'] },
    ],
    [
      'a budget below the limit of output',
      { reasoning: { max_tokens: 9_000 } },
      OLDER_CLAUDE,
      { thinking: { type: 'enabled', budget_tokens: 7_999 }, lost: ['reasoning.max_tokens'] },
    ],
    [
      'effort, as Nova takes it',
      { reasoning_effort: 'high' },
      { ...PLAIN, model_fields: 'nova' },
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' }, lost: [] },
    ],
    [
      'effort, as OpenAI’s open models do',
      { reasoning_effort: 'high' },
      { ...PLAIN, model_fields: 'openai-chat' },
      { reasoning_effort: 'high', lost: [] },
    ],
    ['no effort at all', { reasoning_effort: 'none' }, CLAUDE, { lost: [] }],
    ['effort where nobody said how', { reasoning_effort: 'high' }, PLAIN, { lost: ['reasoning_effort'] }],
    ['top_k', { top_k: 5 }, CLAUDE, { top_k: 5, lost: [] }],
    ['top_k of Nova', { top_k: 5 }, { ...PLAIN, model_fields: 'nova' }, { inferenceConfig: { topK: 5 }, lost: [] }],
    ['top_k where nobody said how', { top_k: 5 }, PLAIN, { lost: ['top_k'] }],
  ])('%s', (_, body, target, expected) => expect(fields(body, target)).toEqual(expected))
})

describe('a model that takes no sampling while it thinks', () => {
  const sampled = (body: JsonObject) => {
    const written = asked(body, CLAUDE)
    return { config: written.body.inferenceConfig, lost: lost(written) }
  }
  it('is sent none, which is reported where it would have meant something', () => {
    expect(sampled({ reasoning_effort: 'low', temperature: 0.5, top_p: 0.9, top_k: 5 })).toEqual({
      config: undefined,
      lost: ['top_k dropped', 'temperature dropped', 'top_p dropped'],
    })
    expect(sampled({ reasoning_effort: 'low', temperature: 1, top_p: 1 })).toEqual({ config: undefined, lost: [] })
  })
  it('is sent one setting where it does not think, and no temperature above 1', () => {
    expect(sampled({ temperature: 0.5, top_p: 0.9 })).toEqual({ config: { temperature: 0.5 }, lost: ['top_p dropped'] })
    expect(sampled({ temperature: 1.5 })).toEqual({ config: { temperature: 1 }, lost: ['temperature approximated'] })
  })
})

describe('what Converse cannot say is named, as the caller called it', () => {
  it.each<[name: string, body: JsonObject, losses: string[]]>([
    [
      'sampling it does not have',
      { seed: 1, frequency_penalty: 1, presence_penalty: 1 },
      ['seed dropped', 'frequency_penalty dropped', 'presence_penalty dropped'],
    ],
    ['several answers', { n: 2 }, ['n dropped']],
    ['likelihoods', { logprobs: true }, ['logprobs dropped']],
    ['a user', { user: 'u' }, ['user dropped']],
    ['JSON without a schema', { response_format: { type: 'json_object' } }, ['response_format dropped']],
    ['no calls together', { parallel_tool_calls: false }, ['parallel_tool_calls dropped']],
    ['metadata that is no plain text', { metadata: { a: 'b', c: 'ü' } }, ['metadata.c dropped']],
    ['a field of tomorrow', { tomorrow: 1 }, ['tomorrow dropped']],
    [
      'an image by address',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'x' },
              { type: 'image_url', image_url: { url: 'https://x/a.png' } },
            ],
          },
        ],
      },
      ['messages[0].content[1] dropped'],
    ],
    [
      'a thought without the seal of who made it',
      {
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: 'y', reasoning_content: 'z' },
        ],
      },
      ['messages[1].content[0] dropped'],
    ],
    [
      'a name that is none here',
      {
        messages: [
          { role: 'user', content: [{ type: 'file', file: { file_data: 'data:application/pdf;base64,B', filename: 'a_b.pdf' } }] },
        ],
      },
      ['messages[0].content[0].name approximated'],
    ],
  ])('%s', (_, body, losses) => expect(lost(asked(body))).toEqual(losses))
})

describe("a model's seals", () => {
  it('come back as they were, by way of a caller of Chat Completions', () => {
    const reply = bedrockConverse.reply.read({
      output: {
        message: {
          role: 'assistant',
          content: [
            { reasoningContent: { reasoningText: { text: 'Hm.', signature: 'SEAL' } } },
            { reasoningContent: { redactedContent: 'AAAA' } },
            { text: 'Yes.' },
          ],
        },
      },
      stopReason: 'end_turn',
    })
    if (!reply.ok) throw new Error(reply.error)
    const told = openaiChat.reply.write(reply.value)
    const message = (told.body.choices as { message: JsonObject }[])[0]?.message as JsonObject
    const next = asked({ messages: [{ role: 'user', content: 'x' }, message, { role: 'user', content: 'z' }] })
    expect((next.body.messages as JsonObject[])[1]).toEqual({
      role: 'assistant',
      content: [
        { reasoningContent: { reasoningText: { text: 'Hm.', signature: 'SEAL' } } },
        { reasoningContent: { redactedContent: 'AAAA' } },
        { text: 'Yes.' },
      ],
    })
    expect(next.losses).toEqual([])
  })
})
