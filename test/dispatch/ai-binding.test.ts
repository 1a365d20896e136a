/** The platform's binding for models, stood for by an object with its one method; its two formats as its types and documents have them. */
import { describe, expect, it } from 'vitest'
import { nothingSeen } from '../../worker/dialects/dialect.ts'
import { replyOf } from '../../worker/dialects/fold.ts'
import { openaiChat } from '../../worker/dialects/openai-chat/dialect.ts'
import { type AiBinding, aiFetch } from '../../worker/dispatch/ai-binding.ts'
import type { JsonObject } from '../../worker/schema/chat.ts'
import { sseParser } from '../../worker/stream/sse.ts'

const WORLD = { nowMs: () => 1_764_000_000_000, newId: () => 'one' }
const CHAT = 'https://ai.binding.invalid/v1/chat/completions'
const asked = { model: '@cf/maker/model', messages: [{ role: 'user', content: 'Hi' }] }

function answering(response: Response) {
  const runs: unknown[][] = []
  const ai: AiBinding = {
    run: async (...args) => {
      runs.push(args)
      return response
    },
  }
  const call = (body: JsonObject = asked, url = CHAT, init: RequestInit = {}) =>
    aiFetch(ai, url, { ...init, body: JSON.stringify(body) }, WORLD)
  return { runs, call }
}
const chat = async (body: JsonObject, request: JsonObject = asked) =>
  (await (await answering(Response.json(body)).call(request)).json()) as {
    id: string
    choices: { message: JsonObject; finish_reason: string }[]
    usage?: JsonObject
  }
const events = (...list: (JsonObject | string)[]) =>
  new Response(list.map(each => `data: ${typeof each === 'string' ? each : JSON.stringify(each)}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  })

async function streamed(response: Response, request: JsonObject = { ...asked, stream: true }) {
  const answer = await answering(response).call(request)
  const reader = openaiChat.reply.reader()
  const seen = nothingSeen()
  const data: string[] = []
  const told: ReturnType<typeof reader.read> = []
  const parser = sseParser(event => {
    data.push(event.data)
    openaiChat.reply.observe(seen, event)
    told.push(...reader.read(event))
  })
  parser.push(new Uint8Array(await answer.arrayBuffer()))
  return { data, seen, reply: replyOf(told) }
}

describe('a call by the binding', () => {
  it('names the model beside the rest of the body, and may be broken off', async () => {
    const { runs, call } = answering(Response.json({ response: 'Hello' }))
    const { signal } = new AbortController()
    await call({ ...asked, max_tokens: 5 }, CHAT, { signal })
    expect(runs).toEqual([['@cf/maker/model', { messages: asked.messages, max_tokens: 5 }, { returnRawResponse: true, signal }]])
  })
  it('is answered in the newer format as it is', async () => {
    const body = { id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }] }
    expect(await chat(body)).toEqual(body)
  })
  it('is answered in the older one as in the newer', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
    expect(await chat({ response: 'Hello', usage })).toEqual({
      id: 'chatcmpl-one',
      object: 'chat.completion',
      created: 1_764_000_000,
      model: '@cf/maker/model',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, logprobs: null, finish_reason: 'stop' }],
      usage,
    })
    expect((await chat({ response: 'Hello', usage }, { ...asked, max_tokens: 2 })).choices[0]?.finish_reason).toBe('length')
    expect((await chat({ response: { a: 1 } })).choices[0]?.message.content).toBe('{"a":1}')
  })
  it('calls tools in either spelling', async () => {
    const { choices } = await chat({
      response: null,
      tool_calls: [
        { name: 'a', arguments: { x: 1 } },
        { id: 'c2', type: 'function', function: { name: 'b', arguments: '{}' } },
      ],
    })
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [
          { id: 'call_one_0', type: 'function', function: { name: 'a', arguments: '{"x":1}' } },
          { id: 'c2', type: 'function', function: { name: 'b', arguments: '{}' } },
        ],
      },
    })
  })
  it('that is refused says so in words that are found', async () => {
    const body = { internalCode: 3040, name: 'InferenceUpstreamError', description: 'Capacity temporarily exceeded' }
    const answer = await answering(Response.json(body, { status: 429, headers: { 'retry-after': '7' } })).call()
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7'])
    expect(openaiChat.error.read(429, await answer.text())).toMatchObject({ code: '3040', message: 'Capacity temporarily exceeded' })
    expect(await (await answering(new Response('no', { status: 500 })).call()).text()).toBe('no')
  })
})

describe('a stream by the binding', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
  it('goes on as it is in the newer format', async () => {
    const one = { id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }] }
    expect((await streamed(events(one, '[DONE]'))).data).toEqual([JSON.stringify(one), '[DONE]'])
  })
  it('is written anew from the older one, to its end and counts', async () => {
    const pieces = () => events({ response: 'Hel', p: 'ab' }, { response: 'lo' }, { response: '', usage }, '[DONE]')
    const { reply, seen } = await streamed(pieces(), { ...asked, stream: true, stream_options: { include_usage: true } })
    expect(reply).toMatchObject({
      id: 'chatcmpl-one',
      choices: [{ parts: [{ type: 'text', text: 'Hello' }], finish: 'stop' }],
      usage: { input_tokens: 3, output_tokens: 2 },
    })
    expect(seen).toMatchObject({ terminated: true, finish_raw: 'stop', malformed: 0 })
    expect((await streamed(pieces())).reply.usage.input_tokens).toBe(null)
  })
  it('calls tools', async () => {
    const { reply } = await streamed(events({ response: null, tool_calls: [{ name: 'a', arguments: { x: 1 } }] }, '[DONE]'))
    expect(reply.choices[0]).toMatchObject({ finish: 'tool_calls', parts: [{ type: 'tool_call', name: 'a', arguments: '{"x":1}' }] })
  })
  it('that breaks off has no end', async () => {
    const { seen } = await streamed(events({ response: 'Hel' }))
    expect(seen).toMatchObject({ terminated: false, finish_raw: null, content: true })
  })
})

describe('vectors by the binding', () => {
  const url = 'https://ai.binding.invalid/v1/embeddings'
  it('are asked for as text and come in the usual list', async () => {
    const { runs, call } = answering(Response.json({ shape: [1, 2], data: [[0.5, 1]] }))
    const answer = await call({ model: '@cf/maker/vectors', input: ['one'] }, url)
    expect(runs[0]?.slice(0, 2)).toEqual(['@cf/maker/vectors', { text: ['one'] }])
    expect(await answer.json()).toEqual({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.5, 1] }],
      model: '@cf/maker/vectors',
    })
  })
  it('in base64 where that is asked for', async () => {
    const { call } = answering(Response.json({ data: [[0.5, 1]] }))
    const { data } = (await (await call({ model: 'm', input: 'one', encoding_format: 'base64' }, url)).json()) as {
      data: { embedding: string }[]
    }
    const bytes = Uint8Array.from(atob(data[0]?.embedding ?? ''), letter => letter.charCodeAt(0))
    expect([...new Float32Array(bytes.buffer)]).toEqual([0.5, 1])
  })
})
