import { describe, expect, it } from 'vitest'
import { FACTS, type GatewayError } from '../../../worker/core/errors.ts'
import { writeError, writeInBand } from '../../../worker/dialects/openai-chat/error.ts'
import { readUpstreamError as readError } from '../../../worker/dialects/upstream-error.ts'
import type { JsonObject } from '../../../worker/schema/chat.ts'
import { whole } from '../recordings.ts'

const read = (status: number, body: unknown) => readError(status, typeof body === 'string' ? body : JSON.stringify(body))

describe("an error in OpenAI's envelope", () => {
  it('has a message, a type, the field and our code', () => {
    expect(writeError({ code: 'invalid_request', param: 'n', message: 'n: must be a whole number from 1 to 128.' })).toEqual({
      error: { message: 'n: must be a whole number from 1 to 128.', type: 'invalid_request_error', param: 'n', code: 'invalid_request' },
    })
  })
  it('keeps the code by which a target refused, as programs look for it', () => {
    const rejected: GatewayError = {
      code: 'upstream_rejected',
      target: 'a/b',
      status: 400,
      message: 'too long',
      param: 'messages',
      upstream_code: 'context_length_exceeded',
    }
    expect(writeError(rejected)).toMatchObject({
      error: { code: 'context_length_exceeded', param: 'messages', type: 'invalid_request_error' },
    })
    expect(writeError({ ...rejected, upstream_code: null })).toMatchObject({ error: { code: 'upstream_rejected' } })
  })
  it('has a type for every kind', () => {
    for (const [code, { kind }] of Object.entries(FACTS))
      expect((writeError({ code: 'internal', reference: 'r' }).error as JsonObject).type, `${code} ${kind}`).toBeTypeOf('string')
    expect(
      writeError({ code: 'budget_exhausted', account: 'org', window: 'day', spent_micros: 0, limit_micros: 0, resets_at_ms: 0 }),
    ).toMatchObject({
      error: { type: 'insufficient_quota' },
    })
    expect(writeError({ code: 'upstream_rate_limited', target: 'a/b', retry_after_ms: null })).toMatchObject({
      error: { type: 'rate_limit_error' },
    })
  })
  it('in a stream is an event, and then the end', () => {
    const [event, end, ...more] = writeInBand({ code: 'upstream_truncated', target: 'a/b', message: 'connection reset' })
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ error: { code: 'upstream_truncated', status: 502 } })
    expect([end, more]).toEqual([{ event: null, data: '[DONE]' }, []])
  })
})

describe("an upstream's error, whatever its shape", () => {
  it.each<[string, unknown, { message: string; code?: string | null; type?: string | null; param?: string | null }]>([
    [
      'the usual envelope',
      { error: { message: 'Bad', type: 'invalid_request_error', param: 'n', code: 'x' } },
      { message: 'Bad', code: 'x', type: 'invalid_request_error', param: 'n' },
    ],
    ['a code that is a number', { error: { message: 'Bad', code: 400 } }, { message: 'Bad', code: '400' }],
    ['an error that is a string', { error: 'Bad' }, { message: 'Bad', code: null }],
    [
      'an envelope without an envelope',
      { object: 'error', message: 'Bad', type: 'invalid_request_message', param: null, code: '1500' },
      { message: 'Bad', code: '1500', type: 'invalid_request_message' },
    ],
    [
      'a message that holds the details',
      { object: 'error', message: { detail: [{ type: 'missing', loc: ['body', 'messages', 0, 'content'], msg: 'Field required' }] } },
      { message: 'Field required', param: 'messages[0].content' },
    ],
    ['a detail in words', { detail: 'Not Found' }, { message: 'Not Found' }],
    [
      'a detail as a list',
      { detail: [{ loc: ['body', 'temperature'], msg: 'Input should be a valid number' }] },
      { message: 'Input should be a valid number', param: 'temperature' },
    ],
    ['a list of errors', [{ error: { code: 400, message: 'Bad', status: 'INVALID_ARGUMENT' } }], { message: 'Bad' }],
    [
      'errors in the plural',
      { success: false, errors: [{ code: 5006, message: 'must have required property prompt' }], result: {} },
      { message: 'must have required property prompt', code: '5006' },
    ],
    [
      'a gateway that quotes its provider',
      {
        error: {
          message: 'Provider returned error',
          code: 400,
          metadata: { raw: '{"error":{"message":"Too long","code":"context_length_exceeded"}}', provider_name: 'X' },
        },
      },
      { message: 'Too long', code: 'context_length_exceeded' },
    ],
    [
      'a gateway that quotes plain text',
      { error: { message: 'Provider returned error', code: 502, metadata: { raw: 'upstream timed out' } } },
      { message: 'upstream timed out', code: '502' },
    ],
    ['JSON in a string', { error: { message: '{"error":{"message":"Inner","type":"t"}}' } }, { message: 'Inner', type: 't' }],
    ['plain text', 'Service Unavailable', { message: 'Service Unavailable' }],
    ['a page', '<!DOCTYPE html><html><title>502 Bad Gateway at 10.0.0.7</title></html>', { message: 'an HTML page instead of an answer' }],
    ['nothing', '', { message: 'status 500 without a message' }],
    ['an empty object', {}, { message: '{}' }],
    ['half of something', '{"error":{"message":"Ba', { message: '{"error":{"message":"Ba' }],
    ['only a code', { error: { code: 'overloaded' } }, { message: 'overloaded', code: 'overloaded' }],
  ])('%s', (_, body, said) => expect(read(500, body)).toMatchObject(said))

  it('is read in a recording', () =>
    expect(read(400, whole('openai/chat--reasoning-model-legacy-parameter-error.json'))).toEqual({
      status: 400,
      code: 'unsupported_parameter',
      type: 'invalid_request_error',
      param: 'max_tokens',
      message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      kind: 'other',
    }))
  it('has a code, a type and a field only where these are words, and no secrets', () =>
    expect(read(400, { error: { message: 'Bad', code: 'sk-proj-abcdefgh12345678', type: '<b>', param: 'x'.repeat(1_000) } })).toMatchObject(
      { code: null, type: null, param: null },
    ))
  it('is never followed deeper than it makes sense', () => {
    let body: unknown = { message: 'deep' }
    for (let i = 0; i < 1_000; i++) body = { error: body }
    expect(read(500, body).message.length).toBeLessThanOrEqual(200)
  })
  it('is never longer than a line', () => {
    const { message } = read(400, { error: { message: `a\u0000b\nc ${'long '.repeat(1_000)}` } })
    expect(message).toMatch(/^a b c long/)
    expect(message.length).toBe(200)
  })
  it('is read to its end, whatever its size: what looked twice at each character would not end here', () => {
    expect(read(500, `{"error":"${'a-'.repeat(2_000_000)}`).message.length).toBeLessThanOrEqual(200)
    expect(read(500, `${' '.repeat(4_000_000)}x`).message.length).toBeLessThanOrEqual(200)
  })
})

describe('the refusals that the router treats apart', () => {
  it.each<[string, number, unknown]>([
    [
      'context_length',
      400,
      {
        error: {
          message:
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.",
          code: 'context_length_exceeded',
        },
      },
    ],
    ['context_length', 400, { object: 'error', message: "This model's maximum context length is 32768 tokens.", code: 400 }],
    ['context_length', 400, { error: { message: "This model's maximum prompt length is 131072 but the request contains 200000 tokens." } }],
    [
      'context_length',
      400,
      {
        error: {
          message: 'the request exceeds the available context size. try increasing the context size',
          type: 'exceed_context_size_error',
          code: 400,
        },
      },
    ],
    [
      'context_length',
      400,
      {
        object: 'error',
        message: 'Prompt contains 40000 tokens, too large for model with 32768 maximum context length',
        type: 'invalid_request_error',
      },
    ],
    ['context_length', 400, { error: { message: 'Range of input length should be [1, 30720]', code: 'invalid_parameter_error' } }],
    ['context_length', 400, { error: { message: 'prompt is too long: 210000 tokens > 200000 maximum' } }],
    [
      'content_filter',
      400,
      {
        error: {
          message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
          code: 'content_filter',
        },
      },
    ],
    ['content_filter', 400, { error: { message: 'Content Exists Risk', type: 'invalid_request_error' } }],
    ['content_filter', 400, { error: { message: 'The request was rejected because it was considered high risk', type: 'content_filter' } }],
    ['content_filter', 400, { error: { message: 'Input data may contain inappropriate content.', code: 'data_inspection_failed' } }],
    [
      'content_filter',
      403,
      { error: { message: 'Your chosen model requires moderation and your input was flagged for "hate"', code: 403 } },
    ],
    [
      'quota',
      429,
      {
        error: {
          message: 'You exceeded your current quota, please check your plan and billing details.',
          type: 'insufficient_quota',
          code: 'insufficient_quota',
        },
      },
    ],
    ['quota', 402, { error: { message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' } }],
    ['quota', 402, { error: { message: 'This request requires more credits, or fewer max_tokens.', code: 402 } }],
    ['quota', 402, 'Payment Required'],
    ['quota', 429, { error: { message: 'Your account is not active', type: 'exceeded_current_quota_error' } }],
    [
      'model_gone',
      404,
      {
        error: {
          message: 'The model `gpt-9` does not exist or you do not have access to it.',
          type: 'invalid_request_error',
          code: 'model_not_found',
        },
      },
    ],
    [
      'model_gone',
      400,
      { error: { message: 'The model `x` has been decommissioned and is no longer supported.', code: 'model_decommissioned' } },
    ],
    ['model_gone', 404, { error: { message: 'model "llama9" not found, try pulling it first', type: 'api_error' } }],
    ['model_gone', 400, { object: 'error', message: 'Invalid model: mistral-9', type: 'invalid_model', code: '1500' }],
    ['model_gone', 400, { error: { message: 'x/y is not a valid model ID', code: 400 } }],
    ['model_gone', 404, { error: { message: 'No endpoints found for x/y.', code: 404 } }],
    ['model_gone', 400, { error: { message: 'Model Not Exist', type: 'invalid_request_error' } }],
    [
      'model_gone',
      404,
      {
        error: {
          message: 'Unable to access model x. Please visit our site to view the list of supported models.',
          type: 'invalid_request_error',
          code: 'model_not_available',
        },
      },
    ],
    ['model_gone', 404, { object: 'error', message: 'The model `x` does not exist.', type: 'NotFoundError', param: 'model', code: 404 }],
    ['model_gone', 400, { success: false, errors: [{ code: 5007, message: 'No such model @cf/x/y or task' }] }],
    ['model_gone', 404, [{ error: { code: 404, message: 'models/x is not found for API version v1main', status: 'NOT_FOUND' } }]],
    ['model_gone', 404, { type: 'error', error: { type: 'not_found_error', message: 'model: x-9' } }],
    [
      'context_length',
      400,
      { error: { message: 'Invalid request: Your request exceeded model token limit: 8192', type: 'invalid_request_error' } },
    ],
    ['context_length', 422, { error: { message: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193.' } }],
    ['content_filter', 400, { error: { message: 'Invalid prompt: your prompt violates our usage policy.', code: 'invalid_prompt' } }],
    [
      'other',
      429,
      [{ error: { code: 429, message: 'You exceeded your current quota. Please retry in 12.5s.', status: 'RESOURCE_EXHAUSTED' } }],
    ],
    ['other', 404, { detail: 'Not Found' }],
    [
      'other',
      429,
      {
        error: {
          message: 'Rate limit reached for requests per min (RPM): Limit 3, Used 3.',
          type: 'requests',
          code: 'rate_limit_exceeded',
        },
      },
    ],
    ['other', 500, { error: { message: 'model not found in worker pool' } }],
    ['other', 400, { error: { message: "Invalid type for 'temperature'", code: 'invalid_type' } }],
    ['other', 401, { error: { message: 'Incorrect API key provided', code: 'invalid_api_key' } }],
    ['other', 503, { error: { message: 'The engine is currently overloaded' } }],
  ])('%s: %d %j', (kind, status, body) => expect(read(status, body).kind).toBe(kind))
})
