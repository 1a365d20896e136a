/**
 * Streams as no recording here has them: pages that were searched, pictures, sound, code that ran, pauses, empty events, counts in odd
 * places, and kinds of events that nobody has heard of. Whatever of them a format has no words for, the rest arrives.
 */
import { describe, expect, it } from 'vitest'
import type { SseEvent } from '../../worker/dialects/dialect.ts'
import type { DialectName } from '../../worker/schema/chat.ts'
import { relayed, SPOKEN, wire } from './replay.ts'
import { type Saw, STREAM_CLIENTS } from './saw.ts'

type Named = { type: string; [member: string]: unknown }
const an = (list: Named[]) => list.map(d => ({ event: d.type, data: JSON.stringify(d) }))
const ch = (list: object[]) => [...list.map(d => ({ event: null, data: JSON.stringify(d) })), { event: null, data: '[DONE]' }]
const c = (delta: object, finish: string | null = null, more: object = {}) => ({
  id: 'x',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
})
const STREAMS: Record<string, [DialectName, SseEvent[]]> = {
  'anthropic web search, compaction, redacted, unknown': [
    'anthropic-messages',
    an([
      {
        type: 'message_start',
        message: {
          id: 'm',
          type: 'message',
          role: 'assistant',
          model: 'c',
          content: [],
          stop_reason: null,
          usage: { input_tokens: 5, output_tokens: 1, server_tool_use: { web_search_requests: 1 } },
        },
      },
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'redacted_thinking', data: 'AAAA' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'compaction', content: null } },
      { type: 'content_block_delta', index: 1, delta: { type: 'compaction_delta', content: 'sum' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'content_block_start', index: 2, content_block: { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} } },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"query":"x"}' } },
      { type: 'content_block_stop', index: 2 },
      {
        type: 'content_block_start',
        index: 3,
        content_block: {
          type: 'web_search_tool_result',
          tool_use_id: 's1',
          content: [{ type: 'web_search_result', url: 'https://a.b', title: 'T', encrypted_content: 'E', page_age: null }],
        },
      },
      { type: 'content_block_stop', index: 3 },
      { type: 'content_block_start', index: 4, content_block: { type: 'text', text: '', citations: [] } },
      {
        type: 'content_block_delta',
        index: 4,
        delta: {
          type: 'citations_delta',
          citation: { type: 'web_search_result_location', url: 'https://a.b', title: 'T', cited_text: 'c', encrypted_index: 'i' },
        },
      },
      { type: 'content_block_delta', index: 4, delta: { type: 'text_delta', text: 'Hello' } },
      { type: 'content_block_delta', index: 4, delta: { type: 'tomorrow_delta', x: 1 } },
      { type: 'content_block_stop', index: 4 },
      { type: 'tomorrow_event', a: 1 },
      { type: 'message_delta', delta: { stop_reason: 'pause_turn', stop_sequence: null }, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    ]),
  ],
  'chat audio, x_groq, annotations, citations, images, usage in each': [
    'openai-chat',
    ch([
      c({ role: 'assistant', content: '' }, null, {
        x_groq: { id: 'r' },
        citations: ['https://a.b'],
        search_results: [{ url: 'https://a.b' }],
      }),
      c({ audio: { id: 'a', transcript: 'Hel' } }),
      c({ audio: { data: 'AAAA' } }),
      c({ content: 'Hi' }, null, { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }),
      c({ content: null, reasoning: null }),
      c({}),
      { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [] },
      c({
        annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.b', title: 'T', start_index: 0, end_index: 2 } }],
        images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }],
      }),
      c({ tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '' } }] }),
      c({ tool_calls: [{ index: 0, function: { arguments: null } }] }),
      c({ tool_calls: [{ index: 0, function: { arguments: '{}' } }] }),
      c({}, 'tool_calls', { x_groq: { usage: { prompt_tokens: 1 } } }),
      {
        id: 'x',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'm',
        choices: [],
        usage: { prompt_tokens: 4, completion_tokens: 6, total_tokens: 10 },
      },
    ]),
  ],
  'responses image generation, partial, refusal, unknown': [
    'openai-responses',
    an([
      {
        type: 'response.created',
        sequence_number: 0,
        response: { id: 'r', object: 'response', created_at: 1, model: 'm', status: 'in_progress', output: [] },
      },
      { type: 'response.output_item.added', output_index: 0, item: { id: 'ig', type: 'image_generation_call', status: 'in_progress' } },
      {
        type: 'response.image_generation_call.partial_image',
        output_index: 0,
        item_id: 'ig',
        partial_image_b64: 'AAAA',
        partial_image_index: 0,
      },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { id: 'ig', type: 'image_generation_call', status: 'completed', result: 'AAAA' },
      },
      { type: 'response.output_item.added', output_index: 1, item: { id: 'rs', type: 'reasoning', summary: [] } },
      { type: 'response.reasoning_text.delta', output_index: 1, item_id: 'rs', content_index: 0, delta: 'Hm.' },
      {
        type: 'response.output_item.done',
        output_index: 1,
        item: { id: 'rs', type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] },
      },
      {
        type: 'response.output_item.added',
        output_index: 2,
        item: { id: 'ms', type: 'message', role: 'assistant', status: 'in_progress', content: [] },
      },
      { type: 'response.content_part.added', output_index: 2, content_index: 0, item_id: 'ms', part: { type: 'refusal', refusal: '' } },
      { type: 'response.refusal.delta', output_index: 2, content_index: 0, item_id: 'ms', delta: 'No.' },
      { type: 'response.tomorrow.event', x: 1 },
      {
        type: 'response.output_item.done',
        output_index: 2,
        item: { id: 'ms', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'refusal', refusal: 'No.' }] },
      },
      {
        type: 'response.completed',
        response: {
          id: 'r',
          object: 'response',
          created_at: 1,
          model: 'm',
          status: 'completed',
          output: [{ id: 'ms', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'refusal', refusal: 'No.' }] }],
          usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
        },
      },
    ]),
  ],
  'gemini image, code, signature, empty chunks, grounding': [
    'gemini',
    [
      {
        candidates: [{ content: { role: 'model', parts: [{ executableCode: { language: 'PYTHON', code: 'print(1)' } }] }, index: 0 }],
        modelVersion: 'g',
        responseId: 'r',
      },
      {
        candidates: [
          {
            content: {
              role: 'model',
              parts: [
                { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } },
                { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
              ],
            },
          },
        ],
      },
      { candidates: [{ content: {} }] },
      { usageMetadata: { promptTokenCount: 2 } },
      {
        candidates: [
          {
            content: {
              role: 'model',
              parts: [
                { text: 'Hm', thought: true },
                { text: 'Hi', thoughtSignature: 'S' },
              ],
            },
          },
        ],
      },
      {
        candidates: [
          {
            content: { role: 'model', parts: [{ text: '' }] },
            finishReason: 'STOP',
            groundingMetadata: {
              groundingChunks: [{ web: { uri: 'https://a.b', title: 'T' } }],
              groundingSupports: [{ segment: { endIndex: 2, text: 'Hi' }, groundingChunkIndices: [0] }],
            },
          },
        ],
        usageMetadata: { promptTokenCount: 2, candidatesTokenCount: 3, totalTokenCount: 5 },
      },
    ].map(d => ({ event: null, data: JSON.stringify(d) })),
  ],
}

const ARRIVES: Record<string, Partial<Saw>> = {
  'anthropic web search, compaction, redacted, unknown': { text: 'Hello', calls: [], output_tokens: 9 },
  'chat audio, x_groq, annotations, citations, images, usage in each': {
    text: 'Hi',
    calls: [{ id: 'c1', name: 'f', input: {} }],
    ended: 'tool_calls',
    input_tokens: 4,
    output_tokens: 6,
  },
  'responses image generation, partial, refusal, unknown': { calls: [], thought: 'Hm.', input_tokens: 3, output_tokens: 4 },
  'gemini image, code, signature, empty chunks, grounding': { text: 'Hi', thought: 'Hm', ended: 'stop', input_tokens: 2, output_tokens: 3 },
}

describe.each(Object.entries(STREAMS))('%s', (name, [from, events]) => {
  it.each(SPOKEN.filter(to => to !== from))('arrives at a caller of %s', async to => {
    const { bytes, complete } = relayed([wire(events, from)], from, to)
    expect(complete).toBe(true)
    expect(await STREAM_CLIENTS[to](bytes)).toMatchObject(ARRIVES[name] as Saw)
  })
})
