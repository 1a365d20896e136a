import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../../worker/dialects/anthropic-messages/dialect.ts'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import { eventsOf, replyOf } from '../../../worker/dialects/fold.ts'
import { anthropicReplies, anthropicStreams, namedEvents, whole } from '../recordings.ts'
import { codecOf, missing, readsAsWritten, sent } from '../round-trip.ts'
import * as generated from './arbitraries.ts'

const { readAll, writeAll, readReply, observed } = codecOf(anthropicMessages)

readsAsWritten(anthropicMessages, generated)

describe('what was written reads as what it was, too,', () => {
  it('for a reply told as a stream and gathered again', () => {
    // A stream cannot tell apart two texts that follow each other, nor say more of a part than a part has.
    const spoken = generated.reply.map(reply => ({
      ...reply,
      extra: {},
      usage: { ...reply.usage, web_search_calls: null },
      choices: reply.choices.map(choice => ({
        ...choice,
        parts: choice.parts
          .filter(part => part.type !== 'other')
          .filter((part, i, parts) => parts[i - 1]?.type !== part.type)
          .map(({ cache: _, extra: __, ...part }) => part),
      })),
    }))
    fc.assert(
      fc.property(spoken, reply => {
        const gathered = replyOf(readAll(writeAll(eventsOf(reply))))
        const [choice] = reply.choices
        expect(gathered.choices).toEqual(choice && (choice.parts.length > 0 || choice.finish !== null) ? [choice] : [])
        expect(gathered).toMatchObject({ id: reply.id, model: reply.model, usage: reply.usage, service_tier: reply.service_tier })
      }),
    )
  })
})

describe.each(anthropicStreams)('the recorded stream %s', path => {
  const events = namedEvents(path)
  it('means the same after it was read and written anew', () => {
    const once = readAll(events)
    expect(replyOf(readAll(writeAll(once)))).toEqual(replyOf(once))
    const { output_chars: _, ...meaning } = observed(events)
    expect(observed(writeAll(once))).toMatchObject(meaning)
  })
  it('is seen as it reads: why it ended, what it used', () => {
    const seen = observed(events)
    const { choices, usage } = replyOf(readAll(events))
    expect(seen).toMatchObject({ terminated: true, error: null, malformed: 0, finish_raw: choices[0]?.finish_raw, usage })
    expect(seen.content).toBe(!path.includes('refusal'))
  })
  it('has as many characters as its parts', () => {
    const parts = replyOf(readAll(events)).choices[0]?.parts ?? []
    if (parts.some(part => part.type === 'other')) return
    const chars = parts.reduce(
      (sum, part) => sum + (part.type === 'tool_call' ? part.name.length + part.arguments.length : 'text' in part ? part.text.length : 0),
      0,
    )
    expect(observed(events).output_chars).toBe(chars)
  })
})

describe.each(anthropicReplies)('the recorded reply %s', path => {
  const body = whole(path)
  it('means the same after it was read and written anew', () =>
    expect(readReply(sent(anthropicMessages.reply.write(readReply(body)).body))).toEqual(readReply(body)))
  it('is seen as it reads', () => {
    const seen = nothingSeen()
    anthropicMessages.reply.observeWhole(seen, body)
    const { usage, choices } = readReply(body)
    expect(seen).toMatchObject({ terminated: true, error: null, usage, finish_raw: choices[0]?.finish_raw })
  })
  it('loses none of its fields', () => expect(missing(body, sent(anthropicMessages.reply.write(readReply(body)).body))).toEqual([]))
})
