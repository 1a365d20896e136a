/** Keys: what they are kept to holds at every door, they end when they are ended, and guessing them leads nowhere and costs nothing. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ROUTES } from '../../../worker/app.ts'
import { CALLS_AT_MOST, forgetAttempts } from '../../../worker/routes/admin/identity.ts'
import { FAILURES_AT_MOST, forgetCallers } from '../../../worker/store/callers.ts'
import { ADMIN_KEY_PREFIX, KEY_PREFIX, newKeyParts, writeKey } from '../../../worker/store/key-text.ts'
import { callerKey } from '../../../worker/store/keys.ts'
import { adminOf, callerOf, emptyRouter } from '../../routes/admin/asking.ts'
import { CHAT, codeOf, MODEL, router } from './router.ts'

const HOME = '192.0.2.7'
const ALL = { policies: null, targets: null, may_pin: true, regions: null }

beforeEach(async () => {
  await emptyRouter()
  forgetCallers()
  forgetAttempts()
})

const strangersKey = (prefix = KEY_PREFIX) =>
  writeKey(
    newKeyParts(count => crypto.getRandomValues(new Uint8Array(count))),
    prefix,
  )
/** Every door that takes a caller's key, with a body that would do. */
const doors = ROUTES.filter(([, , access]) => access === 'key').map(([method, path]) => [method, path.replace(':id', 'dec_x')] as const)
const bodyFor = (path: string) =>
  path.includes('messages') ? { ...CHAT, max_tokens: 10 } : { ...CHAT, input: 'x', prompt: 'x', query: 'x', documents: ['x'] }

describe('a key that is kept to addresses', () => {
  it.each(doors)('is refused from elsewhere at %s %s', async (method, path) => {
    const { key } = await callerOf({ scopes: { ...ALL, addresses: ['192.0.2.0/24', '2001:db8::/32'] } })
    const asked = { key, ...(method === 'POST' ? { body: bodyFor(path) } : {}) }
    const { ask, sent } = router()
    for (const address of ['198.51.100.1', '2001:db9::1', '', 'nonsense', '192.0.2.7, 198.51.100.1']) {
      const response = await ask(method, path, { ...asked, address })
      expect([address, response.status, await response.text()]).toEqual([address, 403, expect.stringContaining('from this address')])
    }
    expect(sent).toEqual([])
    expect((await ask(method, path, { ...asked, address: HOME })).status).not.toBe(403)
  })
  it('is at home there by any spelling, and not by what a caller says of itself', async () => {
    const { key } = await callerOf({ scopes: { ...ALL, addresses: ['192.0.2.0/24', '2001:db8::/32'] } })
    const { ask } = router()
    for (const address of [HOME, '::ffff:192.0.2.7', '2001:DB8:0::1'])
      expect((await ask('GET', '/v1/models', { key, address })).status).toBe(200)
    for (const name of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'true-client-ip', 'client-ip'])
      expect((await ask('GET', '/v1/models', { key, address: '198.51.100.1', headers: { [name]: HOME } })).status).toBe(403)
  })
  it('says nothing of that to one who has the wrong secret', async () => {
    const { key } = await callerOf({ scopes: { ...ALL, addresses: [HOME] } })
    const { key_id } = { key_id: key.slice(KEY_PREFIX.length, KEY_PREFIX.length + 11) }
    const guess = writeKey({ key_id, secret: 'A'.repeat(43) })
    expect((await router().ask('GET', '/v1/models', { key: guess, address: '198.51.100.1' })).status).toBe(401)
  })
})

describe('a key that is kept to a cost', () => {
  const long = { ...CHAT, max_tokens: 8_000, messages: [{ role: 'user', content: 'word '.repeat(20_000) }] }
  it('is refused what would cost more, whatever its policy allows, and whichever target it names', async () => {
    const { key } = await callerOf({ scopes: { ...ALL, cost_at_most_micros: 2_000 } })
    const { ask, sent } = router()
    expect((await ask('POST', '/v1/chat/completions', { key, body: CHAT })).status).toBe(200)
    const refused = await ask('POST', '/v1/chat/completions', { key, body: long })
    expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining('refused for cost')])
    expect(sent).toHaveLength(1)
    expect((await ask('POST', '/v1/chat/completions', { key: (await callerOf()).key, body: long })).status).toBe(200)
  })
})

describe('a key that was revoked', () => {
  const free = doors.filter(([method, path]) => method === 'GET' || path === '/v1/route' || path.endsWith('count_tokens'))
  it.each([...free, ['GET', '/health'] as const])('is refused within a second at %s %s, which spends nothing', async (method, path) => {
    const { key, key_id } = await callerOf()
    const owner = await adminOf('owner')
    const asked = { key, ...(method === 'POST' ? { body: bodyFor(path) } : {}) }
    const { ask } = router()
    expect((await ask(method, path, asked)).status).not.toBe(401)
    expect((await ask('POST', `/admin/v1/keys/${key_id}/revoke`, { key: owner })).status).toBe(200)
    // KV goes on giving what it gave.
    const stale = JSON.parse((await env.KV.get(callerKey(key_id))) ?? '')
    await env.KV.put(callerKey(key_id), JSON.stringify({ ...stale, revoked_at_ms: null }))
    const later_ms = Date.now() + 1_000
    const clock = vi.spyOn(Date, 'now').mockReturnValue(later_ms)
    const { status } = await ask(method, path, asked)
    clock.mockRestore()
    expect(status).toBe(401)
  })
  it('gets no answer that was paid for, from the same moment on', async () => {
    const { key, key_id } = await callerOf()
    const owner = await adminOf('owner')
    const { ask, sent } = router()
    expect((await ask('POST', '/v1/chat/completions', { key, body: CHAT })).status).toBe(200)
    await ask('POST', `/admin/v1/keys/${key_id}/revoke`, { key: owner })
    for (let i = 0; i < 3; i++) expect((await ask('POST', '/v1/chat/completions', { key, body: CHAT })).status).toBe(401)
    // The first may have been sent on while its intent was judged; none after it.
    expect(sent.length).toBeLessThanOrEqual(2)
  })
  it('is shown nothing where nobody can say whether it was revoked', async () => {
    const { key } = await callerOf()
    const USAGE = { getByName: () => ({ revokedAt: () => Promise.reject(new Error('away')) }) }
    const response = await router({ variables: { USAGE } }).ask('GET', '/v1/models', { key })
    expect([response.status, await codeOf(response)]).toEqual([503, 'keys_unavailable'])
  })
})

describe('one who tries keys', () => {
  it('is held up after so many from one address, and nobody else is', async () => {
    const { key } = await callerOf()
    const { ask } = router()
    expect((await ask('GET', '/v1/models', { key, address: HOME })).status).toBe(200)
    for (let i = 0; i < FAILURES_AT_MOST; i++)
      expect((await ask('GET', '/v1/models', { key: strangersKey(), address: HOME })).status).toBe(401)
    const response = await ask('GET', '/v1/models', { key: strangersKey(), address: HOME })
    expect([response.status, await codeOf(response), Number(response.headers.get('retry-after')) > 0]).toEqual([
      429,
      'too_many_attempts',
      true,
    ])
    // A good key that is known here is not held up by its neighbours.
    expect((await ask('GET', '/v1/models', { key, address: HOME })).status).toBe(200)
    expect((await ask('GET', '/v1/models', { key: strangersKey(), address: '198.51.100.1' })).status).toBe(401)
  })
  it('costs no read of D1 ever, and none of KV once held up; a mistyped key costs nothing at all', async () => {
    let [kv, d1] = [0, 0]
    const counting = <T extends object>(of: T, count: () => void): T =>
      new Proxy(of, {
        get(target, name) {
          const value = Reflect.get(target, name)
          return typeof value === 'function'
            ? (...args: unknown[]) => {
                count()
                return value.apply(target, args)
              }
            : value
        },
      })
    const { ask } = router({ variables: { KV: counting(env.KV, () => kv++), DB: counting(env.DB, () => d1++) } })
    const mistyped = strangersKey().replace(/.$/, last => (last === 'a' ? 'b' : 'a'))
    for (let i = 0; i < 200; i++) await ask('POST', '/v1/chat/completions', { key: mistyped, body: CHAT, address: HOME })
    expect([kv, d1]).toEqual([0, 0])
    for (let i = 0; i < 200; i++) await ask('POST', '/v1/chat/completions', { key: strangersKey(), body: CHAT, address: HOME })
    expect(kv).toBeLessThanOrEqual(FAILURES_AT_MOST)
    expect(d1).toBe(0)
  })
  it('of an admin is held up as well, before anything is read', async () => {
    const owner = await adminOf('owner')
    const { ask } = router()
    const guess = () => ask('GET', '/admin/v1/me', { key: strangersKey(ADMIN_KEY_PREFIX), address: HOME })
    for (let i = 0; i < FAILURES_AT_MOST; i++) expect((await guess()).status).toBe(401)
    expect((await guess()).status).toBe(429)
    expect((await ask('GET', '/admin/v1/me', { key: owner, address: '198.51.100.1' })).status).toBe(200)
  })
  it('is counted by the binding of the whole data centre, where there is one', async () => {
    const seen: string[] = []
    const FAILED_KEYS = { limit: async ({ key }: { key: string }) => ({ success: seen.push(key) < 3 }) }
    const { ask } = router({ variables: { FAILED_KEYS } })
    const tries = []
    for (let i = 0; i < 5; i++) tries.push((await ask('GET', '/v1/models', { key: strangersKey(), address: HOME })).status)
    expect([tries, seen]).toEqual([
      [401, 401, 401, 429, 429],
      [HOME, HOME, HOME],
    ])
  })
})

describe('an admin who calls without end', () => {
  it('is told to wait, and others are not', { timeout: 60_000 }, async () => {
    const [one, other] = [await adminOf('viewer'), await adminOf('viewer')]
    const { ask } = router()
    for (let i = 0; i < CALLS_AT_MOST; i++) await ask('GET', '/admin/v1/me', { key: one })
    expect((await ask('GET', '/admin/v1/me', { key: one })).status).toBe(429)
    expect((await ask('GET', '/admin/v1/me', { key: other })).status).toBe(200)
  })
})

describe('scopes hold at every door that leads to a target', () => {
  const asking = doors.filter(([method, path]) => method === 'POST' && path !== '/v1/route' && !path.endsWith('count_tokens'))
  it.each(asking)('%s %s: endpoints, targets, regions, policies and naming', async (_, path) => {
    const { ask, sent } = router()
    const keptTo = async (scopes: object) => (await callerOf({ scopes: { ...ALL, ...scopes } })).key
    const other = path === '/v1/embeddings' ? 'chat' : 'embeddings'
    const asked = async (scopes: object, body: object = bodyFor(path)) => {
      const files = path.includes('edits') || path.includes('transcriptions')
      const form = `--x\r\ncontent-disposition: form-data; name="model"\r\n\r\n${MODEL}\r\n--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nx\r\n--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--x\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\nx\r\n--x--\r\n`
      const sendable = files ? { body: form, headers: { 'content-type': 'multipart/form-data; boundary=x' } } : { body }
      return (await ask('POST', path, { key: await keptTo(scopes), ...sendable })).status
    }
    expect(await asked({ endpoints: [other] })).toBe(403)
    expect(await asked({ targets: ['mistral/*'] })).toBeGreaterThanOrEqual(400)
    expect(await asked({ regions: ['nowhere'] })).toBeGreaterThanOrEqual(400)
    expect(await asked({ may_pin: false })).toBeGreaterThanOrEqual(400)
    expect(await asked({ policies: [] }, { ...bodyFor(path), model: 'policy/other' })).toBeGreaterThanOrEqual(400)
    expect(sent).toEqual([])
  })
  it('and on every edge: a failover goes nowhere that the key may not', async () => {
    const refusing = router({
      variables: { MISTRAL_API_KEY: 'sk-mistral' },
      answer: () => Response.json({ error: { message: 'no' } }, { status: 503 }),
    })
    const { key } = await callerOf({ scopes: { ...ALL, targets: ['openai/*'] } })
    await refusing.ask('POST', '/v1/chat/completions', { key, body: { ...CHAT, model: 'auto' } })
    expect(refusing.sent.length).toBeGreaterThan(0)
    expect(new Set(refusing.sent.map(({ url }) => url.hostname))).toEqual(new Set(['api.openai.com']))
  })
})
