import { describe, expect, it } from 'vitest'
import type { LiveTarget } from '../../worker/core/decide/world.ts'
import { ENDPOINT_FORMS } from '../../worker/dialects/passed-endpoints.ts'
import type { Call, Passage } from '../../worker/dispatch/call.ts'
import { dispatch } from '../../worker/dispatch/dispatch.ts'
import type { PassedEndpoint } from '../../worker/schema/endpoint.ts'
import { callFor, refusal, replies, type TestWorld, world } from './world.ts'

/** The call of another test, with a body that goes through. */
function passed(at: TestWorld, endpoint: PassedEndpoint): Call {
  const { json: _json, passage: _passage, ...call } = callFor(at, false)
  const passage: Passage = {
    endpoint: ENDPOINT_FORMS[endpoint],
    content_type: 'application/json',
    bodyFor: ({ target }: LiveTarget) => JSON.stringify({ model: target.model }),
  }
  return { ...call, passage }
}

async function deliver(at: TestWorld, endpoint: PassedEndpoint) {
  const carried = await at.clock.run(dispatch(passed(at, endpoint), at.carrier))
  if (!carried.ok) return { body: null, headers: {}, ended: carried.error }
  const { body, ended } = carried.value.release()
  const bytes = await at.clock.run(new Response(body).text().catch(() => 'BROKEN'))
  return { body: bytes, headers: carried.value.headers, ended: await at.clock.run(ended) }
}

const vectors = '{"data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":8,"total_tokens":8}}'
const SOUND = { headers: { 'content-type': 'audio/mpeg' } }

describe('a body that goes through', () => {
  it('is sent as its door has it, with the credential of the target', async () => {
    const at = world({ a: [replies(vectors)] })
    await deliver(at, 'embeddings')
    expect(at.received[0]).toMatchObject({ text: '{"model":"a-model"}', headers: { authorization: 'Bearer provider-key', accept: '*/*' } })
  })
  it('is answered with the very bytes of the target, and its usage counts', async () => {
    const at = world({ a: [replies(vectors)] })
    const { body, ended } = await deliver(at, 'embeddings')
    expect(body).toBe(vectors)
    expect(ended).toMatchObject({ outcome: 'completed', usage: { input_tokens: 8, output_tokens: 0 }, usage_estimated: false })
  })
  it('has its usage estimated where only what is sent is paid, and the target does not say', async () => {
    const at = world({ a: [replies('{"data":[]}')] })
    expect((await deliver(at, 'embeddings')).ended).toMatchObject({ usage: { input_tokens: 11, output_tokens: 0 }, usage_estimated: true })
  })
  it('has an unknown usage where nobody can know it', async () => {
    const at = world({ a: [{ ...SOUND, body: ['ID3'] }] })
    const { ended, headers } = await deliver(at, 'speech')
    expect(headers).toEqual({ 'content-type': 'audio/mpeg', 'x-content-type-options': 'nosniff' })
    expect(ended).toMatchObject({ outcome: 'completed', usage: { input_tokens: null, output_tokens: null } })
  })
  it.each([
    ['refuses', replies(refusal('down'), 503)],
    ['breaks off in a short answer', { headers: { 'content-type': 'application/json' }, body: [vectors.slice(0, 20), 'CUT' as const] }],
    ['ends in the middle of one', replies(vectors.slice(0, 20))],
    ['says that it failed in a 200', replies(refusal('overloaded'))],
    ['sends a page', { headers: { 'content-type': 'text/html' }, body: ['<html>'] }],
    ['sends nothing', replies('')],
  ])('goes on to the next target when one %s', async (_, script) => {
    const at = world({ a: [script], b: [replies(vectors)] })
    const { body, ended } = await deliver(at, 'embeddings')
    expect(body).toBe(vectors)
    expect(ended).toMatchObject({ outcome: 'completed', target: 'b' })
  })
  it('that breaks off behind the commit point is a broken answer, and never a whole one', async () => {
    const at = world({ a: [{ ...SOUND, body: ['ID3', { wait_ms: 5 }, 'CUT'] }], b: [replies(vectors)] })
    const { body, ended } = await deliver(at, 'speech')
    expect(body).toBe('BROKEN')
    expect(ended).toMatchObject({ outcome: 'truncated', target: 'a' })
  })
})
