/** LangChain's models for OpenAI and Anthropic against the whole router, with the address changed and nothing else. */
import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.stop())

const settings = () => ({ model: 'demo/small', apiKey: server.key, maxRetries: 0 })
const openai = (responses: boolean) =>
  new ChatOpenAI({ ...settings(), useResponsesApi: responses, configuration: { baseURL: `${server.url}/v1` } })
const MODELS: Record<string, () => BaseChatModel> = {
  'ChatOpenAI (chat)': () => openai(false),
  'ChatOpenAI (responses)': () => openai(true),
  ChatAnthropic: () => new ChatAnthropic({ ...settings(), anthropicApiUrl: server.url, maxTokens: 300 }),
}

const question = new HumanMessage('Write a SQL query that finds duplicate emails')
const weather = tool(({ city }: { city: string }) => `17 degrees in ${city}`, {
  name: 'weather',
  description: 'The weather in a city',
  schema: z.object({ city: z.string() }),
})

describe.each(Object.keys(MODELS))('%s', name => {
  const model = () => (MODELS[name] as () => BaseChatModel)()

  it('invokes, and counts tokens', async () => {
    const reply = await model().invoke([question])
    expect(reply.text).toContain('This is a demo')
    expect(reply.usage_metadata?.output_tokens).toBeGreaterThan(0)
  })

  it('streams', async () => {
    let pieces = 0
    let whole: AIMessageChunk | undefined
    for await (const piece of await model().stream([question])) {
      pieces += 1
      if (!(piece instanceof AIMessageChunk)) throw new Error('a chunk of another kind')
      whole = whole === undefined ? piece : whole.concat(piece)
    }
    expect(pieces).toBeGreaterThan(10)
    expect(whole?.text).toContain('This is a demo')
    expect(whole?.usage_metadata?.output_tokens).toBeGreaterThan(0)
  })

  it('calls a tool and goes on with its result', async () => {
    const bound = model().bindTools?.([weather])
    const called = await bound?.invoke([question])
    const [call] = called?.tool_calls ?? []
    expect(call).toMatchObject({ name: 'weather', args: { city: expect.any(String) } })
    const result = new ToolMessage({ content: await weather.invoke(call?.args as { city: string }), tool_call_id: call?.id ?? '' })
    const answer = await bound?.invoke([question, called as AIMessageChunk, result])
    expect(answer?.text).toContain('demo')
  })

  it('gives an object of the schema it was asked for', async () => {
    const Place = z.object({ city: z.string(), degrees: z.number() })
    expect(await model().withStructuredOutput(Place, { name: 'place' }).invoke([question])).toEqual({
      city: expect.any(String),
      degrees: expect.any(Number),
    })
  })
})

describe('OpenAIEmbeddings', () => {
  it('embeds documents', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: 'demo/embedding',
      apiKey: server.key,
      maxRetries: 0,
      configuration: { baseURL: `${server.url}/v1` },
    })
    const vectors = await embeddings.embedDocuments(['one', 'two'])
    expect(vectors.map(vector => vector.length)).toEqual([256, 256])
  })
})
