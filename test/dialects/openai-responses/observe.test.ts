import { describe, expect, it } from 'vitest'
import { nothingSeen, type Observation } from '../../../worker/dialects/dialect.ts'
import { dull, observe, observeWhole } from '../../../worker/dialects/openai-responses/observe.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'

const seenAfter = (...events: (JsonObject | string)[]): Observation => {
  const seen = nothingSeen()
  for (const event of events) observe(seen, { event: null, data: typeof event === 'string' ? event : JSON.stringify(event) })
  return seen
}
const delta = (what: string): JsonObject => ({ type: `response.${what}.delta`, delta: 'H' })
const added = (item: JsonObject): JsonObject => ({ type: 'response.output_item.added', output_index: 0, item })
const ended = (status: string, response: JsonObject = {}): JsonObject => ({
  type: `response.${status}`,
  response: { status, output: [], ...response },
})

describe('the commit point', () => {
  it.each<[string, JsonObject]>([
    ['text', delta('output_text')],
    ['a refusal', delta('refusal')],
    ['a summary of thought', delta('reasoning_summary_text')],
    ['a thought', delta('reasoning_text')],
    ['a call', added({ type: 'function_call', name: 'f', arguments: '' })],
    ['a search', added({ type: 'web_search_call' })],
  ])('is %s', (_, event) => expect(seenAfter(event).content).toBe(true))
  it.each<[string, JsonObject]>([
    ['the beginning', { type: 'response.created', response: { status: 'in_progress' } }],
    ['a message without words', added({ type: 'message', content: [] })],
    ['a thought without words', added({ type: 'reasoning', summary: [], encrypted_content: 'E' })],
    ['the end', ended('completed')],
  ])('is not %s', (_, event) => expect(seenAfter(event).content).toBe(false))
})

describe('the end', () => {
  it('is one event, with the reason', () => {
    expect(seenAfter(ended('completed'))).toMatchObject({ finish_raw: 'completed', terminated: true, error: null })
    expect(seenAfter(ended('incomplete', { incomplete_details: { reason: 'max_output_tokens' } }))).toMatchObject({
      finish_raw: 'max_output_tokens',
      terminated: true,
    })
  })
  it('is a failure where the response failed, never a reason', () =>
    expect(seenAfter(ended('failed', { error: { code: 'server_error', message: 'Boom' } }))).toMatchObject({
      finish_raw: null,
      terminated: true,
      error: { status: 500, code: 'server_error', message: 'Boom' },
    }))
  it('is no reason where only the terminator of the other format comes', () =>
    expect(seenAfter('[DONE]')).toMatchObject({ finish_raw: null, terminated: true }))
})

describe('an error in band', () => {
  it.each<[string, JsonObject]>([
    ['as the service sends it', { type: 'error', error: { type: 'rate_limit_error', code: 'rate_limit_exceeded', message: 'Slow down' } }],
    ['as the documents have it', { type: 'error', code: 'rate_limit_exceeded', message: 'Slow down', param: null }],
  ])('is seen %s', (_, event) => expect(seenAfter(event).error).toEqual({ status: 429, code: 'rate_limit_exceeded', message: 'Slow down' }))
  it('may stand instead of an answer', () => {
    const seen = nothingSeen()
    observeWhole(seen, { error: { message: 'no', code: 'server_error' } })
    expect(seen).toMatchObject({ terminated: false, error: { status: 500 } })
  })
  it('is an answer that failed', () => {
    const seen = nothingSeen()
    observeWhole(seen, { status: 'failed', output: [], error: { code: 'server_error', message: 'Boom' } })
    expect(seen).toMatchObject({ finish_raw: null, error: { message: 'Boom' } })
  })
})

describe('a whole reply', () => {
  it('is its own end', () => {
    const seen = nothingSeen()
    observeWhole(seen, { status: 'completed', output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }] })
    expect(seen).toMatchObject({ content: true, terminated: true, finish_raw: 'completed', output_chars: 2 })
  })
  it('is none while it is under way', () => {
    const seen = nothingSeen()
    observeWhole(seen, { status: 'queued', output: [] })
    expect(seen).toMatchObject({ terminated: false, finish_raw: null })
  })
})

const bytes = (text: string) => new TextEncoder().encode(text)
const TYPE = 'response.output_text.delta'
const PLAIN = `{"type":"${TYPE}","sequence_number":4,"item_id":"m","output_index":0,"content_index":0,"delta":"Hi","logprobs":[]}`
const event = (data: string, name = TYPE) => `event: ${name}\ndata: ${data}\n\n`

describe('a dull chunk', () => {
  it.each([
    ['one event', event(PLAIN)],
    ['two events', event(PLAIN) + event(PLAIN)],
    ['an event without its name', `data: ${PLAIN}\n\n`],
    ['an event with the other line ends', event(PLAIN).replaceAll('\n', '\r\n')],
    ['a piece of a call', event(PLAIN.replace(TYPE, 'response.function_call_arguments.delta'), 'response.function_call_arguments.delta')],
    ['text about the end', event(PLAIN.replace('Hi', '\\"type\\":\\"response.completed\\"'))],
  ])('is %s', (_, text) => expect(dull(bytes(text))).toBe(true))
  it.each([
    ['nothing', ''],
    ['the end', event('{"type":"response.completed","response":{}}', 'response.completed')],
    ['an error', event('{"type":"error","message":"x"}', 'error')],
    ['a piece under another name', event(PLAIN, 'error')],
    ['a name that only begins like it', event(PLAIN, `${TYPE}x`)],
    ['a type that is said twice', event(PLAIN.replace(/}$/, ',"type":"response.completed"}'))],
    ['a type spelled with an escape', event(PLAIN.replace(/}$/, ',"\\u0074ype":"response.completed"}'))],
    ['a type that does not come first', event('{"delta":"Hi","type":"response.output_text.delta"}')],
    ['the terminator of the other format', 'data: [DONE]\n\n'],
    ['the first half of an event', event(PLAIN).slice(0, 60)],
    ['an event without its blank line', `data: ${PLAIN}\n`],
    ['an event of two lines', `data: ${PLAIN}\ndata: {}\n\n`],
  ])('is never %s', (_, text) => expect(dull(bytes(text))).toBe(false))
})
