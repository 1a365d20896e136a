/**
 * Generated requests, replies and streams in the neutral form, as the OpenAI Chat dialect can say them: what the properties
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

const OWN = 'openai-chat' as const
const words = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
  fc.constantFrom('Hello', '"finish_reason":"stop"', 'data: [DONE]\n\n', '\\', '日本', '\u2028'),
)
const name = fc.stringMatching(/^[a-z_]{1,12}$/)
const id = fc.stringMatching(/^call_[a-z0-9]{1,8}$/)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
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
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const text: fc.Arbitrary<Part> = fc
  .record({
    type: fc.constant('text' as const),
    text: words,
    cache: optional(fc.record({ ttl: maybe(fc.constant('1h')) })),
    extra: optional(unknown),
  })
  .map(lean)
const url = fc.constantFrom('https://example.com/a.png', 'http://x/y?z=1', 'data:text/plain,hello')
const inline = (media_type: fc.Arbitrary<string>) => fc.record({ at: fc.constant('base64' as const), data: fc.base64String(), media_type })
const remote = fc.record({ at: fc.constant('url' as const), url })
const media: fc.Arbitrary<Part> = fc
  .oneof(
    fc.record({
      type: fc.constant('media' as const),
      modality: fc.constantFrom('image' as const, 'video' as const),
      source: fc.oneof(remote, inline(fc.constantFrom('image/png', 'video/mp4'))),
      detail: optional(fc.constantFrom('low', 'high')),
    }),
    fc.record({
      type: fc.constant('media' as const),
      modality: fc.constant('audio' as const),
      source: inline(fc.constantFrom('audio/wav', 'audio/mpeg', 'audio/flac')),
    }),
    fc.record({
      type: fc.constant('media' as const),
      modality: fc.constant('file' as const),
      source: fc.oneof(inline(fc.constant('application/pdf')), fc.record({ at: fc.constant('provider_file' as const), id: name })),
      name: optional(name),
    }),
  )
  .map(lean)
const invented: fc.Arbitrary<Part> = unknown.map(value => ({ type: 'other', dialect: OWN, value: { type: 'tomorrow', ...value } }))
const call: fc.Arbitrary<Part> = fc.record({
  type: fc.constant('tool_call' as const),
  id,
  name,
  arguments: fc.oneof(fc.json(), words, fc.constant('')),
})

const named = (message: fc.Arbitrary<Message>): fc.Arbitrary<Message> =>
  fc.tuple(message, optional(name), optional(unknown)).map(([said, by, extra]) => lean({ ...said, name: by, extra }))
const assistant = fc
  .record({
    thought: fc.array(
      words.map((thought): Part => ({ type: 'reasoning', text: thought })),
      { maxLength: 1 },
    ),
    content: fc.array(fc.oneof(text, invented), { maxLength: 3 }),
    refusal: fc.array(
      words.map((said): Part => ({ type: 'refusal', text: said })),
      { maxLength: 1 },
    ),
    calls: fc.array(call, { maxLength: 3 }),
  })
  .map(({ thought, content, refusal, calls }) => [...thought, ...content, ...refusal, ...calls])
  .filter(parts => parts.length > 0)
  .map((parts): Message => ({ role: 'assistant', parts }))
const message: fc.Arbitrary<Message> = named(
  fc.oneof(
    fc.record({
      role: fc.constantFrom('system' as const, 'developer' as const, 'user' as const),
      parts: fc.array(fc.oneof(text, text, media, invented), { minLength: 1, maxLength: 4 }),
    }),
    assistant,
    fc
      .tuple(id, fc.array(text, { minLength: 1, maxLength: 2 }))
      .map(([call_id, parts]): Message => ({ role: 'tool', parts: [{ type: 'tool_result', call_id, parts, is_error: false }] })),
  ),
)

const schema = fc.constantFrom<JsonObject>({ type: 'object' }, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] })
const tool: fc.Arbitrary<ToolDefinition> = fc
  .record({ name, description: maybe(words), parameters: maybe(schema), strict: maybe(fc.boolean()), extra: optional(unknown) })
  .map(lean)

export const request: fc.Arbitrary<ChatRequest> = fc
  .record({
    dialect: fc.constant(OWN),
    model: words,
    stream: fc.boolean(),
    messages: fc.array(message, { minLength: 1, maxLength: 5 }),
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
    top_k: maybe(fc.integer({ min: -1, max: 100 })),
    seed: maybe(fc.integer()),
    stop: fc.array(words, { maxLength: 4 }),
    frequency_penalty: maybe(fc.constantFrom(-2, 0, 1.5)),
    presence_penalty: maybe(fc.constantFrom(-2, 0, 1.5)),
    choices: fc.integer({ min: 1, max: 8 }),
    logprobs: maybe(fc.integer({ min: 0, max: 20 })),
    reasoning: maybe(
      fc.oneof(
        fc.constantFrom('low', 'high').map(effort => ({ effort, budget_tokens: null })),
        fc.record({ effort: maybe(fc.constant('high')), budget_tokens: fc.integer({ min: 0, max: 32_000 }) }),
      ),
    ),
    user: maybe(words),
    metadata: maybe(unknown),
    service_tier: maybe(fc.constant('flex')),
    stream_usage: fc.boolean(),
    extra: fc.oneof(fc.constant({}), unknown),
  })
  .map(asked => ({ ...asked, stream_usage: asked.stream && asked.stream_usage }))

const count = fc.integer({ min: 0, max: 1_000 })
export const usage: fc.Arbitrary<TokenUsage> = fc
  .record({
    input: count,
    output: count,
    read: maybe(count),
    write: maybe(count),
    thought: maybe(count),
    heard: maybe(count),
    spoken: maybe(count),
    seen: maybe(count),
  })
  .map(({ input, output, read, write, thought, heard, spoken, seen }) => {
    const within = (part: number | null, all: number) => (part === null ? null : Math.min(part, all))
    return {
      ...UNKNOWN_USAGE,
      input_tokens: input,
      output_tokens: output,
      cache_read_tokens: within(read, input),
      cache_write_tokens: within(write, input),
      reasoning_tokens: within(thought, output),
      audio_input_tokens: within(heard, input),
      audio_output_tokens: within(spoken, output),
      image_input_tokens: within(seen, input),
    }
  })

const finish = fc.constantFrom<{ finish: FinishReason; finish_raw: string }>(
  { finish: 'stop', finish_raw: 'stop' },
  { finish: 'stop', finish_raw: 'eos' },
  { finish: 'length', finish_raw: 'length' },
  { finish: 'tool_calls', finish_raw: 'tool_calls' },
  { finish: 'content_filter', finish_raw: 'content_filter' },
  { finish: 'other', finish_raw: 'cosmic_ray' },
)
const logprobs = fc.constantFrom<JsonObject>({ content: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [] }], refusal: null })
const citation = fc.constantFrom<JsonObject>({
  type: 'url_citation',
  url_citation: { url: 'https://example.com', title: 'x', start_index: 0, end_index: 1 },
})

const said: fc.Arbitrary<Omit<ReplyChoice, 'index'>> = fc
  .record({
    thought: fc.array(
      words.map((thought): Part => ({ type: 'reasoning', text: thought })),
      { maxLength: 1 },
    ),
    text: fc.array(
      fc
        .record({
          type: fc.constant('text' as const),
          text: words,
          citations: optional(fc.array(citation, { minLength: 1, maxLength: 2 })),
        })
        .map(lean),
      { maxLength: 1 },
    ),
    refusal: fc.array(
      words.map((refused): Part => ({ type: 'refusal', text: refused })),
      { maxLength: 1 },
    ),
    calls: fc.array(call, { maxLength: 2 }),
    others: fc.array(
      unknown.map((value): Part => ({ type: 'other', dialect: OWN, value })),
      { maxLength: 1 },
    ),
    ending: fc.oneof(finish, fc.constant({ finish: null, finish_raw: null })),
    logprobs: optional(logprobs),
    extra: optional(unknown),
  })
  .map(({ thought, text: content, refusal, calls, others, ending, logprobs: likely, extra }) =>
    lean({ parts: [...thought, ...content, ...refusal, ...calls, ...others], ...ending, logprobs: likely, extra }),
  )

export const reply: fc.Arbitrary<Reply> = fc.record({
  dialect: fc.constant(OWN),
  id: name,
  model: name,
  created_at_s: fc.nat(),
  choices: fc.array(said, { minLength: 1, maxLength: 3 }).map(choices => choices.map((choice, index) => ({ index, ...choice }))),
  usage,
  service_tier: maybe(fc.constant('default')),
  extra: fc.oneof(fc.constant({}), unknown, fc.constant({ system_fingerprint: 'fp_1', usage: { cost: 0.1 } })),
})

/** The events of one choice in an order that a provider could send. */
const told = (choice: number): fc.Arbitrary<StreamEvent[]> =>
  fc
    .record({
      pieces: fc.array(
        fc.oneof(
          fc
            .record({ type: fc.constant('text' as const), choice: fc.constant(choice), text: words, logprobs: optional(logprobs) })
            .map(lean),
          fc.record({ type: fc.constantFrom('reasoning' as const, 'refusal' as const), choice: fc.constant(choice), text: words }),
          fc.record({ type: fc.constant('citation' as const), choice: fc.constant(choice), value: citation }),
          unknown.map((value): StreamEvent => ({ type: 'other', dialect: OWN, value: { choices: [{ index: choice, delta: value }] } })),
        ),
        { maxLength: 8 },
      ),
      calls: fc.array(fc.tuple(id, name, fc.array(words, { maxLength: 4 })), { maxLength: 3 }),
      interleaved: fc.boolean(),
      ending: finish,
    })
    .map(({ pieces, calls, interleaved, ending }): StreamEvent[] => {
      const starts = calls.map(
        ([call_id, called], index): StreamEvent => ({ type: 'tool_call_start', choice, index, id: call_id, name: called }),
      )
      const fragments = calls.map(([, , parts], index) =>
        parts.map((fragment): StreamEvent => ({ type: 'tool_call_arguments', choice, index, fragment })),
      )
      const longest = Math.max(0, ...fragments.map(list => list.length))
      const arguing = interleaved
        ? [...starts, ...Array.from({ length: longest }, (_, i) => fragments.flatMap(list => list[i] ?? [])).flat()]
        : starts.flatMap((start, index) => [start, ...(fragments[index] ?? [])])
      const ends = calls.map((_, index): StreamEvent => ({ type: 'tool_call_end', choice, index }))
      return [...pieces, ...arguing, ...ends, { type: 'finish', choice, ...ending }]
    })

export const stream: fc.Arbitrary<StreamEvent[]> = fc
  .record({
    start: fc
      .record({
        type: fc.constant('start' as const),
        dialect: fc.constant(OWN),
        id: name,
        model: name,
        created_at_s: fc.nat(),
        extra: optional(unknown),
      })
      .map(lean),
    first: told(0),
    second: fc.option(told(1), { nil: [] }),
    usage: fc.option(usage, { nil: null }),
  })
  .map(({ start, first, second, usage: counts }): StreamEvent[] => [
    start,
    ...first,
    ...second,
    ...(counts ? [{ type: 'usage', usage: counts } satisfies StreamEvent] : []),
    { type: 'end' },
  ])
