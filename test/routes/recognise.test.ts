import { describe, expect, it } from 'vitest'
import type { LiveCatalogue } from '../../worker/core/decide/world.ts'
import { recognised, recognisedForm } from '../../worker/routes/recognise.ts'
import { DIALECTS, type JsonObject } from '../../worker/schema/chat.ts'
import { ENDPOINTS, type EndpointName } from '../../worker/schema/endpoint.ts'

const catalogue = {
  everywhere: new Map<EndpointName, unknown>([
    ['chat', { by_id: new Map([['p/talker', {}]]), by_name: new Map([['both', []]]) }],
    [
      'embeddings',
      {
        by_id: new Map([['p/vectors', {}]]),
        by_name: new Map([
          ['vectors', []],
          ['both', []],
        ]),
      },
    ],
    ['images', { by_id: new Map([['p/painter', {}]]), by_name: new Map() }],
    ['moderations', { by_id: new Map([['p/judge', {}]]), by_name: new Map() }],
  ]),
} as unknown as LiveCatalogue

function told(body: JsonObject, headers: Record<string, string> = {}): string {
  const found = recognised(new Headers(headers), body, catalogue)
  if (!found.ok) return found.error.code
  return 'dialect' in found.value ? found.value.dialect : found.value.endpoint
}
const turn = (content: unknown) => ({ messages: [{ role: 'user', content }] }) as JsonObject

describe('a body without its own path', () => {
  it.each<[string, string, JsonObject]>([
    ['openai-chat', 'plain turns', turn('Hi')],
    ['openai-chat', 'turns of parts', turn([{ type: 'text', text: 'Hi' }])],
    ['openai-chat', 'nothing that tells', {}],
    ['anthropic-messages', 'a system prompt beside the turns', { ...turn('Hi'), system: 'Be brief.' }],
    ['anthropic-messages', 'tools by their schema', { ...turn('Hi'), tools: [{ name: 'f', input_schema: {} }] }],
    ['anthropic-messages', 'a result of a tool among the parts', turn([{ type: 'tool_result', tool_use_id: 'x' }])],
    ['openai-responses', 'an input', { model: 'p/talker', input: 'Hi' }],
    ['openai-responses', 'items', { input: [{ role: 'user', content: 'Hi' }] }],
    ['openai-responses', 'instructions alone', { instructions: 'Go on.' }],
    ['openai-responses', 'a prompt that the provider keeps', { prompt: { id: 'pmpt_1' } }],
    ['gemini', 'contents', { model: 'm', contents: [] }],
    ['bedrock-converse', 'blocks without a type', turn([{ text: 'Hi' }])],
    ['bedrock-converse', 'its limits', { ...turn('Hi'), inferenceConfig: {} }],
    ['embeddings', 'a model that makes nothing else', { model: 'p/vectors', input: 'Hi' }],
    ['embeddings', 'the same by its plain name, in any case', { model: 'VECTORS', input: 'Hi' }],
    ['embeddings', 'a length of vectors', { model: 'auto', input: 'Hi', dimensions: 256 }],
    ['embeddings', 'a list of texts', { input: ['a', 'b'] }],
    ['embeddings', 'tokens', { input: [1, 2, 3] }],
    ['openai-responses', 'an input for a model that does both', { model: 'both', input: 'Hi' }],
    ['moderations', 'a model that judges', { model: 'p/judge', input: 'Hi' }],
    ['speech', 'a voice', { input: 'Hi', voice: 'alloy', instructions: 'Slowly.' }],
    ['rerank', 'documents to a query', { query: 'q', documents: ['d'] }],
    ['completions', 'a prompt', { prompt: 'Once' }],
    ['images', 'a prompt with a size', { prompt: 'A signal box', size: '1024x1024' }],
    ['images', 'a prompt for a painter', { model: 'p/painter', prompt: 'A signal box' }],
  ])('is %s by %s', (kind, _, body) => expect(told(body)).toBe(kind))

  it('is what its headers say, whatever it looks like', () => {
    for (const dialect of DIALECTS) expect(told(turn('Hi'), { 'x-signalbox-dialect': dialect })).toBe(dialect)
    for (const endpoint of ENDPOINTS)
      expect(told({ query: 'q', documents: [] }, { 'x-signalbox-endpoint': endpoint })).toBe(endpoint === 'chat' ? 'openai-chat' : endpoint)
    expect(told(turn('Hi'), { 'anthropic-version': '2023-06-01' })).toBe('anthropic-messages')
  })
  it.each([
    ['x-signalbox-dialect', 'nonsense', 'openai-chat, openai-responses, anthropic-messages, gemini, bedrock-converse'],
    ['x-signalbox-endpoint', '__proto__', 'chat, completions, embeddings'],
    ['x-signalbox-dialect', '', 'openai-chat'],
  ])('with %s: %s is refused with those there are', (header, value, known) => {
    const found = recognised(new Headers({ [header]: value }), {}, catalogue)
    expect(found).toMatchObject({ ok: false, error: { code: 'invalid_request', param: header, message: expect.stringContaining(known) } })
  })
  it('is refused where its headers contradict each other', () => {
    expect(told({}, { 'x-signalbox-dialect': 'gemini', 'x-signalbox-endpoint': 'images' })).toBe('invalid_request')
  })
})

describe('a form', () => {
  const form = (file: string, headers: Record<string, string> = {}) => recognisedForm(new Headers(headers), name => name === file)
  it('is told by its file', () => {
    expect([form('image'), form('image[]'), form('file')]).toMatchObject([
      { value: 'image_edits' },
      { value: 'image_edits' },
      { value: 'transcriptions' },
    ])
  })
  it('is no chat', () =>
    expect(form('file', { 'x-signalbox-dialect': 'openai-chat' })).toMatchObject({ error: { code: 'unsupported_media_type' } }))
})
