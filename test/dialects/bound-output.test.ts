/** Where each format that callers speak says how long an answer may be. */
import { describe, expect, it } from 'vitest'
import { anthropicMessages } from '../../worker/dialects/anthropic-messages/dialect.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import { openaiResponses } from '../../worker/dialects/openai-responses/dialect.ts'
import type { JsonObject } from '../../worker/schema/chat.ts'

describe('a bound on the answer', () => {
  it.each([
    ['Chat, as newer models want it', openaiChat, {}, { max_completion_tokens: 9 }],
    ['Chat, by the name that the caller used', openaiChat, { max_tokens: 90 }, { max_tokens: 9 }],
    [
      'Chat, once where both names are there',
      openaiChat,
      { max_tokens: 90, max_completion_tokens: 80 },
      { max_completion_tokens: 9, max_tokens: undefined },
    ],
    ['Chat, where a name is there and says nothing', openaiChat, { max_tokens: null }, { max_completion_tokens: 9, max_tokens: undefined }],
    ['Responses', openaiResponses, { max_output_tokens: 90 }, { max_output_tokens: 9 }],
    ['Messages', anthropicMessages, { max_tokens: 90 }, { max_tokens: 9 }],
    [
      'Messages, with thought that fits',
      anthropicMessages,
      { max_tokens: 9_000, thinking: { type: 'enabled', budget_tokens: 8 } },
      { max_tokens: 9 },
    ],
    [
      'Messages, with thought that does not',
      anthropicMessages,
      { thinking: { type: 'enabled', budget_tokens: 9 } },
      { max_tokens: 9, thinking: { type: 'disabled' } },
    ],
    ['Messages, with thought of any length', anthropicMessages, { thinking: { type: 'adaptive' } }, { max_tokens: 9 }],
  ])('stands in the field of %s', (_, dialect, body, set) => {
    expect(dialect.request.boundOutput?.(body as JsonObject, 9)).toEqual(set)
  })
})
