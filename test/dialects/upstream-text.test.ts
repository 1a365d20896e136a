import { describe, expect, it } from 'vitest'
import { MAX_MESSAGE, sanitized } from '../../worker/dialects/upstream-text.ts'

describe("somebody else's error text", () => {
  it.each([
    ['a key', 'Incorrect API key provided: sk-proj-AbC123_xyz-456789.', 'Incorrect API key provided: sk-***.'],
    ['a key that is masked already', 'Incorrect API key provided: sk-ab*****wxyz.', 'Incorrect API key provided: sk-***.'],
    ['a key without a known shape', 'key 8f14e45fceea167a5a36dedd4bea2543 is invalid', 'key *** is invalid'],
    ['a key behind its name', 'bad api_key="topsecret99"', 'bad api_key="***"'],
    ['a bearer token', 'got authorization: Bearer abc.def-123456', 'got authorization: Bearer ***'],
    ['a long token', 'token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0 expired', 'token *** expired'],
    [
      'an account',
      'Rate limit reached for gpt-5 in organization org-AbCdEf123456 on tokens',
      'Rate limit reached for gpt-5 in organization org-*** on tokens',
    ],
  ])('does not show %s', (_, raw, shown) => expect(sanitized(raw)).toBe(shown))
  it.each([
    'The model `claude-3-5-sonnet-20241022` does not exist',
    'Llama-4-Maverick-17B-128E-Instruct-FP8 is overloaded',
    'max_tokens must be at most 131072, see internationalization guidelines',
    "This model's maximum context length is 128000 tokens.",
    'Invalid key in response_format: token limit reached',
  ])('stays as it is: %s', text => expect(sanitized(text)).toBe(text))
  it('is one line without control codes', () => expect(sanitized('\u001b[31ma\r\n\tb\u202e\u0000c ')).toBe('[31ma b c'))
  it('is a page only by name', () => expect(sanitized('\n <html><body>secret</body></html>')).toBe('an HTML page instead of an answer'))
  it('is cut', () => {
    expect(sanitized('x y '.repeat(200)).length).toBe(MAX_MESSAGE)
    expect(sanitized('x y '.repeat(50).trim())).not.toContain('...')
  })
})
