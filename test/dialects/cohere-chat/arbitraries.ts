/**
 * Generated requests, replies and streams in the neutral form, as Cohere's chat can say them.
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

const OWN = 'cohere-chat' as const
const words = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
  fc.constantFrom('Hello', '"finish_reason":"COMPLETE"', '\\', '日本', '\u2028'),
)
const name = fc.stringMatching(/^[a-z_]{1,12}$/)
const id = fc.stringMatching(/^[a-z]{3}_[a-z0-9]{1,8}$/)
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

const with_extra = (part: fc.Arbitrary<Part>): fc.Arbitrary<Part> =>
  fc.tuple(part, optional(unknown)).map(([one, extra]) => lean({ ...one, extra }))
const text = with_extra(words.map((said): Part => ({ type: 'text', text: said })))
const image: fc.Arbitrary<Part> = fc
  .tuple(
    fc.oneof(
      fc.base64String().map(data => ({ at: 'base64' as const, media_type: 'image/png', data })),
      fc.webUrl().map(url => ({ at: 'url' as const, url })),
    ),
    optional(fc.constantFrom('auto', 'low')),
  )
  .map(([source, detail]) => lean({ type: 'media' as const, modality: 'image' as const, source, detail }))
const document: fc.Arbitrary<Part> = words.map(data => ({
  type: 'other',
  dialect: OWN,
  value: { type: 'document', document: { id: '0', data: { data } } },
}))
const thought: fc.Arbitrary<Part> = words.map(said => ({ type: 'reasoning', text: said }))
const plan: fc.Arbitrary<Part> = words.map(said => ({ type: 'reasoning', text: said, extra: { ' plan': true } }))
const call: fc.Arbitrary<Part> = fc
  .tuple(id, name, fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), words, { maxKeys: 3 }), optional(unknown))
  .map(([call_id, called, given, extra]) =>
    lean({ type: 'tool_call' as const, id: call_id, name: called, arguments: JSON.stringify(given), extra }),
  )
const citation: JsonObject = { start: 0, end: 2, text: 'Hi', sources: [{ type: 'document', id: 'doc:0' }] }
const cited: fc.Arbitrary<Part> = words.map(said => ({ type: 'text', text: said, citations: [citation] }))

/** A plan, then what is said, then the calls. */
const said: fc.Arbitrary<Part[]> = fc
  .tuple(
    fc.array(plan, { maxLength: 1 }),
    fc.array(fc.oneof(text, thought), { maxLength: 3 }),
    fc.array(call, { maxLength: 3 }),
    fc.boolean(),
    cited,
  )
  .map(([first, content, calls, cites, one]) => [...first, ...(cites ? [one] : content), ...calls])

const message: fc.Arbitrary<Message> = fc
  .oneof(
    fc.record({ role: fc.constant('user' as const), parts: fc.array(fc.oneof(text, image, document), { minLength: 1, maxLength: 3 }) }),
    fc.record({ role: fc.constant('system' as const), parts: fc.array(text, { minLength: 1, maxLength: 2 }) }),
    said.map(parts => ({ role: 'assistant' as const, parts })),
    fc.tuple(id, fc.array(fc.oneof(text, document), { maxLength: 2 })).map(([call_id, parts]) => ({
      role: 'tool' as const,
      parts: [{ type: 'tool_result' as const, call_id, parts, is_error: false }],
    })),
  )
  .chain(one => optional(unknown).map(extra => lean({ ...one, extra }) as Message))

const schema = fc.constantFrom<JsonObject>({ type: 'object' }, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] })
const tools: fc.Arbitrary<ToolDefinition[]> = fc
  .tuple(
    fc.array(fc.record({ name, description: maybe(words), parameters: schema, extra: optional(unknown) }), { maxLength: 3 }),
    maybe(fc.boolean()),
  )
  .map(([list, strict]) => list.map(tool => lean({ ...tool, strict })))
const share = fc.double({ min: 0, max: 1, noNaN: true }).filter(value => !Object.is(value, -0))

export const request: fc.Arbitrary<ChatRequest> = fc
  .record({
    dialect: fc.constant(OWN),
    model: words,
    stream: fc.boolean(),
    messages: fc.array(message, { minLength: 1, maxLength: 4 }),
    tools,
    tool_choice: maybe(fc.constantFrom('none' as const, 'required' as const).map(mode => ({ mode }))),
    parallel_tool_calls: fc.constant(null),
    output: fc.oneof(
      fc.constantFrom({ form: 'text' as const }, { form: 'json_object' as const }),
      schema.map(of => ({ form: 'json_schema' as const, name: 'answer', schema: of, strict: null })),
    ),
    max_output_tokens: maybe(fc.integer({ min: 1, max: 100_000 })),
    temperature: maybe(share),
    top_p: maybe(share),
    top_k: maybe(fc.integer({ min: 0, max: 500 })),
    seed: maybe(fc.nat()),
    stop: fc.array(words, { maxLength: 5 }),
    frequency_penalty: maybe(share),
    presence_penalty: maybe(share),
    choices: fc.constant(1),
    logprobs: fc.constant(null),
    reasoning: fc.constantFrom(
      null,
      { effort: 'none', budget_tokens: null },
      { effort: null, budget_tokens: null },
      { effort: null, budget_tokens: 500 },
    ),
    user: fc.constant(null),
    metadata: fc.constant(null),
    service_tier: fc.constant(null),
    stream_usage: fc.boolean(),
    extra: fc.oneof(
      fc.constant<JsonObject>({}),
      unknown,
      fc.constant<JsonObject>({ documents: ['a'], safety_mode: 'STRICT', logprobs: true, priority: 3 }),
    ),
  })
  .map(asked => ({ ...asked, stream_usage: asked.stream }))

const count = fc.integer({ min: 0, max: 1_000 })
export const usage: fc.Arbitrary<TokenUsage> = fc
  .record({ input: count, output: count, read: maybe(count) })
  .map(({ input, output, read }) => ({
    ...UNKNOWN_USAGE,
    input_tokens: input + (read ?? 0),
    output_tokens: output,
    cache_read_tokens: read,
  }))

const ending = fc.constantFrom<{ finish: FinishReason; finish_raw: string }>(
  { finish: 'stop', finish_raw: 'COMPLETE' },
  { finish: 'stop', finish_raw: 'STOP_SEQUENCE' },
  { finish: 'length', finish_raw: 'MAX_TOKENS' },
  { finish: 'tool_calls', finish_raw: 'TOOL_CALL' },
  { finish: 'content_filter', finish_raw: 'ERROR_TOXIC' },
  { finish: 'other', finish_raw: 'TOMORROW' },
)

export const reply: fc.Arbitrary<Reply> = fc
  .record({
    id: words,
    parts: said,
    end: fc.oneof(ending, fc.constant({ finish: null, finish_raw: null })),
    usage,
    extra: fc.oneof(fc.constant<JsonObject>({}), unknown, fc.constant<JsonObject>({ usage: { billed_units: { input_tokens: 1 } } })),
    beside: optional(unknown),
  })
  .map(({ parts, end, beside, ...rest }) => ({
    dialect: OWN,
    model: '',
    created_at_s: null,
    choices: [lean({ index: 0, parts, ...end, extra: beside })],
    service_tier: null,
    ...rest,
  }))

export const stream: fc.Arbitrary<StreamEvent[]> = fc
  .record({
    id: words,
    pieces: fc.array(
      fc.oneof(
        words.map((told): StreamEvent[] => [{ type: 'text', choice: 0, text: told }]),
        words.map((told): StreamEvent[] => [{ type: 'reasoning', choice: 0, text: told }]),
        fc.constant<StreamEvent[]>([{ type: 'citation', choice: 0, value: citation }]),
        fc.constant<StreamEvent[]>([{ type: 'other', dialect: OWN, value: { type: 'debug', prompt: 'x' } }]),
        fc.tuple(id, name, fc.array(words, { minLength: 1, maxLength: 3 })),
      ),
      { maxLength: 8 },
    ),
    end: ending,
    usage,
    beside: optional(fc.constant<JsonObject>({ usage: { billed_units: { input_tokens: 1 } } })),
  })
  .map(({ id: named, pieces, end, usage: counts, beside }): StreamEvent[] => {
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
      { type: 'start', dialect: OWN, id: named, model: '', created_at_s: null },
      ...told,
      ...(beside ? [{ type: 'other' as const, dialect: OWN, value: beside }] : []),
      { type: 'finish', choice: 0, ...end },
      { type: 'usage', usage: counts },
      { type: 'end' },
    ]
  })
