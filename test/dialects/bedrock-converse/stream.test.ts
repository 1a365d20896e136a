import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bedrockConverse } from '../../../worker/dialects/bedrock-converse/dialect.ts'
import { isObject } from '../../../worker/dialects/check.ts'
import { nothingSeen, type SseEvent } from '../../../worker/dialects/dialect.ts'
import { replyOf } from '../../../worker/dialects/fold.ts'
import { openaiChat } from '../../../worker/dialects/openai-chat/dialect.ts'
import type { Json, JsonObject } from '../../../worker/schema/chat.ts'
import { relay } from '../../../worker/stream/relay.ts'
import { disturbed } from '../disturbed.ts'
import { whole } from '../recordings.ts'
import { frame, recorded } from './frames.ts'

const toChat = (pieces: Uint8Array[]) => {
  const flow = relay({ from: bedrockConverse, to: openaiChat, drop_usage: false, choices: 1 })
  for (const piece of pieces) flow.push(piece)
  flow.finish()
  const text = flow
    .take()
    .map(bytes => new TextDecoder().decode(bytes))
    .join('')
  const reader = openaiChat.reply.reader()
  const events = text
    .split('\n\n')
    .filter(Boolean)
    .flatMap(event => reader.read({ event: null, data: event.slice('data: '.length) }))
  return { text, reply: replyOf(events), flow }
}

describe('a stream of Converse, told as Chat Completions', () => {
  it('has its thoughts with their seal, its text, why it ended and what it used', () => {
    const { reply, text, flow } = toChat(recorded('amazon-bedrock-reasoning').map(frame))
    expect(flow.state).toBe('ended')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(reply.choices[0]?.parts[0]).toMatchObject({
      type: 'reasoning',
      text: expect.stringMatching(/^Let me count the r's in "strawberry":/),
    })
    expect(text).toContain('sb1.bedrock-converse.s.Ep0CCkgI')
    expect(reply.choices[0]).toMatchObject({ finish: 'stop' })
    expect(reply.usage).toMatchObject({ input_tokens: 51 })
  })
  it('has its calls, in fragments as they came, and one without arguments as an empty object', () => {
    const { text, reply } = toChat(recorded('amazon-bedrock-tool-call.1').map(frame))
    expect(text.match(/"tool_calls":/g)).toHaveLength(3)
    expect(reply.choices[0]).toMatchObject({
      parts: [{ type: 'tool_call', id: 'tool-use-id', name: 'test-tool', arguments: '{"value":"Sparkle Day"}' }],
      finish: 'tool_calls',
    })
    expect(toChat(recorded('amazon-bedrock-tool-no-args').map(frame)).reply.choices[0]?.parts.at(-1)).toMatchObject({
      name: 'updateIssueList',
      arguments: '{}',
    })
  })
})

describe('errors', () => {
  it.each([
    [400, 'ValidationException', 'Input is too long for requested model.', 400, 'context_length'],
    [400, 'ValidationException', 'The maximum tokens you requested exceeds the model limit of 10000.', 400, 'context_length'],
    [429, 'ThrottlingException', 'Too many requests, please wait before trying again.', 429, 'other'],
    [424, 'ModelErrorException', 'The model failed.', 502, 'other'],
    [400, 'ValidationException', 'The provided model identifier is invalid.', 400, 'model_gone'],
    [400, 'ValidationException', 'Invocation of model ID x with on-demand throughput isn’t supported.', 400, 'model_gone'],
  ])('%i %s: %s', (status, type, message, as, kind) => {
    expect(bedrockConverse.error.read(status, JSON.stringify({ __type: type, message }))).toMatchObject({ status: as, kind })
  })
  it('inside a stream are seen as the status they would have been, and are the last thing the caller hears', () => {
    const said: SseEvent = { event: 'throttlingException', data: '{"message":"Too many tokens, please wait."}' }
    const seen = nothingSeen()
    bedrockConverse.reply.observe(seen, said)
    expect(seen.error).toEqual({ status: 429, code: 'throttlingException', message: 'Too many tokens, please wait.' })
    const { flow } = toChat([...recorded('amazon-bedrock-reasoning').slice(0, 3), said].map(frame))
    expect(flow.state).toBe('error')
  })
  it("pass a model's own refusal on as what it was", () => {
    const seen = nothingSeen()
    bedrockConverse.reply.observe(seen, {
      event: 'modelStreamErrorException',
      data: '{"message":"no","originalStatusCode":422,"originalMessage":"x"}',
    })
    expect(seen.error?.status).toBe(422)
  })
})

const ASKED: Json = {
  model: 'm',
  system: [{ text: 's' }, { cachePoint: { type: 'default' } }],
  messages: [
    {
      role: 'user',
      content: [
        { text: 'x' },
        { image: { format: 'png', source: { bytes: 'A' } } },
        { document: { format: 'pdf', name: 'n', source: { bytes: 'A' } } },
      ],
    },
    {
      role: 'assistant',
      content: [
        { reasoningContent: { reasoningText: { text: 't', signature: 'S' } } },
        { toolUse: { toolUseId: 'a', name: 'f', input: { a: 1 } } },
      ],
    },
    { role: 'user', content: [{ toolResult: { toolUseId: 'a', content: [{ json: { a: 1 } }, { text: 'x' }], status: 'error' } }] },
  ],
  toolConfig: {
    tools: [{ toolSpec: { name: 'f', inputSchema: { json: {} } } }, { cachePoint: { type: 'default', ttl: '1h' } }],
    toolChoice: { tool: { name: 'f' } },
  },
  inferenceConfig: { maxTokens: 1, stopSequences: ['a'] },
  outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: '{}', name: 'n' } } } },
}
const EVENTS = ['amazon-bedrock-reasoning', 'amazon-bedrock-tool-call.1'].flatMap(recorded)

describe('whatever stands anywhere', () => {
  it('a request is read or refused, and can be written if it was read', () => {
    fc.assert(
      fc.property(disturbed(ASKED).filter(isObject), body => {
        const asked = bedrockConverse.request.read(body)
        if (!asked.ok) return
        bedrockConverse.request.write(asked.value, 'm')
        openaiChat.request.write(asked.value, 'm')
      }),
      { numRuns: 1_000 },
    )
  })
  it('an answer is read, seen and written in another format', () => {
    const seed = whole('amazon-bedrock/amazon-bedrock-reasoning.json')
    fc.assert(
      fc.property(disturbed(seed).filter(isObject), body => {
        bedrockConverse.reply.observeWhole(nothingSeen(), body)
        const reply = bedrockConverse.reply.read(body)
        if (!reply.ok) return
        openaiChat.reply.write(reply.value)
        bedrockConverse.reply.write(reply.value)
      }),
      { numRuns: 500 },
    )
  })
  it('so is an answer in flight', () => {
    const event = fc
      .constantFrom(...EVENTS)
      .chain(({ event: name, data }) =>
        disturbed(JSON.parse(data) as JsonObject).map(value => ({ event: name, data: JSON.stringify(value) })),
      )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 6 }), events => {
        toChat(events.map(frame))
      }),
      { numRuns: 500 },
    )
  })
})
