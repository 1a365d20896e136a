/**
 * Streams that are opened before anybody has begun to answer, as official clients meet them: the comments ahead of the answer do not disturb
 * them, and an error in the stream reaches the program as one.
 */

import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { ChatAnthropic } from '@langchain/anthropic'
import { ChatOpenAI } from '@langchain/openai'
import { type LanguageModel, streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answers, events, type FaultUpstream, later, ROLE, silence, startUpstream, status, token } from '../faults/upstream.ts'
import { startServer, type TestServer } from './server.ts'

const MODELS = { late: 'late', failing: 'failing', cut: 'cut', silent: 'silent', busy: 'busy' } as const
const BACKUP = 'backup'
const limits = { open_after_ms: 200, keep_alive_ms: 150, first_token_ms: 1_500, headers_ms: 1_500, idle_ms: 1_500, total_ms: 10_000 }
const policyFor = (model: string, targets: string[]) => ({
  name: model,
  objective: { quality: 1 },
  targets,
  rules: [{ name: 'first', when: 'true', do: { pin: `vllm/${model}` } }],
  limits,
  // It says its lines whatever beginning it is shown.
  rescue: { by: ['restart'] },
})

let server: TestServer
let upstream: FaultUpstream
beforeAll(async () => {
  upstream = await startUpstream()
  server = await startServer({ vars: { VLLM_URL: upstream.url, VLLM_MODELS: [...Object.values(MODELS), BACKUP].join(',') } })
  const hasBackup = (model: string) => model !== MODELS.silent && model !== MODELS.late
  const policies = Object.values(MODELS).map(
    model => [model, policyFor(model, [`vllm/${model}`, ...(hasBackup(model) ? [`vllm/${BACKUP}`] : [])])] as const,
  )
  await server.putPolicies(Object.fromEntries(policies))
  upstream.does(MODELS.late, later(700, answers('Late but whole')))
  upstream.does(MODELS.failing, later(700, status(503, '{"error":{"message":"busy"}}')))
  // The gate of one that failed a few clients opens; this one is asked once.
  upstream.does(MODELS.busy, later(700, status(503, '{"error":{"message":"busy"}}')))
  upstream.does(MODELS.cut, later(700, events(ROLE, token('From the backup'), { wait_ms: 100 }, 'CLOSE')))
  upstream.does(MODELS.silent, silence)
  upstream.does(BACKUP, events(ROLE, token('From the backup'), token(', whole'), END(), 'data: [DONE]\n\n'))
})
afterAll(async () => {
  await server?.stop()
  await upstream?.stop()
})
const END = () =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`

const prompt = 'Say it'
const messages = [{ role: 'user' as const, content: prompt }]
const settings = (model: string) => ({ model: `policy/${model}`, apiKey: server.key, maxRetries: 0 })

async function ofAi(model: LanguageModel): Promise<string> {
  let problem: unknown
  const { textStream } = streamText({
    model,
    prompt,
    maxRetries: 0,
    onError: ({ error }) => {
      problem = error
    },
  })
  let text = ''
  for await (const piece of textStream) text += piece
  if (problem !== undefined) throw problem
  return text
}
async function joined<Piece>(pieces: AsyncIterable<Piece>, textOf: (piece: Piece) => string): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += textOf(piece)
  return text
}

/** Each reads a stream of this model to its end, as text, or throws what its program would be thrown. */
const CLIENTS: Record<string, (model: string) => Promise<string>> = {
  'openai, chat': async model => {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, ...settings(model) })
    const stream = await client.chat.completions.create({ model: `policy/${model}`, messages, stream: true })
    return joined(stream, chunk => chunk.choices[0]?.delta.content ?? '')
  },
  'openai, responses': async model => {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, ...settings(model) })
    const stream = await client.responses.create({ model: `policy/${model}`, input: prompt, stream: true })
    return joined(stream, event => (event.type === 'response.output_text.delta' ? event.delta : ''))
  },
  '@anthropic-ai/sdk': async model => {
    const client = new Anthropic({ baseURL: server.url, ...settings(model) })
    const message = await client.messages.stream({ model: `policy/${model}`, max_tokens: 100, messages }).finalMessage()
    return message.content.map(block => (block.type === 'text' ? block.text : '')).join('')
  },
  'ai, OpenAI-compatible': model =>
    ofAi(createOpenAICompatible({ name: 'signalbox', baseURL: `${server.url}/v1`, apiKey: server.key })(`policy/${model}`)),
  'ai, OpenAI (responses)': model => ofAi(createOpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key }).responses(`policy/${model}`)),
  'ai, Anthropic': model => ofAi(createAnthropic({ baseURL: `${server.url}/v1`, apiKey: server.key })(`policy/${model}`)),
  'LangChain, OpenAI': async model =>
    joined(
      await new ChatOpenAI({ ...settings(model), configuration: { baseURL: `${server.url}/v1` } }).stream(prompt),
      piece => piece.text,
    ),
  'LangChain, Anthropic': async model =>
    joined(await new ChatAnthropic({ ...settings(model), anthropicApiUrl: server.url }).stream(prompt), piece => piece.text),
}

describe.each(Object.keys(CLIENTS))('%s, behind a stream that was opened early', name => {
  const ask = CLIENTS[name] as (model: string) => Promise<string>
  it('reads an answer that came late', async () => expect(await ask(MODELS.late)).toBe('Late but whole'))
  it('reads the answer of whoever took the place of a target that failed', async () =>
    expect(await ask(MODELS.failing)).toBe('From the backup, whole'))
  it('reads an answer that was taken up by another target', async () => expect(await ask(MODELS.cut)).toBe('From the backup, whole'))
  it('is told where nobody answers', async () => await expect(ask(MODELS.silent)).rejects.toThrow(/silent for 1.5 s/))
})

it('the stream itself: the decision in its headers, who answered in a comment, and the row says how it went', async () => {
  const reply = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: `policy/${MODELS.busy}`, messages, stream: true }),
  })
  const text = await reply.text()
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'x-signalbox-target': 'pending',
    'x-signalbox-policy': expect.stringMatching(/^busy@/),
  })
  expect(text).toContain(`\n: x-signalbox-target: vllm/${BACKUP}\n`)
  expect(text).toContain('\n: x-signalbox-attempts: 2\n')
  const id = reply.headers.get('x-signalbox-decision') ?? ''
  const rows = () =>
    server.query<{ outcome: string; status: number; target: string }>(
      `SELECT outcome, status, target FROM usage WHERE decision_id = '${id}'`,
    )
  await expect
    .poll(rows, { timeout: 20_000, interval: 2_000 })
    .toMatchObject([{ outcome: 'completed', status: 200, target: `vllm/${BACKUP}` }])
}, 60_000)
