/** Callers' keys through their life, as an admin leads it. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeDeps } from '../../../worker/env.ts'
import { makeAdminApp } from '../../../worker/routes/admin/app.ts'
import { forgetCallers } from '../../../worker/store/callers.ts'
import { callerKey } from '../../../worker/store/keys.ts'
import { adminOf, ask, callerOf, emptyRouter, errorOf, told } from './asking.ts'

type View = {
  key_id: string
  key: string
  last4: string
  status: string
  org: string
  label: string
  budgets: object[]
  replaces: object
  policy_found: boolean
}

let admin: string
beforeAll(async () => {
  await emptyRouter()
  admin = await adminOf('admin')
})

const QUESTION = { model: 'demo/small', messages: [{ role: 'user', content: 'What is the capital of France?' }] }
const chat = (key: string) => ask('POST', '/v1/chat/completions', { key, body: QUESTION })
const make = (body: object = {}) => told<View>('POST', '/admin/v1/keys', { key: admin, body: { org: 'acme', label: 'search', ...body } })

describe('a key that is made', () => {
  it('is shown once, works, and is then known by its last four characters', async () => {
    const { key, key_id } = await make({ team: 'web', tier: 'gold', tags: ['a'], policy: 'cheap' })
    expect((await ask('GET', '/v1/models', { key })).status).toBe(200)
    const listed = await told<{ keys: View[] }>('GET', '/admin/v1/keys?org=acme&team=web', { key: admin })
    expect(listed.keys).toMatchObject([{ key_id, last4: key.slice(-4), status: 'active', team: 'web', tier: 'gold', policy: 'cheap' }])
    const text = JSON.stringify([listed, await told('GET', `/admin/v1/keys/${key_id}`, { key: admin })])
    expect([text.includes(key), text.includes('secret'), text.includes('hmac')]).toEqual([false, false, false])
  })
  it('says whether the policy that it is set to is there', async () => {
    expect([(await make()).policy_found, (await make({ policy: 'later' })).policy_found]).toEqual([true, false])
    await env.KV.put('policy/later', 'name: later\nobjective: { quality: 1 }\n')
    expect((await make({ policy: 'later' })).policy_found).toBe(true)
  })
  it('lies in KV without anything that could be used', async () => {
    const { key, key_id } = await make()
    const stored = (await env.KV.get(callerKey(key_id))) ?? ''
    expect(stored).not.toContain(key.slice('sk-sb1_'.length + 11, -6))
  })
  it('is refused where a field has a wrong value, by name', async () => {
    const wrong = [
      [{ org: 'Acme' }, 'org'],
      [{ budgets: [{ window: 'hour', limit_micros: 1, kind: 'hard' }] }, 'budgets.0.window'],
      [{ budgets: [{ window: 'day', limit_micros: 1.5, kind: 'hard' }] }, 'budgets.0.limit_micros'],
      [{ budgets: [{ window: 'day', limit_micros: -5, kind: 'hard' }] }, 'budgets.0.limit_micros'],
      [{ scopes: { cost_at_most_micros: -1 } }, 'scopes.cost_at_most_micros'],
      [{ scopes: { policies: null, models: [] } }, 'scopes.models'],
      [{ role: 'owner' }, 'role'],
      [{ secret_hmac: '0'.repeat(64) }, 'secret_hmac'],
    ] as const
    for (const [fields, param] of wrong) {
      const response = await ask('POST', '/admin/v1/keys', { key: admin, body: { org: 'acme', label: 'x', ...fields } })
      expect([response.status, (await errorOf(response)).param]).toEqual([400, param])
    }
  })
})

describe('a key with scopes', () => {
  it('is kept to its endpoints, and to nothing less', async () => {
    const kept = await make({ scopes: { endpoints: ['embeddings'] } })
    const refused = await chat(kept.key)
    expect([refused.status, (await errorOf(refused)).message]).toEqual([403, 'This key may not be used for chat.'])
    expect((await ask('POST', '/v1/route', { key: kept.key, body: QUESTION })).status).toBe(403)
    expect((await chat((await make({ scopes: { endpoints: ['chat'] } })).key)).status).toBe(200)
    expect(
      (await ask('POST', '/admin/v1/keys', { key: admin, body: { org: 'acme', label: 'x', scopes: { endpoints: ['chta'] } } })).status,
    ).toBe(400)
  })
})

describe('a new pepper', () => {
  it('seals what is new, while keys under the old one go on', async () => {
    const old = await make()
    const peppers = { ...env, KEY_PEPPER_2: 'another pepper of more than thirty-two characters' } as Env
    const deps = makeDeps(peppers)
    const context = createExecutionContext()
    const request = new Request('https://signalbox.test/admin/v1/keys', {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ org: 'acme', label: 'new' }),
    })
    const response = await makeAdminApp(() => deps).fetch(request, peppers, context)
    const fresh = (await response.json()) as View
    expect(JSON.parse((await env.KV.get(callerKey(fresh.key_id))) ?? '')).toMatchObject({ pepper: '2' })
    for (const { key } of [old, fresh])
      expect((await deps.authenticate(new Headers({ authorization: `Bearer ${key}` }), context)).ok).toBe(true)
  })
})

describe('a key that is changed', () => {
  it('keeps what was not mentioned', async () => {
    const { key_id } = await make({ team: 'web', budgets: [{ window: 'day', limit_micros: 5, kind: 'soft' }] })
    const after = await told<View>('PATCH', `/admin/v1/keys/${key_id}`, { key: admin, body: { label: 'renamed', expires_at_ms: null } })
    expect(after).toMatchObject({ label: 'renamed', team: 'web', budgets: [{ limit_micros: 5 }] })
  })
  it('cannot be moved to another organisation, nor brought back from revocation', async () => {
    const { key_id } = await make()
    for (const body of [{ org: 'other' }, { revoked_at_ms: null }, { key_id: 'zzzzzzzzzzz' }])
      expect((await ask('PATCH', `/admin/v1/keys/${key_id}`, { key: admin, body })).status).toBe(400)
  })
})

describe('a key that is revoked', () => {
  it('gets no answer any more, from an isolate that has it in memory either', async () => {
    const { key, key_id } = await make()
    expect((await chat(key)).status).toBe(200)
    const record = await env.KV.get(callerKey(key_id))
    expect(await told('POST', `/admin/v1/keys/${key_id}/revoke`, { key: admin })).toMatchObject({ status: 'revoked' })
    // KV as another part of the world still has it.
    await env.KV.put(callerKey(key_id), record ?? '')
    const refused = await chat(key)
    expect([refused.status, (await errorOf(refused)).code]).toEqual([401, 'invalid_key'])
    expect((await ask('GET', '/v1/models', { key })).status).toBe(401)
  })
  it('is not brought back by a change that is made on a record of before', async () => {
    const { key_id } = await make()
    const record = await env.KV.get(callerKey(key_id))
    await told('POST', `/admin/v1/keys/${key_id}/revoke`, { key: admin })
    await env.KV.put(callerKey(key_id), record ?? '')
    const changed = await told('PATCH', `/admin/v1/keys/${key_id}`, { key: admin, body: { label: 'renamed' } })
    expect(changed).toMatchObject({ label: 'renamed', status: 'revoked' })
    expect(JSON.parse((await env.KV.get(callerKey(key_id))) ?? '')).toMatchObject({ revoked_at_ms: expect.any(Number) })
  })
  it('is refused by KV alone once that has told it everywhere', async () => {
    const { key, key_id } = await make()
    await told('POST', `/admin/v1/keys/${key_id}/revoke`, { key: admin })
    forgetCallers()
    expect((await ask('GET', '/v1/models', { key })).status).toBe(401)
  })
  it('stays revoked from the first time on', async () => {
    const { key_id } = await make()
    const first = await told<{ revoked_at_ms: number }>('POST', `/admin/v1/keys/${key_id}/revoke`, { key: admin })
    const second = await told<{ revoked_at_ms: number }>('POST', `/admin/v1/keys/${key_id}/revoke`, { key: admin })
    expect(second.revoked_at_ms).toBe(first.revoked_at_ms)
  })
})

describe('a key that is rotated', () => {
  it('is replaced by one with the same rights, and ends at once where no grace is given', async () => {
    const old = await make({ team: 'web', tier: 'gold' })
    await chat(old.key)
    const fresh = await told<View>('POST', `/admin/v1/keys/${old.key_id}/rotate`, { key: admin, body: {} })
    expect(fresh).toMatchObject({ org: 'acme', team: 'web', tier: 'gold', replaces: { key_id: old.key_id } })
    expect([(await chat(fresh.key)).status, (await chat(old.key)).status]).toEqual([200, 401])
  })
  it('goes on for the grace, and not beyond its own end', async () => {
    const old = await make({ expires_at_ms: Date.now() + 60_000 })
    await told('POST', `/admin/v1/keys/${old.key_id}/rotate`, { key: admin, body: { grace_s: 3_600 } })
    expect(await told('GET', `/admin/v1/keys/${old.key_id}`, { key: admin })).toMatchObject({ status: 'active', revoked_at_ms: null })
    expect((await chat(old.key)).status).toBe(200)
  })
  it('after its end is a conflict: nothing comes back by rotating', async () => {
    const { key_id } = await make()
    await told('POST', `/admin/v1/keys/${key_id}/revoke`, { key: admin })
    expect((await ask('POST', `/admin/v1/keys/${key_id}/rotate`, { key: admin, body: {} })).status).toBe(409)
  })
})

describe('budgets', () => {
  it('are set whole, and shown with what is spent, held and left', async () => {
    const { key, key_id } = await make({ org: 'thrifty' })
    const body = { budgets: [{ window: 'month', limit_micros: 2_000_000, kind: 'hard' }] }
    expect(await told('PUT', `/admin/v1/keys/${key_id}/budgets`, { key: admin, body })).toMatchObject({
      budgets: [{ window: 'month', limit_micros: 2_000_000, spent_micros: 0, held_micros: 0, left_micros: 2_000_000 }],
    })
    await chat(key)
    type Ledger = { spent_micros: number; held_micros: number }
    const spend = async () => (await told<{ day: Ledger }>('GET', '/admin/v1/orgs/thrifty/spend', { key: admin })).day
    await expect.poll(async () => (await spend()).held_micros).toBe(0)
    const { keys } = await told<{ keys: { budgets: (Ledger & { left_micros: number })[] }[] }>('GET', '/admin/v1/budgets?org=thrifty', {
      key: admin,
    })
    const { spent_micros } = await spend()
    expect(keys).toMatchObject([{ budgets: [{ spent_micros, left_micros: 2_000_000 - spent_micros }] }])
  })
  it('are taken away by an empty list', async () => {
    const { key_id } = await make({ budgets: [{ window: 'day', limit_micros: 5, kind: 'hard' }] })
    expect(await told('PUT', `/admin/v1/keys/${key_id}/budgets`, { key: admin, body: { budgets: [] } })).toMatchObject({ budgets: [] })
  })
})

describe('organisations and teams', () => {
  it('are listed as keys name them', async () => {
    await make({ org: 'big', team: 'a' })
    await make({ org: 'big', team: 'b' })
    await make({ org: 'big', team: 'b' })
    const { orgs, complete } = await told<{ orgs: { org: string; teams: object[] }[]; complete: boolean }>('GET', '/admin/v1/orgs', {
      key: admin,
    })
    expect(complete).toBe(true)
    expect(orgs.find(each => each.org === 'big')?.teams).toEqual(
      expect.arrayContaining([
        { team: 'a', keys: 1 },
        { team: 'b', keys: 2 },
      ]),
    )
  })
})

describe('an admin of one organisation', () => {
  it('sees and changes nothing of another’s: not its keys, budgets, usage or decisions', async () => {
    const owner = await adminOf('owner', { org: 'acme' })
    const other = await callerOf({ org: 'other', budgets: [{ window: 'day', limit_micros: 500_000, kind: 'hard' }] })
    const answered = await chat(other.key)
    const decision = answered.headers.get('x-signalbox-decision') ?? ''
    await expect
      .poll(async () => (await env.DB.prepare('SELECT 1 FROM usage WHERE decision_id = ?1').bind(decision).all()).results.length, {
        timeout: 10_000,
      })
      .toBe(1)
    const hidden = [
      ['GET', `/admin/v1/keys/${other.key_id}`],
      ['PATCH', `/admin/v1/keys/${other.key_id}`, {}],
      ['POST', `/admin/v1/keys/${other.key_id}/revoke`],
      ['POST', `/admin/v1/keys/${other.key_id}/rotate`, {}],
      ['GET', `/admin/v1/keys/${other.key_id}/budgets`],
      ['PUT', `/admin/v1/keys/${other.key_id}/budgets`, { budgets: [] }],
      ['GET', '/admin/v1/orgs/other/spend'],
      ['GET', `/admin/v1/decisions/${decision}`],
      ['GET', `/admin/v1/decisions/${decision}?org=other`],
    ] as const
    for (const [method, path, body] of hidden) expect([path, (await ask(method, path, { key: owner, body })).status]).toEqual([path, 404])
    const lists = [
      'keys?org=other',
      'budgets?org=other',
      'usage?org=other',
      'usage/rows?org=other',
      'decisions?org=other',
      'orgs',
      'books?org=other',
      'books',
      'decision-pages?org=other',
      'decision-pages',
    ]
    for (const list of lists) expect(JSON.stringify(await told('GET', `/admin/v1/${list}`, { key: owner }))).not.toContain('other')
    expect((await ask('POST', '/admin/v1/keys', { key: owner, body: { org: 'other', label: 'x' } })).status).toBe(403)
    expect((await ask('GET', `/admin/v1/decisions/${decision}`, { key: admin })).status).toBe(200)
  })
})

describe("admins' keys", () => {
  it('are made by an owner, and refused from the next request on when revoked, whatever KV still says', async () => {
    const owner = await adminOf('owner')
    const body = { label: 'night shift', role: 'operator' }
    const made = await told<View>('POST', '/admin/v1/admin-keys', { key: owner, body })
    expect(await told('GET', '/admin/v1/me', { key: made.key })).toEqual({ actor: `key:${made.key_id}`, role: 'operator', org: null })
    const record = await env.KV.get(`admin/${made.key_id}`)
    await told('POST', `/admin/v1/admin-keys/${made.key_id}/revoke`, { key: owner })
    await env.KV.put(`admin/${made.key_id}`, record ?? '')
    expect((await ask('GET', '/admin/v1/me', { key: made.key })).status).toBe(401)
    expect(JSON.stringify(await told('GET', '/admin/v1/admin-keys', { key: owner }))).not.toContain('hmac')
  })
})
