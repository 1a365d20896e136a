import { describe, expect, it } from 'vitest'
import type { LiveTarget } from '../../worker/core/decide/world.ts'
import { anthropicMessages } from '../../worker/dialects/anthropic-messages/dialect.ts'
import { betasIn, withBetas } from '../../worker/dialects/betas.ts'
import { DIALECT_CODECS } from '../../worker/dialects/dialects.ts'
import { lossesOf } from '../../worker/dialects/losses.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'

const CALLERS = { 'anthropic-beta': 'one-2026-01-01,two', 'openai-beta': 'assistants=v2' }

describe("a caller's betas", () => {
  it('are those of its own format, and no other header', () => {
    const headers = new Headers({ ...CALLERS, authorization: 'Bearer k', 'x-api-key': 'k', 'openai-organization': 'o', cookie: 'c' })
    expect(betasIn(anthropicMessages, headers)).toEqual({ ok: true, value: { 'anthropic-beta': 'one-2026-01-01,two' } })
    expect(betasIn(openaiChat, headers)).toEqual({ ok: true, value: { 'openai-beta': 'assistants=v2' } })
  })
  it('are mostly none, and then nothing is made', () => expect(betasIn(openaiChat, new Headers())).toEqual({ ok: true, value: undefined }))
  it.each(['b'.repeat(1_001), 'b\u00e9ta', ''])('that are no names are refused by the header: %.20s', value => {
    expect(betasIn(anthropicMessages, new Headers({ 'anthropic-beta': value }))).toMatchObject({
      ok: false,
      error: { code: 'invalid_request', param: 'anthropic-beta' },
    })
  })
  it('join what the catalogue sends under the same name', () => {
    expect(withBetas({ 'anthropic-beta': 'ours', accept: '*/*' }, { 'anthropic-beta': 'theirs' })).toEqual({
      'anthropic-beta': 'ours,theirs',
      accept: '*/*',
    })
  })
  it('are a loss on the way into every other format, by the name of the header', () => {
    const read = anthropicMessages.request.read({ model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] })
    if (!read.ok) throw new Error('the test sends no request')
    const losses = lossesOf({ ...read.value, betas: { 'anthropic-beta': 'one' } })
    for (const { name } of Object.values(DIALECT_CODECS)) {
      const target = {
        provider: { dialect: name },
        target: { capability: { output_tokens: 9 } },
        parameters: null,
      } as unknown as LiveTarget
      expect([
        name,
        losses(target)
          .map(({ field }) => field)
          .includes('anthropic-beta'),
      ]).toEqual([name, name !== 'anthropic-messages'])
    }
  })
  it('are never a credential, a hop or a name of the router itself', () => {
    for (const { betas = [] } of Object.values(DIALECT_CODECS)) for (const name of betas) expect(name).toMatch(/^[a-z]+-beta$/)
  })
})
