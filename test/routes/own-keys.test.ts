/**
 * Providers' keys that callers bring, from the admin API to the call that is made with one, in workerd with real bindings. The
 * provider is a stand-in that notes with which key it was called.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { makeApp } from '../../worker/app.ts'
import { makeDeps } from '../../worker/env.ts'
import { forgetCallers } from '../../worker/store/callers.ts'
import { ownKeysKey } from '../../worker/store/provider-keys.ts'
import { adminOf, callerOf, emptyRouter } from './admin/asking.ts'
import { promptReports } from './prompt-reports.ts'

const ROUTERS = 'sk-the-routers-own-key-0000'
const BROUGHT = 'sk-brought-by-acme-1111'
const FINGERPRINT = '63093f59d5400105'

type Seen = { host: string; key: string | null }
let seen: Seen[]
/** What the stand-in answers, by the key it is called with. */
let answers: Record<string, { status: number; body: unknown }>
let isolate: ReturnType<typeof newIsolate>
let owner: string

beforeEach(async () => {
  await emptyRouter()
  forgetCallers()
  seen = []
  answers = {}
  isolate = newIsolate()
  owner = await adminOf('owner')
})

/** A router with nothing in its memory. */
function newIsolate(change: Record<string, string> = {}) {
  const variables = { ...env, OPENAI_API_KEY: ROUTERS, ...change }
  const deps = promptReports(makeDeps(variables))
  const fetch = async (_: string, url: string, init: RequestInit) => {
    const key = new Headers(init.headers).get('authorization')?.slice('Bearer '.length) ?? null
    seen.push({ host: new URL(url).hostname, key })
    const { status, body } = answers[key ?? ''] ?? { status: 200, body: ANSWER }
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
  }
  const app = makeApp(() => ({ ...deps, effects: { ...deps.effects, fetch } }))
  return async (method: string, path: string, { key, body }: { key?: string; body?: unknown } = {}) => {
    const ctx = createExecutionContext()
    const headers = { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await app.fetch(new Request(`https://signalbox.test${path}`, { method, headers, ...sent }), variables, ctx)
    const answer = new Response(await response.arrayBuffer(), response)
    await waitOnExecutionContext(ctx)
    return answer
  }
}

const ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Paris.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 },
}
const MODEL = 'openai/gpt-5-mini'
const chat = (key: string, on = isolate) =>
  on('POST', '/v1/chat/completions', { key, body: { model: MODEL, messages: [{ role: 'user', content: 'Capital of France?' }] } })
const set = (change: Record<string, unknown> = {}, key = owner) =>
  isolate('PUT', '/admin/v1/provider-keys', { key, body: { org: 'acme', provider: 'openai', value: BROUGHT, ...change } })
const list = async (query = '', key = owner) =>
  ((await (await isolate('GET', `/admin/v1/provider-keys${query}`, { key })).json()) as { provider_keys: Record<string, unknown>[] })
    .provider_keys
const errorCode = async (response: Response) => ((await response.json()) as { error: { code: string; message: string } }).error
const keysSeen = () => seen.map(call => call.key)

describe('a key that is brought', () => {
  it('is used for the calls of its organisation to its provider, and for no others', async () => {
    await set()
    await chat((await callerOf({ org: 'acme' })).key)
    await chat((await callerOf({ org: 'other' })).key)
    expect(keysSeen()).toEqual([BROUGHT, ROUTERS])
  })
  it('is known afterwards by its last four characters and a fingerprint, and by nothing else', async () => {
    const made = await set({ label: 'billing account 7' })
    const text = await made.text()
    expect(JSON.parse(text)).toMatchObject({ last4: '1111', fingerprint: FINGERPRINT, label: 'billing account 7', replaces: null })
    const [listed] = await list()
    expect(listed).toMatchObject({ last4: '1111', fingerprint: FINGERPRINT, org: 'acme', provider: 'openai', master: '1' })
    const kv = await env.KV.get(ownKeysKey('acme'))
    const { results } = await env.DB.prepare('SELECT * FROM provider_keys').all()
    const audit = await (await isolate('GET', '/admin/v1/audit', { key: owner })).text()
    for (const place of [text, JSON.stringify(listed), kv, JSON.stringify(results), audit]) {
      expect(place).toContain(FINGERPRINT)
      expect(place).not.toContain(BROUGHT.slice(0, -4))
    }
    expect(JSON.stringify(listed)).not.toMatch(/wrapped|sealed/)
    expect(made.headers.get('cache-control')).toBe('no-store')
  })
  it('for one key goes before its team’s, and that before its organisation’s', async () => {
    const [own, team, other] = [await callerOf({ team: 'search' }), await callerOf({ team: 'search' }), await callerOf({})]
    await set({ value: 'sk-of-the-organisation' })
    await set({ value: 'sk-of-the-team-search', team: 'search' })
    await set({ value: 'sk-of-this-one-caller', key_id: own.key_id })
    for (const { key } of [own, team, other]) await chat(key)
    expect(keysSeen()).toEqual(['sk-of-this-one-caller', 'sk-of-the-team-search', 'sk-of-the-organisation'])
  })
  it('replaces the one that was there', async () => {
    const first = (await (await set()).json()) as { id: string }
    expect(await (await set({ value: 'sk-brought-by-acme-2222' })).json()).toMatchObject({ replaces: first.id, last4: '2222' })
    expect(await list()).toHaveLength(1)
  })
  it('that is taken away is used no more', async () => {
    const { id } = (await (await set()).json()) as { id: string }
    expect((await isolate('DELETE', `/admin/v1/provider-keys/${id}`, { key: owner })).status).toBe(200)
    expect((await isolate('DELETE', `/admin/v1/provider-keys/${id}`, { key: owner })).status).toBe(404)
    await chat((await callerOf()).key, newIsolate())
    expect(keysSeen()).toEqual([ROUTERS])
  })
  it('pays for itself: its cost is in no sum of ours, and the row says whose key it was', async () => {
    await set()
    await chat((await callerOf({ budgets: [{ window: 'day', limit_micros: 1_000_000, kind: 'hard' }] })).key)
    const row = () => env.DB.prepare('SELECT paid_by, cost_micros, own_cost_micros, attempts FROM usage').first<Record<string, unknown>>()
    await expect.poll(row, { timeout: 10_000 }).toMatchObject({ paid_by: 'caller', cost_micros: 0 })
    const { own_cost_micros, attempts } = (await row()) ?? {}
    expect(own_cost_micros).toBeGreaterThan(0)
    expect(JSON.parse(String(attempts))).toMatchObject([{ target: MODEL, own_key: true }])
    const spend = await isolate('GET', '/admin/v1/orgs/acme/spend', { key: owner })
    expect(await spend.json()).toMatchObject({ day: { spent_micros: 0, held_micros: 0 } })
    const sums = await isolate('GET', '/admin/v1/usage?group_by=org', { key: owner })
    expect(await sums.json()).toMatchObject({ rows: [{ cost_micros: 0, own_cost_micros }] })
  })
  it('of a caller without one costs nothing and changes nothing', async () => {
    await chat((await callerOf()).key)
    const row = () => env.DB.prepare('SELECT paid_by, own_cost_micros, cost_micros FROM usage').first<Record<string, number>>()
    await expect.poll(row, { timeout: 10_000 }).toMatchObject({ paid_by: 'router', own_cost_micros: null })
    expect((await row())?.cost_micros).toBeGreaterThan(0)
  })
})

describe('a key that its provider refuses', () => {
  const REFUSED = { status: 401, body: { error: { message: `Incorrect API key provided: ${BROUGHT}`, code: 'invalid_api_key' } } }

  it('is told to its owner, who can mend it, and is not replaced by the router’s own', async () => {
    answers[BROUGHT] = REFUSED
    await set()
    const response = await chat((await callerOf()).key)
    expect([response.status, await errorCode(response)]).toMatchObject([502, { code: 'own_key_refused' }])
    expect(keysSeen()).toEqual([BROUGHT])
  })
  it('closes the target to nobody else: neither here nor in the fleet', async () => {
    answers[BROUGHT] = REFUSED
    await set()
    const { key } = await callerOf()
    for (let i = 0; i < 8; i++) await chat(key)
    expect(keysSeen()).toEqual([BROUGHT])
    expect((await chat((await callerOf({ org: 'other' })).key)).status).toBe(200)
    const { targets } = (await (await isolate('GET', '/admin/v1/targets', { key: owner })).json()) as {
      targets: { target: string; health: unknown }[]
    }
    expect(targets.find(each => each.target === MODEL)?.health).toMatchObject({ state: 'closed', auth_broken_until_ms: null })
  })
  it('and limited, or whose account fails, closes nothing for others either', { timeout: 20_000 }, async () => {
    await set()
    const { key } = await callerOf()
    for (const status of [429, 500, 503]) {
      answers[BROUGHT] = { status, body: { error: { message: 'no', code: 'no' } } }
      for (let i = 0; i < 4; i++) await chat(key)
    }
    expect((await chat((await callerOf({ org: 'other' })).key)).status).toBe(200)
  })
  it('begins anew when it is set anew', async () => {
    answers[BROUGHT] = REFUSED
    await set()
    const { key } = await callerOf()
    await chat(key)
    await set({ value: 'sk-a-better-key-3333' })
    forgetCallers()
    expect((await chat(key, newIsolate())).status).toBe(200)
  })
})

describe('the router’s own credential, refused,', () => {
  it('is nothing to a caller that brings its own', async () => {
    answers[ROUTERS] = { status: 401, body: { error: { message: 'no', code: 'invalid_api_key' } } }
    await set()
    const other = await callerOf({ org: 'other' })
    expect((await errorCode(await chat(other.key))).code).toBe('upstream_credential')
    expect((await errorCode(await chat(other.key))).code).toBe('no_eligible_target')
    expect((await chat((await callerOf()).key)).status).toBe(200)
  })
})

describe('a record that was tampered with', () => {
  it('opens nothing where it was copied to: no call is made, and an alarm says so', async () => {
    await set()
    const stolen = JSON.parse((await env.KV.get(ownKeysKey('acme'))) ?? '')
    await env.KV.put(ownKeysKey('evil'), JSON.stringify({ v: 1, keys: [{ ...stolen.keys[0], org: 'evil' }] }))
    const { key } = await callerOf({ org: 'evil' })
    const response = await chat(key)
    expect([response.status, await errorCode(response)]).toMatchObject([500, { code: 'key_unusable' }])
    expect(seen).toEqual([])
    const health = (await (await isolate('GET', '/health', { key })).json()) as { alarms: { about: string }[] }
    expect(health.alarms.map(alarm => alarm.about)).toEqual([`provider-key/${stolen.keys[0].id}`])
    expect((await chat((await callerOf({ org: 'acme' })).key)).status).toBe(200)
  })
  it('into something else than a list of keys is not gone by, and nobody else’s key is used instead', async () => {
    await env.KV.put(ownKeysKey('acme'), '{"v":1,"keys":[{"org":"acme"}]}')
    const response = await chat((await callerOf()).key)
    expect([response.status, (await errorCode(response)).code]).toEqual([503, 'keys_unavailable'])
    expect(seen).toEqual([])
  })
})

describe('a new master', () => {
  const MASTER_2 = 'the second master, of 32 characters or more'

  it('takes all keys over; then the old one may go', async () => {
    await set()
    expect(await (await set({ provider: 'mistral', value: 'sk-mistral-brought-by-acme' })).json()).toMatchObject({ provider: 'mistral' })
    const both = newIsolate({ PROVIDER_KEY_MASTER_2: MASTER_2 })
    const { key } = await callerOf()
    expect((await chat(key, both)).status).toBe(200)
    expect(await (await both('POST', '/admin/v1/provider-keys/rewrap', { key: owner, body: {} })).json()).toEqual({
      master: '2',
      rewrapped: 2,
      unusable: [],
      cursor: null,
    })
    forgetCallers()
    expect((await chat(key, newIsolate({ PROVIDER_KEY_MASTER: '', PROVIDER_KEY_MASTER_2: MASTER_2 }))).status).toBe(200)
    expect(keysSeen()).toEqual([BROUGHT, BROUGHT])
    expect((await list()).map(each => each.master)).toEqual(['2', '2'])
  })
  it('says which it cannot take over', async () => {
    const { id } = (await (await set()).json()) as { id: string }
    const second = newIsolate({ PROVIDER_KEY_MASTER: '', PROVIDER_KEY_MASTER_2: MASTER_2 })
    expect(await (await second('POST', '/admin/v1/provider-keys/rewrap', { key: owner, body: {} })).json()).toMatchObject({
      rewrapped: 0,
      unusable: [id],
    })
  })
})

describe('bringing a key is refused', () => {
  it.each([
    ['where it has a line end, which would begin another header', { value: 'sk-brought\r\nx-evil: 1' }, 400],
    ['where it is too short to be one', { value: 'short' }, 400],
    ['for a provider that is not there', { provider: 'nobody' }, 404],
    ['for a provider that takes no key', { provider: 'demo' }, 400],
    ['for a provider whose calls are signed, without its second half', { provider: 'bedrock', value: 'AKIAIOSFODNN7EXAMPLE' }, 400],
    ['for a team and a key at once', { team: 'a', key_id: 'aaaaaaaaaaa' }, 400],
    ['for a key that is not there', { key_id: 'aaaaaaaaaaa' }, 404],
    ['with a field that nobody knows', { base_url: 'https://evil.example' }, 400],
  ])('%s', async (_, change, status) => {
    expect((await set(change)).status).toBe(status)
    expect(await list()).toEqual([])
  })
  it('for another organisation’s key, or by an admin of another organisation', async () => {
    const { key_id } = await callerOf({ org: 'other' })
    expect((await set({ key_id })).status).toBe(404)
    const theirs = await adminOf('admin', { org: 'other' })
    expect((await set({}, theirs)).status).toBe(403)
    const { id } = (await (await set()).json()) as { id: string }
    expect((await isolate('DELETE', `/admin/v1/provider-keys/${id}`, { key: theirs })).status).toBe(404)
    expect(await list('', theirs)).toEqual([])
    expect(await list('?org=acme', theirs)).toEqual([])
  })
  it('where the Worker has no master secret; and then nothing is looked up for anybody', async () => {
    await set()
    const without = newIsolate({ PROVIDER_KEY_MASTER: '' })
    const body = { org: 'acme', provider: 'openai', value: BROUGHT }
    expect((await without('PUT', '/admin/v1/provider-keys', { key: owner, body })).status).toBe(503)
    await chat((await callerOf()).key, without)
    expect(keysSeen()).toEqual([ROUTERS])
  })
})
