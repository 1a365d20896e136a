/**
 * Generated requests, replies and streams in the neutral form, as Gemini's format can say them.
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

const OWN = 'gemini' as const
const words = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
  fc.constantFrom('Hello', '"finishReason":"STOP"', 'data: x\n\n', '\\', '日本', '\u2028'),
)
const name = fc.stringMatching(/^[a-z_]{1,12}$/)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const lean = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
/** Members nobody here knows, some with names that mean something to JavaScript. */
const unknown = fc
  .uniqueArray(fc.tuple(fc.constantFrom('x_new', 'x_other', 'constructor', 'toString'), words), {
    selector: ([key]) => key,
    minLength: 1,
    maxLength: 2,
  })
  .map(entries => Object.fromEntries(entries) as JsonObject)

const text: fc.Arbitrary<Part> = fc.record({ type: fc.constant('text' as const), text: words, extra: optional(unknown) }).map(lean)
const media: fc.Arbitrary<Part> = fc
  .oneof(
    fc
      .constantFrom<[modality: 'image' | 'audio' | 'video' | 'file', media_type: string, address: string]>(
        ['image', 'image/png', 'https://example.com/a.png'],
        ['audio', 'audio/wav', 'http://x/y.wav?z=1'],
        ['video', 'video/mp4', 'https://example.com/a.mp4#t'],
        ['file', 'application/pdf', 'https://example.com/a'],
      )
      .chain(([modality, media_type, address]) =>
        fc.oneof(
          fc
            .record({
              type: fc.constant('media' as const),
              modality: fc.constant(modality),
              source: fc.record({ at: fc.constant('base64' as const), data: fc.base64String(), media_type: fc.constant(media_type) }),
              name: optional(name),
            })
            .map(lean),
          fc.constant<Part>({ type: 'media', modality, source: { at: 'url', url: address } }),
          fc.constant<Part>({ type: 'media', modality, source: { at: 'provider_file', id: `gs://bucket/${address.slice(-5)}` } }),
        ),
      ),
  )
  .filter(part => part.type !== 'media' || part.source.at !== 'provider_file' || part.modality !== 'file' || part.source.id.endsWith('a'))
const invented: fc.Arbitrary<Part> = unknown.map(value => ({ type: 'other', dialect: OWN, value: { executableCode: {}, ...value } }))
const seal = fc.base64String({ minLength: 4, maxLength: 12 })
const thought: fc.Arbitrary<Part> = fc
  .oneof(
    fc.record({ type: fc.constant('reasoning' as const), text: words, signature: optional(seal) }),
    fc.record({ type: fc.constant('reasoning' as const), text: fc.constant(''), signature: seal }),
  )
  .map(lean)
const args = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(words, fc.integer(), fc.boolean(), fc.constant(null)), {
  maxKeys: 3,
})
let calls = 0
const call: fc.Arbitrary<Part> = fc
  .tuple(name, args)
  .map(([called, given]) => ({ type: 'tool_call', id: `call-${calls++}`, name: called, arguments: JSON.stringify(given) }))

/** A seal stands behind its thought's words or alone; two in a row would be one thought's, and never come. */
const settled = (parts: Part[]): Part[] =>
  parts.filter((part, i) => {
    const before = parts[i - 1]
    return part.type !== 'reasoning' || before?.type !== 'reasoning'
  })
const model = fc
  .array(fc.oneof(text, thought, call, invented, media), { minLength: 1, maxLength: 6 })
  .map(settled)
  .map((parts): Message => ({ role: 'assistant', parts }))
const user = fc.array(fc.oneof(text, media), { minLength: 1, maxLength: 4 }).map((parts): Message => ({ role: 'user', parts }))
const result = fc.record({
  type: fc.constant('tool_result' as const),
  call_id: name,
  parts: fc
    .tuple(fc.array(fc.record({ type: fc.constant('text' as const), text: words }), { maxLength: 1 }), fc.array(media, { maxLength: 1 }))
    .map(([said, shown]) => [...said, ...shown]),
  is_error: fc.constant(false),
})
const results = fc.array(result, { minLength: 1, maxLength: 2 }).map((parts): Message => ({ role: 'tool', parts }))
const message = fc.tuple(fc.oneof(user, model, results), optional(unknown)).map(([said, extra]) => lean({ ...said, extra }))
const system = fc.array(text, { minLength: 1, maxLength: 2 }).map((parts): Message => ({ role: 'system', parts }))

const schema = fc.constantFrom<JsonObject>({ type: 'object' }, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] })
const tool: fc.Arbitrary<ToolDefinition> = fc
  .record({ name, description: maybe(words), parameters: maybe(schema), strict: fc.constant(null), extra: optional(unknown) })
  .map(lean)

export const request: fc.Arbitrary<ChatRequest> = fc
  .record({
    dialect: fc.constant(OWN),
    model: words,
    stream: fc.boolean(),
    messages: fc
      .tuple(fc.array(system, { maxLength: 1 }), fc.array(message, { minLength: 1, maxLength: 5 }))
      .map(([first, rest]) => [...first, ...rest]),
    tools: fc.array(tool, { maxLength: 3 }),
    tool_choice: maybe(
      fc.oneof(
        fc.constantFrom('auto' as const, 'none' as const, 'required' as const).map(mode => ({ mode })),
        name.map(chosen => ({ mode: 'named' as const, name: chosen })),
      ),
    ),
    parallel_tool_calls: fc.constant(null),
    output: fc.oneof(
      fc.constant({ form: 'text' as const }),
      fc.constant({ form: 'json_object' as const }),
      schema.map(wanted => ({ form: 'json_schema' as const, name: 'answer', schema: wanted, strict: null })),
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
      fc
        .record({
          effort: maybe(fc.constantFrom('low', 'high')),
          budget_tokens: maybe(fc.integer({ min: 0, max: 32_000 })),
          summary: optional(fc.constant('auto')),
        })
        .map(lean),
    ),
    user: fc.constant(null),
    metadata: fc.constant(null),
    service_tier: maybe(fc.constant('flex')),
    stream_usage: fc.boolean(),
    extra: fc.oneof(
      fc.constant<JsonObject>({}),
      unknown,
      fc.constant<JsonObject>({
        safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
        cachedContent: 'cachedContents/1',
      }),
      fc.constant<JsonObject>({ generationConfig: { mediaResolution: 'MEDIA_RESOLUTION_LOW', speechConfig: { a: 1 } } }),
    ),
  })
  .map(asked => ({ ...asked, stream_usage: asked.stream }))

const count = fc.integer({ min: 0, max: 1_000 })
export const usage: fc.Arbitrary<TokenUsage> = fc
  .record({
    input: count,
    output: count,
    read: maybe(count),
    thought: maybe(count),
    heard: maybe(count),
    spoken: maybe(count),
    seen: maybe(count),
  })
  .map(({ input, output, read, thought: pondered, heard, spoken, seen }) => {
    const within = (part: number | null, all: number) => (part === null ? null : Math.min(part, all))
    return {
      ...UNKNOWN_USAGE,
      input_tokens: input,
      output_tokens: output,
      cache_read_tokens: within(read, input),
      reasoning_tokens: within(pondered, output),
      audio_input_tokens: within(heard, input),
      audio_output_tokens: within(spoken, output),
      image_input_tokens: within(seen, input),
    }
  })

const ending = (calls_tools: boolean) =>
  fc.constantFrom<{ finish: FinishReason; finish_raw: string }>(
    calls_tools ? { finish: 'tool_calls', finish_raw: 'STOP' } : { finish: 'stop', finish_raw: 'STOP' },
    { finish: 'length', finish_raw: 'MAX_TOKENS' },
    { finish: 'content_filter', finish_raw: 'SAFETY' },
    { finish: 'other', finish_raw: 'MALFORMED_FUNCTION_CALL' },
  )
const logprobs = fc.constantFrom<JsonObject>({
  content: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [{ token: 'b', logprob: -2, bytes: [98] }] }],
})

const said: fc.Arbitrary<Omit<ReplyChoice, 'index'>> = fc
  .array(fc.oneof(text, thought, call, invented, media), { maxLength: 5 })
  .map(settled)
  .chain(parts =>
    fc
      .record({
        parts: fc.constant(parts),
        ending: fc.oneof(ending(parts.some(part => part.type === 'tool_call')), fc.constant({ finish: null, finish_raw: null })),
        logprobs: optional(logprobs),
        extra: optional(unknown),
      })
      .map(({ ending: end, ...choice }) => lean({ ...choice, ...end })),
  )

export const reply: fc.Arbitrary<Reply> = fc.record({
  dialect: fc.constant(OWN),
  id: name,
  model: name,
  created_at_s: fc.constant(null),
  choices: fc.array(said, { minLength: 1, maxLength: 3 }).map(choices => choices.map((choice, index) => ({ index, ...choice }))),
  usage,
  service_tier: fc.constant(null),
  extra: fc.oneof(fc.constant<JsonObject>({}), unknown, fc.constant<JsonObject>({ usageMetadata: { trafficType: 'ON_DEMAND' } })),
})

/** The events of one choice in an order that the provider could send, without its end. */
const told = (choice: number): fc.Arbitrary<{ events: StreamEvent[]; calls_tools: boolean }> =>
  fc
    .array(
      fc.oneof(
        fc.record({ type: fc.constant('text' as const), choice: fc.constant(choice), text: words, logprobs: optional(logprobs) }).map(lean),
        fc
          .record({ type: fc.constant('reasoning' as const), choice: fc.constant(choice), text: words, signature: optional(seal) })
          .map(lean),
        invented.map((part): StreamEvent => ({ type: 'part', choice, part })),
        fc.tuple(optional(seal), name, args),
      ),
      { maxLength: 8 },
    )
    .map(pieces => {
      let index = 0
      const events = pieces.flatMap((piece): StreamEvent[] => {
        if (!Array.isArray(piece)) return [piece]
        const [signature, called, given] = piece
        const at = index++
        return [
          ...(signature === undefined ? [] : [{ type: 'reasoning' as const, choice, text: '', signature }]),
          { type: 'tool_call_start', choice, index: at, id: `call-${choice}-${at}`, name: called },
          { type: 'tool_call_arguments', choice, index: at, fragment: JSON.stringify(given) },
          { type: 'tool_call_end', choice, index: at },
        ]
      })
      return { events, calls_tools: index > 0 }
    })

export const stream: fc.Arbitrary<StreamEvent[]> = fc
  .record({
    start: fc
      .record({
        type: fc.constant('start' as const),
        dialect: fc.constant(OWN),
        id: name,
        model: name,
        created_at_s: fc.constant(null),
        extra: optional(unknown),
      })
      .map(lean),
    first: told(0).chain(one => ending(one.calls_tools).map(end => ({ ...one, end }))),
    second: fc.option(
      told(1).chain(one => ending(one.calls_tools).map(end => ({ ...one, end }))),
      { nil: null },
    ),
    usage: fc.option(usage, { nil: null }),
  })
  .map(({ start, first, second, usage: counts }): StreamEvent[] => [
    start,
    ...first.events,
    ...(second?.events ?? []),
    { type: 'finish', choice: 0, ...first.end },
    ...(second ? [{ type: 'finish' as const, choice: 1, ...second.end }] : []),
    ...(counts ? [{ type: 'usage', usage: counts } satisfies StreamEvent] : []),
  ])
