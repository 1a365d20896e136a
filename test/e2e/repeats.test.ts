/** The official OpenAI client sending a request again with the same `Idempotency-Key`, as it does by itself after a timeout. */
import OpenAI, { type ClientOptions } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answers, type Behaviour, type FaultUpstream, reset, startUpstream } from '../faults/upstream.ts'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
let upstream: FaultUpstream
beforeAll(async () => {
  upstream = await startUpstream()
  server = await startServer({ vars: { VLLM_URL: upstream.url, VLLM_MODELS: 'one,two,three,four' } })
  for (const model of ['one', 'four']) {
    const policy = { name: `keeping-${model}`, objective: { quality: 1 }, targets: [`vllm/${model}`], idempotency: { keep_answers: true } }
    await server.putPolicy(policy.name, JSON.stringify(policy))
  }
})
afterAll(async () => {
  await server?.stop()
  await upstream?.stop()
})

/** Sends the header by itself, one word for a request and all its retries, as the client does for APIs that know it. */
function clientOf(options: ClientOptions = {}): OpenAI {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, ...options })
  Object.assign(client, { idempotencyHeader: 'Idempotency-Key' })
  return client
}
const asking = (model: string) => ({ model, messages: [{ role: 'user' as const, content: 'Hello there' }] })
const answer: Behaviour = answers('Hi.')

/** Answers when it is told to. */
function held(): { behaviour: Behaviour; go: () => void; called: Promise<void> } {
  const told = Promise.withResolvers<void>()
  const came = Promise.withResolvers<void>()
  return {
    behaviour: async exchange => {
      came.resolve()
      await told.promise
      await answer(exchange)
    },
    go: told.resolve,
    called: came.promise,
  }
}

describe('the client’s own retries', () => {
  it('after a timeout reach the answer, and at no time are there two calls', async () => {
    const { behaviour, go } = held()
    upstream.does('one', behaviour, answer)
    // The router may see the caller leave, and then does it again; or it does not, and the first answer is the one to be had.
    const seeing = async (...asked: Parameters<typeof fetch>) => {
      const response = await fetch(...asked)
      if (response.status === 409) go()
      return response
    }
    const client = clientOf({ timeout: 3_000, maxRetries: 8, fetch: seeing })
    const reply = await client.chat.completions.create(asking('policy/keeping-one'))
    go()
    expect(reply.choices[0]?.message.content).toBe('Hi.')
    const calls = upstream.of('one')
    for (const [i, { at_ms, hung_up_after_ms }] of calls.slice(0, -1).entries())
      expect(at_ms + (hung_up_after_ms ?? Number.POSITIVE_INFINITY)).toBeLessThanOrEqual(calls[i + 1]?.at_ms ?? 0)
  }, 60_000)
  it('of a failure are done, as a failure leaves the word free', async () => {
    upstream.does('two', reset, reset, answer)
    const reply = await clientOf({ maxRetries: 3 }).chat.completions.create(asking('vllm/two'))
    expect(reply.choices[0]?.message.content).toBe('Hi.')
    expect(upstream.of('two').map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, undefined, undefined])
  }, 60_000)
})

describe('the same request sent by two', () => {
  const withKey = (word: string) => ({ headers: { 'Idempotency-Key': word } })
  it('is one call; the second waits as it is told and then learns that it was answered, without asking on', async () => {
    const { behaviour, go, called } = held()
    upstream.does('three', behaviour, answer)
    const first = clientOf().chat.completions.create(asking('vllm/three'), withKey('word-3'))
    await called
    const beside = await clientOf({ maxRetries: 0 })
      .chat.completions.create(asking('vllm/three'), withKey('word-3'))
      .catch((error: unknown) => error)
    expect(beside).toMatchObject({ status: 409, code: 'request_under_way', param: 'idempotency-key' })
    go()
    expect((await first).choices[0]?.message.content).toBe('Hi.')
    const later = await clientOf({ maxRetries: 5 })
      .chat.completions.create(asking('vllm/three'), withKey('word-3'))
      .catch((error: unknown) => error)
    expect(later).toBeInstanceOf(OpenAI.ConflictError)
    expect(later).toMatchObject({ status: 409, code: 'already_answered' })
    expect(upstream.of('three')).toHaveLength(1)
  }, 60_000)
  it('gets the one answer by a policy that keeps it, also after the server was killed', async () => {
    const { behaviour, go, called } = held()
    upstream.does('four', behaviour, answer)
    const first = clientOf().chat.completions.create(asking('policy/keeping-four'), withKey('word-4'))
    await called
    const second = clientOf({ maxRetries: 8 }).chat.completions.create(asking('policy/keeping-four'), withKey('word-4'))
    go()
    const told = await first
    expect(await second).toEqual(told)
    await server.kill()
    await server.restart()
    const third = await clientOf({ maxRetries: 8 }).chat.completions.create(asking('policy/keeping-four'), withKey('word-4')).withResponse()
    expect([third.data, third.response.headers.get('x-signalbox-replayed')]).toEqual([told, 'true'])
    expect(upstream.of('four')).toHaveLength(1)
  }, 120_000)
})
