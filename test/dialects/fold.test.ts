import { describe, expect, it } from 'vitest'
import { eventsOf, replyOf } from '../../worker/dialects/fold.ts'
import { type Reply, type StreamEvent, UNKNOWN_USAGE } from '../../worker/schema/chat.ts'

const start: StreamEvent = { type: 'start', id: 'r1', model: 'm', created_at_s: 7 }

describe('a stream, gathered', () => {
  it('is one part for pieces of one kind, in the order in which they came', () => {
    const events: StreamEvent[] = [
      start,
      { type: 'reasoning', choice: 0, text: 'H' },
      { type: 'reasoning', choice: 0, text: 'm' },
      { type: 'text', choice: 0, text: 'Hel' },
      { type: 'text', choice: 0, text: 'lo' },
      { type: 'citation', choice: 0, value: 'https://example.com' },
      { type: 'finish', choice: 0, finish: 'stop', finish_raw: 'stop' },
    ]
    expect(replyOf(events).choices).toEqual([
      {
        index: 0,
        parts: [
          { type: 'reasoning', text: 'Hm' },
          { type: 'text', text: 'Hello', citations: ['https://example.com'] },
        ],
        finish: 'stop',
        finish_raw: 'stop',
      },
    ])
  })
  it('keeps interleaved calls apart', () => {
    const events: StreamEvent[] = [
      { type: 'tool_call_start', choice: 0, index: 0, id: 'a', name: 'f' },
      { type: 'tool_call_start', choice: 0, index: 1, id: 'b', name: 'g' },
      { type: 'tool_call_arguments', choice: 0, index: 0, fragment: '{' },
      { type: 'tool_call_arguments', choice: 0, index: 1, fragment: '[' },
      { type: 'tool_call_arguments', choice: 0, index: 0, fragment: '}' },
    ]
    expect(replyOf(events).choices[0]?.parts).toMatchObject([{ arguments: '{}' }, { arguments: '[' }])
  })
  it('has no end that did not come', () =>
    expect(replyOf([start, { type: 'text', choice: 0, text: 'Hel' }]).choices[0]).toMatchObject({ finish: null, finish_raw: null }))
  it('keeps a signature with its thought', () => {
    const events: StreamEvent[] = [
      { type: 'reasoning', choice: 0, text: 'Hm' },
      { type: 'reasoning', choice: 0, text: '', signature: 'sig' },
    ]
    expect(replyOf(events).choices[0]?.parts).toEqual([{ type: 'reasoning', text: 'Hm', signature: 'sig' }])
  })
  it('joins the likelihoods of its pieces', () => {
    const events: StreamEvent[] = [
      { type: 'text', choice: 0, text: 'a', logprobs: { content: [{ token: 'a' }], refusal: null } },
      { type: 'text', choice: 0, text: 'b', logprobs: { content: [{ token: 'b' }], refusal: null } },
    ]
    expect(replyOf(events).choices[0]?.logprobs).toEqual({ content: [{ token: 'a' }, { token: 'b' }], refusal: null })
  })
  it('gives nothing a prototype that an upstream chose', () => {
    const beside = JSON.parse('{"__proto__":{"polluted":true}}')
    const { extra } = replyOf([{ ...start, extra: beside }])
    expect(Object.keys(extra)).toEqual(['__proto__'])
    expect((extra as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('a reply, told as a stream', () => {
  it('has a start, its pieces, a reason, its counts and an end', () => {
    const reply: Reply = {
      id: 'r1',
      model: 'm',
      created_at_s: 7,
      choices: [{ index: 0, parts: [{ type: 'text', text: 'Hi' }], finish: 'stop', finish_raw: 'stop' }],
      usage: UNKNOWN_USAGE,
      service_tier: null,
      extra: {},
    }
    expect(eventsOf(reply).map(event => event.type)).toEqual(['start', 'text', 'finish', 'usage', 'end'])
    expect(replyOf(eventsOf(reply))).toEqual(reply)
  })
})
