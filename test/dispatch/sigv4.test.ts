import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type SigningKey, signature } from '../../worker/dispatch/sigv4.ts'

/** The key, day and service of Amazon's own test suite for signatures. */
const KEY: SigningKey = {
  access_key_id: 'AKIDEXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  session_token: null,
  region: 'us-east-1',
  service: 'service',
}
const AT_MS = Date.parse('2015-08-30T12:36:00Z')

/** The algorithm once more, from its description: docs.aws.amazon.com, "Create a signed AWS API request". */
function byHand(host: string, canonical_path: string, body: string, key: SigningKey, token: string | null): string {
  const hmac = (by: string | Buffer, text: string) => createHmac('sha256', by).update(text).digest()
  const sha = (text: string) => createHash('sha256').update(text).digest('hex')
  const signed = token === null ? 'host;x-amz-date' : 'host;x-amz-date;x-amz-security-token'
  const headers = `host:${host}\nx-amz-date:20150830T123600Z\n${token === null ? '' : `x-amz-security-token:${token}\n`}`
  const canonical = ['POST', canonical_path, '', headers, signed, sha(body)].join('\n')
  const scope = `20150830/${key.region}/${key.service}/aws4_request`
  const to_sign = ['AWS4-HMAC-SHA256', '20150830T123600Z', scope, sha(canonical)].join('\n')
  const derived = hmac(hmac(hmac(hmac(`AWS4${key.secret}`, '20150830'), key.region), key.service), 'aws4_request')
  return `AWS4-HMAC-SHA256 Credential=${key.access_key_id}/${scope}, SignedHeaders=${signed}, Signature=${hmac(derived, to_sign).toString('hex')}`
}

describe('a signature', () => {
  it("is the one of Amazon's test suite (post-vanilla)", async () => {
    expect(await signature('https://example.amazonaws.com/', '', KEY, AT_MS)).toEqual({
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
      'x-amz-date': '20150830T123600Z',
    })
  })
  it('covers the body and a path that is escaped once more, as every service but storage has it', async () => {
    const host = 'bedrock-runtime.eu-west-1.amazonaws.com'
    const key = { ...KEY, region: 'eu-west-1', service: 'bedrock' }
    const body = '{"messages":[{"role":"user","content":[{"text":"Grüße"}]}]}'
    const { authorization } = await signature(`https://${host}/model/anthropic.claude-v1%3A0/converse`, body, key, AT_MS)
    expect(authorization).toBe(byHand(host, '/model/anthropic.claude-v1%253A0/converse', body, key, null))
  })
  it('covers the token of a key that passes', async () => {
    const signed = await signature('https://example.amazonaws.com/', '', { ...KEY, session_token: 'TOKEN' }, AT_MS)
    expect(signed['x-amz-security-token']).toBe('TOKEN')
    expect(signed.authorization).toBe(byHand('example.amazonaws.com', '/', '', KEY, 'TOKEN'))
  })
  it('of another body is another one', async () => {
    const one = await signature('https://example.amazonaws.com/', 'a', KEY, AT_MS)
    const other = await signature('https://example.amazonaws.com/', 'b', KEY, AT_MS)
    expect(one.authorization).not.toBe(other.authorization)
  })
})
