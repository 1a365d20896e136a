/** People whom Cloudflare Access lets in, and tokens that look as if it had. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { depsOf } from '../../../worker/env.ts'
import { makeAdminApp } from '../../../worker/routes/admin/app.ts'
import { adminOf, emptyRouter } from './asking.ts'

const TEAM = 'https://acme.cloudflareaccess.com'
const AUD = 'a'.repeat(64)
const ROLES = 'alice@acme.example=owner, *@acme.example=viewer, robot.access=operator, mistake=king'
type Pair = Awaited<ReturnType<typeof generateKeyPair>>

let theirs: Pair
let stranger: Pair
let asked: string[]
let served: object
const variables = { ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: AUD, ACCESS_ROLES: ROLES }

beforeAll(async () => {
  await emptyRouter()
  theirs = await generateKeyPair('RS256')
  stranger = await generateKeyPair('RS256')
  served = { keys: [{ ...(await exportJWK(theirs.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] }
  asked = []
})

/** A world whose network has the team's keys at the place where Access serves them, and nothing else. */
function app() {
  const deps = depsOf(env)
  const fetch = async (_: unknown, url: string) => {
    asked.push(url)
    return url === `${TEAM}/cdn-cgi/access/certs` ? Response.json(served) : new Response('', { status: 404 })
  }
  return makeAdminApp(() => ({ ...deps, effects: { ...deps.effects, fetch } }))
}

type Claims = Record<string, unknown>
const now_s = () => Math.floor(Date.now() / 1000)
function token(claims: Claims = {}, pair = theirs, header: { alg: string; kid?: string } = { alg: 'RS256', kid: 'one' }): Promise<string> {
  return new SignJWT({ iss: TEAM, aud: [AUD], email: 'alice@acme.example', iat: now_s(), exp: now_s() + 600, ...claims })
    .setProtectedHeader(header)
    .sign(pair.privateKey)
}
async function me(jwt: string | null, more: { method?: string; path?: string; headers?: Record<string, string>; vars?: object } = {}) {
  const headers = { ...(jwt === null ? {} : { 'cf-access-jwt-assertion': jwt }), ...more.headers }
  const request = new Request(`https://signalbox.test${more.path ?? '/admin/v1/me'}`, { method: more.method ?? 'GET', headers })
  const response = await app().fetch(request, { ...env, ...variables, ...more.vars } as Env, createExecutionContext())
  return { status: response.status, body: (await response.json()) as { role?: string; actor?: string; error?: { code: string } } }
}

describe('a token of Access', () => {
  it('lets in, with the role that ACCESS_ROLES gives, one’s own before one’s domain’s', async () => {
    expect((await me(await token())).body).toMatchObject({ actor: 'access:alice@acme.example', role: 'owner' })
    expect((await me(await token({ email: 'Bob@ACME.example' }))).body).toMatchObject({ actor: 'access:bob@acme.example', role: 'viewer' })
    expect((await me(await token({ email: undefined, common_name: 'robot.access' }))).body).toMatchObject({ role: 'operator' })
  })
  it('gives nobody a role who is not in ACCESS_ROLES', async () => {
    for (const email of ['eve@evil.example', 'eve@evil.example@acme.example.evil', 'mistake', '*@acme.example.evil'])
      expect((await me(await token({ email }))).status).toBe(403)
  })
  it('asks for the team’s keys at the team’s address only', () => {
    expect(new Set(asked)).toEqual(new Set([`${TEAM}/cdn-cgi/access/certs`]))
  })

  const unsigned = () =>
    `${base64url.encode('{"alg":"none"}')}.${base64url.encode(JSON.stringify({ iss: TEAM, aud: AUD, email: 'alice@acme.example', iat: now_s(), exp: now_s() + 600 }))}.`
  const byPublicKey = async () => {
    const modulus = new TextEncoder().encode(JSON.stringify(await exportJWK(theirs.publicKey)))
    return new SignJWT({ iss: TEAM, aud: AUD, email: 'alice@acme.example', iat: now_s(), exp: now_s() + 600 })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(modulus)
  }
  const stronger = async () => token({}, await generateKeyPair('PS256'), { alg: 'PS256', kid: 'one' })
  it.each([
    ['is unsigned', async () => unsigned()],
    ['is signed with HS256 under the public key', byPublicKey],
    ['is signed with another algorithm than RS256', stronger],
    ['is signed by a stranger’s key', () => token({}, stranger)],
    ['names a key that is not there', () => token({}, theirs, { alg: 'RS256', kid: 'two' })],
    ['is for another application', () => token({ aud: ['b'.repeat(64)] })],
    ['is for no application', () => token({ aud: undefined })],
    ['is another team’s', () => token({ iss: 'https://evil.cloudflareaccess.com' })],
    ['has expired', () => token({ exp: now_s() - 10 })],
    ['never expires', () => token({ exp: undefined })],
    ['does not say when it was issued', () => token({ iat: undefined })],
    ['begins later', () => token({ nbf: now_s() + 600 })],
    ['says nobody’s name', () => token({ email: undefined })],
    ['is no token', async () => 'x.y.z'],
    ['is too long', async () => 'x'.repeat(9_000)],
  ])('that %s is refused', async (_, make) => {
    const { status, body } = await me(await make())
    expect([status, body.error?.code]).toEqual([401, 'invalid_key'])
  })

  it('changes something only with a header that no other page can send', async () => {
    const path = '/admin/v1/keys/zzzzzzzzzzz/revoke'
    const status = async (headers: Record<string, string>) => (await me(await token(), { method: 'POST', path, headers })).status
    expect(await status({})).toBe(403)
    expect(await status({ 'x-signalbox-admin': '1', 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await status({ 'x-signalbox-admin': '1', 'sec-fetch-site': 'same-site' })).toBe(403)
    expect(await status({ 'x-signalbox-admin': '1', 'sec-fetch-site': 'same-origin' })).toBe(404)
    expect(await status({ 'x-signalbox-admin': '1' })).toBe(404)
  })
  it('does not save a wrong key that is sent beside it; a right one goes before it', async () => {
    expect((await me(await token(), { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401)
    const { body } = await me(await token(), { headers: { authorization: `Bearer ${await adminOf('operator')}` } })
    expect(body.role).toBe('operator')
  })
  it('cannot be judged while the team’s keys cannot be fetched', async () => {
    const before = served
    served = { error: 'no' }
    const { status, body } = await me(await token())
    served = before
    expect([status, body.error?.code]).toEqual([503, 'keys_unavailable'])
  })
  it('means nothing where Access is not configured, or at an address that is not Access’s', async () => {
    expect((await me(await token(), { vars: { ACCESS_AUD: undefined } })).status).toBe(401)
    for (const ACCESS_TEAM_DOMAIN of [
      'https://evil.example',
      'http://acme.cloudflareaccess.com',
      'https://cloudflareaccess.com.evil.example',
    ])
      expect((await me(await token(), { vars: { ACCESS_TEAM_DOMAIN } })).status).toBe(401)
  })
  it('is asked for where Access is configured and no admin key was ever made', async () => {
    await emptyRouter()
    expect((await me(null)).status).toBe(401)
    expect((await me(null, { vars: { ACCESS_AUD: '' } })).status).toBe(503)
  })
})
