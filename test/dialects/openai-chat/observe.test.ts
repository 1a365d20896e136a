import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nothingSeen, type Observation, type SseEvent } from '../../../worker/dialects/dialect.ts'
import { dull, observe, observeWhole } from '../../../worker/dialects/openai-chat/observe.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'
import { chatStreams, streamed } from '../recordings.ts'

const seenAfter = (...events: (JsonObject | string)[]): Observation => {
  const seen = nothingSeen()
  for (const event of events) observe(seen, { event: null, data: typeof event === 'string' ? event : JSON.stringify(event) })
  return seen
}
const chunk = (delta: JsonObject, beside: JsonObject = {}): JsonObject => ({ id: 'x', choices: [{ index: 0, delta, ...beside }] })

describe('the commit point', () => {
  it.each<[string, JsonObject]>([
    ['text', { content: 'H' }],
    ['text in a list', { content: [{ type: 'text', text: 'H' }] }],
    ['a thought in a list', { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'H' }] }] }],
    ['a thought', { reasoning_content: 'H' }],
    ['a thought by its other name', { reasoning: 'H' }],
    ['a refusal', { refusal: 'No' }],
    ['a tool call', { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] }],
    ['a deprecated call', { function_call: { name: 'f', arguments: '' } }],
    ['sound', { audio: { data: 'AAAA' } }],
    ['an image', { images: [{ type: 'image_url', image_url: { url: 'data:' } }] }],
  ])('is %s', (_, delta) => expect(seenAfter(chunk(delta)).content).toBe(true))
  it.each<[string, JsonObject | string]>([
    ['a role', chunk({ role: 'assistant' })],
    ['empty text', chunk({ role: 'assistant', content: '', refusal: null, reasoning_content: '' })],
    ['an empty list of calls', chunk({ tool_calls: [] })],
    ['usage', { choices: [], usage: { prompt_tokens: 1 } }],
    ['filters before the answer', { choices: [], prompt_filter_results: [] }],
    ['a ping', { type: 'ping' }],
    ['the terminator', '[DONE]'],
  ])('is not %s', (_, event) => expect(seenAfter(event).content).toBe(false))
})

describe('the end', () => {
  it('is the reason and the terminator, each by itself', () => {
    expect(seenAfter(chunk({}, { finish_reason: 'stop' }))).toMatchObject({ finish_raw: 'stop', terminated: false })
    expect(seenAfter('[DONE]')).toMatchObject({ finish_raw: null, terminated: true })
  })
  it('is no reason while it is null or empty', () =>
    expect(seenAfter(chunk({}, { finish_reason: null }), chunk({}, { finish_reason: '' })).finish_raw).toBeNull())
  it.each([
    ['error', 502],
    ['insufficient_system_resource', 503],
  ])('is a failure where the reason is %s', (finish_reason, status) =>
    expect(seenAfter(chunk({ content: 'x' }, { finish_reason })).error).toMatchObject({ status, code: finish_reason }),
  )
})

describe('an error in band', () => {
  it.each<[string, JsonObject, Partial<NonNullable<Observation['error']>>]>([
    [
      'in the usual envelope',
      { error: { message: 'Overloaded', type: 'server_error', code: null } },
      { code: 'server_error', message: 'Overloaded', status: null },
    ],
    ['with a number for a code', { error: { message: 'Slow down', code: 429 } }, { status: 429, code: '429' }],
    ['as a bare string', { error: 'it broke' }, { message: 'it broke' }],
    [
      'beside a choice',
      { choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }], error: { code: 502, message: 'Provider disconnected' } },
      { status: 502, message: 'Provider disconnected' },
    ],
    ['inside a choice', { choices: [{ index: 0, delta: {}, error: { code: 503, message: 'gone' } }] }, { status: 503 }],
    [
      'without an envelope',
      { object: 'error', message: 'Internal server error', type: 'InternalServerError', code: 500 },
      { status: 500, message: 'Internal server error' },
    ],
    ['as a detail', { detail: 'Not authenticated' }, { message: 'Not authenticated' }],
    ['in a list', { success: false, errors: [{ code: 7009, message: 'no capacity' }] }, { code: '7009', message: 'no capacity' }],
  ])('%s', (_, event, error) => expect(seenAfter(event).error).toMatchObject(error))
  it('is an event by that name, whatever it holds', () => {
    const seen = nothingSeen()
    observe(seen, { event: 'error', data: '{"message":"bad"}' })
    expect(seen.error?.message).toBe('bad')
  })
  it('is not an error that is null or false', () =>
    expect(seenAfter({ ...chunk({ content: 'x' }), error: null }, { ...chunk({}), error: false }).error).toBeNull())
  it('is the first one, if there are several', () =>
    expect(seenAfter({ error: 'first' }, { error: 'second' }).error?.message).toBe('first'))
  it('never shows a key', () =>
    expect(seenAfter({ error: { message: 'Incorrect API key: sk-proj-abcdefgh12345678' } }).error?.message).toBe(
      'Incorrect API key: sk-***',
    ))
})

describe('a malformed event', () => {
  it.each(['{"id":', 'null', '[]', '42', '"text"', '', '<html>'])('is %j, and is counted', data =>
    expect(seenAfter(data)).toMatchObject({ events: 1, malformed: 1, last_malformed: true, error: null }),
  )
  it('is forgotten as the last one once a good one came', () =>
    expect(seenAfter('{', chunk({ content: 'x' }))).toMatchObject({ malformed: 1, last_malformed: false }))
  it('never throws, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('choices', 'usage', 'error', 'delta'), (value, name) => {
        observe(nothingSeen(), { event: null, data: JSON.stringify(value) })
        observe(nothingSeen(), { event: null, data: JSON.stringify({ [name]: value }) })
        observe(nothingSeen(), { event: 'error', data: JSON.stringify({ choices: [{ [name]: value, message: value }] }) })
        observeWhole(nothingSeen(), { [name]: value, choices: [value, { message: value, delta: value }] } as JsonObject)
      }),
    )
  })
})

describe('usage', () => {
  const used = (...usages: JsonObject[]) => seenAfter(...usages.map(usage => ({ choices: [], usage }))).usage
  it('is the last that was said, where it grows with every event', () =>
    expect(used({ prompt_tokens: 10, completion_tokens: 1 }, { prompt_tokens: 10, completion_tokens: 7 })).toMatchObject({
      input_tokens: 10,
      output_tokens: 7,
    }))
  it('is unknown where it was not said, and not zero', () =>
    expect(used({ prompt_tokens: 10 })).toMatchObject({ output_tokens: null, cache_read_tokens: null }))
  it('has its parts', () =>
    expect(
      used({
        prompt_tokens: 100,
        completion_tokens: 50,
        prompt_tokens_details: { cached_tokens: 40, cache_write_tokens: 5, audio_tokens: 3, image_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 30, audio_tokens: 1 },
      }),
    ).toEqual({
      input_tokens: 100,
      cache_read_tokens: 40,
      cache_write_tokens: 5,
      cache_write_1h_tokens: null,
      output_tokens: 50,
      reasoning_tokens: 30,
      audio_input_tokens: 3,
      audio_output_tokens: 1,
      image_input_tokens: 2,
      web_search_calls: null,
      file_search_calls: null,
    }))
  it('counts reasoning as output, where the total shows that it was left out', () => {
    const counts = { prompt_tokens: 12, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 228 } }
    expect(used({ ...counts, total_tokens: 241 })).toMatchObject({ output_tokens: 229, reasoning_tokens: 228 })
    expect(used({ ...counts, completion_tokens: 229, total_tokens: 241 })).toMatchObject({ output_tokens: 229, reasoning_tokens: 228 })
  })
  it.each([-1, 0.5, 1e11, '12', null, Number.MAX_VALUE])('of %s is unknown', count =>
    expect(used({ prompt_tokens: count, completion_tokens: 3 })).toMatchObject({ input_tokens: null, output_tokens: 3 }),
  )
  it('with a part larger than its whole has no such part', () =>
    expect(
      used({
        prompt_tokens: 5,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 6 },
        completion_tokens_details: { reasoning_tokens: 6 },
      }),
    ).toMatchObject({
      cache_read_tokens: null,
      reasoning_tokens: null,
    }))
  it('may stand in the choice', () =>
    expect(seenAfter(chunk({}, { usage: { prompt_tokens: 3, completion_tokens: 4 } })).usage).toMatchObject({
      input_tokens: 3,
      output_tokens: 4,
    }))
})

describe('a whole reply', () => {
  const seen = (body: JsonObject) => {
    const whole = nothingSeen()
    observeWhole(whole, body)
    return whole
  }
  it('is its own end', () =>
    expect(seen({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] })).toMatchObject({
      content: true,
      terminated: true,
      finish_raw: 'stop',
      output_chars: 2,
    }))
  it('may be an error in disguise', () =>
    expect(seen({ error: { message: 'no', code: 503 } })).toMatchObject({ content: false, terminated: false, error: { status: 503 } }))
  it('may be nothing at all', () => expect(seen({})).toMatchObject({ content: false, terminated: false, error: null }))
})

const bytes = (text: string) => new TextEncoder().encode(text)
const wire = (events: SseEvent[]) => events.map(({ data }) => `data: ${data}\n\n`).join('')
const PLAIN = '{"id":"x","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null}'

describe('a dull chunk', () => {
  it.each([
    ['one event', `data: ${PLAIN}\n\n`],
    ['two events', `data: ${PLAIN}\n\ndata:${PLAIN}\n\n`],
    ['an event with the other line ends', `data: ${PLAIN}\r\n\r\n`],
    ['an event with spaces in it', 'data: {"choices": [{"delta": {"content": "Hi"}, "finish_reason": null}], "error": null}\n\n'],
    ['text about finishing', `data: ${JSON.stringify(chunk({ content: '"finish_reason":"stop","usage":{},"error":1' }))}\n\n`],
    ['text with escapes for other scripts', 'data: {"choices":[{"delta":{"content":"\\u65e5\\u003cb\\u003e\\n"}}]}\n\n'],
  ])('is %s', (_, text) => expect(dull(bytes(text))).toBe(true))
  it.each([
    ['nothing', ''],
    ['a reason to end', `data: ${PLAIN.replace('null', '"stop"')}\n\n`],
    ['a reason after spaces', 'data: {"choices":[{"delta":{},"finish_reason" : "stop"}]}\n\n'],
    ['usage', `data: ${PLAIN.replace('"usage":null', '"usage":{"prompt_tokens":1}')}\n\n`],
    ['an error', 'data: {"choices":[],"error":{"message":"x"}}\n\n'],
    ['an error without its envelope', 'data: {"object":"error","message":"x"}\n\n'],
    ['a detail', 'data: {"detail":"x"}\n\n'],
    ['an event without choices', 'data: {"type":"ping"}\n\n'],
    ['choices that are only a value', 'data: {"detail":"choices"}\n\n'],
    ['the terminator', 'data: [DONE]\n\n'],
    ['an event and the terminator', `data: ${PLAIN}\n\ndata: [DONE]\n\n`],
    ['a comment', ': ping\n\n'],
    ['a named event', `event: error\ndata: ${PLAIN}\n\n`],
    ['the first half of an event', `data: ${PLAIN.slice(0, 40)}`],
    ['the second half of an event', `${PLAIN.slice(40)}\n\n`],
    ['an event without its blank line', `data: ${PLAIN}\n`],
    ['an event of two lines', `data: {"choices":[],\ndata: "usage":{}}\n\n`],
    ['a name spelled with an escape', 'data: {"choices":[{"delta":{},"finish\\u005freason":"stop"}]}\n\n'],
    ['a name spelled with an escaped letter', 'data: {"choices":[],"\\u0075sage":{}}\n\n'],
  ])('is never %s', (_, text) => expect(dull(bytes(text))).toBe(false))

  it.each(chatStreams)('leaves out nothing of %s, however the bytes are cut', path => {
    const events = streamed(path)
    const all = bytes(wire(events))
    const full = nothingSeen()
    for (const event of events) observe(full, event)
    fc.assert(
      fc.property(fc.array(fc.nat(all.length), { maxLength: 40 }), cuts => {
        const seen = nothingSeen()
        let half = ''
        const at = [0, ...cuts.sort((a, b) => a - b), all.length]
        for (let i = 1; i < at.length; i++) {
          const part = all.subarray(at[i - 1], at[i])
          // The caller's side: with half an event in hand, parse.
          if (half === '' && dull(part)) continue
          const frames = (half + new TextDecoder('latin1').decode(part)).split('\n\n')
          half = frames.pop() ?? ''
          for (const frame of frames) observe(seen, { event: null, data: frame.replace('data: ', '') })
        }
        expect(half).toBe('')
        expect([seen.finish_raw, seen.usage, seen.error, seen.terminated]).toEqual([
          full.finish_raw,
          full.usage,
          full.error,
          full.terminated,
        ])
      }),
      { numRuns: 30 },
    )
  })
  it('is most of a long answer', () => {
    const events = streamed('openai/chat--openai-text.chunks.txt')
    expect(events.filter(event => dull(bytes(wire([event])))).length).toBe(events.length - 3)
  })
})
