import { describe, expect, it } from 'vitest'
import { ANTHROPIC_RATE_LIMITS, OPENAI_RATE_LIMITS } from '../../worker/dialects/rate-limits.ts'

const NOW_MS = Date.parse('2026-11-24T12:00:00Z')
const OPENAI = {
  'x-ratelimit-limit-requests': '10000',
  'x-ratelimit-remaining-requests': '9999',
  'x-ratelimit-reset-requests': '6ms',
  'x-ratelimit-limit-tokens': '200000',
  'x-ratelimit-remaining-tokens': '150000',
  'x-ratelimit-reset-tokens': '6m0s',
}
const ANTHROPIC = {
  'anthropic-ratelimit-requests-limit': '50',
  'anthropic-ratelimit-requests-remaining': '49',
  'anthropic-ratelimit-requests-reset': '2026-11-24T12:00:01Z',
  'anthropic-ratelimit-input-tokens-limit': '50000',
  'anthropic-ratelimit-input-tokens-remaining': '49000',
  'anthropic-ratelimit-input-tokens-reset': '2026-11-24T12:00:02Z',
  'anthropic-ratelimit-output-tokens-limit': '10000',
  'anthropic-ratelimit-output-tokens-remaining': '1000',
  'anthropic-ratelimit-output-tokens-reset': '2026-11-24T12:01:30Z',
}
const between = (from: typeof OPENAI_RATE_LIMITS, to: typeof OPENAI_RATE_LIMITS, headers: Record<string, string>) =>
  to.write(from.read(new Headers(headers), NOW_MS) ?? {}, NOW_MS)

describe('rate limits told beside an answer', () => {
  it('stay what they are within their own format', () => {
    expect(between(OPENAI_RATE_LIMITS, OPENAI_RATE_LIMITS, OPENAI)).toEqual(OPENAI)
    expect(between(ANTHROPIC_RATE_LIMITS, ANTHROPIC_RATE_LIMITS, ANTHROPIC)).toMatchObject(ANTHROPIC)
  })
  it("of OpenAI's kind are told to Anthropic's clients by the instant", () => {
    expect(between(OPENAI_RATE_LIMITS, ANTHROPIC_RATE_LIMITS, OPENAI)).toEqual({
      'anthropic-ratelimit-requests-limit': '10000',
      'anthropic-ratelimit-requests-remaining': '9999',
      'anthropic-ratelimit-requests-reset': '2026-11-24T12:00:01Z',
      'anthropic-ratelimit-tokens-limit': '200000',
      'anthropic-ratelimit-tokens-remaining': '150000',
      'anthropic-ratelimit-tokens-reset': '2026-11-24T12:06:00Z',
    })
  })
  it("of Anthropic's kind are told to OpenAI's clients by the time left, and of two limits of tokens the tighter one", () => {
    expect(between(ANTHROPIC_RATE_LIMITS, OPENAI_RATE_LIMITS, ANTHROPIC)).toEqual({
      'x-ratelimit-limit-requests': '50',
      'x-ratelimit-remaining-requests': '49',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '10000',
      'x-ratelimit-remaining-tokens': '1000',
      'x-ratelimit-reset-tokens': '1m30s',
    })
  })
  it.each([
    ['1s', 1_000],
    ['7.66s', 7_660],
    ['2m59.56s', 179_560],
    ['1h0m0s', 3_600_000],
    ['1d', 86_400_000],
    ['17ms', 17],
    ['0s', 0],
    ['12', 12_000],
  ])('have a time such as %s', (text, left_ms) => {
    const read = OPENAI_RATE_LIMITS.read(new Headers({ ...OPENAI, 'x-ratelimit-reset-tokens': text }), NOW_MS)
    expect(read?.tokens?.resets_at_ms).toBe(NOW_MS + left_ms)
  })
  it.each(['', 'soon', '-1s', '1e9s', '1s1s', 'NaN', `${'1'.repeat(50)}s`, '\u00e9'])(
    'without a time that can be read are told without: %s',
    text => {
      const read = OPENAI_RATE_LIMITS.read(new Headers({ ...OPENAI, 'x-ratelimit-reset-tokens': text }), NOW_MS)
      expect(read?.tokens).toEqual({ limit: 200_000, remaining: 150_000, resets_at_ms: null })
    },
  )
  it.each(['many', '-5', '1.5', '9'.repeat(40), ''])('that are no counts are not told: %s', text => {
    const read = OPENAI_RATE_LIMITS.read(new Headers({ 'x-ratelimit-remaining-tokens': text, 'x-ratelimit-limit-tokens': text }), NOW_MS)
    expect(OPENAI_RATE_LIMITS.write(read ?? {}, NOW_MS)).toEqual({})
  })
  it('are nothing where nothing is said', () => {
    expect(OPENAI_RATE_LIMITS.read(new Headers({ 'content-type': 'application/json' }), NOW_MS)).toBeNull()
    expect(ANTHROPIC_RATE_LIMITS.read(new Headers(OPENAI), NOW_MS)).toBeNull()
  })
})
