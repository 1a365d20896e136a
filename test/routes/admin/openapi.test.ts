/** The document says what the router does, since both are made from one table. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Document } from '../../../worker/routes/admin/openapi.ts'
import { ADMIN_ROUTES } from '../../../worker/routes/admin/routes.ts'
import { batchOf, intent } from '../../store/fixture.ts'
import { adminOf, ask, emptyRouter } from './asking.ts'
import { clientOf } from './document-client.ts'

let document: Document
beforeAll(async () => {
  await emptyRouter()
  await adminOf('viewer')
  document = (await (await ask('GET', '/admin/v1/openapi.json')).json()) as Document
})

describe('the OpenAPI document', () => {
  it('has every route, and no other', () => {
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
    )
    expect(new Set(told)).toEqual(new Set(ADMIN_ROUTES.map(({ method, path }) => `${method} ${path.replace(/:([a-z_]+)/g, '{$1}')}`)))
  })
  it('gives each an id of its own, its role, its parameters, its body and its answer', () => {
    const operations = Object.values(document.paths).flatMap(methods => Object.values(methods))
    expect(new Set(operations.map(each => each.operationId)).size).toBe(operations.length)
    for (const route of ADMIN_ROUTES) {
      const operation = operations.find(each => each.operationId === route.id)
      expect(operation?.description).toContain(route.role === 'open' ? 'anyone' : `Role ${route.role}`)
      expect(operation?.parameters.filter(each => each.in === 'path').map(each => each.name)).toEqual(
        [...route.path.matchAll(/:([a-z_]+)/g)].map(found => found[1]),
      )
      expect([route.id, operation?.requestBody === undefined]).toEqual([route.id, route.body === undefined])
    }
  })
  it('says that unknown members are refused', () => {
    const body = document.paths['/admin/v1/keys']?.post?.requestBody?.content['application/json'].schema
    expect(body).toMatchObject({ additionalProperties: false, required: ['label', 'org'] })
    expect(document.paths['/admin/v1/usage']?.get?.parameters.map(each => each.name)).toContain('group_by')
  })
})

describe('the document itself', () => {
  it('is OpenAPI 3.1 in its own terms: versions, references, parameters and answers are where they belong', () => {
    const { info, components } = document
    expect(document.openapi).toBe('3.1.0')
    expect([typeof info.title, typeof info.version]).toEqual(['string', 'string'])
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(found => found[1] ?? '')
    for (const reference of new Set(references)) {
      const at = reference
        .slice('#/'.length)
        .split('/')
        .reduce((place: unknown, name) => (place as Record<string, unknown> | undefined)?.[name], document)
      expect([reference, reference.startsWith('#/'), at !== undefined]).toEqual([reference, true, true])
    }
    expect(components).toMatchObject({ securitySchemes: { admin_key: { type: 'http', scheme: 'bearer' } } })
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { operationId, parameters, responses } of Object.values(methods)) {
        const named = parameters.map(each => `${each.in} ${each.name}`)
        expect([operationId, new Set(named).size]).toEqual([operationId, named.length])
        expect([
          operationId,
          parameters.filter(each => each.in === 'path').every(each => each.required && path.includes(`{${each.name}}`)),
        ]).toEqual([operationId, true])
        expect([operationId, Object.keys(responses).every(code => code === 'default' || /^[1-5]\d\d$/.test(code))]).toEqual([
          operationId,
          true,
        ])
      }
    }
  })
})

describe('a client that knows nothing but the document', () => {
  it('runs a router: what it sends and what it gets are as the document says', { timeout: 60_000 }, async () => {
    const { call, ids } = clientOf(document, await adminOf('owner'))
    const used = new Set<string>()
    const does = <T = Record<string, unknown>>(id: string, given: Parameters<typeof call>[1] = {}): Promise<T> => {
      used.add(id)
      return call<T>(id, given)
    }
    type Made = { key: string; key_id: string }
    const { key_id } = await does<Made>('keys.create', {
      body: { org: 'acme', label: 'search', team: 'web', scopes: { endpoints: ['chat'] } },
    })
    const at = { path: { key_id } }
    await does('keys.list', { query: { org: 'acme', limit: 10 } })
    await does('keys.get', at)
    await does('keys.change', { ...at, body: { label: 'search 2' } })
    await does('budgets.set', { ...at, body: { budgets: [{ window: 'day', limit_micros: 1_000_000, kind: 'hard' }] } })
    await does('budgets.get', at)
    await does('budgets.list')
    await does('orgs.list')
    await does('orgs.spend', { path: { org: 'acme' } })
    await does('limits.set', {
      path: { org: 'acme' },
      body: { limits: { budgets: [{ window: 'month', limit_micros: 5_000_000, kind: 'soft' }] } },
    })
    await does('limits.get', { path: { org: 'acme' } })
    const unusual = { times: 10, at_least_micros: 1, after_hours: 3, kind: 'hard' as const }
    await does('limits.set', { path: { org: 'acme' }, body: { unusual } })
    const accounts = [{ account: 'org', budgets: [], rates: [], expensive: [], unusual }]
    const watched = intent({ limited: { hard: true, accounts, tokens: 1, output_micros_per_mtok: 1 } })
    await env.USAGE.getByName('acme').commit(batchOf([watched]))
    await does('unusual.get', { path: { org: 'acme' } })
    await does('unusual.lift', { path: { org: 'acme' }, body: { account: 'org' } })
    await does('books.list')
    await does('orgs.books', { path: { org: 'acme' } })
    await does('usage.daily')
    const { id } = await does<{ id: string }>('provider_keys.set', {
      body: { org: 'acme', provider: 'mistral', value: 'sk-brought-by-acme-1234' },
    })
    await does('provider_keys.list', { query: { provider: 'mistral' } })
    await does('provider_keys.rewrap', { body: {} })
    await does('provider_keys.delete', { path: { id } })
    await does('usage.sums', { query: { group_by: 'org,day', limit: 5 } })
    await does('usage.rows', { query: { from: '2026-11-01' } })
    await does('decisions.list')
    await does('decisions.pages', { query: { org: 'acme' } })
    const policy = { text: 'name: mine\nobjective: { quality: 1 }\n' }
    await does('policies.check', { body: policy })
    const { version } = await does<{ version: string }>('policies.put', { path: { name: 'mine' }, body: policy })
    await does('policies.put', { path: { name: 'mine' }, body: { text: `${policy.text}description: second\n`, if_version: version } })
    for (const name of ['policies.get', 'policies.versions']) await does(name, { path: { name: 'mine' } })
    expect(await does<string>('policies.diff', { path: { name: 'mine' }, query: { from: version } })).toContain('+description')
    await does('policies.rollback', { path: { name: 'mine' }, body: { to: version } })
    await does('policies.list')
    await does('targets.list')
    for (const name of ['targets.isolate', 'targets.restore', 'targets.credential_changed'])
      await does(name, { body: { target: 'demo/small' } })
    await does('catalogue.put', { body: { without: ['demo/embedding'] } })
    await does('catalogue.get')
    await does('catalogue.delete')
    await does('me.get')
    const admin = await does<Made>('admin_keys.create', { body: { label: 'second', role: 'viewer' } })
    await does('admin_keys.list')
    await does('admin_keys.revoke', { path: { key_id: admin.key_id } })
    await does('keys.rotate', { ...at, body: { grace_s: 60 } })
    await does('keys.revoke', at)
    expect((await does<{ entries: unknown[] }>('audit.list')).entries.length).toBeGreaterThan(10)
    expect(await does('audit.verify')).toMatchObject({ intact: true })
    await does('openapi.get')
    // What this walk leaves out, so that a new operation is not forgotten unseen.
    expect(ids.filter(each => !used.has(each))).toEqual(LEFT_OUT)
  })
  it('is told by the document what is wrong before it is sent', async () => {
    const { call } = clientOf(document, await adminOf('owner'))
    await expect(call('keys.create', { body: { org: 'acme', label: 'x', buget: 1 } })).rejects.toThrow(/buget/)
    await expect(call('keys.create', { body: { org: 'Not An Org', label: 'x' } })).rejects.toThrow()
    await expect(call('keys.get')).rejects.toThrow('key_id')
    await expect(call('keys.list', { query: { teem: 'x' } })).rejects.toThrow('teem')
    await expect(call('keys.get', { path: { key_id: 'aaaaaaaaaaa' } })).rejects.toThrow('404')
  })
})

/** Tried elsewhere: a decision needs a request, and pages are no JSON. */
const LEFT_OUT = ['decisions.get', 'docs.get', 'docs.style']

describe('the reference page', () => {
  it('shows every operation, and loads nothing from anywhere else', async () => {
    const response = await ask('GET', '/admin/v1/docs')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const html = await response.text()
    for (const { id } of ADMIN_ROUTES) expect(html).toContain(`id="${id}"`)
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(found => found[1])).toEqual([
      '/admin/v1/docs/style.css',
      '/admin/v1/openapi.json',
    ])
    expect(html).not.toMatch(/<script| on[a-z]+=| style=/)
    expect((await ask('GET', '/admin/v1/docs/style.css')).headers.get('content-type')).toBe('text/css; charset=utf-8')
  })
})
