/** Policies, the catalogue and targets, as an operator handles them. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { adminOf, ask, emptyRouter, errorOf, told } from './asking.ts'

let key: string
beforeEach(async () => {
  await emptyRouter()
  key = await adminOf('owner')
})

const GOOD = 'name: good\nobjective: { quality: 1 }\n'
const BETTER = 'name: good\nobjective: { quality: 2 }\n'
type Taken = { name: string; version: string; replaces: string | null }
const put = (text: string, more: object = {}, name = 'good') => ask('PUT', `/admin/v1/policies/${name}`, { key, body: { text, ...more } })
const putWell = (text: string) => told<Taken>('PUT', '/admin/v1/policies/good', { key, body: { text } })

describe('a policy that is put', () => {
  it('is in force under its name, and kept under its version', async () => {
    const { version, replaces } = await putWell(GOOD)
    expect(replaces).toBeNull()
    expect([await env.KV.get('policy/good'), await env.KV.get(`policy/good@${version}`)]).toEqual([GOOD, GOOD])
    expect(await told('GET', '/admin/v1/policies/good', { key })).toEqual({ name: 'good', version, bundled: false, text: GOOD })
    expect(await told('GET', '/admin/v1/policies', { key })).toMatchObject({ policies: [{ name: 'default' }, { name: 'good' }] })
  })
  it.each([
    ['does not parse', 'name: good\nobjective: { quality: 1 }\nrulez: []\n'],
    [
      'has a condition about nothing',
      'name: good\nobjective: { quality: 1 }\nrules:\n  - name: r\n    when: tsk == "summary"\n    do: { refuse: no }\n',
    ],
    ['calls itself otherwise', 'name: other\nobjective: { quality: 1 }\n'],
    [
      'fails its own test',
      "name: good\nobjective: { quality: 1 }\ntests:\n  - name: small\n    request: { prompt: Hi, live: ['demo/*'] }\n    expect: { target: demo/small }\n",
    ],
  ])('and %s changes nothing, and is told what is wrong and where', async (_, text) => {
    await putWell(GOOD)
    const response = await put(text)
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({
      error: { code: 'policy_not_accepted' },
      findings: expect.arrayContaining([expect.objectContaining({ severity: 'error', line: expect.any(Number) })]),
    })
    expect(await env.KV.get('policy/good')).toBe(GOOD)
  })
  it('is refused where somebody was quicker', async () => {
    const first = await putWell(GOOD)
    await putWell(BETTER)
    const late = await put(GOOD, { if_version: first.version })
    expect([late.status, (await errorOf(late)).code]).toEqual([409, 'conflict'])
    expect((await put(GOOD, { if_version: null })).status).toBe(409)
  })
})

describe('the versions of a policy', () => {
  it('say which is in force and who put each there; two can be compared; an earlier one can be brought back', async () => {
    const first = await putWell(GOOD)
    const second = await putWell(BETTER)
    const { versions } = await told<{ versions: object[] }>('GET', '/admin/v1/policies/good/versions', { key })
    expect(versions).toHaveLength(2)
    expect(versions).toEqual(
      expect.arrayContaining([
        { version: first.version, in_force: false, at_ms: expect.any(Number), by: expect.stringMatching(/^key:/) },
        { version: second.version, in_force: true, at_ms: expect.any(Number), by: expect.stringMatching(/^key:/) },
      ]),
    )
    const diff = await (await ask('GET', `/admin/v1/policies/good/diff?from=${first.version}`, { key })).text()
    expect(diff).toContain('-objective: { quality: 1 }\n+objective: { quality: 2 }')
    const back = await told<Taken>('POST', '/admin/v1/policies/good/rollback', { key, body: { to: first.version } })
    expect(back).toMatchObject({ version: first.version, replaces: second.version })
    expect(await env.KV.get('policy/good')).toBe(GOOD)
  })
  it('begin with what came by other means, which is kept when it is replaced', async () => {
    await env.KV.put('policy/good', GOOD)
    type Versions = { versions: { version: string; in_force: boolean; by: string | null }[] }
    const before = await told<Versions>('GET', '/admin/v1/policies/good/versions', { key })
    expect(before.versions).toMatchObject([{ in_force: true, by: null }])
    await putWell(BETTER)
    const back = await told<Taken>('POST', '/admin/v1/policies/good/rollback', { key, body: { to: before.versions[0]?.version } })
    expect([back.version, await env.KV.get('policy/good')]).toEqual([before.versions[0]?.version, GOOD])
  })
  it('that never were are not found', async () => {
    await putWell(GOOD)
    const to = '0123456789abcdef'
    expect((await ask('POST', '/admin/v1/policies/good/rollback', { key, body: { to } })).status).toBe(404)
    expect((await ask('GET', '/admin/v1/policies/none/versions', { key })).status).toBe(404)
  })
  it('of the bundled default begin with the one in the Worker', async () => {
    expect(await told('GET', '/admin/v1/policies/default/versions', { key })).toMatchObject({ versions: [{ in_force: true }] })
    expect(await told('GET', '/admin/v1/policies/default', { key })).toMatchObject({ name: 'default', bundled: true })
  })
})

describe('a check', () => {
  it('gives the verdict and changes nothing', async () => {
    expect(await told('POST', '/admin/v1/policy-check', { key, body: { text: GOOD } })).toMatchObject({
      ok: true,
      name: 'good',
      findings: [],
      worst_case: { calls: 3 },
    })
    expect(await told('POST', '/admin/v1/policy-check', { key, body: { text: 'x' } })).toMatchObject({ ok: false, name: null })
    expect(await env.KV.get('policy/good')).toBeNull()
  })
})

describe('the catalogue overlay', () => {
  const provider = (changes: object = {}) => ({
    id: 'ours',
    name: 'Ours',
    dialect: 'openai-chat',
    base_url: 'https://models.example.com/v1',
    auth: { style: 'bearer', secret: 'OURS_KEY' },
    terms: { regions: ['eu'], retention_days: null, trains_on_data: null, source: { name: 'ours', as_of: '2026-11-24' } },
    readiness: 'always_warm',
    how_to_enable: 'Set OURS_KEY.',
    ...changes,
  })
  const putOverlay = (body: object) => ask('PUT', '/admin/v1/catalogue/overlay', { key, body })

  it('is put, read and taken away', async () => {
    expect((await putOverlay({ providers: [provider()] })).status).toBe(200)
    expect(await told('GET', '/admin/v1/catalogue/overlay', { key })).toMatchObject({ overlay: { providers: [{ id: 'ours' }] } })
    expect(await told('DELETE', '/admin/v1/catalogue/overlay', { key })).toEqual({ version: null, overlay: null })
    expect((await ask('DELETE', '/admin/v1/catalogue/overlay', { key })).status).toBe(404)
  })
  it.each([
    'http://models.example.com/v1',
    'https://user:pass@models.example.com/v1',
    'https://models.example.com:8443/v1',
    'https://127.0.0.1/v1',
    'https://2130706433/v1',
    'https://0x7f.1/v1',
    'https://[::1]/v1',
    'https://[::ffff:169.254.169.254]/v1',
    'https://169.254.169.254/latest',
    'https://localhost./v1',
    'https://metadata.google.internal/v1',
    'https://models.example.com/v1?x=',
    'nonsense',
  ])('does not take %s for an address', async base_url => {
    expect((await putOverlay({ providers: [provider({ base_url })] })).status).toBe(400)
    expect(await env.KV.get('catalogue/overlay')).toBeNull()
  })
  it('sends no provider’s secret to another’s domain', async () => {
    const stolen = { auth: { style: 'bearer', secret: 'OPENAI_API_KEY' } }
    const response = await putOverlay({ providers: [provider(stolen)] })
    expect([response.status, (await errorOf(response)).message]).toEqual([400, expect.stringContaining('OPENAI_API_KEY')])
    expect((await putOverlay({ providers: [provider({ ...stolen, base_url: 'https://eu.api.openai.com/v1' })] })).status).toBe(200)
  })
  it('refuses what leads nowhere', async () => {
    for (const body of [{ without: ['nobody/nothing'] }, { providers: [provider(), provider()] }, { provider: [] }])
      expect((await putOverlay(body)).status).toBe(400)
  })
})

describe('a target', () => {
  type Targets = { targets: { target: string; health: { state: string } }[]; off: object[] }
  const stateOf = async (target: string) =>
    (await told<Targets>('GET', '/admin/v1/targets', { key })).targets.find(each => each.target === target)?.health.state

  it('is isolated and restored by hand', async () => {
    expect(await stateOf('demo/large')).toBe('closed')
    await told('POST', '/admin/v1/targets/isolate', { key, body: { target: 'demo/large' } })
    expect(await stateOf('demo/large')).toBe('isolated')
    expect(await told('POST', '/admin/v1/targets/restore', { key, body: { target: 'demo/large' } })).toMatchObject({ state: 'ramp' })
  })
  it('for another endpoint than chat is, too', async () => {
    expect(await stateOf('demo/embedding')).toBe('closed')
    await told('POST', '/admin/v1/targets/isolate', { key, body: { target: 'demo/embedding' } })
    expect(await stateOf('demo/embedding')).toBe('isolated')
  })
  it('is told as whichever region has seen it knows it', async () => {
    const outcome = {
      ...{ target: 'demo/small', class: 'connection' as const, org: 'acme', size: 's' as const, sent_at_ms: Date.now(), at_ms: Date.now() },
      ...{ first_token_ms: null, tokens_per_second: null, retry_after_ms: null, probe: false },
    }
    const outcomes = Array.from({ length: 8 }, (_, i) => ({ ...outcome, decision_id: `d${i}` }))
    await env.HEALTH.getByName('eu').report({ v: 1, isolate: 'one', region: 'eu', seq: 1, outcomes, wants_probe: [] })
    expect(await stateOf('demo/small')).toBe('open')
  })
  it('that is not there cannot be', async () => {
    expect((await ask('POST', '/admin/v1/targets/isolate', { key, body: { target: 'nobody/nothing' } })).status).toBe(404)
  })
  it('that is off is told with what would switch it on', async () => {
    expect((await told<Targets>('GET', '/admin/v1/targets', { key })).off.length).toBeGreaterThan(5)
  })
})
