import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import { eventsOf, replyOf } from '../../../worker/dialects/fold.ts'
import { openaiChat } from '../../../worker/dialects/openai-chat/dialect.ts'
import { chatReplies, chatStreams, streamed, whole } from '../recordings.ts'
import { codecOf, missing, readsAsWritten, sent } from '../round-trip.ts'
import * as generated from './arbitraries.ts'

const { readAll, writeAll, readReply, observed } = codecOf(openaiChat)

/** `reasoning` is written as `reasoning_content`, content in a list as text, and a whole reply needs no numbers on its calls and no empty lists. */
const RESPELLED = /\.message\.(reasoning|content|annotations)$|\.tool_calls\.\d+\.index$/

readsAsWritten(openaiChat, generated)

describe('what was written reads as what it was, too,', () => {
  it('for a reply told as a stream and gathered again', () => {
    // What only a whole reply can say is left out: members beside a choice, and a choice that has neither words nor an end.
    const spoken = generated.reply
      .map(reply => ({
        ...reply,
        extra: {},
        choices: reply.choices.map(({ extra: _, ...choice }) => ({ ...choice, parts: choice.parts.filter(part => part.type !== 'other') })),
      }))
      .filter(reply => reply.choices.every(choice => choice.parts.length > 0 || choice.finish !== null))
    fc.assert(
      fc.property(spoken, reply => {
        expect(replyOf(readAll(writeAll(eventsOf(reply))))).toEqual(reply)
      }),
    )
  })
})

describe.each(chatStreams)('the recorded stream %s', path => {
  const events = streamed(path)
  it('means the same after it was read and written anew', () => {
    const once = readAll(events)
    const again = readAll(writeAll(once))
    expect(replyOf(again)).toEqual(replyOf(once))
    expect(observed(writeAll(once))).toEqual(observed(events))
  })
  it('is seen as it reads: text, thoughts and calls to the character, why it ended, what it used', () => {
    const seen = observed(events)
    const { choices, usage } = replyOf(readAll(events))
    const chars = (choices[0]?.parts ?? []).reduce(
      (sum, part) => sum + (part.type === 'tool_call' ? part.name.length + part.arguments.length : 'text' in part ? part.text.length : 0),
      0,
    )
    expect(seen).toMatchObject({
      content: true,
      terminated: true,
      error: null,
      malformed: 0,
      finish_raw: choices[0]?.finish_raw,
      output_chars: chars,
    })
    if (seen.usage) expect(usage).toEqual(seen.usage)
    expect(chars).toBeGreaterThan(0)
  })
})

describe.each(chatReplies)('the recorded reply %s', path => {
  const body = whole(path)
  it('means the same after it was read and written anew', () =>
    expect(readReply(sent(openaiChat.reply.write(readReply(body)).body))).toEqual(readReply(body)))
  it('is seen as it reads', () => {
    const seen = nothingSeen()
    openaiChat.reply.observeWhole(seen, body)
    const { usage, choices } = readReply(body)
    expect(seen).toMatchObject({ content: true, terminated: true, error: null, usage, finish_raw: choices[0]?.finish_raw })
  })
  it('loses none of its fields, but for those that are the same in another spelling', () => {
    const written = sent(openaiChat.reply.write(readReply(body)).body)
    expect(missing(body, written).filter(path => !RESPELLED.test(path))).toEqual([])
  })
})

describe('an answer recorded whole and as a stream', () => {
  it('is the same answer', () => {
    const { created_at_s: _, ...reply } = readReply(whole('mistral/mistral-reasoning.json'))
    expect(replyOf(readAll(streamed('mistral/mistral-reasoning.chunks.txt')))).toMatchObject(reply)
  })
})
