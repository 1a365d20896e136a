/** The official Anthropic client against the whole router: targets speak another dialect, and the client cannot tell. */
import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
let client: Anthropic
beforeAll(async () => {
  server = await startServer()
  client = new Anthropic({ baseURL: server.url, apiKey: server.key, maxRetries: 0 })
})
afterAll(() => server?.stop())

/** One target by its name: what is tried here is the dialect, and `auto` may find another target faster on a busy machine. */
const asked = {
  model: 'demo/small',
  max_tokens: 300,
  messages: [{ role: 'user' as const, content: 'Write a SQL query that finds duplicate emails' }],
}
const WEATHER: Anthropic.Tool = {
  name: 'weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}
const textOf = (message: Anthropic.Message) => message.content.map(block => (block.type === 'text' ? block.text : '')).join('')
const failure = async (call: Promise<unknown>) => {
  try {
    await call
  } catch (error) {
    return error as InstanceType<typeof Anthropic.APIError>
  }
  throw new Error('the call did not fail')
}

describe('a message', () => {
  it('is answered, with its usage', async () => {
    const message = await client.messages.create(asked)
    expect(textOf(message)).toContain('This is a demo')
    expect(message).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn', model: expect.stringMatching(/^demo\//) })
    expect(message.usage.output_tokens).toBeGreaterThan(0)
  })

  it('streams, event by event, to its end', async () => {
    const stream = client.messages.stream(asked)
    let pieces = 0
    stream.on('text', () => {
      pieces += 1
    })
    const message = await stream.finalMessage()
    expect(textOf(message)).toContain('This is a demo')
    expect(pieces).toBeGreaterThan(10)
    expect(message.stop_reason).toBe('end_turn')
  })

  it('calls tools, whole and streamed, and takes their results', async () => {
    const with_tools = { ...asked, tools: [WEATHER], tool_choice: { type: 'any' as const } }
    const whole = await client.messages.create(with_tools)
    const call = whole.content.find(block => block.type === 'tool_use')
    expect([whole.stop_reason, call?.name, call?.input]).toEqual(['tool_use', 'weather', { city: expect.any(String) }])
    const streamed = await client.messages.stream(with_tools).finalMessage()
    expect(streamed.content.find(block => block.type === 'tool_use')?.input).toEqual({ city: expect.any(String) })
    const answer = await client.messages.create({
      ...asked,
      tools: [WEATHER],
      messages: [
        ...asked.messages,
        { role: 'assistant', content: whole.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: '17 degrees' }] },
      ],
    })
    expect(textOf(answer)).toContain('demo')
  })

  it("tells a call's input in pieces to the streaming helper", async () => {
    const stream = client.messages.stream({ ...asked, tools: [WEATHER], tool_choice: { type: 'tool', name: 'weather' } })
    const pieces: string[] = []
    stream.on('inputJson', piece => void pieces.push(piece))
    const message = await stream.finalMessage()
    expect(pieces.length).toBeGreaterThan(1)
    expect(JSON.parse(pieces.join(''))).toEqual(message.content.find(block => block.type === 'tool_use')?.input)
  })

  it.each([false, true])("is found by the client's own tool runner (streamed: %s)", async stream => {
    const cities: string[] = []
    const weather = betaTool({
      name: 'weather',
      description: 'The weather in a city',
      inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      run: ({ city }) => {
        cities.push(city)
        return `17 degrees in ${city}`
      },
    })
    const runner = client.beta.messages.toolRunner({ ...asked, tools: [weather], max_iterations: 4, stream })
    const last = await runner
    expect(cities).toEqual([expect.any(String)])
    const message = await runner.runUntilDone()
    expect(message).toEqual(last)
    expect(message.content.map(block => (block.type === 'text' ? block.text : '')).join('')).toContain('This is a demo')
  })

  it('is parsed by the schema it was asked for', async () => {
    const Place = z.object({ city: z.string(), degrees: z.number() })
    const message = await client.messages.parse({ ...asked, output_config: { format: zodOutputFormat(Place) } })
    expect(message.parsed_output).toEqual({ city: expect.any(String), degrees: expect.any(Number) })
  })

  it('is counted without being sent', async () => {
    const { input_tokens } = await client.messages.countTokens({ model: asked.model, messages: asked.messages })
    expect(input_tokens).toBeGreaterThan(5)
    expect(input_tokens).toBeLessThan(40)
  })
})

describe('an error', () => {
  it('comes in the shape of this client', async () => {
    const unknown = await failure(client.messages.create({ ...asked, model: 'demo/smal' }))
    expect([unknown.status, unknown.type]).toEqual([404, 'not_found_error'])
    expect(unknown.message).toContain('demo/small')
    const stranger = new Anthropic({ baseURL: server.url, apiKey: 'sk-ant-nonsense', maxRetries: 0 })
    expect(await failure(stranger.messages.create(asked))).toMatchObject({ status: 401, type: 'authentication_error' })
    const wrong = await failure(client.messages.create({ ...asked, max_tokens: -1 }))
    expect([wrong.status, wrong.message]).toEqual([400, expect.stringContaining('max_tokens')])
  })
})

describe('the list of models', () => {
  it('comes in the shape of this client', async () => {
    const names = []
    for await (const model of client.models.list()) names.push(model.id)
    expect(names).toEqual(expect.arrayContaining(['auto', 'policy/default', 'demo/small']))
  })
})
