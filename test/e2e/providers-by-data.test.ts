/**
 * Two providers nobody has heard of, added to a running router by two entries of data and no code: one speaks Chat Completions with
 * ways of its own, the other Messages. Callers of both formats are answered by both, whole and streamed.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { chatTarget, localProvider } from './overlay.ts'
import { startServer, type TestServer } from './server.ts'

const OVERLAY = {
  providers: [
    localProvider('north', 'openai-chat', 'NORTH_URL', {
      chat_path: '/api/answer',
      auth: { style: 'header', header: 'x-north-key', secret: 'NORTH_KEY' },
      output_limit_field: 'max_tokens',
      refuses: ['seed'],
      how_to_enable: 'Set NORTH_URL and NORTH_KEY.',
    }),
    localProvider('south', 'anthropic-messages', 'SOUTH_URL', {
      chat_path: '/v9/converse',
      auth: { style: 'bearer', secret: 'SOUTH_KEY' },
      headers: { 'south-version': '7' },
      how_to_enable: 'Set SOUTH_URL and SOUTH_KEY.',
    }),
  ],
  targets: [chatTarget('north', 'star'), chatTarget('south', 'cross')],
}

type Received = { path: string; headers: IncomingMessage['headers']; body: Record<string, unknown> }
let received: Received[] = []
let upstream: Server
let server: TestServer
let openai: OpenAI
let anthropic: Anthropic

const head = { id: 'north-1', created: 1, model: 'star' }
const counts = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const message = { id: 'south-1', type: 'message', role: 'assistant', model: 'cross', stop_sequence: null }
const events = (list: [event: string | null, data: object | string][]) =>
  list
    .map(
      ([event, data]) =>
        `${event === null ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify({ ...(event && { type: event }), ...data })}\n\n`,
    )
    .join('')

const NORTH = {
  whole: JSON.stringify({
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'From the north.' }, finish_reason: 'stop' }],
    usage: counts,
  }),
  stream: events([
    [null, { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta: { role: 'assistant', content: 'From the ' } }] }],
    [null, { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: 'north.' }, finish_reason: 'stop' }] }],
    [null, { ...head, object: 'chat.completion.chunk', choices: [], usage: counts }],
    [null, '[DONE]'],
  ]),
}
const SOUTH = {
  whole: JSON.stringify({
    ...message,
    content: [{ type: 'text', text: 'From the south.' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 3, output_tokens: 2 },
  }),
  stream: events([
    ['message_start', { message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 3, output_tokens: 1 } } }],
    ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
    ['content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'From the south.' } }],
    ['content_block_stop', { index: 0 }],
    ['message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } }],
    ['message_stop', {}],
  ]),
}

beforeAll(async () => {
  upstream = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const body = JSON.parse(Buffer.concat(pieces).toString()) as Record<string, unknown>
    received.push({ path: request.url ?? '', headers: request.headers, body })
    const says = request.url?.startsWith('/api') ? NORTH : SOUTH
    response.writeHead(200, { 'content-type': body.stream === true ? 'text/event-stream' : 'application/json' })
    response.end(body.stream === true ? says.stream : says.whole)
  })
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  server = await startServer({ vars: { NORTH_URL: url, NORTH_KEY: 'north-secret', SOUTH_URL: url, SOUTH_KEY: 'south-secret' } })
  await server.putKv('catalogue/overlay', JSON.stringify(OVERLAY))
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
  anthropic = new Anthropic({ baseURL: server.url, apiKey: server.key, maxRetries: 0 })
})
afterAll(async () => {
  await server?.stop()
  upstream?.close()
})
beforeEach(() => {
  received = []
})

const messages = [{ role: 'user' as const, content: 'Where from?' }]
const TARGETS = [
  { model: 'north/star', text: 'From the north.' },
  { model: 'south/cross', text: 'From the south.' },
]

describe.each(TARGETS)('$model', ({ model, text }) => {
  it('answers Chat Completions, whole', async () => {
    const reply = await openai.chat.completions.create({ model, messages })
    expect([reply.choices[0]?.message.content, reply.choices[0]?.finish_reason, reply.usage?.total_tokens]).toEqual([text, 'stop', 5])
  })
  it('answers Chat Completions, streamed', async () => {
    const stream = openai.chat.completions.stream({ model, messages, stream_options: { include_usage: true } })
    const reply = await stream.finalChatCompletion()
    expect([reply.choices[0]?.message.content, reply.choices[0]?.finish_reason, reply.usage?.total_tokens]).toEqual([text, 'stop', 5])
  })
  it('answers Messages, whole', async () => {
    const reply = await anthropic.messages.create({ model, max_tokens: 50, messages })
    expect(reply).toMatchObject({
      content: [{ type: 'text', text }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 3, output_tokens: 2 },
    })
  })
  it('answers Messages, streamed', async () => {
    const reply = await anthropic.messages.stream({ model, max_tokens: 50, messages }).finalMessage()
    expect(reply).toMatchObject({ content: [{ type: 'text', text }], stop_reason: 'end_turn', usage: { output_tokens: 2 } })
  })
})

describe('what such a provider is sent', () => {
  it('goes where and by what its entry says, with the fields it knows', async () => {
    await openai.chat.completions.create({ model: 'north/star', messages, max_completion_tokens: 9, seed: 4 })
    const [call] = received
    expect(call?.path).toBe('/api/answer')
    expect(call?.headers).toMatchObject({ 'x-north-key': 'north-secret' })
    expect(call?.headers.authorization).toBe(undefined)
    expect(call?.body).toEqual({ model: 'star', messages, max_tokens: 9 })
  })
  it('is written in its own format where the caller speaks another', async () => {
    await openai.chat.completions.create({ model: 'south/cross', messages, max_completion_tokens: 9 })
    const [call] = received
    expect(call?.path).toBe('/v9/converse')
    expect(call?.headers).toMatchObject({ authorization: 'Bearer south-secret', 'south-version': '7' })
    expect(call?.body).toMatchObject({ model: 'cross', max_tokens: 9, messages: [{ role: 'user' }] })
  })
})

describe('such targets', () => {
  it('are listed with the others', async () => {
    const listed: string[] = []
    for await (const { id } of openai.models.list()) listed.push(id)
    expect(listed).toEqual(expect.arrayContaining(['north/star', 'south/cross', 'demo/small']))
  })
})
