/** What goes out to a provider, what comes back to a caller, and what neither can make of the other. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { ROUTES } from '../../../worker/app.ts'
import { forgetCallers } from '../../../worker/store/callers.ts'
import { callerOf, emptyRouter } from '../../routes/admin/asking.ts'
import { ANSWER, CHAT, codeOf, MODEL, router } from './router.ts'

let key: string
beforeEach(async () => {
  await emptyRouter()
  forgetCallers()
  key = (await callerOf()).key
})
const chat = (on: ReturnType<typeof router>, body: unknown = CHAT, headers: Record<string, string> = {}) =>
  on.ask('POST', '/v1/chat/completions', { key, body, headers })

describe('where a call goes', () => {
  it.each(['api_base', 'base_url', 'api_key'])('is not said by %s in the body, which is refused by name', async name => {
    const on = router()
    const response = await chat(on, { ...CHAT, [name]: 'https://evil.example/v1' })
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param: name } }])
    expect(on.sent).toEqual([])
  })
  it('is not said by a header, nor by what the caller files under its own names', async () => {
    const on = router()
    const names = [
      'x-portkey-custom-host',
      'x-custom-host',
      'x-api-base',
      'x-base-url',
      'helicone-target-url',
      'x-forwarded-host',
      'x-original-url',
    ]
    const headers = Object.fromEntries(names.map(name => [name, 'https://evil.example/v1']))
    expect((await chat(on, { ...CHAT, metadata: { api_base: 'https://evil.example' } }, headers)).status).toBe(200)
    expect(on.sent.map(({ url }) => url.href)).toEqual(['https://api.openai.com/v1/chat/completions'])
  })
  it('follows nobody: a redirect is an error, with the key sent to the provider only', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const on = router({ answer: () => new Response(null, { status, headers: { location: 'https://evil.example/steal' } }) })
      const response = await chat(on)
      expect([status, response.status]).toEqual([status, 502])
      expect(response.headers.get('location')).toBeNull()
      expect(new Set(on.sent.map(({ url }) => url.hostname))).toEqual(new Set(['api.openai.com']))
      expect(new Set(on.sent.map(({ redirect }) => redirect))).toEqual(new Set(['manual']))
    }
  })
  it('is the provider alone: images and files named in a prompt are fetched by nobody here', async () => {
    const on = router()
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'http://169.254.169.254/latest/meta-data' } },
    ]
    await chat(on, { ...CHAT, messages: [{ role: 'user', content }] })
    expect(on.sent.map(({ url }) => url.hostname)).toEqual(['api.openai.com'])
    expect(on.sent[0]?.text).toContain('169.254.169.254')
  })
})

describe('what goes to a provider', () => {
  it('has a list of headers, and none of the caller’s', async () => {
    const on = router()
    await chat(on, CHAT, {
      cookie: 'session=secret',
      'x-api-key': key,
      'x-forwarded-for': '192.0.2.1',
      'cf-connecting-ip': '192.0.2.1',
      'cf-ray': 'x',
      forwarded: 'for=192.0.2.1',
      'openai-organization': 'org-callers',
      'x-signalbox-admin': '1',
      'accept-language': 'de',
      referer: 'https://caller.example/page',
      te: 'trailers',
    })
    const [one] = on.sent
    expect([...(one?.headers.keys() ?? [])].sort()).toEqual(['accept', 'authorization', 'content-type', 'user-agent'])
    expect(one?.headers.get('authorization')).toBe('Bearer sk-the-routers-own-key')
    expect(JSON.stringify(one)).not.toContain(key)
  })
  it('has no word of the router’s own in its prompt: it is the caller’s text to the letter, but for the model', async () => {
    const on = router()
    await chat(on)
    expect(JSON.parse(on.sent[0]?.text ?? '')).toEqual({ ...CHAT, model: 'gpt-5-mini' })
  })
})

describe('what comes back to a caller', () => {
  const LEAKY = {
    'set-cookie': 'provider=session',
    'x-goog-api-key': 'sk-the-routers-own-key',
    authorization: 'Bearer sk-the-routers-own-key',
    server: 'internal-7',
    'openai-organization': 'org-the-routers',
    'x-ratelimit-remaining': '7',
    'access-control-allow-origin': '*',
    link: '<https://evil.example>; rel=preload',
    'x-signalbox-target': 'forged/target',
  }
  it('has a list of headers, and none of the provider’s', async () => {
    const response = await chat(router({ answer: () => Response.json(ANSWER, { headers: LEAKY }) }))
    const names = [...response.headers.keys()].sort()
    expect(names.filter(name => !name.startsWith('x-signalbox-'))).toEqual(['content-type', 'x-content-type-options'])
    expect(response.headers.get('x-signalbox-target')).toBe(MODEL)
  })
  it.each([401, 403, 400, 404, 429, 500, 503])(
    'of an error with status %s is a code and a sentence, with what looks like a key masked',
    async status => {
      const message =
        'Incorrect API key provided: sk-the-routers-own-key-1234567890. See https://x.example/?key=AIzaSyA1234567890abcdef1234567890ab'
      const body = { error: { message, type: 'x', code: 'invalid', debug: { headers: LEAKY } } }
      const response = await chat(router({ answer: () => Response.json(body, { status, headers: LEAKY }) }))
      const text = `${JSON.stringify([...response.headers])}${await response.text()}`
      for (const secret of ['sk-the-routers', '1234567890', 'AIzaSy', 'internal-7', 'org-the-routers', 'provider=session'])
        expect(text).not.toContain(secret)
      expect(text.length).toBeLessThan(2_000)
    },
  )
  it('of a fault of the router is a reference and nothing else', async () => {
    const failing = router({
      change: deps => ({
        ...deps,
        authenticate: () => {
          throw new Error('SECRET-IN-A-STACK at /private/path.ts')
        },
      }),
    })
    const response = await chat(failing)
    const text = await response.text()
    expect([response.status, JSON.parse(text).error.code]).toEqual([500, 'internal'])
    expect(text).not.toMatch(/SECRET|private|\.ts|Error:/)
  })
  it('lets no other page read it, whatever origin asks: there is no CORS header', async () => {
    const on = router()
    for (const [method, path] of [
      ...ROUTES.map(([method, path]) => [method, path] as const),
      ['OPTIONS', '/v1/chat/completions'] as const,
    ]) {
      const headers = {
        origin: 'https://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      }
      const response = await on.ask(method, path.replace(':id', 'x'), { key, headers, ...(method === 'POST' ? { body: CHAT } : {}) })
      expect([path, [...response.headers.keys()].filter(name => name.startsWith('access-control'))]).toEqual([path, []])
    }
  })
  it('sends nobody elsewhere: no address makes a redirect', async () => {
    const on = router()
    const paths = [
      '//evil.example',
      '/%2f%2fevil.example',
      '/\\evil.example',
      '/v1//evil.example',
      '/?next=https://evil.example',
      '/v1/models?redirect=//evil.example',
      '/admin/v1/docs/',
    ]
    for (const path of paths) {
      const response = await on.ask('GET', path, { key })
      expect([path, response.status >= 300 && response.status < 400, response.headers.get('location')]).toEqual([path, false, null])
    }
  })
  it('has the same guards on every answer, errors included: no sniffing, no keeping, https from then on', async () => {
    const on = router()
    const own = [
      await on.ask('GET', '/health'),
      await on.ask('GET', '/v1/models'),
      await on.ask('GET', '/nothing'),
      await on.ask('PUT', '/health'),
      await chat(on, '{'),
    ]
    for (const response of own) {
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('strict-transport-security')).toContain('max-age=')
    }
    expect((await chat(on)).headers.get('x-content-type-options')).toBe('nosniff')
  })
})

describe('a header of an answer', () => {
  const EVIL = ['\r\nset-cookie: evil=1', '\nx-evil: 1', '\r\n\r\n<script>', '\u2028x-evil: 1', 'é日本\u0000\u0007', '"><img src=x>']
  it.each(EVIL)('is one line, with %j in the name of a rule, a policy’s description and the model that is asked for', async evil => {
    const policy = {
      name: 'default',
      description: `d${evil}`,
      objective: { quality: 1 },
      rules: [{ name: `r${evil}`, when: 'true', do: { reweigh: { quality: 1 } } }],
    }
    await env.KV.put('policy/default', JSON.stringify(policy))
    const on = router()
    for (const model of ['auto', `m${evil}`, MODEL]) {
      const response = await chat(on, { ...CHAT, model, [`f${evil}`]: 1 })
      for (const [name, value] of response.headers) {
        expect([name, /^[\x20-\x7e]*$/.test(value), value.length < 600]).toEqual([name, true, true])
        expect(name).not.toMatch(/evil|cookie/)
      }
    }
  })
})

describe('two organisations', () => {
  it('with the same prompt are two calls: no answer of one is given to the other', async () => {
    let said = 0
    const on = router({
      answer: () =>
        Response.json({
          ...ANSWER,
          choices: [{ index: 0, message: { role: 'assistant', content: `answer ${++said}` }, finish_reason: 'stop' }],
        }),
    })
    const other = (await callerOf({ org: 'other' })).key
    const [first, second, third] = [
      await chat(on),
      await on.ask('POST', '/v1/chat/completions', { key: other, body: CHAT }),
      await chat(on),
    ]
    expect([await first.text(), await second.text(), await third.text()].map(text => text.match(/answer \d/)?.[0])).toEqual([
      'answer 1',
      'answer 2',
      'answer 3',
    ])
  })
})

describe('credentials', () => {
  const METACHARS = [
    "' OR '1'='1",
    '"; DROP TABLE usage; --',
    '$(id)',
    '../../etc/passwd',
    '{{7*7}}',
    '%00',
    '💥',
    'a'.repeat(16_000),
    '\\u0000',
    'Bearer Bearer x',
  ]
  it.each(METACHARS)('%j in any header is no key, and reads nothing', async evil => {
    let reads = 0
    const KV = new Proxy(env.KV, {
      get: (target, name) => (name === 'get' ? () => Promise.reject(new Error(`read ${++reads}`)) : Reflect.get(target, name)),
    })
    const DB = new Proxy(env.DB, { get: () => () => Promise.reject(new Error(`read ${++reads}`)) })
    const on = router({ variables: { KV, DB } })
    const ascii = [...evil].every(char => char.charCodeAt(0) < 128) ? evil : encodeURIComponent(evil)
    for (const headers of [
      { authorization: `Bearer ${ascii}` },
      { 'x-api-key': ascii },
      { authorization: ascii },
      { 'api-key': ascii },
      { cookie: `key=${ascii}` },
    ] as Record<string, string>[]) {
      const response = await on.ask('POST', '/v1/chat/completions', { headers, body: CHAT })
      expect([Object.keys(headers), response.status]).toEqual([Object.keys(headers), 401])
    }
    expect([reads, on.sent.length]).toEqual([0, 0])
  })
  it('that are sent twice in one header are none; the first does not win', async () => {
    const on = router()
    const twice = await on.ask('GET', '/v1/models', { headers: { authorization: `Bearer ${key}, Bearer sk-other` } })
    expect([twice.status, await codeOf(twice)]).toEqual([401, 'invalid_key'])
  })
  it.each(['Basic', 'Digest', 'Token', 'bearerx', ''])('by the scheme %j are none', async scheme => {
    expect((await router().ask('GET', '/v1/models', { headers: { authorization: `${scheme} ${key}` } })).status).toBe(401)
  })
})

describe('methods', () => {
  it.each(['x-http-method-override', 'x-method-override', 'x-http-method'])('%s changes none', async name => {
    const on = router()
    expect((await on.ask('GET', '/v1/chat/completions', { key, headers: { [name]: 'POST' } })).status).toBe(405)
    expect((await on.ask('POST', '/v1/chat/completions', { key, body: CHAT, headers: { [name]: 'DELETE' } })).status).toBe(200)
  })
})

describe('a model’s name', () => {
  it.each([
    '../x',
    'x'.repeat(10_000),
    '🚂',
    'constructor',
    '__proto__',
    '$' + '{7*7}',
    '{{x}}',
    'toString',
    'policy/../default',
    'a\u0000b',
  ])('%j is not found, and shown back in part and unharmed', async model => {
    const response = await chat(router(), { ...CHAT, model })
    const text = await response.text()
    expect([response.status, JSON.parse(text).error.code]).toEqual([404, 'model_not_found'])
    expect(text.length).toBeLessThan(700)
    for (const char of ['<', '>', '\u0000']) expect(text).not.toContain(char)
  })
})

describe('a number', () => {
  it.each([
    ['max_tokens', '9007199254740992'],
    ['max_tokens', '-1'],
    ['max_tokens', '0.5'],
    ['max_tokens', '"12"'],
    ['temperature', '"hot"'],
    ['n', '1000000000'],
    ['stop', JSON.stringify(Array(100_000).fill('x'))],
    ['stream', '"true"'],
  ])('as %s: %s is refused by the field’s name', async (field, value) => {
    const response = await chat(
      router(),
      `{"model":"${MODEL}","messages":[{"role":"user","content":"x"}],"${field}":${value.slice(0, 600_000)}}`,
    )
    expect([response.status, (await response.text()).includes(field)]).toEqual([400, true])
  })
})
