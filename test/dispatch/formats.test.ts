import { describe, expect, it } from 'vitest'
import type { Result } from '../../worker/core/result.ts'
import { dialectNamed } from '../../worker/dialects/dialects.ts'
import type { Carried, Credential, Ended } from '../../worker/dispatch/call.ts'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import type { DialectName } from '../../worker/schema/chat.ts'
import { frame, recorded } from '../dialects/bedrock-converse/frames.ts'
import { lines, whole } from '../dialects/recordings.ts'
import { callFor, replies, type Script, streams, type TestWorld, world } from './world.ts'

const KEY: Credential = { access_key_id: 'AKID', secret: 'SECRET', session_token: null, region: 'eu-west-1', service: 'bedrock' }
const HEADER: Credential = { header: 'x-goog-api-key', value: 'g-key' }
const PATHS: Partial<Record<DialectName, { whole: string; stream: string; credential: Credential }>> = {
  gemini: { whole: 'models/m:generateContent', stream: 'models/m:streamGenerateContent?alt=sse', credential: HEADER },
  'bedrock-converse': { whole: 'model/m%3A0/converse', stream: 'model/m%3A0/converse-stream', credential: KEY },
  'anthropic-messages': { whole: 'messages', stream: 'messages', credential: { header: 'x-api-key', value: 'a-key' } },
}

/** A world in which target `a` speaks `dialect`, and `b`, if it is there, Chat Completions. */
function worldOf(dialect: DialectName, scripts: Record<string, Script[]>): TestWorld {
  const at = world(scripts, { dialects: { a: dialect } })
  const { whole: whole_path, stream, credential } = PATHS[dialect] as NonNullable<(typeof PATHS)[DialectName]>
  const target = at.targets.get('a')
  if (target) Object.assign(target, { chat_url: `https://provider.test/a/${whole_path}`, stream_url: `https://provider.test/a/${stream}` })
  at.carrier.dialect = dialectNamed
  at.carrier.credential = provider => (provider.dialect === dialect ? credential : { header: 'authorization', value: 'Bearer k' })
  return at
}

async function deliver(at: TestWorld, stream: boolean): Promise<{ status: number; text: string; ended: Ended }> {
  const carried: Result<Carried, Ended> = await at.clock.run(dispatch(callFor(at, stream), at.carrier))
  if (!carried.ok) return { status: carried.error.status, text: '', ended: carried.error }
  const { body, ended } = carried.value.release()
  const text = await at.clock.run(new Response(body).text())
  const end = await at.clock.run(ended)
  await at.clock.advance(5)
  expect(at.open(), 'connections left open').toEqual([])
  return { status: carried.value.status, text, ended: end }
}

const FRAMES = { 'content-type': 'application/vnd.amazon.eventstream' }
const framed = (...body: (Uint8Array | 'CUT')[]): Script => ({ headers: FRAMES, body })
const geminiStream = lines('google/google-text.chunks.txt').map(({ data }) => `data: ${data}\r\n\r\n`)
const converseStream = recorded('amazon-bedrock-reasoning').map(frame)
const json = (path: string) => replies(JSON.stringify(whole(path)))
const contentOf = (text: string) =>
  text
    .split('\n\n')
    .filter(event => event.startsWith('data: {'))
    .map(
      event => (JSON.parse(event.slice('data: '.length)) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '',
    )
    .join('')

describe('a target with its model in the address', () => {
  it('is called there, for a stream at an address of its own, with nothing of it in the body', async () => {
    const at = worldOf('gemini', { a: [streams(...geminiStream), json('google/google-text.json')] })
    await deliver(at, true)
    await deliver(at, false)
    expect(at.received.map(call => call.url)).toEqual([
      'https://provider.test/a/models/m:streamGenerateContent?alt=sse',
      'https://provider.test/a/models/m:generateContent',
    ])
    for (const { body } of at.received) expect(body).toEqual({ contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] })
  })
  it('gets its credential in the header that it names', async () => {
    const at = worldOf('gemini', { a: [json('google/google-text.json')] })
    await deliver(at, false)
    expect(at.received[0]?.headers).toMatchObject({ 'x-goog-api-key': 'g-key', accept: 'application/json' })
    expect(at.received[0]?.headers).not.toHaveProperty('authorization')
  })
})

describe('an answer of Gemini to a caller of Chat Completions', () => {
  it('streamed, ends well where it closes after its reason to end', async () => {
    const { text, ended } = await deliver(worldOf('gemini', { a: [streams(...geminiStream)] }), true)
    expect(contentOf(text)).toBe('There are **3** "r"s in strawberry.\n\nst**r**awbe**rr**y')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(ended).toMatchObject({
      outcome: 'completed',
      finish_reason: 'STOP',
      usage_estimated: false,
      usage: { input_tokens: 9, output_tokens: 208 },
    })
  })
  it('cut before it, ends in an error and no terminator of a whole answer', async () => {
    const { text, ended } = await deliver(worldOf('gemini', { a: [streams(...geminiStream.slice(0, 2))] }), true)
    expect(ended).toMatchObject({ outcome: 'truncated', error: { code: 'upstream_truncated' } })
    expect(text).toContain('"code":"upstream_truncated"')
  })
  it('refused for a minute, is waited for as long as the body says', async () => {
    const busy = replies(JSON.stringify(whole('google/google-429-retry-info.json')).replace('34.4s', '1.5s'), 429)
    const at = worldOf('gemini', { a: [busy, json('google/google-text.json')] })
    const { status } = await deliver(at, false)
    expect(status).toBe(200)
    // And a little later, by the draw.
    expect((at.received[1]?.at_ms ?? 0) - (at.received[0]?.at_ms ?? 0)).toBe(1_575)
  })
})

describe('a call to Converse', () => {
  it('is signed for the moment it is sent, and asks for frames', async () => {
    const at = worldOf('bedrock-converse', { a: [framed(...converseStream)] })
    await deliver(at, true)
    expect(at.received[0]).toMatchObject({
      url: 'https://provider.test/a/model/m%3A0/converse-stream',
      body: { messages: [{ role: 'user', content: [{ text: 'Hello' }] }] },
      headers: {
        accept: 'application/vnd.amazon.eventstream',
        'x-amz-date': '1000000',
        authorization: `signed https://provider.test/a/model/m%3A0/converse-stream ${at.received[0]?.text.length} AKID eu-west-1`,
      },
    })
  })
  it('answers whole', async () => {
    const { text, ended } = await deliver(worldOf('bedrock-converse', { a: [json('amazon-bedrock/amazon-bedrock-reasoning.json')] }), false)
    expect(JSON.parse(text)).toMatchObject({
      choices: [{ message: { content: expect.stringContaining('There are **3**') }, finish_reason: 'stop' }],
    })
    expect(ended).toMatchObject({ outcome: 'completed', usage: { input_tokens: 51, output_tokens: 78 } })
  })
  it('answers in frames, cut anywhere', async () => {
    const bytes = new Uint8Array(Buffer.concat(converseStream))
    const pieces = Array.from({ length: Math.ceil(bytes.length / 37) }, (_, i) => bytes.slice(i * 37, (i + 1) * 37))
    const { text, ended } = await deliver(worldOf('bedrock-converse', { a: [framed(...pieces)] }), true)
    expect(contentOf(text)).toContain('There are **3** r')
    expect(ended).toMatchObject({ outcome: 'completed', finish_reason: 'end_turn', usage_estimated: false })
  })
  it('that is cut inside a frame was truncated', async () => {
    const last = converseStream[15] as Uint8Array
    const { text, ended } = await deliver(
      worldOf('bedrock-converse', { a: [framed(...converseStream.slice(0, 15), last.slice(0, 20))] }),
      true,
    )
    expect(ended).toMatchObject({ outcome: 'truncated', error: { code: 'upstream_truncated' } })
    expect(text).toContain('"code":"upstream_truncated"')
  })
  it('that breaks off in the middle was truncated as well', async () => {
    const { ended } = await deliver(worldOf('bedrock-converse', { a: [framed(...converseStream.slice(0, 15), 'CUT')] }), true)
    expect(ended.outcome).toBe('truncated')
  })
  it('with an exception for its first frame is answered by another target, unseen', async () => {
    const exception = frame({ event: 'throttlingException', data: '{"message":"Too many requests"}' })
    const at = worldOf('bedrock-converse', { a: [framed(converseStream[0] as Uint8Array, exception)], b: [streams(...chat('Hi'))] })
    const { text, ended } = await deliver(at, true)
    expect(contentOf(text)).toBe('Hi')
    expect(ended.attempts.map(({ target, class: outcome }) => `${target} ${outcome}`)).toEqual(['a rate', 'b ok'])
  })
  it('with an exception after its first words ends in an error', async () => {
    const exception = frame({ event: 'modelStreamErrorException', data: '{"message":"It broke"}' })
    const { text, ended } = await deliver(worldOf('bedrock-converse', { a: [framed(...converseStream.slice(0, 4), exception)] }), true)
    expect(ended).toMatchObject({ outcome: 'truncated', error: { code: 'upstream_failed' } })
    expect(text).toContain('a failed with status 502: It broke')
  })
  it('with a page instead of frames is answered by another target', async () => {
    const at = worldOf('bedrock-converse', {
      a: [{ headers: FRAMES, body: ['<html><body>no</body></html>'] }],
      b: [streams(...chat('Hi'))],
    })
    expect((await deliver(at, true)).ended.attempts.map(({ class: outcome }) => outcome)).toEqual(['garbage', 'ok'])
  })
})

describe('an answer that names neither itself nor its model nor the moment', () => {
  it('gets what the router knows', async () => {
    const { text } = await deliver(worldOf('bedrock-converse', { a: [json('amazon-bedrock/amazon-bedrock-reasoning.json')] }), false)
    expect(JSON.parse(text)).toMatchObject({ id: 'chatcmpl-sbtest', model: 'a-model', created: 1_000 })
  })
  it('in a stream as well', async () => {
    const { text } = await deliver(worldOf('bedrock-converse', { a: [framed(...converseStream)] }), true)
    expect(text.startsWith('data: {"id":"chatcmpl-sbtest","object":"chat.completion.chunk","created":1000,"model":"a-model"')).toBe(true)
  })
})

describe('an answer of another format', () => {
  const events = [
    {
      type: 'message_start',
      message: { id: 'msg_01X', type: 'message', role: 'assistant', model: 'm', content: [], usage: { input_tokens: 1 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'So it is.' } },
    {
      type: 'content_block_delta',
      index: 0,
      delta: {
        type: 'citations_delta',
        citation: { type: 'char_location', cited_text: 'is', document_index: 0, start_char_index: 0, end_char_index: 2 },
      },
    },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } },
    { type: 'message_stop' },
  ].map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)

  it("is called as the caller's format calls answers, by one id from its first event to its last", async () => {
    const { text } = await deliver(worldOf('anthropic-messages', { a: [streams(...events)] }), true)
    const ids = [...text.matchAll(/"id":"([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids)).toEqual(new Set(['chatcmpl-sbtest']))
    expect(ids.length).toBeGreaterThan(1)
  })
  it('says at its end what of its stream could not be told', async () => {
    const { ended } = await deliver(worldOf('anthropic-messages', { a: [streams(...events)] }), true)
    expect(ended.losses).toEqual([expect.objectContaining({ field: 'citations', how: 'dropped' })])
  })
})

describe('a stream where a whole answer was asked for', () => {
  it('is gathered, in frames as well', async () => {
    const { text } = await deliver(worldOf('bedrock-converse', { a: [framed(...converseStream)] }), false)
    expect(JSON.parse(text)).toMatchObject({
      choices: [{ message: { content: expect.stringContaining('There are **3**') }, finish_reason: 'stop' }],
    })
  })
  it('and a whole answer where a stream was asked for is told as one', async () => {
    const { text } = await deliver(worldOf('bedrock-converse', { a: [json('amazon-bedrock/amazon-bedrock-tool-call.1.json')] }), true)
    expect(text).toContain('"arguments":"{\\"command\\":\\"ls -l\\"}"')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })
})

/** A short stream of Chat Completions. */
function chat(said: string): string[] {
  const delta = (rest: string) =>
    `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,${rest}}]}\n\n`
  return [
    delta(`"delta":{"content":${JSON.stringify(said)}},"finish_reason":null`),
    delta('"delta":{},"finish_reason":"stop"'),
    'data: [DONE]\n\n',
  ]
}
