import { describe, expect, it } from 'vitest'
import { dull, observe, observeWhole } from '../../../worker/dialects/anthropic-messages/observe.ts'
import { nothingSeen, type Observation } from '../../../worker/dialects/dialect.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'

const seenAfter = (...events: (JsonObject | string)[]): Observation => {
  const seen = nothingSeen()
  for (const event of events) observe(seen, { event: null, data: typeof event === 'string' ? event : JSON.stringify(event) })
  return seen
}
const delta = (grown: JsonObject): JsonObject => ({ type: 'content_block_delta', index: 0, delta: grown })
const begun = (content_block: JsonObject): JsonObject => ({ type: 'content_block_start', index: 0, content_block })
const ended = (stop_reason: string | null, usage: JsonObject = {}): JsonObject => ({ type: 'message_delta', delta: { stop_reason }, usage })

describe('the commit point', () => {
  it.each<[string, JsonObject]>([
    ['text', delta({ type: 'text_delta', text: 'H' })],
    ['a thought', delta({ type: 'thinking_delta', thinking: 'H' })],
    ['a thought under lock', begun({ type: 'redacted_thinking', data: 'E' })],
    ['a tool call', begun({ type: 'tool_use', id: 'a', name: 'f', input: {} })],
    ["a server's own tool", begun({ type: 'server_tool_use', id: 'a', name: 'web_search', input: {} })],
  ])('is %s', (_, event) => expect(seenAfter(event).content).toBe(true))
  it.each<[string, JsonObject]>([
    ['the beginning', { type: 'message_start', message: { usage: { input_tokens: 1, output_tokens: 1 } } }],
    ['a ping', { type: 'ping' }],
    ['a block without words', begun({ type: 'text', text: '' })],
    ['an empty thought', begun({ type: 'thinking', thinking: '', signature: '' })],
    ['an empty piece', delta({ type: 'text_delta', text: '' })],
    ['the end', ended('end_turn')],
  ])('is not %s', (_, event) => expect(seenAfter(event).content).toBe(false))
})

describe('the end', () => {
  it('is the reason and the terminator, each by itself', () => {
    expect(seenAfter(ended('end_turn'))).toMatchObject({ finish_raw: 'end_turn', terminated: false })
    expect(seenAfter({ type: 'message_stop' })).toMatchObject({ finish_raw: null, terminated: true })
  })
  it('may be a refusal or a pause, which are no errors', () => {
    expect(seenAfter(ended('refusal'))).toMatchObject({ finish_raw: 'refusal', error: null })
    expect(seenAfter(ended('pause_turn'))).toMatchObject({ finish_raw: 'pause_turn', error: null })
  })
})

describe('an error in band', () => {
  it.each([
    ['overloaded_error', 529],
    ['rate_limit_error', 429],
    ['api_error', 500],
    ['invalid_request_error', 400],
    ['meteor_error', null],
  ])('has the status that %s stands for', (type, status) =>
    expect(seenAfter({ type: 'error', error: { type, message: 'Overloaded' } }).error).toEqual({
      status,
      code: type,
      message: 'Overloaded',
    }),
  )
  it('may stand instead of an answer', () => {
    const seen = nothingSeen()
    observeWhole(seen, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })
    expect(seen).toMatchObject({ terminated: false, error: { status: 529 } })
  })
  it('is not what is merely broken', () => expect(seenAfter('{"type":')).toMatchObject({ malformed: 1, last_malformed: true, error: null }))
})

describe('usage', () => {
  const start = (usage: JsonObject): JsonObject => ({ type: 'message_start', message: { usage } })
  it('is told apart: new, read from the cache, written to it, for five minutes and for an hour', () =>
    expect(
      seenAfter(
        start({
          input_tokens: 2,
          cache_read_input_tokens: 10,
          cache_creation_input_tokens: 5,
          cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 2 },
          output_tokens: 1,
        }),
      ).usage,
    ).toMatchObject({ input_tokens: 17, cache_read_tokens: 10, cache_write_tokens: 5, cache_write_1h_tokens: 2, output_tokens: 1 }))
  it('grows at the end, where only what changed is told', () =>
    expect(
      seenAfter(start({ input_tokens: 2, cache_read_input_tokens: 10, output_tokens: 1 }), ended('end_turn', { output_tokens: 30 })).usage,
    ).toMatchObject({ input_tokens: 12, cache_read_tokens: 10, output_tokens: 30 }))
  it('stays of one kind where it was of one kind', () => {
    const creation = (hour: number) => ({ ephemeral_5m_input_tokens: 5 - hour, ephemeral_1h_input_tokens: hour })
    const grown = (hour: number) =>
      seenAfter(
        start({ input_tokens: 2, cache_creation_input_tokens: 5, cache_creation: creation(hour), output_tokens: 1 }),
        ended('end_turn', { input_tokens: 2, cache_creation_input_tokens: 9, output_tokens: 30 }),
      ).usage?.cache_write_1h_tokens
    expect([grown(5), grown(0), grown(2)]).toEqual([9, 0, 2])
  })
  it('is unknown where it cannot be true', () =>
    expect(seenAfter(start({ input_tokens: -1, output_tokens: 1.5 })).usage).toMatchObject({ input_tokens: null, output_tokens: null }))
})

const bytes = (text: string) => new TextEncoder().encode(text)
const PLAIN = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}'
const event = (data: string, name = 'content_block_delta') => `event: ${name}\ndata: ${data}\n\n`

describe('a dull chunk', () => {
  it.each([
    ['one event', event(PLAIN)],
    ['two events', event(PLAIN) + event(PLAIN)],
    ['an event without its name', `data: ${PLAIN}\n\n`],
    ['an event with the other line ends', event(PLAIN).replaceAll('\n', '\r\n')],
    ['an event that is padded', event(PLAIN.replace('}}', '}           }   '))],
    ['an event with spaces in it', event('{"type": "content_block_delta", "index": 12, "delta": {"type": "text_delta", "text": "Hi"}}')],
    ['a piece of a call', event('{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"a"}}')],
    ['a piece of a thought', event(PLAIN.replace('text_delta', 'thinking_delta').replace('"text"', '"thinking"'))],
    ['text about stopping', event(PLAIN.replace('Hi', '\\"type\\":\\"message_stop\\"'))],
  ])('is %s', (_, text) => expect(dull(bytes(text))).toBe(true))
  it.each([
    ['nothing', ''],
    ['the end', event('{"type":"message_stop"}', 'message_stop')],
    ['a reason', event('{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}', 'message_delta')],
    ['an error', event('{"type":"error","error":{"type":"overloaded_error","message":"x"}}', 'error')],
    ['a piece under another name', event(PLAIN, 'error')],
    ['a ping', event('{"type":"ping"}', 'ping')],
    ['a type that is said twice', event(PLAIN.replace(/}$/, ',"type":"message_stop"}'))],
    ['a type that is said twice inside', event(PLAIN.replace('}}', ',"type":"x"}}'))],
    ['a piece and something beside it', event(PLAIN.replace('}}', '},"usage":{}}'))],
    ['the first half of an event', event(PLAIN).slice(0, 60)],
    ['an event without its blank line', `data: ${PLAIN}\n`],
    ['an event of two lines', `data: ${PLAIN}\ndata: {}\n\n`],
    ['a string that does not close', 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi\\"}}\n\n'],
    ['no number', event(PLAIN.replace('0', ''))],
  ])('is never %s', (_, text) => expect(dull(bytes(text))).toBe(false))
})
