/**
 * Every recording, translated, as the `ai` package reads it through its providers for the other formats.
 */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { type LanguageModel, streamText } from 'ai'
import { describe, expect, it } from 'vitest'
import { meaningOf, RECORDINGS, relayed, SPOKEN, type Spoken, wire } from './replay.ts'

const MODELS: Record<Spoken, (fetch: typeof globalThis.fetch) => LanguageModel> = {
  'openai-chat': fetch => createOpenAI({ apiKey: 'k', fetch }).chat('m'),
  'openai-responses': fetch => createOpenAI({ apiKey: 'k', fetch }).responses('m'),
  'anthropic-messages': fetch => createAnthropic({ apiKey: 'k', fetch })('m'),
}
const ENDS: Record<string, string> = { stop: 'stop', length: 'length', tool_calls: 'tool-calls', content_filter: 'content-filter' }

const CASES = RECORDINGS.filter(({ path }) => !path.includes('error') && !path.includes('spliced')).flatMap(recording =>
  SPOKEN.filter(to => to !== recording.from).map(to => ({ ...recording, to })),
)

describe.each(CASES)('$path, for the ai package through $to', ({ from, to, events }) => {
  it('is the same answer', async () => {
    const { choices, usage } = meaningOf(events, from)
    const parts = choices[0]?.parts ?? []
    const { bytes } = relayed([wire(events)], from, to)
    const fetch = async () => new Response(bytes as BodyInit, { status: 200, headers: { 'content-type': 'text/event-stream' } })
    const errors: unknown[] = []
    const result = streamText({
      model: MODELS[to](fetch as typeof globalThis.fetch),
      prompt: 'x',
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    })
    expect(await result.text).toBe(parts.flatMap(part => (part.type === 'text' ? [part.text] : [])).join(''))
    expect((await result.toolCalls).map(call => [call.toolCallId, call.toolName])).toEqual(
      parts.flatMap(part => (part.type === 'tool_call' ? [[part.id, part.name]] : [])),
    )
    // Through Chat this provider does not look for thoughts.
    if (to !== 'openai-chat')
      expect((await result.reasoningText) ?? '').toBe(parts.flatMap(part => (part.type === 'reasoning' ? [part.text] : [])).join(''))
    expect(await result.finishReason).toBe(ENDS[choices[0]?.finish ?? ''])
    const used = await result.usage
    if (usage.input_tokens !== null) expect(used.inputTokens).toBe(usage.input_tokens)
    if (usage.output_tokens !== null) expect(used.outputTokens).toBe(usage.output_tokens)
    expect(errors).toEqual([])
  })
})
