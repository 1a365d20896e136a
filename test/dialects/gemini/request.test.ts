import { describe, expect, it } from 'vitest'
import { gemini } from '../../../worker/dialects/gemini/dialect.ts'
import { openaiChat } from '../../../worker/dialects/openai-chat/dialect.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'

type Facts = Parameters<typeof gemini.request.write>[2]
const LEVELS: Facts = { output_tokens: 1_000, reasoning: true }
const BUDGETS: Facts = { output_tokens: 1_000, reasoning: true, thinking_by: 'budget' }

function asked(body: JsonObject, target = LEVELS) {
  const read = openaiChat.request.read({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...body })
  if (!read.ok) throw new Error('the test sends no request')
  return gemini.request.write(read.value, 'gemini-x', target)
}
const said = (...messages: JsonObject[]) => asked({ messages })
const lost = ({ losses }: ReturnType<typeof asked>) => losses.map(({ field, how }) => `${field} ${how}`)

describe('a Chat Completions request on its way to Gemini', () => {
  it('keeps its conversation: instructions, turns, calls and their results by name and id', () => {
    const written = said(
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: 'Really.' },
      { role: 'user', content: 'Weather in Rome and Oslo?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
          { id: 'b', type: 'function', function: { name: 'forecast', arguments: '' } },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: 'sunny' },
      { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'rain' }] },
      { role: 'user', content: 'And Paris?' },
    )
    expect(written).toEqual({
      body: {
        systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'Really.' }] },
        contents: [
          { role: 'user', parts: [{ text: 'Weather in Rome and Oslo?' }] },
          {
            role: 'model',
            parts: [
              { functionCall: { id: 'a', name: 'weather', args: { city: 'Rome' } }, thoughtSignature: 'skip_thought_signature_validator' },
              { functionCall: { id: 'b', name: 'forecast', args: {} } },
            ],
          },
          {
            role: 'user',
            parts: [
              { functionResponse: { id: 'a', name: 'weather', response: { output: 'sunny' } } },
              { functionResponse: { id: 'b', name: 'forecast', response: { output: 'rain' } } },
              { text: 'And Paris?' },
            ],
          },
        ],
      },
      losses: [],
    })
  })
  it('keeps images and files, inline and by address', () => {
    const written = said({
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        { type: 'image_url', image_url: { url: 'https://example.com/a.webp?size=2' } },
        { type: 'file', file: { file_data: 'data:application/pdf;base64,BBBB' } },
        { type: 'input_audio', input_audio: { data: 'CCCC', format: 'mp3' } },
      ],
    })
    expect(written.losses).toEqual([])
    expect(written.body.contents).toEqual([
      {
        role: 'user',
        parts: [
          { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
          { fileData: { fileUri: 'https://example.com/a.webp?size=2', mimeType: 'image/webp' } },
          { inlineData: { mimeType: 'application/pdf', data: 'BBBB' } },
          { inlineData: { mimeType: 'audio/mpeg', data: 'CCCC' } },
        ],
      },
    ])
  })
  it('keeps how it wants to be sampled, and in which form', () => {
    const written = asked({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      seed: 7,
      stop: ['END'],
      n: 2,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      max_tokens: 100,
      logprobs: true,
      top_logprobs: 3,
      service_tier: 'flex',
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' }, strict: true } },
      safety_settings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    })
    expect(written.losses).toEqual([])
    expect(written.body).toMatchObject({
      generationConfig: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        seed: 7,
        stopSequences: ['END'],
        candidateCount: 2,
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
        maxOutputTokens: 100,
        responseLogprobs: true,
        logprobs: 3,
        responseMimeType: 'application/json',
        responseJsonSchema: { type: 'object' },
      },
      serviceTier: 'flex',
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    })
  })
  it('keeps its tools and the choice among them', () => {
    const tools = [{ type: 'function', function: { name: 'f', description: 'does', parameters: { type: 'object' } } }]
    const choice = (tool_choice: string | JsonObject) => (asked({ tools, tool_choice }).body.toolConfig as JsonObject).functionCallingConfig
    expect(asked({ tools }).body.tools).toEqual([
      { functionDeclarations: [{ name: 'f', description: 'does', parametersJsonSchema: { type: 'object' } }] },
    ])
    expect(choice('auto')).toEqual({ mode: 'AUTO' })
    expect(choice('none')).toEqual({ mode: 'NONE' })
    expect(choice('required')).toEqual({ mode: 'ANY' })
    expect(choice({ type: 'function', function: { name: 'f' } })).toEqual({ mode: 'ANY', allowedFunctionNames: ['f'] })
  })
})

describe('how hard to think', () => {
  const thinking = (reasoning_effort: string, target = LEVELS) => {
    const { body, losses } = asked({ reasoning_effort }, target)
    return { ...((body.generationConfig as JsonObject).thinkingConfig as JsonObject), lost: losses.map(loss => loss.field) }
  }
  it('is a level where the model knows levels', () => {
    expect(thinking('low')).toEqual({ includeThoughts: true, thinkingLevel: 'LOW', lost: [] })
    expect(thinking('high')).toEqual({ includeThoughts: true, thinkingLevel: 'HIGH', lost: [] })
  })
  it('is a budget where it does not, which is no longer the same thing', () =>
    expect(thinking('medium', BUDGETS)).toEqual({ includeThoughts: true, thinkingBudget: 8_192, lost: ['reasoning_effort'] }))
  it('comes as near as it can to not at all', () => {
    expect(thinking('none')).toEqual({ thinkingLevel: 'MINIMAL', lost: ['reasoning_effort'] })
    expect(thinking('none', BUDGETS)).toEqual({ thinkingBudget: 0, lost: ['reasoning_effort'] })
  })
  it('says nothing where nothing is asked', () => expect(asked({}).body.generationConfig).toBeUndefined())
})

describe('what Gemini cannot say is named, as the caller called it', () => {
  it.each<[name: string, body: JsonObject, losses: string[]]>([
    ['a user', { user: 'u' }, ['user dropped']],
    ['metadata', { metadata: { a: 'b' } }, ['metadata dropped']],
    ['no calls together', { parallel_tool_calls: false }, ['parallel_tool_calls dropped']],
    ['a tier it does not have', { service_tier: 'scale' }, ['service_tier dropped']],
    ['a field of tomorrow', { tomorrow: 1 }, ['tomorrow dropped']],
    ["another provider's own tool", { tools: [{ type: 'custom', custom: { name: 'c' } }] }, ['tools[0] dropped']],
    ['a schema held to by a flag', { tools: [{ type: 'function', function: { name: 'f', strict: true } }] }, ['tools[0].strict dropped']],
    [
      'how closely to look',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,A', detail: 'low' } }] }] },
      ['messages[0].content[0].detail dropped'],
    ],
    [
      'an image whose address does not tell what it is',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y' } }] }] },
      ['messages[0].content[0] approximated'],
    ],
    [
      'a file kept elsewhere',
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] },
      ['messages[0].content[0] dropped'],
    ],
    [
      'a cache marker',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] }] },
      ['messages[0].content[0].cache_control approximated'],
    ],
    ['a name', { messages: [{ role: 'user', content: 'x', name: 'Ann' }] }, ['messages[0].name dropped']],
    [
      'instructions in the middle',
      {
        messages: [
          { role: 'user', content: 'x' },
          { role: 'system', content: 'y' },
        ],
      },
      ['messages[1] approximated'],
    ],
    ['instructions with nothing to answer', { messages: [{ role: 'system', content: 'y' }] }, ['messages[0] approximated']],
    [
      'arguments that are no object',
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"a":' } }] }] },
      ['messages[0].content[0].arguments approximated'],
    ],
  ])('%s', (_, body, losses) => expect(lost(asked(body))).toEqual(losses))
})

describe("a model's seals", () => {
  const reply = gemini.reply.read({
    responseId: 'r1',
    modelVersion: 'm',
    candidates: [
      {
        index: 0,
        finishReason: 'STOP',
        content: {
          role: 'model',
          parts: [
            { thought: true, text: 'Hm.' },
            { functionCall: { name: 'f', args: {} }, thoughtSignature: 'SEAL' },
          ],
        },
      },
    ],
  })
  it('come back on the call they stood on, by way of a caller of Chat Completions', () => {
    if (!reply.ok) throw new Error(reply.error)
    const told = openaiChat.reply.write(reply.value)
    const message = (told.body.choices as { message: JsonObject }[])[0]?.message as JsonObject
    const next = said({ role: 'user', content: 'x' }, message, { role: 'tool', tool_call_id: 'call_r1_0', content: 'y' })
    expect((next.body.contents as JsonObject[])[1]).toEqual({
      role: 'model',
      parts: [
        { thought: true, text: 'Hm.' },
        { functionCall: { id: 'call_r1_0', name: 'f', args: {} }, thoughtSignature: 'SEAL' },
      ],
    })
    expect(next.losses).toEqual([])
  })
  it('are not asked for by models of the generation before', () => {
    const messages = [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }] }]
    expect(JSON.stringify(asked({ messages }, BUDGETS).body)).not.toContain('thoughtSignature')
  })
})

describe('a body in its own format', () => {
  const read = (body: JsonObject) => gemini.request.read({ contents: [{ role: 'user', parts: [{ text: 'x' }] }], ...body })
  it('is refused with the path of what is wrong', () => {
    const param = (body: JsonObject) => {
      const refused = read(body)
      return refused.ok || refused.error.code !== 'invalid_request' ? null : refused.error.param
    }
    expect(param({ contents: [] })).toBe('contents')
    expect(param({ contents: [{ role: 'assistant', parts: [] }] })).toBe('contents[0].role')
    expect(param({ generationConfig: { temperature: 'hot' } })).toBe('generationConfig.temperature')
    expect(param({ tools: [{ functionDeclarations: [{}] }] })).toBe('tools[0].functionDeclarations[0].name')
  })
  it('has results that answer calls by name and order where it gives no ids', () => {
    const contents = [
      { role: 'model', parts: [{ functionCall: { name: 'f', args: { a: 1 } } }, { functionCall: { name: 'f', args: { a: 2 } } }] },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'f', response: { output: '1' } } },
          { functionResponse: { name: 'f', response: { output: '2' } } },
        ],
      },
    ]
    const asked_for = read({ contents })
    if (!asked_for.ok) throw new Error('refused')
    const ids = asked_for.value.messages.map(message =>
      message.parts.map(part => (part.type === 'tool_call' ? part.id : part.type === 'tool_result' ? part.call_id : null)),
    )
    expect(ids).toEqual([
      ['call_0', 'call_1'],
      ['call_0', 'call_1'],
    ])
  })
})
