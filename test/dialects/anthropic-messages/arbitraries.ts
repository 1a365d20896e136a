/**
 * Generated requests, replies and streams in the neutral form, as the Anthropic Messages dialect can say them: what the properties
 * "read what was written, and it is the same" run over.
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

const OWN = 'anthropic-messages' as const
const words = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
  fc.constantFrom('Hello', '"stop_reason":"end_turn"', 'event: message_stop\n\n', '\\', '日本', '\u2028'),
)
const name = fc.stringMatching(/^[a-z_]{1,12}$/)
const id = fc.stringMatching(/^toolu_[a-z0-9]{1,8}$/)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
/** Members nobody here knows, some with names that mean something to JavaScript. */
const unknown = fc
  .uniqueArray(fc.tuple(fc.constantFrom('x_new', 'x_other', 'constructor', 'toString'), words), {
    selector: ([key]) => key,
    minLength: 1,
    maxLength: 2,
  })
  .map(entries => Object.fromEntries(entries) as JsonObject)
/** An object without the optional members that came out undefined. */
const lean = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
const marker = optional(fc.record({ ttl: maybe(fc.constantFrom('1h', '5m')) }))

const citation = fc.constantFrom<JsonObject>(
  { type: 'char_location', cited_text: 'x', document_index: 0, document_title: null, start_char_index: 0, end_char_index: 1 },
  { type: 'web_search_result_location', url: 'https://example.com', title: 'x', encrypted_index: 'E', cited_text: 'y' },
)
const text: fc.Arbitrary<Part> = fc
  .record({
    type: fc.constant('text' as const),
    text: words,
    citations: optional(fc.array(citation, { minLength: 1, maxLength: 2 })),
    cache: marker,
    extra: optional(unknown),
  })
  .map(lean)
const document: fc.Arbitrary<Part> = fc
  .record({
    type: fc.constant('text' as const),
    text: words,
    cache: marker,
    extra: fc.record({ document: fc.oneof(fc.constant({}), unknown) }),
  })
  .map(part => lean(part) as Part)
const inline = (media_type: string) =>
  fc.record({ at: fc.constant('base64' as const), data: fc.base64String(), media_type: fc.constant(media_type) })
const remote = fc.record({ at: fc.constant('url' as const), url: fc.constantFrom('https://example.com/a', 'https://x/y?z=1') })
const kept = fc.record({ at: fc.constant('provider_file' as const), id: name })
const media: fc.Arbitrary<Part> = fc
  .oneof(
    fc.record({
      type: fc.constant('media' as const),
      modality: fc.constant('image' as const),
      source: fc.oneof(inline('image/png'), remote, kept),
      cache: marker,
    }),
    fc.record({
      type: fc.constant('media' as const),
      modality: fc.constant('file' as const),
      source: fc.oneof(inline('application/pdf'), remote, kept),
      name: optional(words),
      cache: marker,
      extra: optional(unknown),
    }),
  )
  .map(part => lean(part) as Part)
const invented: fc.Arbitrary<Part> = fc.oneof(
  unknown.map((value): Part => ({ type: 'other', dialect: OWN, value: { type: 'tomorrow', ...value } })),
  fc.constantFrom<Part>(
    { type: 'other', dialect: OWN, value: { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } } },
    { type: 'other', dialect: OWN, value: { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] } },
  ),
)
const thought: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ type: fc.constant('reasoning' as const), text: words, signature: optional(words) }).map(lean),
  words.map((encrypted): Part => ({ type: 'reasoning', text: '', encrypted })),
  fc.constantFrom<Part>(
    { type: 'reasoning', text: 'Hm', encrypted: 'gAAA.x', seal_of: 'openai-responses' },
    { type: 'reasoning', text: 'Hm', signature: 'AbC=', seal_of: 'gemini' },
    { type: 'reasoning', text: '', encrypted: 'gAAA', seal_of: 'openai-responses' },
  ),
)
const input = fc
  .dictionary(fc.constantFrom('a', 'b', 'city'), fc.oneof(words, fc.integer(), fc.boolean()), { maxKeys: 3 })
  .map(value => JSON.stringify(value))
const call: fc.Arbitrary<Part> = fc
  .record({ type: fc.constant('tool_call' as const), id, name, arguments: input, cache: marker, extra: optional(unknown) })
  .map(lean)
const result: fc.Arbitrary<Part> = fc
  .record({
    type: fc.constant('tool_result' as const),
    call_id: id,
    parts: fc.array(fc.oneof(text, media), { maxLength: 2 }),
    is_error: fc.boolean(),
    cache: marker,
  })
  .map(lean)

const extended = (message: fc.Arbitrary<Message>): fc.Arbitrary<Message> =>
  fc.tuple(message, optional(unknown)).map(([said, extra]) => lean({ ...said, extra }))
const message: fc.Arbitrary<Message> = extended(
  fc.oneof(
    fc
      .tuple(fc.array(result, { maxLength: 2 }), fc.array(fc.oneof(text, document, media, invented), { minLength: 1, maxLength: 3 }))
      .map(([results, said]): Message => ({ role: 'user', parts: [...results, ...said] })),
    fc.array(result, { minLength: 1, maxLength: 3 }).map((parts): Message => ({ role: 'tool', parts })),
    fc
      .array(fc.oneof(thought, text, call, invented), { minLength: 1, maxLength: 4 })
      .map((parts): Message => ({ role: 'assistant', parts })),
  ),
)
const system = fc.option(
  fc.array(text, { minLength: 1, maxLength: 2 }).map((parts): Message => ({ role: 'system', parts })),
  { nil: undefined },
)

const schema = fc.constantFrom<JsonObject>({ type: 'object' }, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] })
const tool: fc.Arbitrary<ToolDefinition> = fc.oneof(
  fc
    .record({
      name,
      description: maybe(words),
      parameters: maybe(schema),
      strict: maybe(fc.boolean()),
      cache: marker,
      extra: optional(unknown),
    })
    .map(lean),
  fc.constant<ToolDefinition>({
    name: 'web_search',
    description: null,
    parameters: null,
    strict: null,
    extra: { ' whole': { type: 'web_search_20250305', name: 'web_search', max_uses: 3 } },
  }),
)
const choice = fc.oneof(
  fc.record({
    tool_choice: fc.oneof(
      fc.constantFrom('auto' as const, 'none' as const, 'required' as const).map(mode => ({ mode })),
      name.map(chosen => ({ mode: 'named' as const, name: chosen })),
    ),
    parallel_tool_calls: maybe(fc.boolean()),
  }),
  fc.constant({ tool_choice: null, parallel_tool_calls: null }),
)

export const request: fc.Arbitrary<ChatRequest> = fc
  .record({
    model: words,
    stream: fc.boolean(),
    system,
    messages: fc.array(message, { minLength: 1, maxLength: 5 }),
    tools: fc.array(tool, { maxLength: 3 }),
    choice,
    output: fc.oneof(
      fc.constant({ form: 'text' as const }),
      schema.map(wanted => ({ form: 'json_schema' as const, name: 'answer', schema: wanted, strict: null })),
    ),
    max_output_tokens: maybe(fc.integer({ min: 0, max: 100_000 })),
    temperature: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    top_p: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    top_k: maybe(fc.integer({ min: 0, max: 100 })),
    stop: fc.array(words, { maxLength: 4 }),
    reasoning: maybe(
      fc.record({ effort: maybe(fc.constantFrom('low', 'max')), budget_tokens: maybe(fc.integer({ min: 1_024, max: 32_000 })) }),
    ),
    user: maybe(words),
    service_tier: maybe(fc.constantFrom('auto', 'standard_only')),
    extra: fc.oneof(fc.constant({}), unknown),
  })
  .map(({ system: first, messages, choice: chosen, reasoning, ...asked }) => {
    const thinks = reasoning && (reasoning.effort !== null || reasoning.budget_tokens !== null) ? reasoning : null
    return {
      dialect: OWN,
      ...asked,
      messages: first ? [first, ...messages] : messages,
      ...chosen,
      seed: null,
      frequency_penalty: null,
      presence_penalty: null,
      choices: 1,
      logprobs: null,
      reasoning: thinks,
      metadata: null,
      stream_usage: asked.stream,
    }
  })

const count = fc.integer({ min: 0, max: 1_000 })
export const usage: fc.Arbitrary<TokenUsage> = fc
  .record({ fresh: count, read: maybe(count), write: maybe(count), hour: maybe(count), output: count, thought: maybe(count) })
  .map(({ fresh, read, write, hour, output, thought: thinking }) => ({
    ...UNKNOWN_USAGE,
    input_tokens: fresh + (read ?? 0) + (write ?? 0),
    cache_read_tokens: read,
    cache_write_tokens: write,
    cache_write_1h_tokens: write === null || hour === null ? null : Math.min(hour, write),
    output_tokens: output,
    reasoning_tokens: thinking === null ? null : Math.min(thinking, output),
  }))

const finish = fc.constantFrom<{ finish: FinishReason; finish_raw: string }>(
  { finish: 'stop', finish_raw: 'end_turn' },
  { finish: 'stop', finish_raw: 'stop_sequence' },
  { finish: 'length', finish_raw: 'max_tokens' },
  { finish: 'length', finish_raw: 'model_context_window_exceeded' },
  { finish: 'tool_calls', finish_raw: 'tool_use' },
  { finish: 'content_filter', finish_raw: 'refusal' },
  { finish: 'pause', finish_raw: 'pause_turn' },
)

export const reply: fc.Arbitrary<Reply> = fc
  .record({
    dialect: fc.constant(OWN),
    id: name,
    model: name,
    created_at_s: fc.constant(null),
    choices: fc
      .tuple(
        fc.array(fc.oneof(thought, text, call, invented), { maxLength: 4 }),
        fc.oneof(finish, fc.constant({ finish: null, finish_raw: null })),
      )
      .map(([parts, ending]) => [{ index: 0, parts, ...ending }]),
    usage,
    service_tier: maybe(fc.constant('standard')),
    extra: fc.oneof(fc.constant({}), unknown, fc.constant({ stop_sequence: 'x', usage: { server_tool_use: { web_search_requests: 1 } } })),
  })
  // A search is counted where it is told.
  .map(one => ('usage' in one.extra ? { ...one, usage: { ...one.usage, web_search_calls: 1 } } : one))

const pieces: fc.Arbitrary<StreamEvent[]> = fc.oneof(
  fc.array(words, { minLength: 1, maxLength: 3 }).map(list => list.map((said): StreamEvent => ({ type: 'text', choice: 0, text: said }))),
  fc
    .tuple(fc.array(words, { maxLength: 2 }), words)
    .map(([list, signature]): StreamEvent[] => [
      ...list.map((said): StreamEvent => ({ type: 'reasoning', choice: 0, text: said })),
      { type: 'reasoning', choice: 0, text: '', signature },
    ]),
  words.map((encrypted): StreamEvent[] => [{ type: 'reasoning', choice: 0, text: '', encrypted }]),
  fc.constantFrom<StreamEvent[]>(
    [{ type: 'reasoning', choice: 0, text: '', encrypted: 'gAAA', seal_of: 'openai-responses' }],
    [
      { type: 'reasoning', choice: 0, text: 'Hm' },
      { type: 'reasoning', choice: 0, text: '', signature: 'AbC=', seal_of: 'gemini' },
    ],
  ),
  citation.map((value): StreamEvent[] => [{ type: 'citation', choice: 0, value }]),
  invented.map((part): StreamEvent[] => [{ type: 'part', choice: 0, part }]),
)
const calling = fc.tuple(id, name, fc.array(words, { maxLength: 4 }))

export const stream: fc.Arbitrary<StreamEvent[]> = fc
  .record({
    start: fc
      .record({
        type: fc.constant('start' as const),
        dialect: fc.constant(OWN),
        id: name,
        model: name,
        created_at_s: fc.constant(null),
        extra: optional(fc.oneof(unknown, fc.constant({ service_tier: 'standard' }))),
      })
      .map(lean),
    opened: usage,
    said: fc.array(pieces, { maxLength: 6 }).map(list => list.flat()),
    calls: fc.array(calling, { maxLength: 3 }),
    beside: maybe(unknown),
    ending: finish,
  })
  .map(({ start, opened, said, calls, beside, ending }): StreamEvent[] => [
    start,
    { type: 'usage', usage: opened },
    ...said,
    ...calls.flatMap(([call_id, called, fragments], index): StreamEvent[] => [
      { type: 'tool_call_start', choice: 0, index, id: call_id, name: called },
      ...fragments.map((fragment): StreamEvent => ({ type: 'tool_call_arguments', choice: 0, index, fragment })),
      { type: 'tool_call_end', choice: 0, index },
    ]),
    ...(beside ? [{ type: 'other', dialect: OWN, value: { stop_sequence: 'x', ...beside } } satisfies StreamEvent] : []),
    { type: 'finish', choice: 0, ...ending },
    { type: 'usage', usage: { ...opened, output_tokens: (opened.output_tokens ?? 0) + 5 } },
    { type: 'end' },
  ])
