import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isObject } from '../../../worker/dialects/check.ts'
import { nothingSeen, type SseEvent } from '../../../worker/dialects/dialect.ts'
import { replyOf } from '../../../worker/dialects/fold.ts'
import { gemini } from '../../../worker/dialects/gemini/dialect.ts'
import { openaiChat } from '../../../worker/dialects/openai-chat/dialect.ts'
import type { Json, JsonObject } from '../../../worker/schema/chat.ts'
import { relay } from '../../../worker/stream/relay.ts'
import { encodeEvents } from '../../../worker/stream/sse.ts'
import { disturbed } from '../disturbed.ts'
import { lines, whole } from '../recordings.ts'

const read = (body: JsonObject) => {
  const reply = gemini.reply.read(body)
  if (!reply.ok) throw new Error(reply.error)
  return reply.value
}
const candidate = (parts: JsonObject[], finishReason = 'STOP') => ({
  candidates: [{ content: { role: 'model', parts }, finishReason, index: 0 }],
})
const toChat = (events: SseEvent[], choices = 1): { text: string; complete: boolean } => {
  const flow = relay({ from: gemini, to: openaiChat, drop_usage: false, choices })
  flow.push(encodeEvents(events))
  flow.finish()
  return {
    text: flow
      .take()
      .map(bytes => new TextDecoder().decode(bytes))
      .join(''),
    complete: flow.complete,
  }
}

describe('an answer of Gemini', () => {
  it('that calls tools ends with that, though it is told as a plain stop', () =>
    expect(read(candidate([{ functionCall: { name: 'f', args: { a: 1 } } }])).choices[0]).toMatchObject({
      parts: [{ type: 'tool_call', name: 'f', arguments: '{"a":1}' }],
      finish: 'tool_calls',
      finish_raw: 'STOP',
    }))
  it('to a prompt that was stopped is an answer without words, and why', () => {
    const body = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 } }
    expect(read(body).choices).toEqual([{ index: 0, parts: [], finish: 'content_filter', finish_raw: 'PROHIBITED_CONTENT' }])
    const seen = nothingSeen()
    gemini.reply.observeWhole(seen, body)
    expect(seen).toMatchObject({ terminated: true, finish_raw: 'PROHIBITED_CONTENT', content: false })
  })
  it('that rests on pages cites them in Chat Completions as well', () => {
    const body = candidate([{ text: 'It rained.' }])
    Object.assign(body.candidates[0] as object, {
      groundingMetadata: {
        groundingChunks: [{ web: { uri: 'https://example.com/rain', title: 'Rain' } }],
        groundingSupports: [{ segment: { endIndex: 10, text: 'It rained.' }, groundingChunkIndices: [0, 7] }],
      },
    })
    const { choices } = openaiChat.reply.write(read(body)).body as { choices: { message: JsonObject }[] }
    expect(choices[0]?.message.annotations).toEqual([
      {
        type: 'url_citation',
        url_citation: { url: 'https://example.com/rain', title: 'Rain', start_index: 0, end_index: 10, content: 'It rained.' },
      },
    ])
  })
  it('counts thoughts once, whether the answer’s count holds them or not', () => {
    const used = (counts: JsonObject) => read({ ...candidate([]), usageMetadata: counts }).usage
    expect(used({ promptTokenCount: 5, candidatesTokenCount: 10, thoughtsTokenCount: 4, totalTokenCount: 19 }).output_tokens).toBe(14)
    expect(used({ promptTokenCount: 5, candidatesTokenCount: 10, thoughtsTokenCount: 4, totalTokenCount: 15 }).output_tokens).toBe(10)
    expect(used({ promptTokenCount: 5, cachedContentTokenCount: 6 })).toMatchObject({
      input_tokens: 5,
      cache_read_tokens: null,
      output_tokens: null,
    })
  })
})

describe('an answer in flight', () => {
  it('puts a call together that comes in pieces by path', () => {
    const reader = gemini.reply.reader()
    const events = lines('google/google-vertex-stream-tool-call-arguments-nested.1.chunks.txt').flatMap(event => reader.read(event))
    const call = replyOf(events).choices[0]?.parts.find(part => part.type === 'tool_call')
    if (call?.type !== 'tool_call') throw new Error('no call')
    const { recipe } = JSON.parse(call.arguments) as { recipe: { name: string; ingredients: JsonObject[]; steps: string[] } }
    expect(recipe.name).toBe('Lasagna')
    expect(recipe.ingredients).toHaveLength(10)
    expect(recipe.ingredients[9]).toEqual({ amount: '1/2 tsp', name: 'Pepper' })
    expect(recipe.steps[4]).toBe('In a 9x13 baking dish, spread a thin layer of meat sauce.')
  })
  it('tells two calls in pieces apart, each with an id of its own', () => {
    const reader = gemini.reply.reader()
    const events = lines('google/google-stream-tool-call-arguments.chunks.txt').flatMap(event => reader.read(event))
    expect(replyOf(events).choices[0]).toMatchObject({
      parts: [
        { type: 'reasoning', text: '', signature: expect.stringMatching(/^CiMB/) },
        { type: 'tool_call', id: 'call_dqHOab6xGLzWodAPkPuViA4_0', name: 'getWeather', arguments: '{"location":"Boston"}' },
        { type: 'tool_call', id: 'call_dqHOab6xGLzWodAPkPuViA4_1', name: 'getWeather', arguments: '{"location":"San Francisco"}' },
      ],
      finish: 'tool_calls',
    })
  })
  it('is whole where it closed after its reason to end, and cut where it closed before', () => {
    const events = lines('google/google-text.chunks.txt')
    expect(toChat(events).complete).toBe(true)
    expect(toChat(events).text).toContain('data: [DONE]')
    expect(toChat(events.slice(0, -1)).complete).toBe(false)
    expect(toChat(events.slice(0, -1)).text).not.toContain('[DONE]')
  })
  it('of two answers is whole only when both have said why they ended', () => {
    const one = (index: number): SseEvent => ({
      event: null,
      data: JSON.stringify({ candidates: [{ content: { parts: [{ text: 'x' }] }, finishReason: 'STOP', index }] }),
    })
    expect(toChat([one(0)], 2).complete).toBe(false)
    expect(toChat([one(0), one(1)], 2).complete).toBe(true)
  })
  it('is the same Chat Completions stream however its bytes are cut', () => {
    const bytes = encodeEvents(lines('google/google-text.chunks.txt'))
    const expected = toChat(lines('google/google-text.chunks.txt')).text
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 }), cuts => {
        const flow = relay({ from: gemini, to: openaiChat, drop_usage: false, choices: 1 })
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        for (let i = 1; i < at.length; i++) flow.push(bytes.slice(at[i - 1], at[i]))
        flow.finish()
        expect(
          flow
            .take()
            .map(piece => new TextDecoder().decode(piece))
            .join(''),
        ).toBe(expected)
      }),
    )
  })
  it('reads as the text, thoughts and counts that it holds', () => {
    const { text } = toChat(lines('google/google-text.chunks.txt'))
    const reader = openaiChat.reply.reader()
    const events = text
      .split('\n\n')
      .filter(Boolean)
      .flatMap(event => reader.read({ event: null, data: event.slice('data: '.length) }))
    expect(replyOf(events)).toMatchObject({
      model: 'gemini-3-pro-preview',
      choices: [{ parts: [{ type: 'text', text: 'There are **3** "r"s in strawberry.\n\nst**r**awbe**rr**y' }], finish: 'stop' }],
      usage: { input_tokens: 9, output_tokens: 208, reasoning_tokens: 185 },
    })
  })
})

describe('errors', () => {
  it('say when to come back, which tells a limit that passes from a quota that is used up', () => {
    const body = JSON.stringify(whole('google/google-429-retry-info.json'))
    expect(gemini.error.read(429, body)).toMatchObject({ kind: 'other', code: 'RESOURCE_EXHAUSTED', retry_after_ms: 34_400 })
    expect(
      gemini.error.read(429, '{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED"}}').kind,
    ).toBe('quota')
  })
  it('of a bad key is about the key, not the request', () => {
    const body = {
      error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] },
    }
    expect(gemini.error.read(400, JSON.stringify(body))).toMatchObject({ status: 401, kind: 'other' })
  })
  it('are read from a list of one, as streams are refused', () =>
    expect(gemini.error.read(503, '[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]')).toMatchObject({
      status: 503,
      code: 'UNAVAILABLE',
      message: 'The model is overloaded.',
    }))
  it('inside a stream are seen as what they would have been', () => {
    const seen = nothingSeen()
    gemini.reply.observe(seen, { event: null, data: '{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}' })
    expect(seen.error).toEqual({ status: 503, code: 'UNAVAILABLE', message: 'The model is overloaded.' })
  })
})

const SEEDS = ['google-text', 'google-stream-tool-call-arguments']
  .flatMap(name => lines(`google/${name}.chunks.txt`))
  .map(event => JSON.parse(event.data) as Json)
const ASKED: Json = {
  model: 'm',
  systemInstruction: { parts: [{ text: 's' }] },
  contents: [
    {
      role: 'user',
      parts: [
        { text: 'x' },
        { inlineData: { mimeType: 'image/png', data: 'A' } },
        { fileData: { fileUri: 'https://x/a.png', mimeType: 'image/png' } },
      ],
    },
    {
      role: 'model',
      parts: [{ thought: true, text: 't', thoughtSignature: 'S' }, { functionCall: { id: 'a', name: 'f', args: { a: 1 } } }],
    },
    {
      role: 'user',
      parts: [
        {
          functionResponse: {
            id: 'a',
            name: 'f',
            response: { output: 'x' },
            parts: [{ inlineData: { mimeType: 'image/png', data: 'A' } }],
          },
        },
      ],
    },
  ],
  tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: {} }] }, { googleSearch: {} }],
  toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
  generationConfig: { temperature: 1, thinkingConfig: { thinkingBudget: 1 }, responseMimeType: 'application/json', responseJsonSchema: {} },
}

describe('whatever stands anywhere', () => {
  it('a request is read or refused, and can be written if it was read', () => {
    fc.assert(
      fc.property(disturbed(ASKED).filter(isObject), body => {
        const asked = gemini.request.read(body)
        if (!asked.ok) return
        gemini.request.write(asked.value, 'm')
        openaiChat.request.write(asked.value, 'm')
      }),
      { numRuns: 1_000 },
    )
  })
  it('an answer is read, seen and written in another format', () => {
    fc.assert(
      fc.property(fc.oneof(...SEEDS.map(disturbed)), body => {
        const data = JSON.stringify(body)
        toChat([{ event: null, data }])
        if (!isObject(body)) return
        gemini.reply.observeWhole(nothingSeen(), body)
        const reply = gemini.reply.read(body)
        if (!reply.ok) return
        openaiChat.reply.write(reply.value)
        gemini.reply.write(reply.value)
        gemini.error.read(500, data)
      }),
      { numRuns: 1_000 },
    )
  })
})
