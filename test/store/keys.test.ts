import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Caller } from '../../worker/schema/caller.ts'
import { authenticate, CALLER_FRESH_MS, CALLER_STALE_MS, forgetCallers, UNKNOWN_ID_MS } from '../../worker/store/callers.ts'
import { KEY_CHARS, newKeyParts, readKey, writeKey } from '../../worker/store/key-text.ts'
import { callerKey, makeKey } from '../../worker/store/keys.ts'
import { emptyStorage } from './fixture.ts'

const NOW = 1_800_000_000_000
const INVALID = { ok: false, error: { code: 'invalid_key' } }
const random = (count: number) => crypto.getRandomValues(new Uint8Array(count))
const newKey = () => writeKey(newKeyParts(random))

describe('the text of a key', () => {
  it('is read back as it was written', () => {
    const parts = newKeyParts(random)
    expect(readKey(writeKey(parts))).toEqual(parts)
    expect(writeKey(parts)).toHaveLength(KEY_CHARS)
  })

  it('is refused with any one character changed, left out or doubled', () => {
    const key = newKey()
    for (let i = 0; i < key.length; i++) {
      const other = key[i] === 'x' ? 'y' : 'x'
      expect(readKey(key.slice(0, i) + other + key.slice(i + 1))).toBe(null)
      expect(readKey(key.slice(0, i) + key.slice(i + 1))).toBe(null)
      expect(readKey(key.slice(0, i) + key[i] + key.slice(i))).toBe(null)
    }
  })

  it('is none of what people put into headers', () => {
    fc.assert(fc.property(fc.string({ maxLength: 100 }), text => readKey(text) === null))
  })

  it('draws every letter and digit alike', () => {
    const counts = new Map<string, number>()
    for (let i = 0; i < 2_000; i++) for (const char of newKeyParts(random).secret) counts.set(char, (counts.get(char) ?? 0) + 1)
    const expected = (2_000 * 43) / 62
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(expected * 0.2)
    expect(counts.size).toBe(62)
  })
})

describe('making a key', () => {
  it('leaves nothing in the record from which the key could be made', async () => {
    const { key, caller } = await makeKey(env.KEY_PEPPER, { label: 'ci', org: 'acme' })
    const secret = readKey(key)?.secret ?? ''
    expect(JSON.stringify(caller)).not.toContain(secret)
    expect(caller).toMatchObject({ key_id: readKey(key)?.key_id, last4: key.slice(-4), org: 'acme', policy: 'default' })
  })

  it('is refused with a pepper that could be guessed', async () => {
    await expect(makeKey('short', { label: 'ci', org: 'acme' })).rejects.toThrow('KEY_PEPPER')
  })
})

describe('a caller', () => {
  const ctx = { waitUntil: (promise: Promise<unknown>) => void pending.push(promise) }
  let pending: Promise<unknown>[] = []
  let key: string
  let caller: Caller

  beforeEach(async () => {
    await emptyStorage()
    forgetCallers()
    pending = []
    ;({ key, caller } = await makeKey(env.KEY_PEPPER, { label: 'ci', org: 'acme' }))
    await store({})
  })

  const store = (changes: Partial<Caller>) => env.KV.put(callerKey(caller.key_id), JSON.stringify({ ...caller, ...changes }))
  const ask = (headers: Record<string, string>, now_ms = NOW, bindings: Pick<Env, 'KV'> = env) =>
    authenticate(new Headers(headers), bindings, ctx, now_ms)
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` })
  /** The real one, with its reads counted, and failing while `down`. */
  const watchedKv = () => {
    const watched = { reads: 0, down: false }
    const get = (name: string, type: 'json') => {
      // Its organisation's limits are another record, read beside it.
      if (name === callerKey(caller.key_id)) watched.reads += 1
      return watched.down ? Promise.reject(new Error('KV GET failed: 503')) : env.KV.get(name, type)
    }
    return Object.assign(watched, { env: { ...env, KV: { get } as unknown as KVNamespace } })
  }

  it('is known by a bearer token or by x-api-key, as the same caller', async () => {
    expect(await ask(bearer(key))).toEqual({ ok: true, value: { ...caller, limits: [] } })
    expect(await ask({ 'x-api-key': key })).toEqual({ ok: true, value: { ...caller, limits: [] } })
    expect(await ask({ authorization: `bearer ${key}`, 'x-api-key': key })).toEqual({ ok: true, value: { ...caller, limits: [] } })
  })

  it('is known from memory without a promise the second time', async () => {
    await ask(bearer(key))
    expect(ask(bearer(key))).toEqual({ ok: true, value: { ...caller, limits: [] } })
  })

  it('is told apart from one who sends nothing', async () => {
    expect(await ask({})).toEqual({ ok: false, error: { code: 'missing_key' } })
  })

  it('may not send two different keys', async () => {
    expect(await ask({ ...bearer(key), 'x-api-key': newKey() })).toEqual({ ok: false, error: { code: 'ambiguous_credentials' } })
  })

  it.each([
    ['another scheme', () => ({ authorization: `Basic ${key}` })],
    ['no scheme', () => ({ authorization: key })],
    ['a key nobody has', () => bearer(newKey())],
    ['a mistyped key', () => bearer(`${key.slice(0, -1)}!`)],
    ['the id of one key with the secret of another', () => bearer(writeKey({ key_id: caller.key_id, secret: newKeyParts(random).secret }))],
    ['16 kB of anything', () => bearer('x'.repeat(16_384))],
    ['an SQL injection', () => bearer("' OR 1=1 --")],
    ['nothing after the scheme', () => ({ authorization: 'Bearer ' })],
  ])('with %s gets the one answer for all bad keys', async (_, headers) => {
    expect(await ask(headers())).toEqual(INVALID)
  })

  it.each([
    ['revoked', { revoked_at_ms: NOW }],
    ['expired', { expires_at_ms: NOW }],
    ['under another id than its own', { key_id: 'aaaaaaaaaaa' }],
  ])('whose record is %s gets that answer too', async (_, changes) => {
    await store(changes)
    expect(await ask(bearer(key))).toEqual(INVALID)
  })

  it('expires to the millisecond, in memory as well', async () => {
    await store({ expires_at_ms: NOW + 10 })
    expect(await ask(bearer(key), NOW + 9)).toMatchObject({ ok: true })
    expect(await ask(bearer(key), NOW + 10)).toEqual(INVALID)
  })

  it('who was revoked is refused as soon as the record in memory is read again', async () => {
    await ask(bearer(key))
    await store({ revoked_at_ms: NOW })
    expect(await ask(bearer(key), NOW + CALLER_FRESH_MS)).toMatchObject({ ok: true })
    await Promise.all(pending)
    expect(await ask(bearer(key), NOW + CALLER_FRESH_MS)).toEqual(INVALID)
  })

  it('who is busy has the record read again behind a request, and never waits', async () => {
    const kv = watchedKv()
    await ask(bearer(key), NOW, kv.env)
    for (let now_ms = NOW; now_ms < NOW + 10 * CALLER_FRESH_MS; now_ms += 1_000) {
      expect(ask(bearer(key), now_ms, kv.env)).not.toBeInstanceOf(Promise)
      await Promise.all(pending)
    }
    expect(kv.reads).toBeLessThan(20)
  })

  it('is believed for an hour while KV fails, and not longer', async () => {
    const kv = watchedKv()
    await ask(bearer(key), NOW, kv.env)
    kv.down = true
    expect(await ask(bearer(key), NOW + CALLER_STALE_MS, kv.env)).toMatchObject({ ok: true })
    forgetCallers()
    expect(await ask(bearer(key), NOW, kv.env)).toMatchObject({ error: { code: 'keys_unavailable' } })
  })

  it('whose id is not there costs one read in five seconds, and comes in once it is there', async () => {
    const kv = watchedKv()
    await env.KV.delete(callerKey(caller.key_id))
    for (let i = 0; i < 10; i++) expect(await ask(bearer(key), NOW, kv.env)).toEqual(INVALID)
    expect(kv.reads).toBe(1)
    await store({})
    expect(await ask(bearer(key), NOW + UNKNOWN_ID_MS, kv.env)).toMatchObject({ ok: true })
  })

  it('is refused with a word to the operator where the pepper is missing or short', async () => {
    for (const KEY_PEPPER of [undefined, 'x'.repeat(31)]) {
      forgetCallers()
      const answer = await ask(bearer(key), NOW, { ...env, KEY_PEPPER } as Env)
      expect(answer).toMatchObject({ error: { code: 'keys_unavailable', message: expect.stringContaining('KEY_PEPPER') } })
    }
  })

  it('may stand under a second pepper while keys are moved over', async () => {
    const next = 'another pepper of more than 32 characters'
    const made = await makeKey(next, { label: 'new', org: 'acme', pepper: '2' })
    await env.KV.put(callerKey(made.caller.key_id), JSON.stringify(made.caller))
    expect(await ask(bearer(made.key), NOW, { ...env, KEY_PEPPER_2: next } as Env)).toMatchObject({ ok: true })
    expect(await ask(bearer(key), NOW, { ...env, KEY_PEPPER_2: next } as Env)).toMatchObject({ ok: true })
  })
})
