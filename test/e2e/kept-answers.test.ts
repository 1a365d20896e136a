/**
 * Going on from an answer by its id (`previous_response_id`), with the official client: at the target that keeps it, or refused with what
 * to do. Two small upstreams stand for providers that speak Responses.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from './server.ts'

type Body = { model: string; previous_response_id?: string; stream?: boolean; store?: boolean }
const SOURCE = { name: 'made up for tests', as_of: '2026-11-24' }
let upstream: Server
let server: TestServer
let client: OpenAI
let received: Body[] = []
let made = 0

const responseOf = ({ model, store }: Body) => ({
  id: `resp_${model}${++made}`,
  object: 'response',
  created_at: 1,
  model,
  status: 'completed',
  store: store ?? true,
  output: [
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
    },
  ],
  usage: { input_tokens: 3, output_tokens: 1, total_tokens: 4 },
})

const target = (model: string, score: number) => ({
  id: `upstream/${model}`,
  provider: 'upstream',
  model,
  family: model,
  capability: {
    input: ['text'],
    output: ['text'],
    tools: true,
    parallel_tools: true,
    structured_output: 'json_schema',
    streaming: true,
    reasoning: false,
    logprobs: false,
    choices: false,
    prefill: null,
    context_tokens: 100_000,
    output_tokens: 10_000,
  },
  prices: [
    {
      from: '2026-01-01',
      input_micros_per_mtok: 1,
      output_micros_per_mtok: 1,
      cache_read_micros_per_mtok: null,
      cache_write_micros_per_mtok: null,
      source: SOURCE,
    },
  ],
  quality: [{ task: null, score, uncertainty: 0.1, benchmark: 'made up', source: SOURCE }],
  latency_prior: { first_token_ms: 100, tokens_per_second: 100, source: SOURCE },
  energy: { active_params_b: null, total_params_b: null, measured_j_per_token: null, confidence: 'guess', source: SOURCE },
})
const OVERLAY = {
  providers: [
    {
      id: 'upstream',
      name: 'Upstream',
      dialect: 'openai-responses',
      base_url_var: 'UPSTREAM_URL',
      chat_path: '/responses',
      auth: { style: 'none' },
      terms: { regions: ['local'], retention_days: 0, trains_on_data: false, source: SOURCE },
      readiness: 'always_warm',
      how_to_enable: 'Set UPSTREAM_URL.',
    },
  ],
  targets: [target('strong', 0.9), target('weak', 0.3)],
}

beforeAll(async () => {
  upstream = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const body = JSON.parse(Buffer.concat(pieces).toString()) as Body
    received.push(body)
    const whole = responseOf(body)
    if (!body.stream) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(whole))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const events = [
      { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } },
      { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'Hi' },
      { type: 'response.completed', response: whole },
    ]
    for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    response.end()
  })
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  const { port } = upstream.address() as AddressInfo
  server = await startServer({ vars: { UPSTREAM_URL: `http://127.0.0.1:${port}/v1` } })
  await server.putKv('catalogue/overlay', JSON.stringify(OVERLAY))
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
})
afterAll(async () => {
  await server?.stop()
  upstream?.close()
})
beforeEach(() => {
  received = []
})

describe('an answer that its caller asked to be kept', () => {
  it.each([false, true])('is gone on from at the target that keeps it, whoever else would be better, streamed: %s', async stream => {
    const asked = { model: 'upstream/weak', input: 'Hello', store: true }
    let id = ''
    if (stream)
      for await (const event of await client.responses.create({ ...asked, stream: true })) id = 'response' in event ? event.response.id : id
    else id = (await client.responses.create(asked)).id
    expect(id).toMatch(/^resp_weak\d+$/)
    // What is remembered is written when the answer has ended.
    const goOn = () =>
      client.responses.create({ model: 'auto', input: 'And?', previous_response_id: id }).catch((error: Error) => error.message)
    await expect.poll(async () => (await goOn()) as { model?: string }, { timeout: 10_000 }).toMatchObject({ model: 'weak' })
    expect(received.at(-1)).toMatchObject({ model: 'weak', previous_response_id: id })
  })
  it("is nobody else's to go on from where it was not", async () => {
    const { id } = await client.responses.create({ model: 'upstream/weak', input: 'Hello' })
    const error = await client.responses
      .create({ model: 'upstream/weak', input: 'And?', previous_response_id: id })
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ status: 400, param: 'previous_response_id', message: expect.stringContaining('"store": true') })
  })
  it('is refused where the router made it of another format', async () => {
    const { id } = await client.responses.create({ model: 'demo/small', input: 'Hello', store: true })
    expect(id).toMatch(/^resp_sb[0-9a-f]{32}$/)
    const error = await client.responses
      .create({ model: 'auto', input: 'And?', previous_response_id: id })
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      status: 400,
      param: 'previous_response_id',
      message: expect.stringContaining('translated by the router'),
    })
  })
})
