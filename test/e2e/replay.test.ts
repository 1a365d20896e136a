/**
 * Every recording through the whole router, from an upstream that serves it byte for byte in random pieces: a caller of the same
 * format gets the same bytes, and callers of the others see through their official clients what the target's own client sees.
 */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { framingOf } from '../../worker/stream/framing.ts'
import { ANSWERS, codec, isSpoken, meaningOf, RECORDINGS, SPOKEN, type Spoken } from '../conformance/replay.ts'
import { comparable, STREAM_CLIENTS, said, WHOLE_CLIENTS } from '../conformance/saw.ts'
import { chatTarget, localProvider } from './overlay.ts'
import { startServer, type TestServer } from './server.ts'

/** The names of targets here: a provider a format, a target a recording. */
const providerOf = (from: string) => `replay-${from}`
const STREAMS = RECORDINGS.map((recording, i) => ({ ...recording, target: `${providerOf(recording.from)}/stream-${i}` }))
const WHOLES = ANSWERS.map((answer, i) => ({ ...answer, target: `${providerOf(answer.from)}/whole-${i}` }))

const ENDPOINTS: Record<Spoken, { path: string; body(model: string, stream: boolean): object }> = {
  'openai-chat': {
    path: '/v1/chat/completions',
    body: (model, stream) => ({
      model,
      stream,
      ...(stream && { stream_options: { include_usage: true } }),
      messages: [{ role: 'user', content: 'x' }],
    }),
  },
  'openai-responses': { path: '/v1/responses', body: (model, stream) => ({ model, stream, input: 'x', store: false }) },
  'anthropic-messages': {
    path: '/v1/messages',
    body: (model, stream) => ({ model, stream, max_tokens: 100, messages: [{ role: 'user', content: 'x' }] }),
  },
}

let upstream: Server
let server: TestServer

/** The same pieces every time the test runs, other ones for each recording. */
function pieces(bytes: Uint8Array, seed: number): Uint8Array[] {
  let state = seed * 2_654_435_761 + 1
  const places = Array.from({ length: 1 + (seed % 40) }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state % (bytes.length + 1)
  }).sort((a, b) => a - b)
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length)).filter(piece => piece.length > 0)
}

async function serve(path: string, response: ServerResponse): Promise<void> {
  const [, kind, n] = /(stream|whole)-(\d+)/.exec(decodeURIComponent(path)) ?? []
  if (kind === 'whole') {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(WHOLES[Number(n)]?.body))
    return
  }
  const recording = STREAMS[Number(n)]
  if (recording === undefined) throw new Error(`nothing for ${path}`)
  response.writeHead(200, { 'content-type': framingOf(codec(recording.from)).content_type })
  for (const piece of pieces(recording.bytes, Number(n))) {
    response.write(piece)
    await setImmediate()
  }
  response.end()
}

beforeAll(async () => {
  upstream = createServer((request, response) => {
    request.resume().on('end', () => void serve(request.url ?? '', response))
  })
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  const { port } = upstream.address() as AddressInfo
  server = await startServer({ vars: { REPLAY_URL: `http://127.0.0.1:${port}` } })
  const named = [...STREAMS, ...WHOLES]
  const overlay = {
    providers: [...new Set(named.map(({ from }) => from))].map(from =>
      localProvider(providerOf(from), from, 'REPLAY_URL', { chat_path: '/{model}' }),
    ),
    targets: named.map(({ from, target }) => chatTarget(providerOf(from), target.slice(target.indexOf('/') + 1))),
  }
  await server.putKv('catalogue/overlay', JSON.stringify(overlay))
})
afterAll(async () => {
  await server?.stop()
  upstream?.close()
})

async function asked(to: Spoken, target: string, stream: boolean): Promise<Response> {
  const { path, body } = ENDPOINTS[to]
  return await fetch(server.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body(target, stream)),
  })
}

const others = <R extends { from: string }>(list: R[]) =>
  list.flatMap(each => SPOKEN.filter(to => to !== each.from).map(to => ({ ...each, to })))

describe('a stream', () => {
  const sound = STREAMS.filter(({ failed, spliced }) => !failed && !spliced)

  it.each(STREAMS.filter(({ failed, from }) => !failed && isSpoken(from)))(
    '$path reaches a caller of its own format byte for byte',
    async ({ from, target, bytes }) => {
      const response = await asked(from as Spoken, target, true)
      expect(Buffer.from(await response.arrayBuffer()).toString('utf8')).toBe(Buffer.from(bytes).toString('utf8'))
    },
  )
  it.each(others(sound))('$path says the same to the client of $to', async ({ from, to, target, bytes, events }) => {
    const response = await asked(to, target, true)
    expect(response.status).toBe(200)
    const meant = said(meaningOf(events, from))
    const own = isSpoken(from) ? await STREAM_CLIENTS[from](bytes).catch(() => meant) : meant
    expect(await STREAM_CLIENTS[to](new Uint8Array(await response.arrayBuffer()))).toEqual(comparable(own))
  })
  it.each(STREAMS.filter(({ failed }) => failed).flatMap(each => SPOKEN.map(to => ({ ...each, to }))))(
    '$path, an error, is one to a caller of $to',
    async ({ to, target }) => {
      const response = await asked(to, target, true)
      const text = await response.text()
      if (response.ok) await expect(STREAM_CLIENTS[to](new TextEncoder().encode(text))).rejects.toThrow()
      else expect(JSON.parse(text)).toHaveProperty('error')
    },
  )
})

describe('an answer', () => {
  it.each(WHOLES.filter(({ from }) => isSpoken(from)))(
    '$path reaches a caller of its own format as it was',
    async ({ from, target, body }) => {
      expect(await (await asked(from as Spoken, target, false)).text()).toBe(JSON.stringify(body))
    },
  )
  it.each(others(WHOLES))('$path says the same to the client of $to', async ({ from, to, target, body }) => {
    const response = await asked(to, target, false)
    expect(response.status).toBe(200)
    const read = codec(from).reply.read(body)
    if (!read.ok) throw new Error(read.error)
    const own = isSpoken(from) ? await WHOLE_CLIENTS[from](body) : said(read.value)
    expect(await WHOLE_CLIENTS[to]((await response.json()) as typeof body)).toEqual(comparable(own))
  })
})
