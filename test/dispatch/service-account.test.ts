import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader, importSPKI, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { readServiceAccount } from '../../worker/core/decide/service-account.ts'
import { type AccountKey, bearer } from '../../worker/dispatch/service-account.ts'
import { sign } from '../../worker/dispatch/sign.ts'

const made = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const NOW_MS = Date.parse('2026-11-24T12:00:00Z')
const KEY: AccountKey = {
  email: 'router@project.iam.gserviceaccount.com',
  key_id: 'k1',
  private_key: made.privateKey,
  audience: 'https://aiplatform.googleapis.com/',
}
const tokenOf = (headers: Record<string, string>) => headers.authorization?.replace('Bearer ', '') ?? ''

describe("a token of a service account's key", () => {
  it('says who calls which service, for an hour, under the name of the key', async () => {
    const token = tokenOf(await bearer(KEY, NOW_MS))
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' })
    const { payload } = await jwtVerify(token, await importSPKI(made.publicKey, 'RS256'), { currentDate: new Date(NOW_MS) })
    expect(payload).toEqual({
      iss: KEY.email,
      sub: KEY.email,
      aud: 'https://aiplatform.googleapis.com/',
      iat: NOW_MS / 1_000,
      exp: NOW_MS / 1_000 + 3_600,
    })
  })
  it('is kept until five minutes before its end, to the millisecond', async () => {
    const key = { ...KEY, key_id: 'kept' }
    const first = await bearer(key, NOW_MS)
    expect(await bearer(key, NOW_MS + 3_300_000 - 1)).toEqual(first)
    expect(await bearer(key, NOW_MS + 3_300_000)).not.toEqual(first)
  })
  it('is another one for another service, and after the key was changed under its name', async () => {
    const first = await bearer(KEY, NOW_MS)
    expect(await bearer({ ...KEY, audience: 'https://other.googleapis.com/' }, NOW_MS)).not.toEqual(first)
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const changed = { ...KEY, private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
    expect(await bearer(changed, NOW_MS)).not.toEqual(first)
  })
  it('is not made with what is no key', async () => {
    const broken = { ...KEY, key_id: 'broken', private_key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' }
    await expect(bearer(broken, NOW_MS)).rejects.toThrow()
  })
  it('is what signs a call by such a key', async () => {
    expect(await sign('https://aiplatform.googleapis.com/v1beta1/x', '{}', KEY, NOW_MS)).toEqual(await bearer(KEY, NOW_MS))
  })
})

describe("a key's file", () => {
  const file = { type: 'service_account', client_email: KEY.email, private_key_id: 'k1', private_key: made.privateKey, project_id: 'p' }
  it('is read for what signs', () => {
    expect(readServiceAccount(JSON.stringify(file))).toEqual({ email: KEY.email, key_id: 'k1', private_key: made.privateKey })
  })
  it.each([
    ['no JSON', 'ya29.token'],
    ['null', 'null'],
    ["a user's credential", JSON.stringify({ ...file, type: 'authorized_user' })],
    ['a file without an address', JSON.stringify({ ...file, client_email: '' })],
    ['a file without a key', JSON.stringify({ ...file, private_key: undefined })],
    ['a file with another kind of key', JSON.stringify({ ...file, private_key: '-----BEGIN RSA PRIVATE KEY-----' })],
  ])('is not %s', (_, text) => {
    expect(readServiceAccount(text)).toBe(null)
  })
})
