/**
 * Generated requests, replies and streams in the neutral form, as the OpenAI Responses dialect can say them: what the properties
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
  type ReplyChoice,
  type StreamEvent,
  type TokenUsage,
  type ToolDefinition,
  UNKNOWN_USAGE,
} from '../../../worker/schema/chat.ts'

const OWN = 'openai-responses' as const
const words = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
  fc.constantFrom('Hello', '"status":"completed"', 'event: response.completed\n\n', '\\', '日本', '\u2028'),
)
const name = fc.stringMatching(/^[a-z_]{1,12}$/)
const id = fc.stringMatching(/^call_[a-z0-9]{1,8}$/)
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

const citation = fc.constantFrom<JsonObject>(
  { type: 'url_citation', url: 'https://example.com', title: 'x', start_index: 0, end_index: 1 },
  { type: 'file_citation', file_id: 'file_1', filename: 'a.txt', index: 3 },
)
const cited = optional(fc.array(citation, { minLength: 1, maxLength: 2 }))
const said: fc.Arbitrary<Part> = fc
  .record({ type: fc.constant('text' as const), text: words, citations: cited, extra: optional(unknown) })
  .map(lean)
const refusal: fc.Arbitrary<Part> = words.map(text => ({ type: 'refusal', text }))
const asked: fc.Arbitrary<Part> = fc
  .record({
    type: fc.constant('text' as const),
    text: words,
    cache: optional(fc.record({ ttl: maybe(fc.constant('1h')) })),
    extra: optional(unknown),
  })
  .map(lean)
const inline = (media_type: string) =>
  fc.record({ at: fc.constant('base64' as const), data: fc.base64String(), media_type: fc.constant(media_type) })
const remote = fc.record({ at: fc.constant('url' as const), url: fc.constantFrom('https://example.com/a', 'http://x/y?z=1') })
const kept = fc.record({ at: fc.constant('provider_file' as const), id: name })
const media: fc.Arbitrary<Part> = fc
  .oneof(
    fc.record({
      type: fc.constant('media' as const),
      modality: fc.constant('image' as const),
      source: fc.oneof(inline('image/png'), remote, kept),
      detail: optional(fc.constantFrom('low', 'high')),
    }),
    fc.record({
      type: fc.constant('media' as const),
      modality: fc.constant('file' as const),
      source: fc.oneof(inline('application/pdf'), remote, kept),
      name: optional(name),
    }),
    fc.record({
      type: fc.constant('media' as const),
      modality: fc.constant('audio' as const),
      source: fc.oneof(inline('audio/wav'), inline('audio/mpeg')),
    }),
  )
  .map(part => lean(part) as Part)
const invented: fc.Arbitrary<Part> = unknown.map(value => ({
  type: 'other',
  dialect: OWN,
  value: { ' content': { type: 'tomorrow', ...value } },
}))
const item: fc.Arbitrary<Part> = fc.constantFrom<Part>(
  {
    type: 'other',
    dialect: OWN,
    value: { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'x' } },
  },
  { type: 'other', dialect: OWN, value: { type: 'custom_tool_call', id: 'ct_1', call_id: 'c1', name: 'sql', input: 'SELECT 1' } },
)
const self = (prefix: string) => optional(fc.record({ id: fc.constant(`${prefix}_1`), status: fc.constant('completed') }))
const withSelf = (part: fc.Arbitrary<Part>, prefix: string): fc.Arbitrary<Part> =>
  fc.tuple(part, self(prefix)).map(([one, own]) => (own ? { ...one, extra: { ...one.extra, ' item': own } } : one))

const thought: fc.Arbitrary<Part> = withSelf(
  fc.oneof(
    fc.record({ type: fc.constant('reasoning' as const), text: fc.oneof(words, fc.constant('')), encrypted: optional(words) }).map(lean),
    fc.constantFrom<Part>(
      { type: 'reasoning', text: 'Hm', signature: 'AbC=', seal_of: 'anthropic-messages' },
      { type: 'reasoning', text: '', encrypted: 'data', seal_of: 'anthropic-messages' },
    ),
  ),
  'rs',
)
const call: fc.Arbitrary<Part> = withSelf(
  fc
    .record({
      type: fc.constant('tool_call' as const),
      id,
      name,
      arguments: fc.oneof(fc.json(), words, fc.constant('')),
      extra: optional(unknown),
    })
    .map(lean),
  'fc',
)
const result: fc.Arbitrary<Part> = withSelf(
  fc.record({
    type: fc.constant('tool_result' as const),
    call_id: id,
    parts: fc.array(fc.oneof(asked, media), { maxLength: 2 }),
    is_error: fc.constant(false),
  }),
  'fco',
)
/** The content of one message: what the item says of itself stands beside its first part. */
const content = (part: fc.Arbitrary<Part>): fc.Arbitrary<Part[]> =>
  fc
    .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), self('msg'), optional(fc.constant({ phase: 'commentary' })))
    .map(([parts, own, more]) =>
      parts.map((one, j) =>
        j > 0
          ? one
          : lean({
              ...one,
              extra: own || more || one.extra ? lean({ ...one.extra, ' item': own, message: more } as JsonObject) : undefined,
            }),
      ),
    )

const message: fc.Arbitrary<Message> = fc.oneof(
  fc
    .tuple(fc.constantFrom('user' as const, 'developer' as const, 'system' as const), content(fc.oneof(asked, media, invented)))
    .map(([role, parts]) => ({ role, parts })),
  fc
    .tuple(
      fc.array(thought, { maxLength: 1 }),
      fc.oneof(content(fc.oneof(said, refusal, invented)), fc.constant([])),
      fc.array(fc.oneof(call, item), { maxLength: 2 }),
    )
    .map(([thoughts, spoken, calls]): Message => ({ role: 'assistant', parts: [...thoughts, ...spoken, ...calls] })),
  fc.array(result, { minLength: 1, maxLength: 2 }).map((parts): Message => ({ role: 'tool', parts })),
)
/** One side does not speak twice in a row, but for users; what it says in a row is one message. */
const conversation = fc
  .array(message, { minLength: 1, maxLength: 5 })
  .map(messages =>
    messages.filter(
      ({ role, parts }, i) => parts.length > 0 && !((role === 'assistant' || role === 'tool') && messages[i - 1]?.role === role),
    ),
  )
const alternating = (messages: Message[]) =>
  messages.every(({ role }, i) => !((role === 'assistant' || role === 'tool') && messages[i - 1]?.role === role))

const schema = fc.constantFrom<JsonObject>({ type: 'object' }, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] })
const tool: fc.Arbitrary<ToolDefinition> = fc.oneof(
  fc
    .record({ name, description: maybe(words), parameters: maybe(schema), strict: maybe(fc.boolean()), extra: optional(unknown) })
    .map(lean),
  fc.constant<ToolDefinition>({
    name: 'web_search',
    description: null,
    parameters: null,
    strict: null,
    extra: { ' whole': { type: 'web_search', search_context_size: 'low' } },
  }),
)

export const request: fc.Arbitrary<ChatRequest> = fc
  .record({
    model: words,
    stream: fc.boolean(),
    instructions: optional(words),
    messages: conversation.filter(messages => messages.length > 0 && alternating(messages)),
    tools: fc.array(tool, { maxLength: 3 }),
    tool_choice: maybe(
      fc.oneof(
        fc.constantFrom('auto' as const, 'none' as const, 'required' as const).map(mode => ({ mode })),
        name.map(chosen => ({ mode: 'named' as const, name: chosen })),
      ),
    ),
    parallel_tool_calls: maybe(fc.boolean()),
    output: fc.oneof(
      fc.constant({ form: 'text' as const }),
      fc.constant({ form: 'json_object' as const }),
      fc
        .record({ form: fc.constant('json_schema' as const), name, schema, strict: maybe(fc.boolean()), description: optional(words) })
        .map(lean),
    ),
    max_output_tokens: maybe(fc.integer({ min: 1, max: 100_000 })),
    temperature: maybe(fc.double({ min: 0, max: 2, noNaN: true })),
    top_p: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
    logprobs: maybe(fc.integer({ min: 0, max: 20 })),
    reasoning: maybe(
      fc.oneof(
        fc.record({ effort: fc.constantFrom('low', 'high'), budget_tokens: fc.constant(null) }),
        fc.record({ effort: maybe(fc.constant('high')), budget_tokens: fc.constant(null), summary: fc.constantFrom('auto', 'detailed') }),
      ),
    ),
    user: maybe(words),
    metadata: maybe(unknown),
    service_tier: maybe(fc.constant('flex')),
    extra: fc.oneof(
      fc.constant<JsonObject>({}),
      unknown,
      fc.constantFrom<JsonObject>(
        { store: true, truncation: 'auto' },
        { ' as_ever': { store: false, truncation: 'disabled' } },
        { include: ['file_search_call.results'] },
        { previous_response_id: 'resp_1' },
      ),
    ),
  })
  .map(({ instructions, messages, ...rest }): ChatRequest => {
    const first: Message[] = instructions
      ? [{ role: 'system', parts: [{ type: 'text', text: instructions }], extra: { ' instructions': true } }]
      : []
    const made: ChatRequest = {
      dialect: OWN,
      ...rest,
      messages: [...first, ...messages],
      top_k: null,
      seed: null,
      stop: [],
      frequency_penalty: null,
      presence_penalty: null,
      choices: 1,
      // One list asks for both; where it asks for more, likelihoods would have to stand in it too.
      logprobs: rest.extra.include === undefined ? rest.logprobs : null,
      stream_usage: rest.stream,
    }
    if (rest.extra.previous_response_id !== undefined) made.bound = { dialect: OWN, field: 'previous_response_id' }
    return made
  })

const count = fc.integer({ min: 0, max: 1_000 })
export const usage: fc.Arbitrary<TokenUsage> = fc
  .record({ input: count, output: count, read: maybe(count), thought: maybe(count), heard: maybe(count) })
  .map(({ input, output, read, thought: thinking, heard }) => {
    const within = (part: number | null, all: number) => (part === null ? null : Math.min(part, all))
    return {
      ...UNKNOWN_USAGE,
      input_tokens: input,
      output_tokens: output,
      cache_read_tokens: within(read, input),
      reasoning_tokens: within(thinking, output),
      audio_input_tokens: within(heard, input),
    }
  })

/** That tools are to be called shows only in the output. */
const ending = (calls: boolean) =>
  fc.constantFrom<{ finish: FinishReason; finish_raw: string }>(
    { finish: calls ? 'tool_calls' : 'stop', finish_raw: 'completed' },
    { finish: 'length', finish_raw: 'max_output_tokens' },
    { finish: 'content_filter', finish_raw: 'content_filter' },
    { finish: 'other', finish_raw: 'cosmic_ray' },
    { finish: 'other', finish_raw: 'cancelled' },
  )
const logprobs = fc.constant<JsonObject>({ content: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [] }] })

const calls_in = (parts: Part[]) =>
  parts.some(part => part.type === 'tool_call' || (part.type === 'other' && (part.value as JsonObject).type === 'custom_tool_call'))

export const reply: fc.Arbitrary<Reply> = fc
  .tuple(
    fc.array(thought, { maxLength: 1 }),
    content(fc.oneof(said, refusal)),
    fc.array(fc.oneof(call, item), { maxLength: 2 }),
    optional(logprobs),
  )
  .chain(([thoughts, spoken, calls, likely]): fc.Arbitrary<Reply> => {
    const parts = [...thoughts, ...spoken, ...calls]
    const has_text = spoken.some(part => part.type === 'text')
    return fc
      .record({
        dialect: fc.constant(OWN),
        id: name,
        model: name,
        created_at_s: fc.nat(),
        choices: ending(calls_in(parts)).map(end => [
          lean({ index: 0, parts, ...end, logprobs: has_text ? likely : undefined }) as ReplyChoice,
        ]),
        usage,
        service_tier: maybe(fc.constant('default')),
        extra: fc.oneof(
          fc.constant<JsonObject>({}),
          unknown,
          fc.constant<JsonObject>({ ' echo': { store: false, tools: [] }, usage: { cost: 0.1 } }),
        ),
      })
      .map(one => ({ ...one, usage: searched(one.usage, parts) }))
  })

/** Searches among what was said are counted, where anything is. */
function searched(counts: TokenUsage, parts: Part[]): TokenUsage {
  const searches = parts.filter(part => part.type === 'other' && isSearch(part.value)).length
  const told = counts.input_tokens !== null || counts.output_tokens !== null
  return told && searches > 0 ? { ...counts, web_search_calls: searches } : counts
}
const isSearch = (value: unknown) => (value as { type?: string }).type === 'web_search_call'

const pieces: fc.Arbitrary<StreamEvent[]> = fc.oneof(
  fc
    .array(fc.tuple(words, optional(logprobs)), { minLength: 1, maxLength: 3 })
    .map(list => list.map(([text, likely]): StreamEvent => lean({ type: 'text' as const, choice: 0, text, logprobs: likely }))),
  words.map((text): StreamEvent[] => [{ type: 'refusal', choice: 0, text }]),
  fc
    .tuple(fc.array(words, { maxLength: 2 }), words)
    .map(([list, encrypted]): StreamEvent[] => [
      ...list.map((text): StreamEvent => ({ type: 'reasoning', choice: 0, text })),
      { type: 'reasoning', choice: 0, text: '', encrypted },
    ]),
  fc.constant<StreamEvent[]>([
    { type: 'reasoning', choice: 0, text: 'Hm' },
    { type: 'reasoning', choice: 0, text: '', signature: 'AbC=', seal_of: 'anthropic-messages' },
  ]),
  citation.map((value): StreamEvent[] => [{ type: 'citation', choice: 0, value }]),
  item.map((part): StreamEvent[] => [{ type: 'part', choice: 0, part }]),
)

export const stream: fc.Arbitrary<StreamEvent[]> = fc
  .record({
    start: fc
      .record({
        type: fc.constant('start' as const),
        dialect: fc.constant(OWN),
        id: name,
        model: name,
        created_at_s: fc.nat(),
      })
      .map(lean),
    told: fc.array(pieces, { maxLength: 6 }).map(list => list.flat()),
    calls: fc.array(fc.tuple(id, name, fc.array(words, { maxLength: 4 })), { maxLength: 3 }),
    interleaved: fc.boolean(),
    counts: usage,
  })
  .chain(({ start, told, calls, interleaved, counts }) => {
    const called = calls.length > 0 || told.some(event => event.type === 'part' && calls_in([event.part]))
    return ending(called).map((end): StreamEvent[] => {
      const starts = calls.map(
        ([call_id, by], index): StreamEvent => ({ type: 'tool_call_start', choice: 0, index, id: call_id, name: by }),
      )
      const fragments = calls.map(([, , parts], index) =>
        parts.map((fragment): StreamEvent => ({ type: 'tool_call_arguments', choice: 0, index, fragment })),
      )
      const longest = Math.max(0, ...fragments.map(list => list.length))
      const ends = calls.map((_, index): StreamEvent => ({ type: 'tool_call_end', choice: 0, index }))
      const arguing = interleaved
        ? [...starts, ...Array.from({ length: longest }, (_, i) => fragments.flatMap(list => list[i] ?? [])).flat(), ...ends]
        : starts.flatMap((begun, index) => [begun, ...(fragments[index] ?? []), ends[index] as StreamEvent])
      return [
        start,
        ...told,
        ...arguing,
        { type: 'finish', choice: 0, ...end },
        {
          type: 'usage',
          usage: searched(
            counts,
            told.flatMap(event => (event.type === 'part' ? [event.part] : [])),
          ),
        },
        { type: 'end' },
      ]
    })
  })
