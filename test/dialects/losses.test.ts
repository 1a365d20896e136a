import { describe, expect, it } from 'vitest'
import type { Parameters } from '../../worker/core/decide/parameters.ts'
import type { LiveTarget } from '../../worker/core/decide/world.ts'
import { lossCounts, lossesOf } from '../../worker/dialects/losses.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import type { DialectName, JsonObject } from '../../worker/schema/chat.ts'

const target = (dialect: DialectName, parameters: Parameters | null) =>
  ({ provider: { dialect }, target: { capability: { output_tokens: 1_000 } }, parameters }) as unknown as LiveTarget

function lost(body: JsonObject, at: LiveTarget) {
  const read = openaiChat.request.read({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...body })
  if (!read.ok) throw new Error('the test sends no request')
  return lossesOf(read.value)(at).map(loss => loss.field)
}

describe("on the way to a target of the caller's own dialect", () => {
  it('nothing is lost', () => expect(lost({ temperature: 0, tomorrow: 1 }, target('openai-chat', null))).toEqual([]))
  it('what the target refuses is lost, and a rename is not', () => {
    const at = target('openai-chat', { output_limit_field: 'max_completion_tokens', refuses: ['temperature', 'logit_bias', 'seed'] })
    expect(lost({ temperature: 0, max_tokens: 9, logit_bias: { 5: 1 } }, at)).toEqual(['temperature', 'logit_bias'])
  })
})

describe('on the way to a target of another dialect', () => {
  const away = target('anthropic-messages', null)
  it('every field that has no name there is a loss', () => {
    expect(lost({ seed: 7, tomorrow: 1 }, away)).toEqual(['seed', 'tomorrow'])
  })
  it('unknown fields by the thousand are told as a hundred and how many more', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`x${i}`, 1]))
    const fields = lost(many, away)
    expect([fields.length, fields.at(-1)]).toEqual([101, '...'])
  })
})

describe('what a row counts', () => {
  it('is a loss once for all the places where it was met, with the first of them', () => {
    const counted = lossCounts(
      [
        { field: 'messages[3].content[1].cache_control', how: 'approximated', note: 'an hour becomes five minutes' },
        { field: 'messages[9].content[0].cache_control', how: 'dropped' },
        { field: 'seed', how: 'dropped' },
      ],
      [{ field: 'logprobs', how: 'dropped' }],
    )
    expect(counted).toEqual([
      {
        loss: 'messages[].content[].cache_control',
        how: 'dropped',
        count: 2,
        field: 'messages[3].content[1].cache_control',
        note: 'an hour becomes five minutes',
      },
      { loss: 'seed', how: 'dropped', count: 1, field: 'seed' },
      { loss: 'logprobs', how: 'dropped', count: 1, field: 'logprobs' },
    ])
  })
  it('is bounded in kinds and in the length of their names', () => {
    const hostile = Array.from({ length: 500 }, (_, i) => ({ field: `${i}`.padEnd(5_000, 'x'), how: 'dropped' as const }))
    const counted = lossCounts(hostile, [])
    expect([counted.length, Math.max(...counted.map(({ loss, field }) => loss.length + field.length))]).toEqual([40, 240])
  })
  it('is nothing where nothing was lost', () => expect(lossCounts([], [])).toEqual([]))
})
