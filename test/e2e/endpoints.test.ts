/**
 * The endpoints beside chat, with the official OpenAI client, against the whole router: embeddings from the built-in demo, and
 * images, speech, transcripts, moderation and ranking from a small upstream that stands for a provider.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from './server.ts'

type Received = { path: string; type: string; body: Buffer }
type Answer = (received: Received, response: ServerResponse) => void

let upstream: Server
let server: TestServer
let client: OpenAI
let received: Received[] = []
let answers: Record<string, Answer> = {}

const json =
  (value: unknown, status = 200): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(value))
  }

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const one = { path: request.url ?? '', type: request.headers['content-type'] ?? '', body: Buffer.concat(pieces) }
  received.push(one)
  const key = Object.keys(answers).find(name => one.body.includes(name))
  const given = key === undefined ? undefined : answers[key]
  if (given) given(one, response)
  else json({ error: { message: `nothing for ${one.path}` } }, 404)(one, response)
}

const SOURCE = { name: 'made up for tests', as_of: '2026-11-24' }

function target(
  id: string,
  serves: string[],
  more: { input?: string[]; output?: string[]; usd?: [number, number] } & Record<string, unknown> = {},
) {
  const { input = ['text'], output = ['text'], usd = [1, 2], ...facts } = more
  return {
    id: `upstream/${id}`,
    provider: 'upstream',
    model: id,
    family: id,
    serves,
    capability: {
      input,
      output,
      tools: false,
      parallel_tools: false,
      structured_output: 'none',
      streaming: true,
      reasoning: false,
      logprobs: false,
      choices: false,
      prefill: null,
      context_tokens: 8192,
      output_tokens: 100_000,
    },
    prices: [
      {
        from: '2026-01-01',
        input_micros_per_mtok: usd[0] * 1e6,
        output_micros_per_mtok: usd[1] * 1e6,
        cache_read_micros_per_mtok: null,
        cache_write_micros_per_mtok: null,
        source: SOURCE,
      },
    ],
    quality: [{ task: null, score: 0.5, uncertainty: 0.1, benchmark: 'made up', source: SOURCE }],
    latency_prior: { first_token_ms: 100, tokens_per_second: 1000, source: SOURCE },
    energy: { active_params_b: null, total_params_b: null, measured_j_per_token: null, confidence: 'guess', source: SOURCE },
    ...facts,
  }
}

const OVERLAY = {
  providers: [
    {
      id: 'upstream',
      name: 'Upstream',
      dialect: 'openai-chat',
      base_url_var: 'UPSTREAM_URL',
      auth: { style: 'none' },
      terms: { regions: ['local'], retention_days: 0, trains_on_data: false, source: SOURCE },
      readiness: 'always_warm',
      how_to_enable: 'Set UPSTREAM_URL.',
    },
  ],
  targets: [
    target('vectors-a', ['embeddings'], { embedding: { space: 'one', dimensions: 2, shortens: false } }),
    target('vectors-b', ['embeddings'], {
      embedding: { space: 'one', dimensions: 2, shortens: false },
      aliases: ['vectors-a'],
      usd: [3, 3],
    }),
    target('painter', ['images', 'image_edits'], { input: ['text', 'image'], output: ['image'] }),
    target('painter-2', ['images'], { output: ['image'], usd: [9, 9] }),
    target('speaker', ['speech'], { output: ['audio'] }),
    target('listener', ['transcriptions'], { input: ['audio', 'text'] }),
    target('judge', ['moderations'], { usd: [0, 0] }),
    target('ranker', ['rerank']),
    target('writer', ['completions']),
  ],
}

beforeAll(async () => {
  upstream = createServer((request, response) => void answer(request, response))
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
  answers = {}
})

const failure = async (call: Promise<unknown>) => {
  try {
    await call
  } catch (error) {
    return error as InstanceType<typeof OpenAI.APIError>
  }
  throw new Error('the call did not fail')
}
const decisionOf = (response: Response) => response.headers.get('x-signalbox-decision') ?? ''

type Row = {
  endpoint: string
  target: string
  outcome: string
  cost_micros: number | null
  input_tokens: number | null
  output_tokens: number | null
}
async function rowOf(decision: string): Promise<Row> {
  const sql = `SELECT endpoint, target, outcome, cost_micros, input_tokens, output_tokens FROM usage WHERE decision_id = '${decision}'`
  let found: Row[] = []
  const look = async () => {
    found = await server.query<Row>(sql)
    return found.length
  }
  await expect.poll(look, { timeout: 20_000, interval: 500 }).toBe(1)
  return found[0] as Row
}

describe('embeddings', () => {
  it('come from the demo without a key of any provider, the same for the same text', async () => {
    const { data, response } = await client.embeddings
      .create({ model: 'demo/embedding', input: ['duplicate emails', 'duplicate emails', 'the weather in Oslo'] })
      .withResponse()
    expect(data.model).toBe('demo/embedding')
    expect(data.data.map(each => each.embedding.length)).toEqual([256, 256, 256])
    expect(data.data[0]?.embedding).toEqual(data.data[1]?.embedding)
    expect(data.data[0]?.embedding).not.toEqual(data.data[2]?.embedding)
    expect(response.headers.get('x-signalbox-target')).toBe('demo/embedding')
    expect(await rowOf(decisionOf(response))).toMatchObject({
      endpoint: '/v1/embeddings',
      target: 'demo/embedding',
      outcome: 'completed',
      input_tokens: data.usage.prompt_tokens,
      output_tokens: 0,
    })
  })
  it('have the length that was asked for, and a target that cannot give it is not asked', async () => {
    const short = await client.embeddings.create({ model: 'demo/embedding', input: 'hello', dimensions: 64 })
    expect(short.data[0]?.embedding).toHaveLength(64)
    const error = await failure(client.embeddings.create({ model: 'upstream/vectors-a', input: 'hello', dimensions: 3 }))
    expect([error.status, error.code]).toEqual([422, 'no_eligible_target'])
    expect(error.message).toContain('dimensions')
  })
  it('of several models are not chosen between: which one it is must be said', async () => {
    const error = await failure(client.embeddings.create({ model: 'auto', input: 'hello' }))
    expect([error.status, error.code, error.param]).toEqual([400, 'model_needed', 'model'])
  })
  it('move to another provider of the same model when the first fails, and to no other', async () => {
    answers = {
      'vectors-a': json({ error: { message: 'down' } }, 503),
      'vectors-b': json({
        object: 'list',
        data: [{ object: 'embedding', index: 0, embedding: [0.6, 0.8] }],
        model: 'b',
        usage: { prompt_tokens: 5, total_tokens: 5 },
      }),
    }
    const { data, response } = await client.embeddings
      .create({ model: 'vectors-a', input: 'hello', encoding_format: 'float' })
      .withResponse()
    expect(data.data[0]?.embedding).toEqual([0.6, 0.8])
    expect(received.map(each => each.path)).toEqual(['/v1/embeddings', '/v1/embeddings'])
    expect(await rowOf(decisionOf(response))).toMatchObject({ target: 'upstream/vectors-b', cost_micros: 15, input_tokens: 5 })
  })
  it('are passed on byte for byte but for the model', async () => {
    answers = { 'vectors-a': json({ object: 'list', data: [], usage: { prompt_tokens: 1, total_tokens: 1 } }) }
    const body = '{ "model":"upstream/vectors-a", "input":"hello" ,"tomorrow":1.50 }'
    await fetch(`${server.url}/v1/embeddings`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body,
    })
    expect(String(received[0]?.body)).toBe(body.replace('upstream/vectors-a', 'vectors-a'))
  })
  it('without an input are refused in the shape of OpenAI, with the field', async () => {
    const error = await failure(client.embeddings.create({ model: 'demo/embedding' } as unknown as OpenAI.EmbeddingCreateParams))
    expect([error.status, error.code, error.param]).toEqual([400, 'invalid_request', 'input'])
  })
  it('of a model that only chats are refused: it is not there', async () => {
    const error = await failure(client.embeddings.create({ model: 'demo/small', input: 'hello' }))
    expect([error.status, error.code]).toEqual([404, 'model_not_found'])
  })
})

describe('images', () => {
  const usage = { input_tokens: 10, output_tokens: 1056, total_tokens: 1066, input_tokens_details: { text_tokens: 10, image_tokens: 0 } }

  it('are made, whatever their size, and cost what the target says it used', async () => {
    const picture = 'A'.repeat(12_000_000)
    answers = { painter: json({ created: 1, data: [{ b64_json: picture }], usage }) }
    const { data, response } = await client.images.generate({ model: 'upstream/painter', prompt: 'a signal box in fog' }).withResponse()
    expect(data.data?.[0]?.b64_json).toHaveLength(picture.length)
    expect(received[0]?.path).toBe('/v1/images/generations')
    expect(await rowOf(decisionOf(response))).toMatchObject({
      endpoint: '/v1/images/generations',
      cost_micros: 10 + 2112,
      output_tokens: 1056,
    })
  })
  it('are left to the router where no model is named', async () => {
    answers = { painter: json({ created: 1, data: [{ url: 'https://example.com/x.png' }], usage }) }
    const { response } = await client.images.generate({ prompt: 'a signal box' }).withResponse()
    expect(response.headers.get('x-signalbox-target')).toBe('upstream/painter')
    expect(JSON.parse(String(received[0]?.body)).model).toBe('painter')
  })
  it('of a target that fails come from the next', async () => {
    answers = { 'painter-2': json({ created: 1, data: [], usage }), painter: json({ error: { message: 'no' } }, 500) }
    const { response } = await client.images.generate({ prompt: 'a signal box' }).withResponse()
    expect(response.headers.get('x-signalbox-target')).toBe('upstream/painter-2')
  })
  it('are edited: the form goes through as bytes, with the model replaced', async () => {
    answers = { painter: json({ created: 1, data: [{ b64_json: 'QQ==' }], usage }) }
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)
    const image = await toFile(bytes, 'box.png', { type: 'image/png' })
    await client.images.edit({ model: 'upstream/painter', image, prompt: 'add a train' })
    const [sent] = received
    expect(sent?.path).toBe('/v1/images/edits')
    expect(sent?.type).toMatch(/^multipart\/form-data; boundary=/)
    const form = await new Response(sent?.body, { headers: { 'content-type': sent?.type ?? '' } }).formData()
    expect(form.get('model')).toBe('painter')
    expect(form.get('prompt')).toBe('add a train')
    expect(new Uint8Array(await (form.get('image') as File).arrayBuffer())).toEqual(bytes)
  })
})

describe('speech', () => {
  it('passes as it comes, under its own type; what it costs nobody says', async () => {
    const sound = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => i % 251))
    answers = {
      speaker: (_, response) => {
        response.writeHead(200, { 'content-type': 'audio/mpeg' })
        response.write(sound.subarray(0, 100_000), () => response.end(sound.subarray(100_000)))
      },
    }
    const response = await client.audio.speech.create({ model: 'upstream/speaker', voice: 'alloy', input: 'The line is clear.' })
    expect(response.headers.get('content-type')).toBe('audio/mpeg')
    expect(Buffer.from(await response.arrayBuffer()).equals(sound)).toBe(true)
    expect(await rowOf(decisionOf(response))).toMatchObject({ endpoint: '/v1/audio/speech', outcome: 'completed', cost_micros: null })
  })
  it('that breaks off is a broken connection to the caller, and never a whole file', async () => {
    answers = {
      speaker: (_, response) => {
        response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': '100000' })
        response.write(Buffer.alloc(50_000, 1), () => response.destroy())
      },
    }
    const call = async () => {
      const response = await client.audio.speech.create({ model: 'upstream/speaker', voice: 'alloy', input: 'The line is clear.' })
      return (await response.arrayBuffer()).byteLength
    }
    await expect(call()).rejects.toThrow()
  })
})

describe('transcripts', () => {
  const file = () => toFile(Buffer.alloc(30_000, 7), 'talk.mp3', { type: 'audio/mpeg' })

  it('are made of a form whose model is replaced, and count their tokens', async () => {
    answers = {
      listener: json({
        text: 'the line is clear',
        usage: {
          type: 'tokens',
          input_tokens: 30,
          output_tokens: 5,
          total_tokens: 35,
          input_token_details: { text_tokens: 30, audio_tokens: 0 },
        },
      }),
    }
    const { data, response } = await client.audio.transcriptions.create({ model: 'upstream/listener', file: await file() }).withResponse()
    expect(data.text).toBe('the line is clear')
    expect(await rowOf(decisionOf(response))).toMatchObject({ endpoint: '/v1/audio/transcriptions', cost_micros: 40, output_tokens: 5 })
  })
  it('may be plain text', async () => {
    answers = {
      listener: (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' })
        response.end('1\n00:00:00,000 --> 00:00:01,000\nthe line is clear\n')
      },
    }
    const text = await client.audio.transcriptions.create({ model: 'upstream/listener', file: await file(), response_format: 'srt' })
    expect(text).toContain('the line is clear')
  })
  it('without a file are refused with the field', async () => {
    const form = new FormData()
    form.set('model', 'upstream/listener')
    const response = await fetch(`${server.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}` },
      body: form,
    })
    expect(response.status).toBe(400)
    expect(((await response.json()) as { error: { param: string } }).error.param).toBe('file')
  })
  it('are not taken as JSON', async () => {
    const response = await fetch(`${server.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body: '{"model":"auto"}',
    })
    expect(response.status).toBe(415)
    expect(await response.text()).toContain('multipart/form-data')
  })
})

describe('moderation, ranking and plain completions', () => {
  it('moderation is free, and is known to be', async () => {
    answers = { judge: json({ id: 'm', model: 'judge', results: [{ flagged: false, categories: {}, category_scores: {} }] }) }
    const { data, response } = await client.moderations.create({ input: 'hello' }).withResponse()
    expect(data.results[0]?.flagged).toBe(false)
    expect(await rowOf(decisionOf(response))).toMatchObject({ endpoint: '/v1/moderations', cost_micros: 0 })
  })
  it('documents are ranked', async () => {
    answers = { ranker: json({ results: [{ index: 1, relevance_score: 0.9 }], usage: { prompt_tokens: 7, total_tokens: 7 } }) }
    const response = await fetch(`${server.url}/v1/rerank`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'upstream/ranker', query: 'emails', documents: ['weather', 'duplicate emails'], top_n: 1 }),
    })
    expect(await response.json()).toMatchObject({ results: [{ index: 1 }] })
    expect(received[0]?.path).toBe('/v1/rerank')
    expect(await rowOf(decisionOf(response))).toMatchObject({ endpoint: '/v1/rerank', cost_micros: 7 })
  })
  it('a completion streams to its end', async () => {
    answers = {
      writer: (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const text of ['on', 'ce ', 'upon']) {
          response.write(
            `data: ${JSON.stringify({ id: 'c', object: 'text_completion', choices: [{ index: 0, text, finish_reason: null }] })}\n\n`,
          )
        }
        response.write(
          `data: ${JSON.stringify({ id: 'c', choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } })}\n\n`,
        )
        response.end('data: [DONE]\n\n')
      },
    }
    const { data: stream, response } = await client.completions
      .create({ model: 'upstream/writer', prompt: 'once', stream: true, stream_options: { include_usage: true } })
      .withResponse()
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.text ?? ''
    expect(text).toBe('once upon')
    expect(await rowOf(decisionOf(response))).toMatchObject({ endpoint: '/v1/completions', outcome: 'completed', cost_micros: 11 })
  })
})

describe('the list of models', () => {
  it('says what each serves', async () => {
    const { data } = await client.models.list()
    const served = (id: string) => (data.find(each => each.id === id) as { serves?: string[] } | undefined)?.serves
    expect(served('demo/small')).toEqual(['chat'])
    expect(served('demo/embedding')).toEqual(['embeddings'])
    expect(served('upstream/painter')).toEqual(['images', 'image_edits'])
  })
})
