/**
 * What the official client of a format makes of an answer, in words common to all formats: so that what one sees of the target's own
 * bytes can be laid beside what another sees of their translation.
 */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { expect } from 'vitest'
import type { JsonObject, Part, Reply } from '../../worker/schema/chat.ts'
import type { Spoken } from './replay.ts'

export type Saw = {
  text: string
  calls: { id: string; name: string; input: unknown }[]
  thought: string
  ended: 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'pause' | 'other'
  input_tokens: number | null
  output_tokens: number | null
  cached_tokens: number | null
  thought_tokens: number | null
}

/** A server that answers every call with these bytes. */
const serving = (body: Uint8Array | JsonObject) => async () =>
  body instanceof Uint8Array
    ? new Response(body as BodyInit, { status: 200, headers: { 'content-type': 'text/event-stream' } })
    : Response.json(body)

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text === '' ? '{}' : text)
  } catch {
    return text
  }
}

/** What the neutral form says: where a format has no official client here. */
export function said({ choices, usage }: Reply): Saw {
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
    ended: choices[0]?.finish ?? 'other',
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cached_tokens: usage.cache_read_tokens,
    thought_tokens: usage.reasoning_tokens,
  }
}

/** Providers of this format call their thoughts by several names, and one tells both text and thoughts in parts. */
type Delta = { content?: unknown; reasoning_content?: string | null; reasoning?: string | null }
type Pieces = { type?: string; text?: string; thinking?: Pieces }[]
const textIn = (delta: object | undefined): string => piecesIn((delta as Delta | undefined)?.content, 'text')
const thoughtIn = (delta: object | undefined): string => {
  const { content, reasoning_content, reasoning } = (delta ?? {}) as Delta
  return (reasoning_content ?? reasoning ?? '') + (Array.isArray(content) ? piecesIn(content, 'thinking') : '')
}
function piecesIn(content: unknown, type: 'text' | 'thinking'): string {
  if (!Array.isArray(content)) return typeof content === 'string' ? content : ''
  const pieces = (content as Pieces).filter(piece => piece.type === type)
  return pieces.map(piece => (type === 'text' ? (piece.text ?? '') : piecesIn(piece.thinking, 'text'))).join('')
}

async function chatStream(bytes: Uint8Array): Promise<Saw> {
  const client = new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: serving(bytes) })
  const stream = client.chat.completions.stream({
    model: 'm',
    messages: [{ role: 'user', content: 'x' }],
    stream_options: { include_usage: true },
  })
  let text = ''
  let thought = ''
  stream.on('chunk', chunk => {
    text += textIn(chunk.choices[0]?.delta)
    thought += thoughtIn(chunk.choices[0]?.delta)
  })
  return chatSaw(await stream.finalChatCompletion(), text, thought)
}

async function chatWhole(body: JsonObject): Promise<Saw> {
  const client = new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: serving(body) })
  const whole = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'x' }] })
  return chatSaw(whole, textIn(whole.choices[0]?.message), thoughtIn(whole.choices[0]?.message))
}

function chatSaw({ choices: [choice], usage }: OpenAI.ChatCompletion, text: string, thought: string): Saw {
  return {
    text,
    calls: (choice?.message.tool_calls ?? []).map(call =>
      call.type === 'function'
        ? { id: call.id, name: call.function.name, input: parsed(call.function.arguments) }
        : { id: call.id, name: '', input: null },
    ),
    thought,
    ended: (choice?.finish_reason ?? 'other') as Saw['ended'],
    input_tokens: usage?.prompt_tokens ?? null,
    // One provider counts thoughts beside the rest of the output and not in it; the sum of all is the same everywhere.
    output_tokens: usage ? usage.total_tokens - usage.prompt_tokens : null,
    cached_tokens: usage?.prompt_tokens_details?.cached_tokens ?? null,
    thought_tokens: usage?.completion_tokens_details?.reasoning_tokens ?? null,
  }
}

async function responsesStream(bytes: Uint8Array): Promise<Saw> {
  const client = new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: serving(bytes) })
  return responsesSaw(await client.responses.stream({ model: 'm', input: 'x' }).finalResponse())
}

async function responsesWhole(body: JsonObject): Promise<Saw> {
  const client = new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: serving(body) })
  return responsesSaw(await client.responses.create({ model: 'm', input: 'x' }))
}

/** Items of this format that wait for the caller. */
const WAITS = ['function_call', 'custom_tool_call', 'computer_call', 'local_shell_call', 'apply_patch_call']

function responsesSaw({ output, output_text, usage, incomplete_details }: OpenAI.Responses.Response): Saw {
  const reason = incomplete_details?.reason
  const waits = output.some(item => WAITS.includes(item.type))
  return {
    text: output_text,
    calls: output.flatMap(item =>
      item.type === 'function_call' ? [{ id: item.call_id, name: item.name, input: parsed(item.arguments) }] : [],
    ),
    thought: output
      .flatMap(item =>
        item.type === 'reasoning'
          ? [(item.summary.length > 0 ? item.summary : (item.content ?? [])).map(part => part.text).join('\n\n')]
          : [],
      )
      .join(''),
    ended: reason === 'max_output_tokens' ? 'length' : reason === 'content_filter' ? 'content_filter' : waits ? 'tool_calls' : 'stop',
    input_tokens: usage?.input_tokens ?? null,
    output_tokens: usage?.output_tokens ?? null,
    cached_tokens: usage?.input_tokens_details?.cached_tokens ?? null,
    thought_tokens: usage?.output_tokens_details?.reasoning_tokens ?? null,
  }
}

const STOPS: Record<string, Saw['ended']> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
  pause_turn: 'pause',
}

async function messagesStream(bytes: Uint8Array): Promise<Saw> {
  const client = new Anthropic({ apiKey: 'k', maxRetries: 0, fetch: serving(bytes) })
  return messagesSaw(
    await client.messages.stream({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] }).finalMessage(),
  )
}

async function messagesWhole(body: JsonObject): Promise<Saw> {
  const client = new Anthropic({ apiKey: 'k', maxRetries: 0, fetch: serving(body) })
  return messagesSaw(await client.messages.create({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] }))
}

function messagesSaw({ content, stop_reason, usage }: Anthropic.Message): Saw {
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens } = usage
  return {
    text: content.flatMap(block => (block.type === 'text' ? [block.text] : [])).join(''),
    calls: content.flatMap(block => (block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [])),
    thought: content.flatMap(block => (block.type === 'thinking' ? [block.thinking] : [])).join(''),
    ended: STOPS[stop_reason ?? ''] ?? 'other',
    input_tokens: input_tokens + (cache_creation_input_tokens ?? 0) + (cache_read_input_tokens ?? 0),
    output_tokens,
    cached_tokens: cache_read_input_tokens ?? null,
    thought_tokens: usage.output_tokens_details?.thinking_tokens ?? null,
  }
}

export const STREAM_CLIENTS: Record<Spoken, (bytes: Uint8Array) => Promise<Saw>> = {
  'openai-chat': chatStream,
  'openai-responses': responsesStream,
  'anthropic-messages': messagesStream,
}
export const WHOLE_CLIENTS: Record<Spoken, (body: JsonObject) => Promise<Saw>> = {
  'openai-chat': chatWhole,
  'openai-responses': responsesWhole,
  'anthropic-messages': messagesWhole,
}

/** Unknown counts stand as zero where a client cannot do without, and a pause has a word in one format only. */
export const comparable = (saw: Saw): Saw =>
  Object.fromEntries(
    Object.entries(saw).map(([name, value]) => [
      name,
      value === null ? expect.toBeOneOf([null, 0]) : value === 'pause' ? expect.toBeOneOf(['pause', 'stop', 'other']) : value,
    ]),
  ) as Saw
