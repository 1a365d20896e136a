import { describe, expect, it } from 'vitest'
import { reader } from '../../../worker/dialects/openai-chat/stream-read.ts'
import { writer } from '../../../worker/dialects/openai-chat/stream-write.ts'
import type { JsonObject, StreamEvent } from '../../../worker/schema/chat.ts'

const HEAD = { id: 'c1', object: 'chat.completion.chunk', created: 7, model: 'm' }
const delta = (choice: JsonObject, index = 0): JsonObject => ({ ...HEAD, choices: [{ index, delta: choice }] })
const called = (call: JsonObject): JsonObject => delta({ tool_calls: [call] })
const ended = (finish_reason: string): JsonObject => ({ ...HEAD, choices: [{ index: 0, delta: {}, finish_reason }] })

/** The neutral events of these chunks, without the opening one. */
function read(...chunks: (JsonObject | string)[]): StreamEvent[] {
  const events = reader()
  return chunks
    .flatMap(chunk => events.read({ event: null, data: typeof chunk === 'string' ? chunk : JSON.stringify(chunk) }))
    .filter(event => event.type !== 'start')
}
function write(...events: StreamEvent[]): (JsonObject | string)[] {
  const out = writer()
  return events.flatMap(event => out.write(event)).map(({ data }) => (data.startsWith('{') ? JSON.parse(data) : data))
}

describe('tool calls, as providers send them', () => {
  it('come in fragments, which stay as they are', () => {
    expect(
      read(
        called({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        called({ index: 0, function: { arguments: '{"x"' } }),
        called({ index: 0, function: { arguments: ':1}' } }),
        ended('tool_calls'),
      ),
    ).toEqual([
      { type: 'tool_call_start', choice: 0, index: 0, id: 'a', name: 'f' },
      { type: 'tool_call_arguments', choice: 0, index: 0, fragment: '{"x"' },
      { type: 'tool_call_arguments', choice: 0, index: 0, fragment: ':1}' },
      { type: 'tool_call_end', choice: 0, index: 0 },
      { type: 'finish', choice: 0, finish: 'tool_calls', finish_raw: 'tool_calls' },
    ])
  })
  it('are two calls, where two ids come under one number', () => {
    expect(
      read(
        called({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }),
        called({ index: 0, id: 'b', function: { name: 'g', arguments: '{}' } }),
      ),
    ).toEqual([
      { type: 'tool_call_start', choice: 0, index: 0, id: 'a', name: 'f' },
      { type: 'tool_call_arguments', choice: 0, index: 0, fragment: '{}' },
      { type: 'tool_call_end', choice: 0, index: 0 },
      { type: 'tool_call_start', choice: 0, index: 1, id: 'b', name: 'g' },
      { type: 'tool_call_arguments', choice: 0, index: 1, fragment: '{}' },
    ])
  })
  it('are one call, where every fragment repeats the id', () => {
    const events = read(
      called({ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }),
      called({ index: 0, id: 'a', function: { arguments: '}' } }),
    )
    expect(events.filter(event => event.type === 'tool_call_start')).toHaveLength(1)
  })
  it('may have no number, and gaps between numbers', () => {
    const events = read(
      called({ id: 'a', function: { name: 'f', arguments: '' } }),
      called({ index: 5, id: 'b', function: { name: 'g', arguments: '' } }),
    )
    expect(events).toMatchObject([
      { index: 0, id: 'a' },
      { index: 1, id: 'b' },
    ])
  })
  it('wait for a name that comes late', () => {
    expect(
      read(called({ index: 0, id: 'a', function: { arguments: '{' } }), called({ index: 0, function: { name: 'f', arguments: '}' } })),
    ).toEqual([
      { type: 'tool_call_start', choice: 0, index: 0, id: 'a', name: 'f' },
      { type: 'tool_call_arguments', choice: 0, index: 0, fragment: '{' },
      { type: 'tool_call_arguments', choice: 0, index: 0, fragment: '}' },
    ])
  })
  it('get an id where the provider gave none', () =>
    expect(read(called({ index: 0, function: { name: 'f' } }))).toMatchObject([{ type: 'tool_call_start', id: 'call_0_0' }]))
  it('of several answers are kept apart', () => {
    const call = { index: 0, id: 'a', function: { name: 'f', arguments: '' } }
    expect(read(delta({ tool_calls: [call] }, 0), delta({ tool_calls: [{ ...call, id: 'b' }] }, 1))).toMatchObject([
      { choice: 0, index: 0 },
      { choice: 1, index: 0 },
    ])
  })
})

describe('what a provider says beside its answer', () => {
  it('opens the stream, and is told again only when it changes', () => {
    const events = reader()
    const say = (chunk: JsonObject) => events.read({ event: null, data: JSON.stringify(chunk) })
    expect(say({ ...delta({ content: 'a' }), system_fingerprint: 'fp', obfuscation: 'x1' })[0]).toMatchObject({
      type: 'start',
      extra: { system_fingerprint: 'fp' },
    })
    expect(say({ ...delta({ content: 'b' }), system_fingerprint: 'fp', obfuscation: 'x2' })).toHaveLength(1)
    expect(say({ ...delta({ content: 'c' }), system_fingerprint: 'fp', service_tier: 'flex' })[0]).toEqual({
      type: 'other',
      dialect: 'openai-chat',
      value: { service_tier: 'flex' },
    })
  })
  it('passes where no name covers it', () =>
    expect(read(delta({ audio: { data: 'AA' } }))).toEqual([
      { type: 'other', dialect: 'openai-chat', value: { choices: [{ index: 0, delta: { audio: { data: 'AA' } } }] } },
    ]))
})

describe('a stream that goes wrong', () => {
  it('tells its error', () =>
    expect(read({ error: { message: 'Overloaded', code: 529 } })).toEqual([
      { type: 'error', status: 529, code: '529', message: 'Overloaded' },
    ]))
  it('gives nothing for what is not JSON', () => expect(read('{"id":', 'null', '[]')).toEqual([]))
})

describe('a stream as it is written', () => {
  const start: StreamEvent = { type: 'start', id: 'c1', model: 'm', created_at_s: 7 }
  const usage = {
    input_tokens: 3,
    output_tokens: 1,
    cache_read_tokens: null,
    cache_write_tokens: null,
    cache_write_1h_tokens: null,
    reasoning_tokens: null,
    audio_input_tokens: null,
    audio_output_tokens: null,
    image_input_tokens: null,
    web_search_calls: null,
    file_search_calls: null,
  }

  it('has the role once for each answer, the reason, the counts last, and its end', () => {
    const finish = { type: 'finish', choice: 0, finish: 'stop', finish_raw: 'end_turn' } as const
    expect(
      write(start, { type: 'text', choice: 0, text: 'H' }, { type: 'usage', usage }, { type: 'text', choice: 0, text: 'i' }, finish, {
        type: 'end',
      }),
    ).toEqual([
      { ...HEAD, choices: [{ index: 0, delta: { role: 'assistant', content: 'H' }, finish_reason: null }] },
      { ...HEAD, choices: [{ index: 0, delta: { content: 'i' }, finish_reason: null }] },
      { ...HEAD, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...HEAD, choices: [], usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 } },
      '[DONE]',
    ])
  })
  it('leaves out what another dialect carried', () => {
    const foreign: StreamEvent = { type: 'other', dialect: 'anthropic-messages', value: { type: 'ping' } }
    expect(
      write({ ...start, dialect: 'anthropic-messages', extra: { stop_sequence: null } }, foreign, { type: 'text', choice: 0, text: 'H' }),
    ).toEqual([{ ...HEAD, choices: [{ index: 0, delta: { role: 'assistant', content: 'H' }, finish_reason: null }] }])
  })
  it('has an error in the usual envelope', () =>
    expect(write({ type: 'error', status: 529, code: 'overloaded_error', message: 'Overloaded' })).toEqual([
      { error: { message: 'Overloaded', type: 'server_error', param: null, code: 'overloaded_error' } },
    ]))
  it('does not call an unknown end a success', () =>
    expect(write(start, { type: 'finish', choice: 0, finish: 'other', finish_raw: 'meteor' })).toMatchObject([
      { choices: [{ finish_reason: 'meteor' }] },
    ]))
})
