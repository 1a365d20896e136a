import { describe, expect, it } from 'vitest'
import { answerId, decisionOf } from '../../worker/dialects/answer-id.ts'
import { anthropicMessages } from '../../worker/dialects/anthropic-messages/dialect.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import { openaiResponses } from '../../worker/dialects/openai-responses/dialect.ts'

const DECISION = 'dec_019364a1-2b3c-7d4e-8f50-0123456789ab'

describe('the id of a translated answer', () => {
  it.each([
    [openaiChat, 'chatcmpl-sb019364a12b3c7d4e8f500123456789ab'],
    [openaiResponses, 'resp_sb019364a12b3c7d4e8f500123456789ab'],
    [anthropicMessages, 'msg_sb019364a12b3c7d4e8f500123456789ab'],
  ])('begins as the ids of its format do: %#', (dialect, id) => {
    expect(answerId(dialect, DECISION)).toBe(id)
    expect(decisionOf(id)).toBe(DECISION)
  })
  it.each([
    'resp_68a1f0c2b3d4819f9e0a',
    'msg_01XFDUDYJgAACzvnptvVoYEL',
    'chatcmpl-sb',
    'resp_sb019364a12b3c7d4e8f500123456789a',
    'resp_sb019364a12b3c7d4e8f500123456789abc',
    'resp_sbZ19364a12b3c7d4e8f500123456789ab',
    '',
    `${'resp_sb'.repeat(10_000)}`,
  ])("is told from a provider's: %.30s", id => expect(decisionOf(id)).toBeNull())
})
