/**
 * The formats that only targets speak: what callers of every format ask of them, and what they answer. Each cell means the same on
 * the other side. What the two cannot say, and how it is named, is in `test/dialects/gemini`, `bedrock-converse` and `cohere-chat`.
 */
import { describe, expect, it } from 'vitest'
import type { Dialect, SseEvent } from '../../worker/dialects/dialect.ts'
import { replyOf } from '../../worker/dialects/fold.ts'
import type { ChatRequest, DialectName, JsonObject, Part, Reply } from '../../worker/schema/chat.ts'
import { relay } from '../../worker/stream/relay.ts'
import { encodeEvents, sseParser } from '../../worker/stream/sse.ts'
import { frame, recorded } from '../dialects/bedrock-converse/frames.ts'
import { lines, whole } from '../dialects/recordings.ts'
import { codec, SPOKEN, type Spoken } from './replay.ts'

const TARGETS = ['gemini', 'bedrock-converse', 'cohere-chat'] as const satisfies DialectName[]
type Target = (typeof TARGETS)[number]
const CELLS = SPOKEN.flatMap(from => TARGETS.map(to => ({ from, to })))
const FACTS: Record<Target, Parameters<Dialect['request']['write']>[2]> = {
  gemini: { output_tokens: 32_000, reasoning: true },
  'cohere-chat': { output_tokens: 32_000, reasoning: true },
  'bedrock-converse': { output_tokens: 32_000, reasoning: true, model_fields: 'anthropic-messages' },
}

const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }
const PNG = 'iVBORw0KGgo='

/** One conversation with everything that a caller of each format can say: an image, calls side by side, their results, one of them an error. */
const ASKED: Record<Spoken, JsonObject> = {
  'openai-chat': {
    model: 'm',
    max_completion_tokens: 500,
    stop: ['END'],
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See:' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
        ],
      },
      {
        role: 'assistant',
        content: 'Looking.',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
          { id: 'b', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: 'sunny' },
      { role: 'tool', tool_call_id: 'b', content: 'rain' },
    ],
    tools: [{ type: 'function', function: { name: 'weather', description: 'W', parameters: SCHEMA } }],
    tool_choice: 'required',
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: SCHEMA } },
  },
  'openai-responses': {
    model: 'm',
    max_output_tokens: 500,
    instructions: 'Be brief.',
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'See:' },
          { type: 'input_image', image_url: `data:image/png;base64,${PNG}` },
        ],
      },
      { role: 'assistant', content: 'Looking.' },
      { type: 'function_call', call_id: 'a', name: 'weather', arguments: '{"city":"Rome"}' },
      { type: 'function_call', call_id: 'b', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'function_call_output', call_id: 'a', output: 'sunny' },
      { type: 'function_call_output', call_id: 'b', output: 'rain' },
    ],
    tools: [{ type: 'function', name: 'weather', description: 'W', parameters: SCHEMA, strict: false }],
    tool_choice: 'required',
    text: { format: { type: 'json_schema', name: 'answer', schema: SCHEMA } },
    store: false,
  },
  'anthropic-messages': {
    model: 'm',
    max_tokens: 500,
    stop_sequences: ['END'],
    system: 'Be brief.',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See:' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Looking.' },
          { type: 'tool_use', id: 'a', name: 'weather', input: { city: 'Rome' } },
          { type: 'tool_use', id: 'b', name: 'weather', input: { city: 'Oslo' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: 'sunny' },
          { type: 'tool_result', tool_use_id: 'b', content: 'rain' },
        ],
      },
    ],
    tools: [{ name: 'weather', description: 'W', input_schema: SCHEMA }],
    tool_choice: { type: 'any' },
    output_config: { format: { type: 'json_schema', schema: SCHEMA } },
  },
}
const meaningOf = ({ messages, tools, tool_choice, max_output_tokens, stop, output }: ChatRequest) => ({
  said: messages.flatMap(({ role, parts }) =>
    parts
      .filter(part => part.type !== 'reasoning')
      .map(part => [role === 'tool' ? 'user' : role === 'developer' ? 'system' : role, plain(part)]),
  ),
  tools: tools.map(({ name, description, parameters }) => ({ name, description, parameters })),
  tool_choice,
  max_output_tokens,
  stop,
  schema: output.form === 'json_schema' ? output.schema : null,
})
function plain(part: Part): unknown {
  const { cache: _, extra: __, ...rest } = part
  if (rest.type === 'tool_call') return { ...rest, arguments: JSON.parse(rest.arguments) }
  return rest.type === 'tool_result' ? { ...rest, parts: rest.parts.map(plain) } : rest
}
function read(name: DialectName, body: JsonObject): ChatRequest {
  const result = codec(name).request.read(body)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

describe('what is asked', () => {
  it.each(CELLS)('by a caller of $from means the same to a target of $to', ({ from, to }) => {
    const request = read(from, ASKED[from])
    const { body, losses } = codec(to).request.write(request, 'm', FACTS[to])
    expect(losses).toEqual([])
    const arrived = read(to, { ...(JSON.parse(JSON.stringify(body)) as JsonObject), model: 'm' })
    expect(meaningOf(arrived)).toEqual(meaningOf(request))
  })
})

const WHOLE: [path: string, from: Target][] = [
  ['google/google-text.json', 'gemini'],
  ...['reasoning', 'tool-call.1', 'tool-no-args', 'json-with-tool.1'].map((name): [string, Target] => [
    `amazon-bedrock/amazon-bedrock-${name}.json`,
    'bedrock-converse',
  ]),
]
const STREAMED: [name: string, from: Target, bytes: Uint8Array[], events: SseEvent[]][] = [
  ...['google-text', 'google-stream-tool-call-arguments', 'google-vertex-stream-tool-call-arguments-nested.1'].map(
    (name): [string, Target, Uint8Array[], SseEvent[]] => {
      const events = lines(`google/${name}.chunks.txt`)
      return [name, 'gemini', [encodeEvents(events)], events]
    },
  ),
  ...['reasoning', 'tool-call.1', 'tool-no-args'].map((name): [string, Target, Uint8Array[], SseEvent[]] => {
    const events = recorded(`amazon-bedrock-${name}`)
    return [name, 'bedrock-converse', events.map(frame), events]
  }),
]

/** Text, calls, thoughts' words and seals, why it ended, what was used. */
function said({ choices, usage }: Reply) {
  const parts = choices[0]?.parts ?? []
  const text = (type: 'text' | 'reasoning') => parts.map(part => (part.type === type ? part.text : '')).join('')
  return {
    text: text('text'),
    thoughts: text('reasoning'),
    calls: parts.flatMap(part => (part.type === 'tool_call' ? [[part.id, part.name, JSON.parse(part.arguments || '{}')]] : [])),
    finish: choices[0]?.finish,
    used: [usage.input_tokens, usage.output_tokens],
  }
}

describe('what is answered whole', () => {
  it.each(WHOLE.flatMap(([path, from]) => SPOKEN.map(to => ({ path, from, to }))))('$path, to a caller of $to', ({ path, from, to }) => {
    const reply = codec(from).reply.read(whole(path))
    if (!reply.ok) throw new Error(reply.error)
    const arrived = codec(to).reply.read(JSON.parse(JSON.stringify(codec(to).reply.write(reply.value).body)) as JsonObject)
    if (!arrived.ok) throw new Error(arrived.error)
    expect(said(arrived.value)).toEqual(said(reply.value))
  })
})

describe('what is answered in flight', () => {
  it.each(STREAMED.flatMap(([name, from, bytes, events]) => SPOKEN.map(to => ({ name, from, to, bytes, events }))))(
    '$name, to a caller of $to',
    ({ from, to, bytes, events }) => {
      const flow = relay({ from: codec(from), to: codec(to), drop_usage: false, choices: 1 })
      for (const piece of bytes) flow.push(piece)
      flow.finish()
      expect(flow.complete).toBe(true)
      const arrived: SseEvent[] = []
      const parser = sseParser(event => arrived.push(event))
      for (const piece of flow.take()) parser.push(piece)
      const readAll = (name: DialectName, list: SseEvent[]) => {
        const reader = codec(name).reply.reader()
        return replyOf(list.flatMap(event => reader.read(event)))
      }
      expect(said(readAll(to, arrived))).toEqual(said(readAll(from, events)))
    },
  )
})
