import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bedrockConverse } from '../../../worker/dialects/bedrock-converse/dialect.ts'
import { nothingSeen } from '../../../worker/dialects/dialect.ts'
import { replyOf } from '../../../worker/dialects/fold.ts'
import { whole } from '../recordings.ts'
import { codecOf, readsAsWritten, sent } from '../round-trip.ts'
import * as generated from './arbitraries.ts'
import { recorded } from './frames.ts'

const { readAll, writeAll, readReply, observed } = codecOf(bedrockConverse)

readsAsWritten(bedrockConverse, generated)

const FOLDER = readdirSync(join(import.meta.dirname, '../../fixtures/amazon-bedrock'))
const named = (ending: string) => FOLDER.filter(file => file.endsWith(ending)).map(file => file.slice(0, -ending.length))

describe.each(named('.chunks.txt'))('the recorded stream %s', name => {
  const events = recorded(name)
  it('means the same after it was read and written anew', () => {
    const once = readAll(events)
    expect(replyOf(readAll(writeAll(once)))).toEqual(replyOf(once))
  })
  it('is seen as it reads: text, thoughts and calls to the character, why it ended, what it used', () => {
    const seen = observed(events)
    const { choices, usage } = replyOf(readAll(events))
    const parts = choices[0]?.parts ?? []
    const chars = parts.reduce(
      (sum, part) =>
        sum +
        (part.type === 'tool_call'
          ? part.name.length + (part.arguments === '{}' ? 0 : part.arguments.length)
          : 'text' in part
            ? part.text.length
            : 0),
      0,
    )
    expect(seen).toMatchObject({ content: true, error: null, malformed: 0, finish_raw: choices[0]?.finish_raw, output_chars: chars })
    expect(seen.terminated).toBe(seen.usage !== null)
    if (seen.usage) expect(usage).toEqual(seen.usage)
    for (const part of parts) if (part.type === 'tool_call') expect(() => JSON.parse(part.arguments)).not.toThrow()
  })
})

describe.each(named('.json'))('the recorded reply %s', name => {
  const body = whole(`amazon-bedrock/${name}.json`)
  it('is the same after it was read and written anew, to the field', () =>
    expect(sent(bedrockConverse.reply.write(readReply(body)).body)).toEqual(body))
  it('is seen as it reads', () => {
    const seen = nothingSeen()
    bedrockConverse.reply.observeWhole(seen, body)
    const { usage, choices } = readReply(body)
    expect(seen).toMatchObject({ content: true, terminated: true, error: null, usage, finish_raw: choices[0]?.finish_raw })
  })
})
