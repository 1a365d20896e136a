/**
 * What is answered, from every format into every other, whole and in flight: each cell says the same on the other side, or what it loses
 * is listed here with its reason and reported.
 */
import { describe, expect, it } from 'vitest'
import type { GatewayError } from '../../worker/core/errors.ts'
import { eventsOf, replyOf } from '../../worker/dialects/fold.ts'
import {
  type FinishReason,
  type JsonObject,
  type Part,
  type Reply,
  type StreamEvent,
  type TokenUsage,
  UNKNOWN_USAGE,
} from '../../worker/schema/chat.ts'
import { codec, SPOKEN, type Spoken } from './replay.ts'

const CELLS = SPOKEN.flatMap(from => SPOKEN.map(to => ({ from, to })))
const ACROSS = CELLS.filter(({ from, to }) => from !== to)

const FINISHES: Record<Spoken, Partial<Record<FinishReason, string>>> = {
  'openai-chat': { stop: 'stop', length: 'length', tool_calls: 'tool_calls', content_filter: 'content_filter', other: 'cosmic_ray' },
  'openai-responses': {
    stop: 'completed',
    length: 'max_output_tokens',
    tool_calls: 'completed',
    content_filter: 'content_filter',
    other: 'cosmic_ray',
  },
  'anthropic-messages': {
    stop: 'end_turn',
    length: 'max_tokens',
    tool_calls: 'tool_use',
    content_filter: 'refusal',
    pause: 'pause_turn',
  },
}
const USAGE: TokenUsage = {
  ...UNKNOWN_USAGE,
  input_tokens: 20,
  cache_read_tokens: 8,
  cache_write_tokens: 2,
  output_tokens: 9,
  reasoning_tokens: 4,
}

const answer = (from: Spoken, parts: Part[], finish: FinishReason = 'stop'): Reply => ({
  dialect: from,
  id: 'r1',
  model: 'm',
  created_at_s: from === 'anthropic-messages' ? null : 7,
  choices: [{ index: 0, parts, finish, finish_raw: FINISHES[from][finish] ?? finish }],
  usage: USAGE,
  service_tier: null,
  extra: {},
})

/** Without what a format says of itself: marks, and whose word it was. */
const plain = (parts: Part[]) => parts.map(({ extra: _, ...part }) => (part.type === 'reasoning' ? { ...part, seal_of: undefined } : part))

function whole(reply: Reply, to: Spoken): { arrived: Reply; losses: string[] } {
  const { body, losses } = codec(to).reply.write(reply)
  const read = codec(to).reply.read(JSON.parse(JSON.stringify(body)) as JsonObject)
  if (!read.ok) throw new Error(read.error)
  return { arrived: read.value, losses: losses.map(({ field, how }) => `${field} ${how}`) }
}
function streamed(events: StreamEvent[], to: Spoken): { arrived: Reply; losses: string[] } {
  const writer = codec(to).reply.writer()
  const reader = codec(to).reply.reader()
  const arrived = replyOf(events.flatMap(event => writer.write(event)).flatMap(event => reader.read(event)))
  return { arrived, losses: (writer.losses?.() ?? []).map(({ field, how }) => `${field} ${how}`) }
}

const CALLS: Part[] = [
  { type: 'text', text: 'Looking.' },
  { type: 'tool_call', id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}' },
  { type: 'tool_call', id: 'call_2', name: 'weather', arguments: '{}' },
]

describe.each(CELLS)('from $from to a caller of $to', ({ from, to }) => {
  it.each<[string, Part[], FinishReason]>([
    ['text', [{ type: 'text', text: 'Hello 日本' }], 'stop'],
    ['parallel calls', CALLS, 'tool_calls'],
    [
      'a thought and an answer',
      [
        { type: 'reasoning', text: 'Hm' },
        { type: 'text', text: 'So.' },
      ],
      'stop',
    ],
    ['an answer that was cut', [{ type: 'text', text: 'Hel' }], 'length'],
    ['an answer that was filtered', [{ type: 'text', text: 'Hel' }], 'content_filter'],
  ])('is the same: %s', (_, parts, finish) => {
    const reply = answer(from, parts, finish)
    for (const { arrived, losses } of [whole(reply, to), streamed(eventsOf(reply), to)]) {
      expect(losses).toEqual([])
      expect(plain(arrived.choices[0]?.parts ?? [])).toEqual(plain(parts))
      expect(arrived.choices[0]?.finish).toBe(finish)
    }
  })
  it('counts the same: all input, what of it was cached, all output, what of it was thought', () => {
    const reply = answer(from, [{ type: 'text', text: 'Hi' }])
    for (const { arrived } of [whole(reply, to), streamed(eventsOf(reply), to)]) expect(arrived.usage).toEqual(USAGE)
  })
  it('takes calls whose fragments come interleaved', () => {
    const call = (index: number, id: string): StreamEvent => ({ type: 'tool_call_start', choice: 0, index, id, name: 'f' })
    const piece = (index: number, fragment: string): StreamEvent => ({ type: 'tool_call_arguments', choice: 0, index, fragment })
    const end = (index: number): StreamEvent => ({ type: 'tool_call_end', choice: 0, index })
    const { arrived } = streamed(
      [
        { type: 'start', dialect: from, id: 'r', model: 'm', created_at_s: 7 },
        call(0, 'a'),
        piece(0, '{"x"'),
        call(1, 'b'),
        piece(1, '{"y"'),
        ...(to === 'anthropic-messages' ? [] : [piece(0, ':1}')]),
        piece(1, ':2}'),
        end(0),
        end(1),
        { type: 'finish', choice: 0, finish: 'tool_calls', finish_raw: 'tool_calls' },
        { type: 'end' },
      ],
      to,
    )
    expect(arrived.choices[0]?.parts.map(part => (part.type === 'tool_call' ? [part.id, part.arguments] : null))).toEqual([
      ['a', to === 'anthropic-messages' ? '{"x"' : '{"x":1}'],
      ['b', '{"y":2}'],
    ])
  })
  it('gives each fragment of a call on as it comes', () => {
    const writer = codec(to).reply.writer()
    writer.write({ type: 'start', dialect: from, id: 'r', model: 'm', created_at_s: 7 })
    writer.write({ type: 'tool_call_start', choice: 0, index: 0, id: 'a', name: 'f' })
    for (const fragment of ['{"ci', 'ty":', '"Bern"}']) {
      const events = writer.write({ type: 'tool_call_arguments', choice: 0, index: 0, fragment })
      expect(events).toHaveLength(1)
      expect(events[0]?.data).toContain(JSON.stringify(fragment).slice(1, -1))
    }
  })
})

describe.each(ACROSS)('a seal on a thought of $from, through a conversation in $to', ({ from, to }) => {
  const thought: Part =
    from === 'anthropic-messages'
      ? { type: 'reasoning', text: 'Hm', signature: 'SIG==' }
      : { type: 'reasoning', text: 'Hm', encrypted: 'gAAA.b-c' }
  if (from === 'openai-chat') {
    it('is nothing that this format has', () => expect(whole(answer(from, [{ type: 'reasoning', text: 'Hm' }]), to).losses).toEqual([]))
    return
  }
  it.each(['whole', 'in flight'])('comes back as it was, told %s', how => {
    const reply = answer(from, [thought, { type: 'tool_call', id: 'c', name: 'f', arguments: '{}' }], 'tool_calls')
    const { arrived } = how === 'whole' ? whole(reply, to) : streamed(eventsOf(reply), to)
    const said = arrived.choices[0]?.parts ?? []
    // The caller sends back what it was given, and the router reads it in the caller's format.
    const asked = codec(to).request.write(
      {
        ...NOTHING_ASKED,
        dialect: to,
        messages: [
          { role: 'user', parts: [{ type: 'text', text: 'x' }] },
          { role: 'assistant', parts: said },
        ],
      },
      'm',
    ).body
    const details = to === 'openai-chat' ? codec(to).reply.write({ ...reply }).body : null
    const sent = details ? withDetails(asked, details) : asked
    const read = codec(to).request.read(JSON.parse(JSON.stringify(sent)) as JsonObject)
    if (!read.ok) throw new Error(JSON.stringify(read.error))
    const { body, losses } = codec(from).request.write(read.value, 'm', { output_tokens: 9, reasoning: true })
    expect(losses.filter(({ how: lost }) => lost === 'dropped')).toEqual([])
    expect(JSON.stringify(body)).toContain(
      from === 'anthropic-messages' ? '"thinking":"Hm","signature":"SIG=="' : '"encrypted_content":"gAAA.b-c"',
    )
  })
})

/** A chat client sends its answer's message back with everything that stood in it. */
function withDetails(asked: JsonObject, reply: JsonObject): JsonObject {
  const message = (reply.choices as { message: JsonObject }[])[0]?.message ?? {}
  const { refusal: _, ...sent } = message
  return { ...asked, messages: [...(asked.messages as JsonObject[]).slice(0, 1), sent] }
}

const NOTHING_ASKED = {
  model: 'm',
  stream: false,
  tools: [],
  tool_choice: null,
  parallel_tool_calls: null,
  output: { form: 'text' as const },
  max_output_tokens: 9,
  temperature: null,
  top_p: null,
  top_k: null,
  seed: null,
  stop: [],
  frequency_penalty: null,
  presence_penalty: null,
  choices: 1,
  logprobs: null,
  reasoning: null,
  user: null,
  metadata: null,
  service_tier: null,
  stream_usage: false,
  extra: {},
}

describe('a page that is cited', () => {
  const PAGES: Record<Spoken, JsonObject> = {
    'openai-chat': { type: 'url_citation', url_citation: { url: 'https://example.com', title: 'T', start_index: 0, end_index: 2 } },
    'openai-responses': { type: 'url_citation', url: 'https://example.com', title: 'T', start_index: 0, end_index: 2 },
    'anthropic-messages': {
      type: 'web_search_result_location',
      url: 'https://example.com',
      title: 'T',
      cited_text: 'q',
      encrypted_index: 'E',
    },
  }
  it.each(CELLS)('by $from is cited to a caller of $to', ({ from, to }) => {
    const reply = answer(from, [{ type: 'text', text: 'So', citations: [PAGES[from]] }])
    for (const { arrived, losses } of [whole(reply, to), streamed(eventsOf(reply), to)]) {
      expect(losses).toEqual([])
      expect(JSON.stringify(arrived.choices[0]?.parts)).toContain('"https://example.com","title":"T"')
    }
  })
  it.each(SPOKEN.filter(to => to !== 'anthropic-messages'))('and a passage of a document, which %s cannot cite, is reported', to => {
    const passage = { type: 'char_location', cited_text: 'q', document_index: 0, start_char_index: 0, end_char_index: 1 }
    const reply = answer('anthropic-messages', [{ type: 'text', text: 'So', citations: [passage] }])
    expect(whole(reply, to).losses).toHaveLength(1)
    expect(streamed(eventsOf(reply), to).losses).toEqual(['citations dropped'])
  })
})

describe('what an answer loses on the way is reported', () => {
  it.each(ACROSS)("from $from to $to: a provider's own tool at work", ({ from, to }) => {
    const part: Part = { type: 'other', dialect: from, value: { type: 'web_search_call' } }
    const reply = answer(from, [part, { type: 'text', text: 'Hi' }])
    expect(whole(reply, to).losses).toHaveLength(1)
    expect(streamed(eventsOf(reply), to).losses).toEqual(['other dropped'])
  })
  it.each(SPOKEN.filter(to => to !== 'openai-chat'))('a second answer, to a caller of %s', to => {
    const reply = answer('openai-chat', [{ type: 'text', text: 'Hi' }])
    const twice = { ...reply, choices: [...reply.choices, { index: 1, parts: [], finish: 'stop' as const, finish_raw: 'stop' }] }
    expect(whole(twice, to).losses).toEqual(['choices[1] dropped'])
    expect(streamed(eventsOf(twice), to).losses).toEqual(['choices dropped'])
  })
})

describe('why an answer ended', () => {
  it('is never a success where nobody knows', () => {
    for (const from of ['openai-chat', 'openai-responses'] as const) {
      const reply = answer(from, [{ type: 'text', text: 'Hi' }], 'other')
      for (const to of SPOKEN) expect([from, to, whole(reply, to).arrived.choices[0]?.finish]).toEqual([from, to, 'other'])
    }
  })
  it('is a pause only where the format has one', () => {
    const reply = answer('anthropic-messages', [{ type: 'text', text: 'Hi' }], 'pause')
    expect(codec('anthropic-messages').reply.write(reply).body.stop_reason).toBe('pause_turn')
    expect(codec('openai-chat').reply.write(reply).body).toMatchObject({ choices: [{ finish_reason: 'stop' }] })
    expect(codec('openai-responses').reply.write(reply).body).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'pause_turn' },
    })
  })
})

describe('an error in the middle of a stream', () => {
  const error: GatewayError = { code: 'upstream_truncated', target: 'a/b' as never, message: 'cut' }
  it.each(SPOKEN)('is seen as one by whoever reads %s', name => {
    const { error: errors, reply } = codec(name)
    const seen = { ...codecSeen(), error: null }
    for (const event of errors.writeInBand(error)) reply.observe(seen, event)
    expect(seen.error).not.toBeNull()
    const told = errors.writeInBand(error).flatMap(event => reply.reader().read(event))
    expect(told.some(event => event.type === 'error')).toBe(true)
  })
  it.each(CELLS)('of a target of $from is told to a caller of $to', ({ from, to }) => {
    const reader = codec(from).reply.reader()
    const writer = codec(to).reply.writer()
    const events = codec(from)
      .error.writeInBand(error)
      .flatMap(event => reader.read(event))
      .flatMap(event => writer.write(event))
    const seen = codecSeen()
    for (const event of events) codec(to).reply.observe(seen, event)
    expect(seen.error?.message).toContain('broke off')
    expect(seen.finish_raw).toBeNull()
  })
})

const codecSeen = () => ({
  content: false,
  finish_raw: null as string | null,
  terminated: false,
  error: null as { status: number | null; code: string | null; message: string } | null,
  usage: null as TokenUsage | null,
  output_chars: 0,
  events: 0,
  malformed: 0,
  last_malformed: false,
})
