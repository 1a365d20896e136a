/** What was changed is written down before it is changed, and cannot be unwritten. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import worker from '../../../worker/index.ts'
import type { AuditEntry } from '../../../worker/schema/admin.ts'
import { appendAudit, verifyAudit } from '../../../worker/store/audit.ts'
import { adminOf, ask, callerOf, emptyRouter, told } from './asking.ts'

let admin: string
beforeEach(async () => {
  await emptyRouter()
  admin = await adminOf('owner')
})
const variables = env as unknown as Record<string, unknown>
const verify = () => verifyAudit(env.DB, variables)
const entries = async () => (await told<{ entries: AuditEntry[] }>('GET', '/admin/v1/audit', { key: admin })).entries
/** As somebody with the database in hand would: the guards are dropped first. */
async function tamper(...sql: string[]): Promise<void> {
  await env.DB.batch(
    ['DROP TRIGGER audit_is_never_changed', 'DROP TRIGGER audit_is_never_shortened', ...sql].map(statement => env.DB.prepare(statement)),
  )
}
const isolate = (target = 'demo/large') => told('POST', '/admin/v1/targets/isolate', { key: admin, body: { target } })

describe('every change', () => {
  it('leaves an entry: who, what, and the hashes before and after', async () => {
    const made = await told<{ key_id: string; key: string }>('POST', '/admin/v1/keys', {
      key: admin,
      body: { org: 'acme', label: 'search' },
    })
    await told('PATCH', `/admin/v1/keys/${made.key_id}`, { key: admin, body: { tier: 'gold' } })
    await told('POST', `/admin/v1/keys/${made.key_id}/revoke`, { key: admin })
    await told('PUT', '/admin/v1/policies/good', { key: admin, body: { text: 'name: good\nobjective: { quality: 1 }\n' } })
    await isolate()
    const log = await entries()
    expect(log.map(({ seq, action, subject, org }) => [seq, action, subject.split('@')[0], org])).toEqual([
      [5, 'targets.isolate', 'demo/large', null],
      [4, 'policies.put', 'good', null],
      [3, 'keys.revoke', made.key_id, 'acme'],
      [2, 'keys.change', made.key_id, 'acme'],
      [1, 'keys.create', made.key_id, 'acme'],
    ])
    expect(log.at(-1)).toMatchObject({
      role: 'owner',
      actor: expect.stringMatching(/^key:\w{11}$/),
      before_hash: null,
      detail: { label: 'search' },
    })
    expect(log[3]?.before_hash).toBe(log[4]?.after_hash)
    expect(JSON.stringify(log)).not.toContain(made.key)
    expect(await told('GET', '/admin/v1/audit/verify', { key: admin })).toMatchObject({ intact: true, entries: 5 })
  })
  it('that is refused leaves none, and neither does a look', async () => {
    await ask('POST', '/admin/v1/keys', { key: await adminOf('viewer'), body: { org: 'acme', label: 'x' } })
    await ask('PUT', '/admin/v1/policies/good', { key: admin, body: { text: 'nonsense' } })
    await told('GET', '/admin/v1/keys', { key: admin })
    expect(await entries()).toEqual([])
  })
  it('is not made where it cannot be written down', async () => {
    const { key_id } = await callerOf()
    await env.DB.prepare('ALTER TABLE audit RENAME TO audit_elsewhere').run()
    const response = await ask('POST', `/admin/v1/keys/${key_id}/revoke`, { key: admin })
    expect(response.status).toBe(503)
    expect(await told('GET', `/admin/v1/keys/${key_id}`, { key: admin })).toMatchObject({ status: 'active' })
  })
  it('that fails after it was written down is written down as failed', async () => {
    const { key_id } = await callerOf()
    const broken = { ...env, KV: new Proxy(env.KV, { get: (kv, name) => (name === 'put' ? failing : bound(kv, name)) }) }
    const request = new Request(`https://signalbox.test/admin/v1/keys/${key_id}/revoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}` },
    })
    const { makeAdminApp } = await import('../../../worker/routes/admin/app.ts')
    const { depsOf } = await import('../../../worker/env.ts')
    const response = await makeAdminApp(depsOf).fetch(request, broken, createExecutionContext())
    expect(response.status).toBe(500)
    expect((await entries()).map(entry => entry.action)).toEqual(['keys.revoke.failed', 'keys.revoke'])
    expect(worker).toBeDefined()
  })
  it('has a place of its own, however many come at once', async () => {
    await Promise.all(Array.from({ length: 6 }, (_, i) => isolate(i % 2 ? 'demo/large' : 'demo/small')))
    expect((await entries()).map(entry => entry.seq)).toEqual([6, 5, 4, 3, 2, 1])
    expect(await verify()).toMatchObject({ intact: true, entries: 6 })
  })
})

const failing = () => Promise.reject(new Error('KV is away'))
function bound(kv: KVNamespace, name: string | symbol): unknown {
  const value = Reflect.get(kv, name)
  return typeof value === 'function' ? value.bind(kv) : value
}

describe('the log', () => {
  it('cannot be changed or shortened by a statement', async () => {
    await isolate()
    await expect(env.DB.prepare("UPDATE audit SET actor = 'nobody'").run()).rejects.toThrow('only appended to')
    await expect(env.DB.prepare('DELETE FROM audit').run()).rejects.toThrow('only appended to')
  })
  it.each([
    ['an altered actor', "UPDATE audit SET actor = 'key:somebodyelse' WHERE seq = 2", 2],
    ['an altered detail', "UPDATE audit SET detail = '{}' WHERE seq = 2", 2],
    ['an altered time', 'UPDATE audit SET at_ms = at_ms - 1 WHERE seq = 1', 1],
    ['an entry taken out', 'DELETE FROM audit WHERE seq = 2', 2],
    ['two entries exchanged', 'UPDATE audit SET seq = -seq WHERE seq > 1; UPDATE audit SET seq = seq + 5 WHERE seq < 0', 2],
    ['an entry put in with a hash that was made up', "UPDATE audit SET hash = previous_hash, actor = 'x' WHERE seq = 3", 3],
  ])('shows %s', async (_, sql, seq) => {
    for (let i = 0; i < 3; i++) await isolate()
    await tamper(...sql.split('; '))
    expect(await verify()).toMatchObject({ intact: false, broken_at_seq: seq })
  })
  it('cut off at its end is shorter than the copy kept elsewhere says', async () => {
    for (let i = 0; i < 3; i++) await isolate()
    const before = await verify()
    await tamper('DELETE FROM audit WHERE seq = 3')
    const after = await verify()
    expect([after.intact, after.entries < before.entries, after.last_hash === before.last_hash]).toEqual([true, true, false])
  })
  it('cannot be forged without the pepper', async () => {
    await isolate()
    const fact = {
      at_ms: 1,
      actor: 'key:x',
      role: 'owner' as const,
      action: 'x',
      subject: 'x',
      org: null,
      detail: {},
      before_hash: null,
      after_hash: null,
    }
    await appendAudit(env.DB, { KEY_PEPPER: 'a guess of more than thirty-two characters' }, fact)
    expect(await verify()).toMatchObject({ intact: false, broken_at_seq: 2, why: 'it was altered' })
  })
})
