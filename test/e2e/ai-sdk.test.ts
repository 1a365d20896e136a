/** The Vercel `ai` package through each of its providers, against the whole router. */
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, jsonSchema, type LanguageModel, Output, stepCountIs, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.stop())

const MODELS: Record<string, () => LanguageModel> = {
  'OpenAI-compatible': () => {
    const url = `${server.url}/v1`
    const settings = { name: 'signalbox', baseURL: url, apiKey: server.key, supportsStructuredOutputs: true, includeUsage: true }
    return createOpenAICompatible(settings)('demo/small')
  },
  'OpenAI (chat)': () => createOpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key }).chat('demo/small'),
  'OpenAI (responses)': () => createOpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key }).responses('demo/small'),
  Anthropic: () => createAnthropic({ baseURL: `${server.url}/v1`, apiKey: server.key })('demo/small'),
}

const prompt = 'Write a SQL query that finds duplicate emails'

describe.each(Object.keys(MODELS))('the ai package through its provider for %s', name => {
  const model = () => (MODELS[name] as () => LanguageModel)()

  it('generates text and counts tokens', async () => {
    const { text, usage, finishReason } = await generateText({ model: model(), prompt })
    expect(text).toContain('This is a demo')
    expect(usage.outputTokens).toBeGreaterThan(0)
    expect(finishReason).toBe('stop')
  })

  it('streams text', async () => {
    const { textStream, usage } = streamText({ model: model(), prompt })
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
    const { steps, text } = await generateText({ model: model(), prompt, tools: { weather }, stopWhen: stepCountIs(2) })
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
    const { output } = await generateText({ model: model(), prompt, output: Output.object({ schema }) })
    expect(output).toEqual({ city: expect.any(String) })
  })
})
