/**
 * Every recording, translated, as the official clients of the other formats read it: the same text, calls, thoughts, end and counts as
 * its own format has.
 */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { Part, Reply } from '../../worker/schema/chat.ts'
import { meaningOf, RECORDINGS, relayed, type Spoken, wire } from './replay.ts'

/** A server that answers every call with these bytes. */
const serving = (bytes: Uint8Array) => async () =>
  new Response(bytes as BodyInit, { status: 200, headers: { 'content-type': 'text/event-stream' } })

/** What a client saw, in words common to all. */
type Seen = {
  text: string
  calls: { id: string; name: string; input: unknown }[]
  thought: string
  ended: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  input_tokens: number | null
  output_tokens: number | null
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text === '' ? '{}' : text)
  } catch {
    return text
  }
}

/** What a recording says; an id that is none was made up on the way. */
function said({ choices, usage }: Reply): Seen {
  const parts = choices[0]?.parts ?? []
  const all = <T extends Part['type']>(type: T) => parts.filter((part): part is Extract<Part, { type: T }> => part.type === type)
  return {
    text: all('text')
      .map(part => part.text)
      .join(''),
    calls: all('tool_call').map(({ id, name, arguments: input }) => ({ id, name, input: parsed(input) })),
    thought: all('reasoning')
      .map(part => part.text)
      .join(''),
    ended: choices[0]?.finish as Seen['ended'],
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
  }
}

async function chatClient(bytes: Uint8Array): Promise<Seen> {
  const client = new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: serving(bytes) })
  const stream = client.chat.completions.stream({
    model: 'm',
    messages: [{ role: 'user', content: 'x' }],
    stream_options: { include_usage: true },
  })
  let thought = ''
  stream.on('chunk', chunk => {
    thought += (chunk.choices[0]?.delta as { reasoning_content?: string } | undefined)?.reasoning_content ?? ''
  })
  const whole = await stream.finalChatCompletion()
  const choice = whole.choices[0]
  return {
    text: choice?.message.content ?? '',
    calls: (choice?.message.tool_calls ?? []).map(call =>
      call.type === 'function'
        ? { id: call.id, name: call.function.name, input: parsed(call.function.arguments) }
        : { id: call.id, name: '', input: null },
    ),
    thought,
    ended: choice?.finish_reason as Seen['ended'],
    input_tokens: whole.usage?.prompt_tokens ?? null,
    output_tokens: whole.usage?.completion_tokens ?? null,
  }
}

async function responsesClient(bytes: Uint8Array): Promise<Seen> {
  const client = new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: serving(bytes) })
  const whole = await client.responses.stream({ model: 'm', input: 'x' }).finalResponse()
  const calls = whole.output.flatMap(item =>
    item.type === 'function_call' ? [{ id: item.call_id, name: item.name, input: parsed(item.arguments) }] : [],
  )
  const reason = whole.incomplete_details?.reason
  return {
    text: whole.output_text,
    calls,
    thought: whole.output.flatMap(item => (item.type === 'reasoning' ? item.summary.map(part => part.text) : [])).join(''),
    ended:
      reason === 'max_output_tokens' ? 'length' : reason === 'content_filter' ? 'content_filter' : calls.length > 0 ? 'tool_calls' : 'stop',
    input_tokens: whole.usage?.input_tokens ?? null,
    output_tokens: whole.usage?.output_tokens ?? null,
  }
}

const STOPS: Record<string, Seen['ended']> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

async function anthropicClient(bytes: Uint8Array): Promise<Seen> {
  const client = new Anthropic({ apiKey: 'k', maxRetries: 0, fetch: serving(bytes) })
  const whole = await client.messages.stream({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] }).finalMessage()
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } = whole.usage
  return {
    text: whole.content.flatMap(block => (block.type === 'text' ? [block.text] : [])).join(''),
    calls: whole.content.flatMap(block => (block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [])),
    thought: whole.content.flatMap(block => (block.type === 'thinking' ? [block.thinking] : [])).join(''),
    ended: STOPS[whole.stop_reason ?? ''] ?? 'stop',
    input_tokens: input_tokens + (cache_creation_input_tokens ?? 0) + (cache_read_input_tokens ?? 0),
    output_tokens,
  }
}

const CLIENTS: Record<Spoken, (bytes: Uint8Array) => Promise<Seen>> = {
  'openai-chat': chatClient,
  'openai-responses': responsesClient,
  'anthropic-messages': anthropicClient,
}

const CASES = RECORDINGS.filter(({ path }) => !path.includes('error')).flatMap(recording =>
  (Object.keys(CLIENTS) as Spoken[]).filter(to => to !== recording.from).map(to => ({ ...recording, to })),
)

describe.each(CASES)('$path, for the client of $to', ({ path, from, to, events }) => {
  it('is the same answer', async () => {
    const expected = said(meaningOf(events, from))
    // The first of its two calls breaks off in the middle: no client can parse what is left of it, in its own format neither.
    if (path.includes('spliced')) return
    // Unknown counts stand as zero where a client cannot do without.
    const unknown = {
      input_tokens: expected.input_tokens ?? expect.toBeOneOf([null, 0]),
      output_tokens: expected.output_tokens ?? expect.toBeOneOf([null, 0]),
    }
    expect(await CLIENTS[to](relayed([wire(events)], from, to).bytes)).toEqual({ ...expected, ...unknown })
  })
})
