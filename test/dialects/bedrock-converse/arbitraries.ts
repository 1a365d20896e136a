/**
 * Generated requests, replies and streams in the neutral form, as Converse can say them.
 */
import fc from 'fast-check'
import {
  type ChatRequest,
  type FinishReason,
  type JsonObject,
  type Message,
  type Part,
  type Reply,
  type StreamEvent,
  type TokenUsage,
  type ToolDefinition,
  UNKNOWN_USAGE,
} from '../../../worker/schema/chat.ts'

const OWN = 'bedrock-converse' as const
const words = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
  fc.constantFrom('Hello', '"stopReason":"end_turn"', '\\', '日本', '\u2028'),
)
const name = fc.stringMatching(/^[a-z_]{1,12}$/)
const id = fc.stringMatching(/^tooluse_[A-Za-z0-9]{1,8}$/)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const lean = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
const unknown = fc
  .uniqueArray(fc.tuple(fc.constantFrom('x_new', 'x_other', 'constructor', 'toString'), words), {
    selector: ([key]) => key,
    minLength: 1,
    maxLength: 2,
  })
  .map(entries => Object.fromEntries(entries) as JsonObject)

const marked = (part: fc.Arbitrary<Part>): fc.Arbitrary<Part> =>
  fc.tuple(part, optional(fc.record({ ttl: maybe(fc.constantFrom('5m', '1h')) }))).map(([one, cache]) => lean({ ...one, cache }))
const citation: JsonObject = { title: 'x', location: { documentChar: { documentIndex: 0, start: 0, end: 1 } } }
const text: fc.Arbitrary<Part> = fc
  .record({ type: fc.constant('text' as const), text: words, citations: optional(fc.constant<JsonObject[]>([citation])) })
  .map(lean)
const media: fc.Arbitrary<Part> = fc
  .constantFrom<['image' | 'audio' | 'video', string]>(['image', 'image/jpeg'], ['audio', 'audio/mpeg'], ['video', 'video/3gpp'])
  .chain(([modality, media_type]) =>
    fc.base64String().map((data): Part => ({ type: 'media', modality, source: { at: 'base64', data, media_type } })),
  )
const document: fc.Arbitrary<Part> = fc
  .tuple(fc.constantFrom('application/pdf', 'text/markdown'), fc.base64String(), name)
  .map(([media_type, data, called]) => ({ type: 'media', modality: 'file', source: { at: 'base64', data, media_type }, name: called }))
const invented: fc.Arbitrary<Part> = unknown.map(value => ({ type: 'other', dialect: OWN, value: { guardContent: value } }))
const args = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(words, fc.integer(), fc.boolean(), fc.constant(null)), {
  maxKeys: 3,
})
const call: fc.Arbitrary<Part> = fc
  .tuple(id, name, args)
  .map(([call_id, called, given]) => ({ type: 'tool_call', id: call_id, name: called, arguments: JSON.stringify(given) }))
const thought: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ type: fc.constant('reasoning' as const), text: words, signature: optional(fc.base64String({ minLength: 4 })) }).map(lean),
  fc.base64String({ minLength: 4 }).map((encrypted): Part => ({ type: 'reasoning', text: '', encrypted })),
)
const result: fc.Arbitrary<Part> = fc.record({
  type: fc.constant('tool_result' as const),
  call_id: id,
  parts: fc.array(
    fc.oneof(
      words.map((said): Part => ({ type: 'text', text: said })),
      args.map((value): Part => ({ type: 'text', text: JSON.stringify(value), extra: { ' json': true } })),
      media,
      document,
    ),
    { maxLength: 3 },
  ),
  is_error: fc.boolean(),
})

const said = (role: Message['role'], part: fc.Arbitrary<Part>, minLength = 1): fc.Arbitrary<Message> =>
  fc.tuple(fc.array(marked(part), { minLength, maxLength: 4 }), optional(unknown)).map(([parts, extra]) => lean({ role, parts, extra }))
const message = fc.oneof(
  said('user', fc.oneof(text, media, document, invented)),
  said('assistant', fc.oneof(text, thought, call, invented)),
  said('tool', result),
)
const system = fc
  .array(marked(words.map((told): Part => ({ type: 'text', text: told }))), { minLength: 1, maxLength: 2 })
  .map((parts): Message => ({ role: 'system', parts }))

const schema = fc.constantFrom<JsonObject>({ type: 'object' }, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] })
const tool: fc.Arbitrary<ToolDefinition> = fc
  .record({
    name,
    description: maybe(words),
    parameters: schema,
    strict: maybe(fc.boolean()),
    cache: optional(fc.record({ ttl: fc.constant(null) })),
    extra: optional(unknown),
  })
  .map(lean)

export const request: fc.Arbitrary<ChatRequest> = fc
  .record({
    dialect: fc.constant(OWN),
    model: words,
    stream: fc.boolean(),
    messages: fc
      .tuple(fc.array(system, { maxLength: 1 }), fc.array(message, { minLength: 1, maxLength: 4 }))
      .map(([first, rest]) => [...first, ...rest]),
    tools: fc.array(tool, { maxLength: 3 }),
    tool_choice: maybe(
      fc.oneof(
        fc.constantFrom('auto' as const, 'required' as const).map(mode => ({ mode })),
        name.map(chosen => ({ mode: 'named' as const, name: chosen })),
      ),
    ),
    parallel_tool_calls: fc.constant(null),
    output: fc.oneof(
      fc.constant({ form: 'text' as const }),
      fc
        .record({ form: fc.constant('json_schema' as const), name, schema, strict: fc.constant(null), description: optional(words) })
        .map(lean),
    ),
    max_output_tokens: maybe(fc.integer({ min: 1, max: 100_000 })),
    temperature: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    top_p: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    top_k: fc.constant(null),
    seed: fc.constant(null),
    stop: fc.array(words, { maxLength: 4 }),
    frequency_penalty: fc.constant(null),
    presence_penalty: fc.constant(null),
    choices: fc.constant(1),
    logprobs: fc.constant(null),
    reasoning: fc.constant(null),
    user: fc.constant(null),
    metadata: maybe(fc.constant<JsonObject>({ team: 'search' })),
    service_tier: maybe(fc.constantFrom('flex', 'reserved')),
    stream_usage: fc.boolean(),
    extra: fc.oneof(
      fc.constant<JsonObject>({}),
      unknown,
      fc.constant<JsonObject>({ additionalModelRequestFields: { top_k: 5 }, performanceConfig: { latency: 'optimized' } }),
    ),
  })
  .map(asked => ({ ...asked, stream_usage: asked.stream }))

const count = fc.integer({ min: 0, max: 1_000 })
export const usage: fc.Arbitrary<TokenUsage> = fc
  .record({ input: count, output: count, read: maybe(count), write: maybe(count), hour: fc.boolean() })
  .map(({ input, output, read, write, hour }) => ({
    ...UNKNOWN_USAGE,
    input_tokens: input + (read ?? 0) + (write ?? 0),
    output_tokens: output,
    cache_read_tokens: read,
    cache_write_tokens: write,
    cache_write_1h_tokens: hour && write !== null ? Math.floor(write / 2) : null,
  }))

const ending = fc.constantFrom<{ finish: FinishReason; finish_raw: string }>(
  { finish: 'stop', finish_raw: 'end_turn' },
  { finish: 'stop', finish_raw: 'stop_sequence' },
  { finish: 'length', finish_raw: 'max_tokens' },
  { finish: 'tool_calls', finish_raw: 'tool_use' },
  { finish: 'content_filter', finish_raw: 'guardrail_intervened' },
  { finish: 'other', finish_raw: 'malformed_tool_use' },
)

export const reply: fc.Arbitrary<Reply> = fc
  .record({
    parts: fc.array(fc.oneof(text, thought, call, invented), { maxLength: 5 }),
    end: fc.oneof(ending, fc.constant({ finish: null, finish_raw: null })),
    usage,
    service_tier: maybe(fc.constant('flex')),
    extra: fc.oneof(
      fc.constant<JsonObject>({}),
      unknown,
      fc.constant<JsonObject>({ metrics: { latencyMs: 5 }, usage: { serverToolUsage: {} } }),
    ),
    beside: optional(unknown),
  })
  .map(({ parts, end, beside, ...rest }) => ({
    dialect: OWN,
    id: '',
    model: '',
    created_at_s: null,
    choices: [lean({ index: 0, parts, ...end, extra: beside })],
    ...rest,
  }))

export const stream: fc.Arbitrary<StreamEvent[]> = fc
  .record({
    pieces: fc.array(
      fc.oneof(
        words.map((told): StreamEvent[] => [{ type: 'text', choice: 0, text: told }]),
        words.map((told): StreamEvent[] => [{ type: 'reasoning', choice: 0, text: told }]),
        fc.base64String({ minLength: 4 }).map((signature): StreamEvent[] => [{ type: 'reasoning', choice: 0, text: '', signature }]),
        fc.base64String({ minLength: 4 }).map((encrypted): StreamEvent[] => [{ type: 'reasoning', choice: 0, text: '', encrypted }]),
        fc.constant<StreamEvent[]>([{ type: 'citation', choice: 0, value: citation }]),
        fc.tuple(id, name, fc.array(words, { minLength: 1, maxLength: 3 })),
      ),
      { maxLength: 8 },
    ),
    end: ending,
    usage,
    beside: optional(fc.constant<JsonObject>({ metrics: { latencyMs: 3 } })),
  })
  .map(({ pieces, end, usage: counts, beside }): StreamEvent[] => {
    let index = 0
    const told = pieces.flatMap((piece): StreamEvent[] => {
      if (typeof piece[0] !== 'string') return piece as StreamEvent[]
      const [call_id, called, fragments] = piece as [string, string, string[]]
      const at = index++
      return [
        { type: 'tool_call_start', choice: 0, index: at, id: call_id, name: called },
        ...fragments.map((fragment): StreamEvent => ({ type: 'tool_call_arguments', choice: 0, index: at, fragment })),
        { type: 'tool_call_end', choice: 0, index: at },
      ]
    })
    return [
      { type: 'start', dialect: OWN, id: '', model: '', created_at_s: null },
      ...told,
      { type: 'finish', choice: 0, ...end },
      ...(beside ? [{ type: 'other' as const, dialect: OWN, value: beside }] : []),
      { type: 'usage', usage: counts },
      { type: 'end' },
    ]
  })
