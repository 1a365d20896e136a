/** `Idempotency-Key` as callers meet it: through the router's own door, with the real object behind it and a provider that counts. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Deps } from '../../worker/env.ts'
import { forgetCallers } from '../../worker/store/callers.ts'
import { AccountingUnavailable } from '../../worker/store/usage.ts'
import { ANSWER, CHAT, codeOf, MODEL, type Router, router } from '../security/workerd/router.ts'
import { callerOf, emptyRouter, errorOf } from './admin/asking.ts'

let key: string
beforeEach(async () => {
  await emptyRouter()
  forgetCallers()
  key = (await callerOf()).key
})

const policy = async (name: string, idempotency: Record<string, unknown>) => {
  await env.KV.put(`policy/${name}`, JSON.stringify({ name, objective: { quality: 1 }, targets: [MODEL], idempotency }))
  return { ...CHAT, model: `policy/${name}` }
}
const chat = (on: Router, word: string | null, body: unknown = CHAT, as = key) =>
  on.ask('POST', '/v1/chat/completions', { key: as, body, headers: word === null ? {} : { 'idempotency-key': word } })
const numbered = (n: number) =>
  Response.json({ ...ANSWER, choices: [{ index: 0, message: { role: 'assistant', content: `answer ${n}` }, finish_reason: 'stop' }] })
/** A provider that answers when it is told to. */
function slow() {
  const told = Promise.withResolvers<void>()
  const came = Promise.withResolvers<void>()
  const on = router({
    answer: async () => {
      came.resolve()
      await told.promise
      return numbered(1)
    },
  })
  return { on, go: told.resolve, called: came.promise }
}

describe('two requests with the same key at the same time', () => {
  it('are one call: the second is told that the first is under way, which it is, and when to ask again', async () => {
    const { on, go, called } = slow()
    const first = chat(on, 'k-1')
    await called
    const second = await chat(on, 'k-1')
    go()
    const answer = await first
    expect([answer.status, second.status, on.sent.length]).toEqual([200, 409, 1])
    expect(second.headers.get('x-signalbox-decision')).toBe(answer.headers.get('x-signalbox-decision'))
    expect([second.headers.get('retry-after'), second.headers.get('x-should-retry')]).toEqual(['1', null])
    const error = await errorOf(second)
    expect(error).toMatchObject({ code: 'request_under_way', param: 'idempotency-key' })
    expect(error.message).toContain('still under way')
  })
  it('are told so in Anthropic’s words where they are its clients’', async () => {
    const { on, go, called } = slow()
    const ask = () => on.ask('POST', '/v1/messages', { key, headers: { 'idempotency-key': 'k' }, body: { ...CHAT, max_tokens: 100 } })
    const first = ask()
    await called
    const second = await ask()
    go()
    await first
    expect(await second.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error', code: 'request_under_way' } })
  })
  it('of two callers are two calls, of one organisation or of two', async () => {
    const on = router()
    const [colleague, other] = [(await callerOf()).key, (await callerOf({ org: 'other' })).key]
    for (const each of [key, colleague, other]) expect((await chat(on, 'k-1', CHAT, each)).status).toBe(200)
    expect(on.sent).toHaveLength(3)
  })
})

describe('a request that was answered', () => {
  it('is not done again: it is told by which decision, and not to be retried, as nothing of an answer is kept', async () => {
    const on = router()
    const first = await chat(on, 'k-1')
    const second = await chat(on, 'k-1')
    expect([first.status, second.status, on.sent.length]).toEqual([200, 409, 1])
    expect(second.headers.get('x-signalbox-decision')).toBe(first.headers.get('x-signalbox-decision'))
    expect([second.headers.get('x-should-retry'), second.headers.get('retry-after')]).toEqual(['false', null])
    expect(await codeOf(second)).toBe('already_answered')
  })
  it('with another body, or at another endpoint, is a mistake: 422', async () => {
    const on = router()
    await chat(on, 'k-1')
    const other = await chat(on, 'k-1', { ...CHAT, messages: [{ role: 'user', content: 'And of Spain?' }] })
    const elsewhere = await on.ask('POST', '/v1/responses', {
      key,
      headers: { 'idempotency-key': 'k-1' },
      body: { model: MODEL, input: 'Hello' },
    })
    expect([other.status, elsewhere.status, on.sent.length]).toEqual([422, 422, 1])
    expect(await codeOf(other)).toBe('idempotency_key_reused')
  })
  it('is meant by the same word in quotes', async () => {
    const on = router()
    await chat(on, 'k-1')
    expect((await chat(on, '"k-1"')).status).toBe(409)
  })
  it('by a policy without it is a new request each time', async () => {
    const on = router()
    const body = await policy('forgetful', { for_ms: 0 })
    expect([(await chat(on, 'k', body)).status, (await chat(on, 'k', body)).status, on.sent.length]).toEqual([200, 200, 2])
  })
  it('without the header is a new request each time', async () => {
    const on = router()
    expect([(await chat(on, null)).status, (await chat(on, null)).status, on.sent.length]).toEqual([200, 200, 2])
  })
})

describe('a request whose answer is there and whose settlement is not yet', () => {
  /** What the first request leaves unsaid is said while the second waits. */
  async function quick(body: unknown) {
    const settlements: (() => void)[] = []
    const on = router({ change: deps => ({ ...deps, settle: (...said) => void settlements.push(() => deps.settle(...said)) }) })
    const answer = await chat(on, 'k-1', body)
    const waits: number[] = []
    const sleep = async (wait_ms: number) => {
      waits.push(wait_ms)
      const [said] = settlements.splice(0)
      if (!said) return
      const ctx = createExecutionContext()
      said()
      await waitOnExecutionContext(ctx)
    }
    const other = router({ change: deps => ({ ...deps, effects: { ...deps.effects, sleep } }) })
    return { answer, again: await chat(other, 'k-1', body), waits, sent: on.sent.length + other.sent.length }
  }
  it('is not told to be under way', async () => {
    const { answer, again, sent } = await quick(CHAT)
    expect([answer.status, again.status, sent]).toEqual([200, 409, 1])
    expect(await codeOf(again)).toBe('already_answered')
  })
  it('is given again where answers are kept', async () => {
    const { answer, again, sent } = await quick(await policy('keeping', { keep_answers: true }))
    expect([again.status, again.headers.get('x-signalbox-replayed'), sent]).toEqual([200, 'true', 1])
    expect(await again.text()).toBe(await answer.text())
  })
})

describe('a request that failed', () => {
  it('as nobody could say whether it was recorded has called nobody, and is free to be sent again at once', async () => {
    const lost = (deps: Deps): Deps => ({
      ...deps,
      intend: (intent, ctx) => {
        const durable = deps.intend(intent, ctx)
        return () => durable().then(() => Promise.reject(new AccountingUnavailable('its answer got lost')))
      },
    })
    const off = router({ change: lost })
    const refused = await chat(off, 'k-1')
    expect([refused.status, await codeOf(refused), off.sent.length]).toEqual([503, 'accounting_unavailable', 0])
    const on = router()
    expect([(await chat(on, 'k-1')).status, on.sent.length]).toEqual([200, 1])
    const [ledger] = await env.USAGE.getByName('acme').ledgers(['org'])
    expect(ledger?.day.held_micros).toBe(0)
  })
  it.each([400, 429, 500])('with the provider’s status %i is free to be sent again', async status => {
    let calls = 0
    const on = router({ answer: () => (calls++ < 3 ? Response.json({ error: { message: 'no' } }, { status }) : numbered(1)) })
    let response = await chat(on, 'k-1')
    expect(response.status).toBeGreaterThanOrEqual(400)
    for (let i = 0; i < 4 && response.status !== 200; i++) response = await chat(on, 'k-1')
    expect(response.status).toBe(200)
  })
  it('before a decision has taken no key', async () => {
    const on = router()
    expect((await chat(on, 'k-1', { ...CHAT, model: 'nobody' })).status).toBe(404)
    expect((await chat(on, 'k-1')).status).toBe(200)
  })
  it('as a stream that broke off is free to be sent again', async () => {
    let calls = 0
    const on = router({ answer: () => (calls++ < 2 ? stream('data: [DONE]\n\n', 1) : stream(END)) })
    const body = { ...CHAT, stream: true }
    expect(await (await chat(on, 'k-1', body)).text()).toContain('error')
    expect(await (await chat(on, 'k-1', body)).text()).toContain('[DONE]')
    expect((await chat(on, 'k-1', body)).status).toBe(409)
  })
})

const piece = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
const END = `${piece({}, 'stop')}data: [DONE]\n\n`
const stream = (end: string, pieces = 5) =>
  new Response(`${Array.from({ length: pieces }, (_, i) => piece({ content: `word${i} ` })).join('')}${end}`, {
    headers: { 'content-type': 'text/event-stream' },
  })

describe('a policy that keeps answers', () => {
  const given = async (response: Response) => [response.status, response.headers.get('content-type'), await response.text()]
  const headersOf = ({ headers }: Response) =>
    [...headers].filter(([name]) => name.startsWith('x-signalbox') && name !== 'x-signalbox-replayed')

  it.each([false, true])('gives the same answer again, to the byte, with its decision (stream: %s)', async streams => {
    let said = 0
    const on = router({ answer: () => (streams ? stream(END, 5 + said++) : numbered(++said)) })
    const body = { ...(await policy('keeping', { keep_answers: true })), stream: streams }
    const first = await chat(on, 'k-1', body)
    const second = await chat(on, 'k-1', body)
    expect(headersOf(second)).toEqual(headersOf(first))
    expect([first.headers.get('x-signalbox-replayed'), second.headers.get('x-signalbox-replayed')]).toEqual([null, 'true'])
    expect([await given(second), on.sent.length]).toEqual([await given(first), 1])
  })
  it('gives it to nobody else: not to a colleague, not to another organisation, not for another question', async () => {
    let said = 0
    const on = router({ answer: () => numbered(++said) })
    const body = await policy('keeping', { keep_answers: true })
    await chat(on, 'k-1', body)
    for (const each of [(await callerOf()).key, (await callerOf({ org: 'other' })).key])
      expect(await (await chat(on, 'k-1', body, each)).text()).not.toContain('answer 1')
    const other = await chat(on, 'k-1', { ...body, messages: [{ role: 'user', content: 'Something else' }] })
    expect([other.status, (await other.text()).includes('answer')]).toEqual([422, false])
  })
  it('has nothing of question, answer or key in its storage that could be read', async () => {
    const word = 'a-word-of-the-callers'
    const on = router({ answer: () => numbered(4_711) })
    await chat(on, word, await policy('keeping', { keep_answers: true }))
    const { runInDurableObject } = await import('cloudflare:test')
    await runInDurableObject(env.USAGE.getByName('acme'), (_, { storage }) => {
      const [row] = storage.sql.exec('SELECT * FROM once').toArray()
      const text = Object.values(row ?? {})
        .map(each => (each instanceof ArrayBuffer ? new TextDecoder().decode(each) : String(each)))
        .join(' ')
      expect(row?.sealed).toBeInstanceOf(ArrayBuffer)
      for (const secret of [word, '4711', 'capital of France', key]) expect(text).not.toContain(secret)
    })
  })
  it('says that it was answered where the answer was too long, or cannot be opened any more', async () => {
    const long = router({ answer: () => numbered(1) })
    const short = await policy('short', { keep_answers: true, answer_at_most_bytes: 1_024 })
    const padded = { ...ANSWER, choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(2_000) }, finish_reason: 'stop' }] }
    const on = router({ answer: () => Response.json(padded) })
    await chat(on, 'k-1', short)
    expect(await codeOf(await chat(on, 'k-1', short))).toBe('already_answered')
    const body = await policy('keeping', { keep_answers: true })
    await chat(long, 'k-2', body)
    const repeats = { ...long.deps.repeats, kept: () => Promise.resolve(null) }
    const forgetful = router({ change: deps => ({ ...deps, repeats }) })
    expect(await codeOf(await chat(forgetful, 'k-2', body))).toBe('already_answered')
  })
})

describe('a word that is none', () => {
  it.each(['', ' ', 'two words', 'x'.repeat(256), 'a, b', 'tab\there', '"a b"'])(
    '%j is refused by the header’s name before anything is read or called',
    async word => {
      const on = router()
      const response = await chat(on, word)
      expect([response.status, on.sent.length]).toEqual([400, 0])
      expect(await errorOf(response)).toMatchObject({ code: 'invalid_request', param: 'idempotency-key' })
    },
  )
  it.each(['x'.repeat(255), '8e03978e-40d5-43dd-bc93-6894a57f9324', 'stainless-node-retry-1f2e', '"quoted"'])('%s is one', async word => {
    expect((await chat(router(), word)).status).toBe(200)
  })
})
