/** The official OpenAI client against the whole router, with the base URL changed and nothing else. */
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
let client: OpenAI
beforeAll(async () => {
  server = await startServer()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 })
})
afterAll(() => server?.stop())

const QUESTION = [{ role: 'user' as const, content: 'Write a SQL query that finds duplicate emails' }]
const WEATHER: OpenAI.ChatCompletionTool = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
}
const failure = async (call: Promise<unknown>) => {
  try {
    await call
  } catch (error) {
    return error as InstanceType<typeof OpenAI.APIError>
  }
  throw new Error('the call did not fail')
}

describe('a chat completion', () => {
  it('is answered by a target that the reply and the headers name', async () => {
    const { data, response } = await client.chat.completions.create({ model: 'auto', messages: QUESTION }).withResponse()
    expect(data.model).toMatch(/^demo\//)
    expect(data.choices[0]?.message.content).toContain('This is a demo')
    expect(data.usage?.prompt_tokens).toBeGreaterThan(0)
    expect(response.headers.get('x-signalbox-target')).toBe(data.model)
    expect(response.headers.get('x-signalbox-decision')).toMatch(/^dec_/)
    expect(response.headers.get('x-signalbox-policy')).toMatch(/^default@[0-9a-f]{16}$/)
    expect(response.headers.get('x-signalbox-reason')).toBeTruthy()
  })

  it('streams, in pieces, to its end', async () => {
    const stream = await client.chat.completions.create({ model: 'demo/small', messages: QUESTION, stream: true })
    let text = ''
    let pieces = 0
    let finish: string | null | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      pieces += 1
      finish = chunk.choices[0]?.finish_reason ?? finish
    }
    expect(text).toContain('demo/small')
    expect(pieces).toBeGreaterThan(10)
    expect(finish).toBe('stop')
  })

  it('sends a usage event at the end of a stream to those who ask, and only to them', async () => {
    const usages = async (ask: boolean) => {
      const stream = await client.chat.completions.create({
        model: 'demo/small',
        messages: QUESTION,
        stream: true,
        ...(ask ? { stream_options: { include_usage: true } } : {}),
      })
      let seen = 0
      for await (const chunk of stream) if (chunk.usage) seen += 1
      return seen
    }
    expect([await usages(true), await usages(false)]).toEqual([1, 0])
  })

  it('calls tools, whole and streamed, and answers with their results', async () => {
    const asked = { model: 'demo/small', messages: QUESTION, tools: [WEATHER], tool_choice: 'required' as const }
    const whole = await client.chat.completions.create(asked)
    const call = whole.choices[0]?.message.tool_calls?.[0]
    expect(whole.choices[0]?.finish_reason).toBe('tool_calls')
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toHaveProperty('city')

    const streamed = await client.chat.completions.stream(asked).finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'weather' } })

    const answer = await client.chat.completions.create({
      ...asked,
      tool_choice: 'auto',
      messages: [
        ...QUESTION,
        { role: 'assistant', content: null, tool_calls: whole.choices[0]?.message.tool_calls ?? [] },
        { role: 'tool', tool_call_id: call?.id ?? '', content: '17 degrees' },
      ],
    })
    expect(answer.choices[0]?.message.content).toContain('demo')
  })

  it('keeps to a JSON schema', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' }, degrees: { type: 'number' } }, required: ['city', 'degrees'] }
    const reply = await client.chat.completions.create({
      model: 'demo/small',
      messages: QUESTION,
      response_format: { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema } },
    })
    expect(JSON.parse(reply.choices[0]?.message.content ?? '')).toEqual({ city: expect.any(String), degrees: expect.any(Number) })
  })

  it('is parsed by the schema it was asked for, whole and streamed', async () => {
    const Weather = z.object({ city: z.string(), degrees: z.number(), tags: z.array(z.enum(['dry', 'wet'])) })
    const asked = { model: 'demo/small', messages: QUESTION, response_format: zodResponseFormat(Weather, 'weather') }
    const expected = { city: expect.any(String), degrees: expect.any(Number), tags: ['dry'] }
    expect((await client.chat.completions.parse(asked)).choices[0]?.message.parsed).toEqual(expected)
    expect((await client.chat.completions.stream(asked).finalChatCompletion()).choices[0]?.message.parsed).toEqual(expected)
  })

  it.each([false, true])("is found by the client's own tool runner (streamed: %s)", async stream => {
    const asked: unknown[] = []
    const tools = [
      {
        type: 'function' as const,
        function: {
          name: 'weather',
          description: 'The weather in a city',
          parameters: WEATHER.function.parameters as object,
          parse: (text: string) => JSON.parse(text) as { city: string },
          function: ({ city }: { city: string }) => {
            asked.push(city)
            return `17 degrees in ${city}`
          },
        },
      },
    ]
    const runner = stream
      ? client.chat.completions.runTools({ model: 'demo/small', messages: QUESTION, tools, stream: true })
      : client.chat.completions.runTools({ model: 'demo/small', messages: QUESTION, tools })
    expect(await runner.finalContent()).toContain('This is a demo')
    expect(asked).toEqual([expect.any(String)])
    expect(await runner.finalFunctionToolCallResult()).toContain('17 degrees')
  })

  it('with an image goes to a target that sees', async () => {
    const pixel = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const reply = await client.chat.completions.create({
      model: 'auto',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: pixel } },
          ],
        },
      ],
    })
    expect(reply.model).toBe('demo/large')
  })

  it('can be broken off by the caller, and its row says so', async () => {
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'demo/large', messages: QUESTION, stream: true })
      .withResponse()
    for await (const _ of stream) break
    stream.controller.abort()
    const id = response.headers.get('x-signalbox-decision') ?? ''
    await expect.poll(() => outcomeOf(id), { timeout: 15_000, interval: 250 }).toBe('caller_left')
  })
})

describe('embeddings', () => {
  it('come as numbers, though this client asks for base64', async () => {
    const { data, usage } = await client.embeddings.create({ model: 'demo/embedding', input: ['one', 'two'], dimensions: 8 })
    expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8])
    expect(data.flatMap(({ embedding }) => embedding).every(Number.isFinite)).toBe(true)
    expect(usage.prompt_tokens).toBeGreaterThan(0)
  })
})

describe('a call that cannot be answered says what to change', () => {
  it('a wrong key: 401', async () => {
    const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'sk-sb1_nonsense', maxRetries: 0 })
    expect(await failure(stranger.chat.completions.create({ model: 'auto', messages: QUESTION }))).toMatchObject({
      status: 401,
      code: 'invalid_key',
    })
  })

  it('an unknown model: 404 with near names', async () => {
    const error = await failure(client.chat.completions.create({ model: 'demo/smal', messages: QUESTION }))
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
    expect(error.message).toContain('demo/small')
  })

  it('a body over 4 MB: 413', async () => {
    const huge = [{ role: 'user' as const, content: 'x'.repeat(4 * 1024 * 1024) }]
    expect(await failure(client.chat.completions.create({ model: 'auto', messages: huge }))).toMatchObject({
      status: 413,
      code: 'body_too_large',
    })
  })

  it('a bad field: 400 that names it', async () => {
    const error = await failure(
      client.chat.completions.create({ model: 'auto', messages: QUESTION, temperature: 'hot' as unknown as number }),
    )
    expect(error).toMatchObject({ status: 400, param: 'temperature' })
  })

  it('a path that is not there: 404, and a wrong method: 405, as JSON', async () => {
    const headers = { authorization: `Bearer ${server.key}` }
    const lost = await fetch(`${server.url}/v1/nothing`, { headers })
    expect([lost.status, (await lost.json()) as object]).toEqual([404, { error: expect.objectContaining({ code: 'not_found' }) }])
    const wrong = await fetch(`${server.url}/v1/chat/completions`, { headers })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('the list of models', () => {
  it('has auto, the policies, and the targets that are on', async () => {
    const names = []
    for await (const model of client.models.list()) names.push(model.id)
    expect(names).toEqual(expect.arrayContaining(['auto', 'policy/default', 'policy/cheap', 'demo/small', 'demo/large', 'demo/unreliable']))
  })
})

async function outcomeOf(id: string): Promise<string | undefined> {
  const response = await fetch(`${server.url}/v1/decisions/${id}`, { headers: { authorization: `Bearer ${server.key}` } })
  return ((await response.json()) as { usage?: { outcome?: string } }).usage?.outcome
}
