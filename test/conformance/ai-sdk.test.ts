/**
 * Every recording, translated, as the `ai` package reads it through its providers for the other formats.
 */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { type LanguageModel, streamText } from 'ai'
import { describe, expect, it } from 'vitest'
import { meaningOf, RECORDINGS, relayed, type Spoken } from './replay.ts'

const MODELS: { provider: string; to: Spoken; model(fetch: typeof globalThis.fetch): LanguageModel }[] = [
  { provider: 'openai.chat', to: 'openai-chat', model: fetch => createOpenAI({ apiKey: 'k', fetch }).chat('m') },
  {
    provider: 'openai-compatible',
    to: 'openai-chat',
    model: fetch =>
      createOpenAICompatible({ name: 'here', baseURL: 'https://example.com/v1', apiKey: 'k', includeUsage: true, fetch })('m'),
  },
  { provider: 'openai.responses', to: 'openai-responses', model: fetch => createOpenAI({ apiKey: 'k', fetch }).responses('m') },
  { provider: 'anthropic', to: 'anthropic-messages', model: fetch => createAnthropic({ apiKey: 'k', fetch })('m') },
]
/** A pause has a word in one format only. */
const ENDS: Record<string, string[]> = {
  stop: ['stop'],
  length: ['length'],
  tool_calls: ['tool-calls'],
  content_filter: ['content-filter'],
  pause: ['stop', 'other'],
  other: ['other'],
}

const CASES = RECORDINGS.filter(({ failed, spliced }) => !failed && !spliced).flatMap(recording =>
  MODELS.filter(({ to }) => to !== recording.from).map(each => ({ ...recording, ...each })),
)

describe.each(CASES)('$path, for the ai package through $provider', ({ from, to, provider, model, events, bytes: recorded }) => {
  it('is the same answer', async () => {
    const { choices, usage } = meaningOf(events, from)
    const parts = choices[0]?.parts ?? []
    const { bytes } = relayed([recorded], from, to)
    const fetch = async () => new Response(bytes as BodyInit, { status: 200, headers: { 'content-type': 'text/event-stream' } })
    const errors: unknown[] = []
    const result = streamText({
      model: model(fetch as typeof globalThis.fetch),
      prompt: 'x',
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    })
    expect(await result.text).toBe(parts.flatMap(part => (part.type === 'text' ? [part.text] : [])).join(''))
    expect((await result.toolCalls).map(call => [call.toolCallId, call.toolName])).toEqual(
      parts.flatMap(part => (part.type === 'tool_call' ? [[part.id, part.name]] : [])),
    )
    // This one does not look for thoughts.
    if (provider !== 'openai.chat')
      expect((await result.reasoningText) ?? '').toBe(parts.flatMap(part => (part.type === 'reasoning' ? [part.text] : [])).join(''))
    expect(ENDS[choices[0]?.finish ?? '']).toContain(await result.finishReason)
    const used = await result.usage
    if (usage.input_tokens !== null) expect(used.inputTokens).toBe(usage.input_tokens)
    if (usage.output_tokens !== null) expect(used.outputTokens).toBe(usage.output_tokens)
    expect(errors).toEqual([])
  })
})
