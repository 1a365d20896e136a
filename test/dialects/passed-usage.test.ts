import { describe, expect, it } from 'vitest'
import { readPassedUsage } from '../../worker/dialects/passed-usage.ts'
import type { JsonObject, TokenUsage } from '../../worker/schema/chat.ts'

describe('usage of an endpoint beside chat', () => {
  it.each<[string, JsonObject, boolean, Partial<TokenUsage>]>([
    ['embeddings', { prompt_tokens: 8, total_tokens: 8 }, false, { input_tokens: 8, output_tokens: 0 }],
    ['embeddings that count the whole alone', { total_tokens: 8 }, false, { input_tokens: 8, output_tokens: 0 }],
    ['completions', { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }, true, { input_tokens: 3, output_tokens: 4 }],
    [
      'images',
      { input_tokens: 60, output_tokens: 1056, total_tokens: 1116, input_tokens_details: { text_tokens: 10, image_tokens: 50 } },
      true,
      { input_tokens: 60, output_tokens: 1056, image_input_tokens: 50 },
    ],
    [
      'transcripts',
      { type: 'tokens', input_tokens: 14, output_tokens: 101, input_token_details: { text_tokens: 0, audio_tokens: 14 } },
      true,
      { input_tokens: 14, output_tokens: 101, audio_input_tokens: 14 },
    ],
    ['ranking by tokens', { prompt_tokens: 7, total_tokens: 7 }, true, { input_tokens: 7, output_tokens: 0 }],
    ['an input alone', { input_tokens: 5 }, true, { input_tokens: 5, output_tokens: null }],
  ])('%s', (_, raw, gives, usage) => expect(readPassedUsage(raw, gives)).toMatchObject(usage))
  it.each<[string, JsonObject]>([
    ['a duration', { type: 'duration', seconds: 9 }],
    ['searches', { search_units: 1 }],
    ['nonsense', { prompt_tokens: -1 }],
  ])('is unknown from %s', (_, raw) => expect(readPassedUsage(raw, true)).toBeNull())
})
