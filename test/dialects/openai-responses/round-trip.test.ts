import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import { eventsOf, replyOf } from '../../../worker/dialects/fold.ts'
import { openaiResponses } from '../../../worker/dialects/openai-responses/dialect.ts'
import { namedEvents, responsesReplies, responsesStreams, whole } from '../recordings.ts'
import { codecOf, missing, readsAsWritten, sent } from '../round-trip.ts'
import * as generated from './arbitraries.ts'

const { readAll, writeAll, readReply, observed } = codecOf(openaiResponses)

readsAsWritten(openaiResponses, generated, {
  // The request is told again with the answer; these have none.
  told: events =>
    events.filter(event => event.type !== 'other').map(event => (event.type === 'start' ? { ...event, extra: undefined } : event)),
})

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
          .filter(part => part.type !== 'other' && (part.type !== 'reasoning' || part.text !== '' || part.encrypted !== undefined))
          .filter((part, i, parts) => parts[i - 1]?.type !== part.type)
          .map(({ extra: _, ...part }) => part),
      })),
    }))
    fc.assert(
      fc.property(spoken, reply => {
        const gathered = replyOf(readAll(writeAll(eventsOf(reply))))
        const [choice] = reply.choices
        const { finish: _, ...told } = choice as NonNullable<typeof choice>
        expect(gathered.choices).toMatchObject([told])
        expect(gathered).toMatchObject({ id: reply.id, model: reply.model, usage: reply.usage, service_tier: reply.service_tier })
      }),
    )
  })
})

const failed = (path: string) => path.includes('error')

describe.each(responsesStreams)('the recorded stream %s', path => {
  const events = namedEvents(path)
  it('means the same after it was read and written anew', () => {
    const once = readAll(events)
    expect(replyOf(readAll(writeAll(once)))).toEqual(replyOf(once))
    const { output_chars: _, ...meaning } = observed(events)
    if (!failed(path)) expect(observed(writeAll(once))).toMatchObject(meaning)
  })
  it('is seen as it reads: why it ended, what it used', () => {
    const seen = observed(events)
    const { choices, usage } = replyOf(readAll(events))
    expect(seen).toMatchObject({ terminated: true, malformed: 0, finish_raw: choices[0]?.finish_raw ?? null })
    if (seen.usage) expect(usage).toEqual(seen.usage)
    expect(seen.error === null).toBe(!failed(path))
    expect(seen.content).toBe(!failed(path))
  })
  it('has as many characters as its parts', () => {
    const parts = replyOf(readAll(events)).choices[0]?.parts ?? []
    if (parts.some(part => part.type === 'other')) return
    // Some servers tell arguments only when they are whole, which counts for nothing before the usage comes.
    const grows = events.some(({ event }) => event === 'response.function_call_arguments.delta')
    const chars = parts.reduce(
      (sum, part) =>
        sum + (part.type === 'tool_call' ? part.name.length + (grows ? part.arguments.length : 0) : 'text' in part ? part.text.length : 0),
      0,
    )
    expect(observed(events).output_chars).toBe(chars)
  })
})

describe.each(responsesReplies)('the recorded reply %s', path => {
  const body = whole(path)
  it('means the same after it was read and written anew', () =>
    expect(readReply(sent(openaiResponses.reply.write(readReply(body)).body))).toEqual(readReply(body)))
  it('is seen as it reads', () => {
    const seen = nothingSeen()
    openaiResponses.reply.observeWhole(seen, body)
    const { usage, choices } = readReply(body)
    expect(seen).toMatchObject({ terminated: true, error: null, usage, finish_raw: choices[0]?.finish_raw })
  })
  it('loses none of its fields', () => expect(missing(body, sent(openaiResponses.reply.write(readReply(body)).body))).toEqual([]))
})
