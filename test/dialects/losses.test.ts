import { describe, expect, it } from 'vitest'
import type { Parameters } from '../../worker/core/decide/parameters.ts'
import type { LiveTarget } from '../../worker/core/decide/world.ts'
import { lossesOf } from '../../worker/dialects/losses.ts'
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
