import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RETRY_AFTER_AT_MOST_MS, retryAfter, retryHint } from '../../worker/dispatch/retry-after.ts'

const NOW_MS = Date.parse('2026-11-24T08:00:00Z')
const of = (headers: Record<string, string>) => retryAfter(new Headers(headers), NOW_MS)

describe('how long a provider asks to be left alone', () => {
  it.each<[string, Record<string, string>, number | null]>([
    ['seconds', { 'retry-after': '2' }, 2_000],
    ['part of a second', { 'retry-after': '0.5' }, 500],
    ['none', { 'retry-after': '0' }, 0],
    ['milliseconds', { 'retry-after-ms': '1500' }, 1_500],
    ['milliseconds before seconds, being more exact', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1_500],
    ['seconds where the milliseconds are no number', { 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    ['a date', { 'retry-after': 'Tue, 24 Nov 2026 08:00:30 GMT' }, 30_000],
    ['a date that is past', { 'retry-after': 'Tue, 24 Nov 2026 07:00:00 GMT' }, 0],
    ['a date in the old form', { 'retry-after': 'Tuesday, 24-Nov-26 08:00:10 GMT' }, 10_000],
    ['more than is believed', { 'retry-after': '999999' }, RETRY_AFTER_AT_MOST_MS],
    ['a date beyond what is believed', { 'retry-after': 'Fri, 24 Nov 2036 08:00:00 GMT' }, RETRY_AFTER_AT_MOST_MS],
    ['negative', { 'retry-after': '-1' }, null],
    ['not a number', { 'retry-after': 'NaN' }, null],
    ['without end', { 'retry-after': '1e309' }, null],
    ['infinite', { 'retry-after': 'Infinity' }, null],
    ['a number with words', { 'retry-after': '2 seconds' }, null],
    ['a date that is none', { 'retry-after': 'Tue, 99 Foo' }, null],
    ['empty', { 'retry-after': '' }, null],
    ['absent', {}, null],
    ['a limit of requests that is used up', { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' }, 1_000],
    ['one of tokens, in minutes', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0.5s' }, 360_500],
    ['in milliseconds', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, 20],
    [
      'the longer of two that are used up',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '2s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '9s',
      },
      9_000,
    ],
    [
      'not of one that is not used up',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '2s',
        'x-ratelimit-remaining-tokens': '7',
        'x-ratelimit-reset-tokens': '9s',
      },
      2_000,
    ],
    [
      'a date in their own form',
      { 'anthropic-ratelimit-input-tokens-remaining': '0', 'anthropic-ratelimit-input-tokens-reset': '2026-11-24T08:00:12Z' },
      12_000,
    ],
    ['a moment in seconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / 1_000 + 5) }, 5_000],
    ['a moment in milliseconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS + 5_500) }, 5_500],
    ['a moment that is past', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS - 5_500) }, 0],
    [
      'what was asked for in words first',
      { 'retry-after': '1', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '9s' },
      1_000,
    ],
    ['a rate in one header', { ratelimit: '"default";r=0;t=30, "daily";r=5;t=9999' }, 30_000],
    ['nonsense in it', { ratelimit: ';;;t=x' }, null],
    ['a reset that is no time', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'soon' }, null],
    ['a reset without a word on what is left', { 'x-ratelimit-reset-requests': '9s' }, null],
  ])('%s', (_, headers, expected) => {
    expect(of(headers)).toBe(expected)
  })

  it('is never negative, never endless, whatever is sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), text => {
        const wait_ms = of({ 'retry-after': text.replace(/[^\x20-\x7e]/g, '') })
        expect(wait_ms === null || (wait_ms >= 0 && wait_ms <= RETRY_AFTER_AT_MOST_MS)).toBe(true)
      }),
    )
  })
})

describe('what an error says of it in words', () => {
  it.each<[string, string, number | null]>([
    ['seconds', 'Rate limit reached for m in organization o on tokens per min. Limit 30000. Please try again in 1.886s.', 1_886],
    ['milliseconds', '{"error":{"message":"Please try again in 20ms. Visit the docs."}}', 20],
    ['minutes and seconds', 'Please try again in 7m12.5s.', 432_500],
    ['words for seconds', 'Requests have exceeded the call rate limit. Please retry after 26 seconds.', 26_000],
    ['words for minutes', 'Too many requests, retry in 2 minutes', 120_000],
    ['a number alone', 'Try again after 5', 5_000],
    ['a member', '{"error":{"message":"slow down","retry_after":1.5}}', 1_500],
    ['a member in milliseconds', '{"retry_after_ms": 700 }', 700],
    ['a member as text', '{"detail":{"retryAfter":"3"}}', 3_000],
    ['more than is believed', 'try again in 99999999s', RETRY_AFTER_AT_MOST_MS],
    ['nothing', 'Rate limit exceeded.', null],
    ['a later sentence about something else', 'Please try again. We answer in 5 days.', null],
    ['a negative member', '{"retry_after":-1}', null],
    ['a member without a number', '{"retry_after":null}', null],
  ])('%s', (_, body, expected) => {
    expect(retryHint(body)).toBe(expected)
  })
  it('is nothing in what is long and hostile, and looking for it ends', () => {
    for (const body of [
      'try again '.repeat(50_000),
      `retry ${'a'.repeat(500_000)}`,
      `"retry_after":${' '.repeat(500_000)}`,
      'retry in 1'.repeat(9_999),
    ])
      expect(retryHint(body) ?? 0).toBeGreaterThanOrEqual(0)
  })
})
