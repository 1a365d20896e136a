import { describe, expect, it } from 'vitest'
import { type GatewayError, statusOf } from '../../../worker/core/errors.ts'
import { anthropicMessages } from '../../../worker/dialects/anthropic-messages/dialect.ts'

const { write, writeInBand, read } = anthropicMessages.error

describe('our errors, in the envelope that its clients expect', () => {
  it.each<[GatewayError, string]>([
    [{ code: 'invalid_request', param: 'messages[0]', message: 'messages[0]: no.' }, 'invalid_request_error'],
    [{ code: 'invalid_key' }, 'authentication_error'],
    [{ code: 'forbidden', message: 'no' }, 'permission_error'],
    [{ code: 'not_found', path: '/x', near: [] }, 'not_found_error'],
    [{ code: 'body_too_large', limit: 5 }, 'request_too_large'],
    [{ code: 'upstream_rate_limited', target: 'a/b' as never, retry_after_ms: null }, 'rate_limit_error'],
    [{ code: 'accounting_unavailable' }, 'overloaded_error'],
    [{ code: 'upstream_silent', target: 'a/b' as never, phase: 'idle', limit_ms: 5 }, 'timeout_error'],
    [{ code: 'upstream_failed', target: 'a/b' as never, status: 500, message: 'x' }, 'api_error'],
  ])('%j', (error, type) =>
    expect(write(error)).toMatchObject({ type: 'error', error: { type, message: expect.any(String), code: error.code } }),
  )
  it('name the field, and the reference where there is one', () => {
    expect(write({ code: 'invalid_request', param: 'max_tokens', message: 'no' })).toMatchObject({
      error: { param: 'max_tokens' },
      request_id: null,
    })
    expect(write({ code: 'internal', reference: 'ref' })).toMatchObject({ request_id: 'ref' })
  })
  it('are an event of their own in a stream, with the status that cannot be told otherwise', () => {
    const error = { code: 'upstream_rate_limited', target: 'a/b', retry_after_ms: 1_200 } as const
    const [event, ...more] = writeInBand(error)
    const { error: said, ...envelope } = write(error)
    expect([event?.event, more]).toEqual(['error', []])
    expect(JSON.parse(event?.data ?? '')).toEqual({ ...envelope, error: { ...(said as object), status: 429, retry_after_ms: 1_200 } })
  })
  it('have a status', () => expect(statusOf({ code: 'invalid_key' })).toBe(401))
})

describe("a provider's error", () => {
  const said = (status: number, type: string, message: string) =>
    read(status, JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' }))
  it.each<[number, string, string, string]>([
    [400, 'invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum', 'context_length'],
    [400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.', 'quota'],
    [404, 'not_found_error', 'model: claude-1', 'model_gone'],
    [400, 'invalid_request_error', 'Output blocked by content filtering policy', 'content_filter'],
    [529, 'overloaded_error', 'Overloaded', 'other'],
    [429, 'rate_limit_error', 'This request would exceed the rate limit', 'other'],
  ])('%i %s: %s', (status, type, message, kind) => expect(said(status, type, message)).toMatchObject({ status, type, message, kind }))
})
