/**
 * The doors: what the Worker answers to requests that are wrong, hostile or not allowed, in workerd with real bindings. The
 * answer is in the caller's dialect, names what to change, and tells nobody anything that is somebody else's.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { ROUTES } from '../../worker/app.ts'
import { depsOf } from '../../worker/env.ts'
import worker from '../../worker/index.ts'
import type { Caller } from '../../worker/schema/caller.ts'
import { callerKey, type KeyFields, makeKey } from '../../worker/store/keys.ts'
import { emptyStorage } from '../store/fixture.ts'
import { promptReports } from './prompt-reports.ts'

const QUESTION = { model: 'demo/small', messages: [{ role: 'user', content: 'What is the capital of France?' }] }

async function keyOf(fields: Partial<KeyFields>, change: Partial<Caller> = {}): Promise<string> {
  const made = await makeKey(env.KEY_PEPPER, { org: 'acme', label: 'test', ...fields })
  await env.KV.put(callerKey(made.caller.key_id), JSON.stringify({ ...made.caller, ...change }))
  return made.key
}

promptReports(depsOf(env))

async function call(
  method: string,
  path: string,
  init: { key?: string; headers?: Record<string, string>; body?: BodyInit } = {},
): Promise<Response> {
  const ctx = createExecutionContext()
  const headers = { 'content-type': 'application/json', ...(init.key ? { authorization: `Bearer ${init.key}` } : {}), ...init.headers }
  const request = new Request(`http://signalbox.test${path}`, { method, headers, ...(init.body === undefined ? {} : { body: init.body }) })
  const response = await worker.fetch(request as Parameters<typeof worker.fetch>[0], env, ctx)
  const answer = new Response(await response.arrayBuffer(), response)
  await waitOnExecutionContext(ctx)
  return answer
}
const errorOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string; param: string | null; message: string } }).error

let key: string
beforeAll(async () => {
  await emptyStorage()
  key = await keyOf({})
})

describe('the route table', () => {
  it('says of each route who may call it; a new one does not slip in unseen', () => {
    expect(ROUTES.map(([method, path, access]) => `${access} ${method} ${path}`)).toEqual([
      'key POST /v1/chat/completions',
      'key POST /v1/responses',
      'key POST /v1/messages',
      'key POST /v1/messages/count_tokens',
      'key POST /v1/completions',
      'key POST /v1/embeddings',
      'key POST /v1/images/generations',
      'key POST /v1/images/edits',
      'key POST /v1/audio/speech',
      'key POST /v1/audio/transcriptions',
      'key POST /v1/moderations',
      'key POST /v1/rerank',
      'key POST /v1/route',
      'key GET /v1/models',
      'key GET /v1/decisions/:id',
      'open GET /health',
    ])
  })

  it.each(ROUTES.filter(([, , access]) => access === 'key').map(([method, path]) => [method, path]))(
    '%s %s is closed without a key',
    async (method, path) => {
      const body = method === 'POST' ? JSON.stringify(QUESTION) : undefined
      expect((await call(method, path.replace(':id', 'x'), { body })).status).toBe(401)
    },
  )

  it.each(['//v1/models', '/v1/models/', '/V1/models', '/v1/models;x', '/v1%2fmodels', '/v1/%2e%2e/admin', '/v1/models.', '/', '/admin'])(
    '%s is not there',
    async path => {
      expect((await call('GET', path, { key })).status).toBe(404)
    },
  )

  it.each([
    ['/chat/completions', '/v1/chat/completions'],
    ['/v1/chat/completion', '/v1/chat/completions'],
    ['/v1/v1/messages', '/v1/messages'],
  ])('%s is told where it may have been meant to go', async (path, near) => {
    const response = await call('POST', path, { key, body: JSON.stringify(QUESTION) })
    expect([response.status, (await errorOf(response)).message]).toEqual([
      404,
      expect.stringContaining(`There is nothing at ${path}. Near: ${near}`),
    ])
  })

  it.each(['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'])('%s is refused with what is allowed', async method => {
    const response = await call(method, '/v1/chat/completions', { key })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('a key', () => {
  const models = (headers: Record<string, string>) => call('GET', '/v1/models', { headers })

  it('counts the same as bearer and as x-api-key', async () => {
    expect((await models({ authorization: `Bearer ${key}` })).status).toBe(200)
    expect((await models({ 'x-api-key': key })).status).toBe(200)
  })

  it('twice the same is one; two different ones are refused', async () => {
    const other = await keyOf({})
    expect((await models({ authorization: `Bearer ${key}`, 'x-api-key': key })).status).toBe(200)
    const both = await models({ authorization: `Bearer ${key}`, 'x-api-key': other })
    expect([both.status, (await errorOf(both)).code]).toEqual([401, 'ambiguous_credentials'])
  })

  it('in the address is none', async () => {
    expect((await call('GET', `/v1/models?key=${key}&api_key=${key}`)).status).toBe(401)
  })

  it('that is unknown, mistyped, expired or revoked gets the same words', async () => {
    const { key: unknown } = await makeKey(env.KEY_PEPPER, { org: 'acme', label: 'never stored' })
    const wrong = [
      unknown,
      `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`,
      'sk-proj-something-else',
      "' OR 1=1 --",
      'x'.repeat(16_000),
      await keyOf({ expires_at_ms: 1 }),
      await keyOf({}, { revoked_at_ms: 1 }),
    ]
    const answers = new Set<string>()
    for (const sent of wrong) {
      const response = await models({ authorization: `Bearer ${sent}` })
      answers.add(`${response.status} ${await response.text()}`)
    }
    expect(answers.size).toBe(1)
    expect([...answers][0]).toContain('invalid_key')
  })

  it('may be kept to policies, targets and from naming targets', async () => {
    const kept = await keyOf({ scopes: { policies: ['default'], targets: ['demo/small'], may_pin: false, regions: null } })
    const listed = (await (await call('GET', '/v1/models', { key: kept })).json()) as { data: { id: string }[] }
    expect(listed.data.map(model => model.id)).toEqual(['auto', 'policy/default'])
    const pinned = await call('POST', '/v1/chat/completions', { key: kept, body: JSON.stringify(QUESTION) })
    expect([pinned.status, (await errorOf(pinned)).code]).toEqual([403, 'forbidden'])
    const routed = await call('POST', '/v1/route', { key: kept, body: JSON.stringify({ ...QUESTION, model: 'auto' }) })
    expect(await routed.json()).toMatchObject({ chosen: 'demo/small', eligible: 1 })
  })
})

describe('a body', () => {
  const post = (body: BodyInit, headers: Record<string, string> = {}) => call('POST', '/v1/route', { key, body, headers })

  it.each([
    ['is empty', '', 400],
    ['is null', 'null', 400],
    ['is a list', '[]', 400],
    ['is a number', '7', 400],
    ['is cut off', '{"model":"auto","messages":[', 400],
    ['begins with a byte order mark', '\ufeff{"model":"auto"}', 400],
    ['has a key twice', '{"model":"auto","model":"demo/large","messages":[]}', 400],
    ['is 200,000 lists deep', '['.repeat(200_000), 400],
    ['has no messages', '{"model":"auto"}', 400],
    ['has an empty model', '{"model":"","messages":[{"role":"user","content":"x"}]}', 400],
    ['asks for a model that could be a path', '{"model":"../secret","messages":[{"role":"user","content":"x"}]}', 404],
    ['asks for the model "constructor"', '{"model":"constructor","messages":[{"role":"user","content":"x"}]}', 404],
  ])('that %s is refused', async (_, body, status) => {
    const response = await post(body)
    expect(response.status).toBe(status)
    expect((await errorOf(response)).message.length).toBeGreaterThan(10)
  })

  it.each([
    ['stream', '"true"'],
    ['n', '1000000000'],
    ['temperature', '"hot"'],
    ['max_tokens', '-1'],
    ['max_tokens', '0.5'],
    ['max_tokens', '1e400'],
    ['top_p', '"12"'],
    ['stop[0]', '[1,2]'],
  ])('with %s: %s is refused by name', async (field, value) => {
    const response = await post(`{"model":"auto","messages":[{"role":"user","content":"x"}],"${field.split('[')[0]}":${value}}`)
    const error = await errorOf(response)
    expect([response.status, value === '1e400' ? field : error.param]).toEqual([400, field])
  })

  it('that is not UTF-8 is refused', async () => {
    expect((await post(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]))).status).toBe(400)
  })

  it('that is not JSON by its own word, or compressed, is refused', async () => {
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(415)
    const form = await call('POST', '/v1/chat/completions', {
      key,
      body: '{}',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    })
    expect(form.status).toBe(415)
    expect((await post('{}', { 'content-encoding': 'gzip' })).status).toBe(415)
  })

  it('over the limit is refused at the byte, with or without a length', async () => {
    const huge = 'x'.repeat(4 * 1024 * 1024 + 1)
    const stream = new Response(huge).body as ReadableStream
    expect((await post(huge)).status).toBe(413)
    expect((await post(stream)).status).toBe(413)
  })

  it('with prototype keys pollutes nothing', async () => {
    const response = await post(
      '{"model":"demo/small","messages":[{"role":"user","content":"x"}],"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    )
    expect(response.status).toBe(200)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('a dry run', () => {
  const route = async (body: BodyInit, headers: Record<string, string> = {}) => {
    const response = await call('POST', '/v1/route', { key, body, headers })
    return {
      status: response.status,
      told: (await response.json()) as Record<string, unknown> & { explanation: string[]; error: { message: string } },
    }
  }
  it.each([
    ['a chat', QUESTION, 'openai-chat', undefined],
    ['Responses', { model: 'demo/small', input: 'Hi' }, 'openai-responses', undefined],
    ['Messages', { model: 'demo/small', max_tokens: 9, system: 'Be brief.', messages: QUESTION.messages }, 'anthropic-messages', undefined],
    ['Gemini', { model: 'demo/small', contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }, 'gemini', undefined],
    ['Converse', { model: 'demo/small', messages: [{ role: 'user', content: [{ text: 'Hi' }] }] }, 'bedrock-converse', undefined],
    ['embeddings', { model: 'demo/embedding', input: 'Hi' }, 'openai-chat', 'embeddings'],
  ])('takes the body of %s and gives the whole record', async (_, body, dialect, endpoint) => {
    const { status, told } = await route(JSON.stringify(body))
    expect([status, told.outcome, told.dialect, told.endpoint]).toEqual([200, 'would_route', dialect, endpoint])
    expect(told).toMatchObject({ chosen: body.model, features: {}, plan: {}, scores: [{}] })
  })
  it.each([
    ['images', { prompt: 'A signal box in fog', size: '1024x1024' }],
    ['rerank', { query: 'fog', documents: ['a', 'b'] }],
    ['speech', { input: 'Hi', voice: 'alloy' }],
  ])('says of %s that nobody is there, in words of what was asked', async (endpoint, body) => {
    expect((await route(JSON.stringify({ model: 'auto', ...body }))).told).toMatchObject({
      outcome: 'would_refuse',
      endpoint,
      chosen: null,
    })
  })
  it('takes a form', async () => {
    const form = new FormData()
    form.set('file', new File(['sound'], 'a.wav'))
    form.set('model', 'auto')
    const encoded = new Response(form)
    const { told } = await route(await encoded.arrayBuffer(), { 'content-type': encoded.headers.get('content-type') ?? '' })
    expect(told).toMatchObject({ outcome: 'would_refuse', endpoint: 'transcriptions' })
  })
  it('explains embeddings as what they are, and so do the header of an answer and its row', async () => {
    const body = JSON.stringify({ model: 'demo/embedding', input: 'What is the capital of France?' })
    const { told } = await route(body)
    expect(told.explanation.join(' ')).toContain('asks for embeddings')
    expect(told.explanation.join(' ')).not.toContain('conversation')
    const answered = await call('POST', '/v1/embeddings', { key, body })
    expect(answered.headers.get('x-signalbox-reason')).toMatch(/ for embeddings: /)
    const id = answered.headers.get('x-signalbox-decision') ?? ''
    const row = () => env.DB.prepare('SELECT task FROM usage WHERE decision_id = ?1').bind(id).first<{ task: string }>()
    await expect.poll(row, { timeout: 10_000 }).toEqual({ task: 'embeddings' })
  })
  it('refuses a format that does not exist, with those that do', async () => {
    const { status, told } = await route(JSON.stringify(QUESTION), { 'x-signalbox-dialect': 'nonsense' })
    expect(status).toBe(400)
    expect(told.error).toMatchObject({ param: 'x-signalbox-dialect', message: expect.stringContaining('anthropic-messages') })
  })
})

describe('the list of models, as Anthropic pages it', () => {
  type Page = { data: { id: string }[]; has_more: boolean; first_id: string | null; last_id: string | null; error?: { message: string } }
  const page = async (query: string) => {
    const response = await call('GET', `/v1/models${query}`, { key, headers: { 'anthropic-version': '2023-06-01' } })
    return { status: response.status, page: (await response.json()) as Page }
  }
  it('loses and repeats nothing, page by page, forward and back', async () => {
    const all = (await page('?limit=1000')).page.data.map(({ id }) => id)
    const forward: string[] = []
    for (let after = '', more = true; more; ) {
      const { page: next } = await page(`?limit=2${after && `&after_id=${encodeURIComponent(after)}`}`)
      forward.push(...next.data.map(({ id }) => id))
      after = next.last_id ?? ''
      more = next.has_more
    }
    expect(forward).toEqual(all)
    const back = (await page(`?limit=2&before_id=${encodeURIComponent(all[3] ?? '')}`)).page
    expect([back.data.map(({ id }) => id), back.has_more]).toEqual([all.slice(1, 3), true])
  })
  it.each(['?limit=0', '?limit=1001', '?limit=x', '?after_id=nobody', '?after_id=auto&before_id=auto'])(
    'is not turned to by %s',
    async query => {
      const { status, page: refused } = await page(query)
      expect([status, refused.error?.message.length]).toEqual([400, expect.any(Number)])
    },
  )
})

describe('a model that is served elsewhere', () => {
  it.each([
    ['/v1/embeddings', { model: 'demo/small', input: 'Hi' }, '/v1/chat/completions, /v1/responses and /v1/messages'],
    ['/v1/chat/completions', { ...QUESTION, model: 'demo/embedding' }, '/v1/embeddings'],
    ['/v1/messages', { ...QUESTION, max_tokens: 9, model: 'demo/embedding' }, '/v1/embeddings'],
  ])('is refused at %s with where it is', async (path, body, where) => {
    const response = await call('POST', path, { key, body: JSON.stringify(body) })
    expect([response.status, (await errorOf(response)).message]).toEqual([
      404,
      expect.stringContaining(`not served at this endpoint, but at ${where}.`),
    ])
  })
  it('is not told of to a key that may not use it', async () => {
    const narrow = await keyOf({ scopes: { targets: ['demo/small'], regions: null, policies: null, may_pin: true } })
    const response = await call('POST', '/v1/chat/completions', {
      key: narrow,
      body: JSON.stringify({ ...QUESTION, model: 'demo/embedding' }),
    })
    expect((await errorOf(response)).message).not.toContain('not served at this endpoint')
  })
})

describe('a decision', () => {
  it('is shown to its own organisation only; to others it was never there', async () => {
    const answered = await call('POST', '/v1/chat/completions', { key, body: JSON.stringify(QUESTION) })
    const id = answered.headers.get('x-signalbox-decision') ?? ''
    expect((await call('GET', `/v1/decisions/${id}`, { key })).status).toBe(200)
    const stranger = await keyOf({ org: 'other' })
    const hidden = await call('GET', `/v1/decisions/${id}`, { key: stranger })
    const absent = await call('GET', `/v1/decisions/${id.replace(/.$/, c => (c === '0' ? '1' : '0'))}`, { key: stranger })
    expect([hidden.status, absent.status]).toEqual([404, 404])
    expect((await errorOf(hidden)).message.replace(id, '')).toBe((await errorOf(absent)).message.replace(/dec_[0-9a-f-]+/, ''))
  })

  it('says in the end what was lost on the way, and so does its row', async () => {
    const body = JSON.stringify({
      ...QUESTION,
      max_tokens: 50,
      top_k: 5,
      'naïve\n': 1,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }] }],
    })
    const answered = await call('POST', '/v1/messages', { key, body })
    expect(answered.status).toBe(200)
    expect(answered.headers.get('x-signalbox-lossy')).toContain('messages[0].content[0].cache_control')
    const id = answered.headers.get('x-signalbox-decision') ?? ''
    const told = async () =>
      (await call('GET', `/v1/decisions/${id}`, { key })).json() as Promise<{ usage: object; losses: { loss: string }[] }>
    await expect.poll(async () => (await told()).usage, { timeout: 10_000 }).toBeTruthy()
    expect((await told()).losses.map(({ loss }) => loss)).toContain('messages[].content[].cache_control')
    const row = () => env.DB.prepare('SELECT losses FROM usage WHERE decision_id = ?1').bind(id).first<{ losses: string }>()
    await expect.poll(row, { timeout: 10_000 }).toBeTruthy()
    expect((await row())?.losses).toContain('"loss":"messages[].content[].cache_control"')
  })

  it('leaves its row in D1, once', async () => {
    const answered = await call('POST', '/v1/chat/completions', { key, body: JSON.stringify(QUESTION) })
    const id = answered.headers.get('x-signalbox-decision') ?? ''
    const rows = () =>
      env.DB.prepare('SELECT outcome, target, input_tokens, output_tokens, cost_micros FROM usage WHERE decision_id = ?1').bind(id).all()
    await expect
      .poll(async () => (await rows()).results, { timeout: 10_000 })
      .toMatchObject([{ outcome: 'completed', target: 'demo/small' }])
  })
})

describe('a hard budget', () => {
  it('that is used up refuses with what, how much and until when', async () => {
    const poor = await keyOf({ org: 'poor', budgets: [{ window: 'day', limit_micros: 1, kind: 'hard' }] })
    const response = await call('POST', '/v1/chat/completions', { key: poor, body: JSON.stringify({ ...QUESTION, model: 'demo/large' }) })
    expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([402, true])
    const exact_ms = Number(response.headers.get('retry-after-ms'))
    expect(Math.ceil(exact_ms / 1000)).toBe(Number(response.headers.get('retry-after')))
    expect(await errorOf(response)).toMatchObject({ code: 'budget_exhausted', message: expect.stringContaining('day') })
  })
})
