/** What a call carries to say who calls, from what the catalogue asks for and what is set. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { makeDeps } from '../../worker/env.ts'
import type { Provider } from '../../worker/schema/catalogue.ts'
import { BUNDLED } from '../../worker/store/catalogue.ts'

const FILE = {
  type: 'service_account',
  client_email: 'router@project.iam.gserviceaccount.com',
  private_key_id: 'k1',
  private_key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
}
function credentialOf(id: string, set: Record<string, string>) {
  const provider = BUNDLED.providers.find(each => each.id === id) as Provider
  return makeDeps({ ...env, ...set } as Env).credential(provider)
}

describe('the credential of a call', () => {
  it('is a header of its own where the provider wants one', () => {
    expect(credentialOf('anthropic', { ANTHROPIC_API_KEY: 'k' })).toEqual({ header: 'x-api-key', value: 'k' })
    expect(credentialOf('azure', { AZURE_OPENAI_API_KEY: 'k' })).toEqual({ header: 'api-key', value: 'k' })
    expect(credentialOf('openai', { OPENAI_API_KEY: 'k' })).toEqual({ header: 'authorization', value: 'Bearer k' })
  })
  it('is a key that signs, for the service that is called', () => {
    expect(credentialOf('vertex', { VERTEX_SERVICE_ACCOUNT: JSON.stringify(FILE) })).toEqual({
      email: FILE.client_email,
      key_id: 'k1',
      private_key: FILE.private_key,
      audience: 'https://aiplatform.googleapis.com/',
    })
  })
  it('is the token that was given in its place', () => {
    const both = { VERTEX_SERVICE_ACCOUNT: JSON.stringify(FILE), VERTEX_ACCESS_TOKEN: ' t ' }
    expect(credentialOf('vertex', both)).toEqual({ header: 'authorization', value: 'Bearer t' })
  })
  it('is none where nothing is set, or nothing that can be used', () => {
    expect(credentialOf('anthropic', {})).toBe(null)
    expect(credentialOf('vertex', {})).toBe(null)
    expect(credentialOf('vertex', { VERTEX_SERVICE_ACCOUNT: 'ya29' })).toBe(null)
  })
})
