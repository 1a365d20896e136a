import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nothingSeen, type SseEvent } from '../../../worker/dialects/dialect.ts'
import { eventsOf, replyOf } from '../../../worker/dialects/fold.ts'
import { openaiResponses } from '../../../worker/dialects/openai-responses/dialect.ts'
import type { Json, JsonObject, Reply, StreamEvent } from '../../../worker/schema/chat.ts'
import { namedEvents, responsesReplies, responsesStreams, whole } from '../recordings.ts'
import * as generated from './arbitraries.ts'

/** What a body is once it has been on the wire. */
const sent = (body: JsonObject): JsonObject => JSON.parse(JSON.stringify(body))

function readAll(events: SseEvent[]): StreamEvent[] {
  const reader = openaiResponses.reply.reader()
  return events.flatMap(event => reader.read(event))
}
function writeAll(events: StreamEvent[]): SseEvent[] {
  const writer = openaiResponses.reply.writer()
  return events.flatMap(event => writer.write(event))
}
function readReply(body: JsonObject): Reply {
  const read = openaiResponses.reply.read(body)
  if (!read.ok) throw new Error(read.error)
  return read.value
}
function observed(events: SseEvent[]) {
  const seen = nothingSeen()
  for (const event of events) openaiResponses.reply.observe(seen, event)
  const { events: _, ...meaning } = seen
  return meaning
}

/** Paths in `before` that are not in `after`. */
function missing(before: Json, after: Json | undefined, path = ''): string[] {
  if (typeof before !== 'object' || before === null) return after === undefined ? [path] : []
  if (typeof after !== 'object' || after === null) return [path]
  return Object.entries(before).flatMap(([key, value]) => missing(value, (after as JsonObject)[key], `${path}.${key}`))
}

describe('what was written reads as what it was', () => {
  it('for requests, without a loss', () => {
    fc.assert(
      fc.property(generated.request, asked => {
        const { body, losses } = openaiResponses.request.write(asked, asked.model)
        expect(losses).toEqual([])
        expect(openaiResponses.request.read(sent(body))).toEqual({ ok: true, value: asked })
      }),
      { numRuns: 500 },
    )
  })
  it('for replies, without a loss', () => {
    fc.assert(
      fc.property(generated.reply, reply => {
        const { body, losses } = openaiResponses.reply.write(reply)
        expect(losses).toEqual([])
        expect(readReply(sent(body))).toEqual(reply)
      }),
      { numRuns: 500 },
    )
  })
  it('for streams, event by event', () => {
    fc.assert(
      fc.property(generated.stream, events => {
        // The request is told again with the answer; these have none.
        const again = readAll(writeAll(events)).filter(event => event.type !== 'other')
        expect(again.map(event => (event.type === 'start' ? { ...event, extra: undefined } : event))).toEqual(events)
      }),
      { numRuns: 500 },
    )
  })
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
