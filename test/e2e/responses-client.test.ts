/** OpenAI's Responses API through the official client, against targets that speak Chat Completions. */
import OpenAI from 'openai'
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod'
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

/** One target by its name: what is tried here is the dialect, and `auto` may find another target faster on a busy machine. */
const asked = { model: 'demo/small', input: 'Write a SQL query that finds duplicate emails' }
const WEATHER: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'weather',
  strict: true,
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
}

describe('a response', () => {
  it('is answered, with its usage', async () => {
    const response = await client.responses.create(asked)
    expect(response.output_text).toContain('This is a demo')
    expect(response).toMatchObject({ object: 'response', status: 'completed', model: expect.stringMatching(/^demo\//) })
    expect(response.usage?.output_tokens).toBeGreaterThan(0)
  })

  it('streams, event by event, to its end', async () => {
    const kinds: string[] = []
    let text = ''
    for await (const event of await client.responses.create({ ...asked, stream: true })) {
      kinds.push(event.type)
      if (event.type === 'response.output_text.delta') text += event.delta
    }
    expect(text).toContain('This is a demo')
    expect([kinds[0], kinds.at(-1)]).toEqual(['response.created', 'response.completed'])
    expect(kinds.filter(kind => kind === 'response.output_text.delta').length).toBeGreaterThan(10)
  })

  it('calls tools and takes their results', async () => {
    const first = await client.responses.create({ ...asked, tools: [WEATHER], tool_choice: 'required' })
    const call = first.output.find(item => item.type === 'function_call')
    expect(JSON.parse(call?.arguments ?? '')).toEqual({ city: expect.any(String) })
    const second = await client.responses.create({
      model: asked.model,
      tools: [WEATHER],
      input: [
        { role: 'user', content: asked.input },
        ...first.output.filter(item => item.type === 'function_call'),
        { type: 'function_call_output', call_id: call?.call_id ?? '', output: '17 degrees' },
      ],
    })
    expect(second.output_text).toContain('demo')
  })

  it('keeps to a JSON schema', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }
    const response = await client.responses.create({
      ...asked,
      text: { format: { type: 'json_schema', name: 'place', strict: true, schema } },
    })
    expect(JSON.parse(response.output_text)).toEqual({ city: expect.any(String) })
  })

  it('is parsed by the schema it was asked for, whole and streamed', async () => {
    const Place = z.object({ city: z.string(), degrees: z.number() })
    const parse = { ...asked, text: { format: zodTextFormat(Place, 'place') } }
    const expected = { city: expect.any(String), degrees: expect.any(Number) }
    expect((await client.responses.parse(parse)).output_parsed).toEqual(expected)
    expect((await client.responses.stream(parse).finalResponse()).output_parsed).toEqual(expected)
  })

  it("tells a call's arguments in pieces to the streaming helper, and whole at the end", async () => {
    const tools = [zodResponsesFunction({ name: 'weather', parameters: z.object({ city: z.string() }) })]
    const stream = client.responses.stream({ ...asked, tools, tool_choice: 'required' })
    const pieces: string[] = []
    stream.on('response.function_call_arguments.delta', ({ delta }) => void pieces.push(delta))
    const response = await stream.finalResponse()
    const call = response.output.find(item => item.type === 'function_call')
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.join('')).toBe(call?.arguments)
    expect(call?.parsed_arguments).toEqual({ city: expect.any(String) })
  })

  it('that leans on one the router never kept is refused, with the field', async () => {
    await expect(client.responses.create({ ...asked, previous_response_id: 'resp_123' })).rejects.toMatchObject({
      status: 400,
      param: 'previous_response_id',
      message: expect.stringContaining('Send the conversation so far in "input" instead.'),
    })
  })
})
