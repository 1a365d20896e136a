/** The Vercel `ai` package through its OpenAI-compatible provider, against the real dev server. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
let model: ReturnType<ReturnType<typeof createOpenAICompatible>>
beforeAll(async () => {
  server = await startServer()
  model = createOpenAICompatible({
    name: 'signalbox',
    baseURL: `${server.url}/v1`,
    apiKey: server.key,
    supportsStructuredOutputs: true,
    includeUsage: true,
  })('demo/small')
})
afterAll(() => server?.stop())

const prompt = 'Write a SQL query that finds duplicate emails'

describe('the ai package', () => {
  it('generates text and counts tokens', async () => {
    const { text, usage, finishReason } = await generateText({ model, prompt })
    expect(text).toContain('This is a demo')
    expect(usage.outputTokens).toBeGreaterThan(0)
    expect(finishReason).toBe('stop')
  })

  it('streams text', async () => {
    const { textStream, usage } = streamText({ model, prompt })
    let text = ''
    for await (const piece of textStream) text += piece
    expect(text).toContain('This is a demo')
    expect((await usage).inputTokens).toBeGreaterThan(0)
  })

  it('runs a tool and goes on with its result', async () => {
    const schema = jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] })
    const weather = tool({
      description: 'The weather in a city',
      inputSchema: schema,
      execute: async ({ city }) => `17 degrees in ${city}`,
    })
    const { steps, text } = await generateText({ model, prompt, tools: { weather }, stopWhen: stepCountIs(2) })
    expect(steps[0]?.toolResults[0]?.output).toContain('17 degrees')
    expect(text).toContain('demo')
  })

  it('gets an object of the schema it asked for', async () => {
    const schema = jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    })
    const { output } = await generateText({ model, prompt, output: Output.object({ schema }) })
    expect(output).toEqual({ city: expect.any(String) })
  })
})
