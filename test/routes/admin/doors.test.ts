/**
 * Who may do what to a router: every route of the table, asked by everybody.
 */
import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Route } from '../../../worker/routes/admin/route.ts'
import { ADMIN_ROUTES } from '../../../worker/routes/admin/routes.ts'
import { isAtLeast, ROLES, type Role } from '../../../worker/schema/admin.ts'
import { makeAdminKey } from '../../../worker/store/keys.ts'
import { adminOf, ask, callerOf, emptyRouter, errorOf } from './asking.ts'

/** A path that names nothing which exists. */
const pathOf = (route: Route) =>
  route.path
    .replace(':key_id', 'zzzzzzzzzzz')
    .replace(':org', 'nobody')
    .replace(':name', 'nothing')
    .replace(':decision_id', 'dec_00000000-0000-4000-8000-000000000000')
const asked = (route: Route, key?: string) => ask(route.method, pathOf(route), { key, ...(route.body ? { body: {} } : {}) })
const closedRoutes = ADMIN_ROUTES.filter(route => route.role !== 'open')

describe('a router without an admin', () => {
  beforeEach(emptyRouter)

  it.each(ADMIN_ROUTES.map(route => [route.id, route] as const))('answers 503 to %s and says how to make one', async (_, route) => {
    const response = await asked(route)
    const error = await errorOf(response)
    expect([response.status, error.code]).toEqual([503, 'admin_not_set_up'])
    expect(error.message).toMatch(/signalbox admin create-key.*ACCESS_TEAM_DOMAIN/)
  })
  it('has no key that opens it: neither a well-made one that is not stored nor a caller’s', async () => {
    const { key } = await makeAdminKey(env.KEY_PEPPER, { label: 'not stored', role: 'owner' })
    expect((await ask('GET', '/admin/v1/me', { key })).status).toBe(503)
    expect((await ask('GET', '/admin/v1/me', { key: (await callerOf()).key })).status).toBe(503)
  })
  it('is open to its first admin as soon as there is one', async () => {
    expect((await ask('GET', '/admin/v1/me', { key: await adminOf('owner') })).status).toBe(200)
  })
})

describe('the table of routes', () => {
  const keys = {} as Record<Role, string>
  let own_org: string
  beforeAll(async () => {
    await emptyRouter()
    for (const role of ROLES) keys[role] = await adminOf(role)
    own_org = await adminOf('owner', { org: 'acme' })
  })

  it('says of each route who may call it; a new one does not slip in unseen', () => {
    expect(ADMIN_ROUTES.map(({ method, path, role, reach }) => `${role} ${reach} ${method} ${path}`)).toEqual([
      'viewer org GET /admin/v1/keys',
      'viewer org GET /admin/v1/keys/:key_id',
      'admin org POST /admin/v1/keys',
      'admin org PATCH /admin/v1/keys/:key_id',
      'admin org POST /admin/v1/keys/:key_id/rotate',
      'admin org POST /admin/v1/keys/:key_id/revoke',
      'viewer org GET /admin/v1/provider-keys',
      'admin org PUT /admin/v1/provider-keys',
      'admin org DELETE /admin/v1/provider-keys/:id',
      'owner router POST /admin/v1/provider-keys/rewrap',
      'viewer org GET /admin/v1/orgs',
      'viewer org GET /admin/v1/orgs/:org/spend',
      'viewer org GET /admin/v1/budgets',
      'viewer org GET /admin/v1/keys/:key_id/budgets',
      'admin org PUT /admin/v1/keys/:key_id/budgets',
      'viewer org GET /admin/v1/orgs/:org/limits',
      'admin org PUT /admin/v1/orgs/:org/limits',
      'viewer org GET /admin/v1/orgs/:org/unusual-spend',
      'admin org POST /admin/v1/orgs/:org/unusual-spend/lift',
      'viewer org GET /admin/v1/usage',
      'viewer org GET /admin/v1/usage/rows',
      'viewer org GET /admin/v1/usage/daily',
      'viewer org GET /admin/v1/books',
      'viewer org GET /admin/v1/orgs/:org/books',
      'viewer org GET /admin/v1/decisions',
      'viewer org GET /admin/v1/decision-pages',
      'viewer org GET /admin/v1/decisions/:decision_id',
      'viewer router GET /admin/v1/policies',
      'viewer router POST /admin/v1/policy-check',
      'viewer router GET /admin/v1/policies/:name',
      'viewer router GET /admin/v1/policies/:name/versions',
      'viewer router GET /admin/v1/policies/:name/diff',
      'operator router PUT /admin/v1/policies/:name',
      'operator router POST /admin/v1/policies/:name/rollback',
      'viewer router GET /admin/v1/targets',
      'operator router POST /admin/v1/targets/isolate',
      'operator router POST /admin/v1/targets/restore',
      'operator router POST /admin/v1/targets/credential-changed',
      'viewer router GET /admin/v1/catalogue/overlay',
      'owner router PUT /admin/v1/catalogue/overlay',
      'owner router DELETE /admin/v1/catalogue/overlay',
      'viewer org GET /admin/v1/me',
      'owner router GET /admin/v1/admin-keys',
      'owner router POST /admin/v1/admin-keys',
      'owner router POST /admin/v1/admin-keys/:key_id/revoke',
      'admin router GET /admin/v1/audit',
      'admin router GET /admin/v1/audit/verify',
      'open router GET /admin/v1/openapi.json',
      'open router GET /admin/v1/docs',
      'open router GET /admin/v1/docs/style.css',
    ])
  })

  it.each(closedRoutes.map(route => [route.id, route] as const))('keeps %s to its role and its reach', async (_, route) => {
    expect((await asked(route)).status).toBe(401)
    for (const role of ROLES) {
      const { status } = await asked(route, keys[role])
      const admitted = isAtLeast(role, route.role as Role)
      expect([role, admitted ? status !== 401 && status !== 403 && status < 500 : status]).toEqual([role, admitted ? true : 403])
    }
    const { status } = await asked(route, own_org)
    expect(status === 403).toBe(route.reach === 'router')
  })

  it.each(closedRoutes.filter(route => route.body).map(route => [route.id, route] as const))(
    '%s refuses a field that it does not know',
    async (_, route) => {
      const response = await ask(route.method, pathOf(route), { key: keys.owner, body: { budgte: 1 } })
      expect([response.status, (await errorOf(response)).message]).toEqual([400, expect.stringContaining('budgte')])
    },
  )

  it.each(ADMIN_ROUTES.filter(route => route.method === 'GET').map(route => [route.id, route] as const))(
    '%s refuses a parameter that it does not know',
    async (_, route) => {
      const response = await ask('GET', `${pathOf(route)}?teem=x`, { key: keys.owner })
      expect([response.status, (await errorOf(response)).message]).toEqual([400, expect.stringContaining('teem')])
    },
  )

  it('refuses a parameter that is given twice', async () => {
    expect((await ask('GET', '/admin/v1/keys?org=acme&org=other', { key: keys.owner })).status).toBe(400)
  })
  it('refuses a body that is no JSON by its own word, and one that is too large', async () => {
    const asked = { key: keys.owner, headers: { 'content-type': 'text/plain' }, body: '{}' }
    expect((await ask('POST', '/admin/v1/keys', asked)).status).toBe(415)
    expect((await ask('POST', '/admin/v1/keys', { key: keys.owner, body: { label: 'x'.repeat(1024 * 1024) } })).status).toBe(413)
  })
  it('refuses other methods with what is allowed', async () => {
    const response = await ask('DELETE', '/admin/v1/keys', { key: keys.owner })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST'])
  })
  it.each([
    '/admin',
    '/admin/',
    '/admin/v1',
    '/admin/v1/keys/',
    '/admin/v1//keys',
    '/ADMIN/v1/keys',
    '/admin/v1/%6beys/x/y',
    '/admin/v2/keys',
  ])('%s is not there', async path => expect((await ask('GET', path, { key: keys.owner })).status).toBe(404))
})

describe('an admin key', () => {
  let key: string
  beforeAll(async () => {
    await emptyRouter()
    key = await adminOf('owner')
  })
  const me = (headers: Record<string, string>) => ask('GET', '/admin/v1/me', { headers })

  it('counts the same as bearer and as x-api-key; in the address or by another scheme it is none', async () => {
    expect((await me({ authorization: `Bearer ${key}` })).status).toBe(200)
    expect((await me({ 'x-api-key': key })).status).toBe(200)
    expect((await me({ authorization: `Basic ${key}` })).status).toBe(401)
    expect((await ask('GET', `/admin/v1/me?key=${key}`)).status).toBe(401)
  })
  it('beside another one is refused', async () => {
    expect((await me({ authorization: `Bearer ${key}`, 'x-api-key': await adminOf('viewer') })).status).toBe(401)
  })
  it('that is unknown, mistyped, expired, revoked, or a caller’s gets the same words', async () => {
    const { key: unknown } = await makeAdminKey(env.KEY_PEPPER, { label: 'never stored', role: 'owner' })
    const wrong = [
      unknown,
      `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`,
      key.replace('sk-sbadm_', 'sk-sb1_'),
      await adminOf('owner', { expires_at_ms: 1 }),
      await adminOf('owner', { revoked_at_ms: 1 }),
      (await callerOf()).key,
      "' OR 1=1 --",
      'x'.repeat(10_000),
    ]
    const answers = new Set<string>()
    for (const sent of wrong) {
      const response = await me({ authorization: `Bearer ${sent}` })
      answers.add(`${response.status} ${await response.text()}`)
    }
    expect([...answers]).toEqual([expect.stringMatching(/^401 .*invalid_key/)])
  })
  it('is refused with 503 where it cannot be seen whether it was revoked', async () => {
    await env.DB.prepare('ALTER TABLE revoked_admins RENAME TO elsewhere').run()
    const response = await me({ authorization: `Bearer ${key}` })
    const { key: guessed } = await makeAdminKey(env.KEY_PEPPER, { label: 'a guess', role: 'owner' })
    // A guess is refused before D1 is asked.
    expect((await me({ authorization: `Bearer ${guessed}` })).status).toBe(401)
    await env.DB.prepare('ALTER TABLE elsewhere RENAME TO revoked_admins').run()
    expect([response.status, (await errorOf(response)).code]).toEqual([503, 'keys_unavailable'])
  })
  it('asks no model: it is no caller’s key', async () => {
    expect((await ask('GET', '/v1/models', { key })).status).toBe(401)
  })
  it('opens nothing by what a host or a proxy’s header says', async () => {
    const headers = { host: 'localhost', 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'localhost', 'cf-connecting-ip': '127.0.0.1' }
    expect((await me(headers)).status).toBe(401)
  })
})

describe('every answer', () => {
  beforeAll(emptyRouter)

  it.each(['/admin/v1/me', '/admin/v1/nothing', '/admin/v1/docs'])(
    'of %s forbids keeping, framing, sniffing and other origins',
    async path => {
      const { headers } = await ask('GET', path, { key: await adminOf('viewer'), headers: { origin: 'https://evil.example' } })
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
      expect([...headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
    },
  )
  it('to a question before a request of another origin is no permission', async () => {
    const response = await ask('OPTIONS', '/admin/v1/keys', {
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([405, null])
  })
})
