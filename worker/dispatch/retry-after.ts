/**
 * How long a provider asks to be left alone, in every form in use, reduced to milliseconds from now.
 *
 * `retry-after-ms` (OpenAI, Azure) is looked at first, as it is the most exact, then `retry-after` as seconds or as a date
 * (RFC 9110 section 10.2.3). Where neither is there, many name for each of their limits what is left of it and when it is full
 * again: of those that are used up, the last to be so counts. And at last some say it in the words of their error. What is no sensible
 * wait (negative, not a number, without end) is no wait at all: it is never a loop and never an endless block.
 */
import type { Ms } from '../schema/units.ts'

/** The longest wait that is believed. Providers name an hour for daily quotas; asking again within the hour costs one call. */
export const RETRY_AFTER_AT_MOST_MS: Ms = 3_600_000

const NUMBER = /^[0-9]{1,15}(\.[0-9]{1,9})?$/
/** IMF-fixdate, RFC 850 and asctime all begin with a day's name. `Date.parse` alone would take `1` for a year. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/

export function retryAfter(headers: Headers, now_ms: Ms): Ms | null {
  return (
    duration(headers.get('retry-after-ms'), 1, now_ms) ??
    duration(headers.get('retry-after'), 1_000, now_ms) ??
    usedUp(headers, now_ms) ??
    ofRates(headers.get('ratelimit'))
  )
}

/**
 * Names of what is left of a limit, and of when it is full again: OpenAI's and Groq's (`1s`, `6m0s`, `20ms`), Anthropic's (a date as
 * in RFC 3339), and the bare ones of OpenRouter and GitHub (seconds or milliseconds since 1970).
 */
const LIMITS: [remaining: string, reset: string][] = [
  ...['requests', 'tokens'].map((of): [string, string] => [`x-ratelimit-remaining-${of}`, `x-ratelimit-reset-${of}`]),
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map((of): [string, string] => [
    `anthropic-ratelimit-${of}-remaining`,
    `anthropic-ratelimit-${of}-reset`,
  ]),
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
]

function usedUp(headers: Headers, now_ms: Ms): Ms | null {
  let longest_ms: Ms | null = null
  for (const [remaining, reset] of LIMITS) {
    if (headers.get(remaining)?.trim() !== '0') continue
    const wait_ms = untilFull(headers.get(reset), now_ms)
    if (wait_ms !== null) longest_ms = Math.max(longest_ms ?? 0, wait_ms)
  }
  return longest_ms
}

const SPAN = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/
const DATE_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/
/** A number this large is a moment and no wait: seconds since 1970, or milliseconds. */
const MOMENT_S = 1_000_000_000
const MOMENT_MS = 1_000_000_000_000

function untilFull(raw: string | null, now_ms: Ms): Ms | null {
  if (raw === null || raw.length > 64) return null
  const text = raw.trim()
  const at = (at_ms: Ms) => bounded(Math.max(0, Math.ceil(at_ms - now_ms)))
  if (NUMBER.test(text)) {
    const value = Number(text)
    return value >= MOMENT_MS ? at(value) : value >= MOMENT_S ? at(value * 1_000) : bounded(Math.ceil(value * 1_000))
  }
  if (DATE_3339.test(text)) {
    const at_ms = Date.parse(text)
    return Number.isNaN(at_ms) ? null : at(at_ms)
  }
  return spanOf(text)
}

function spanOf(text: string): Ms | null {
  const span = text === '' ? null : SPAN.exec(text)
  if (span === null) return null
  const [, h = '0', m = '0', s = '0', ms = '0'] = span
  return bounded(Math.ceil(Number(h) * 3_600_000 + Number(m) * 60_000 + Number(s) * 1_000 + Number(ms)))
}

/** `"default";r=0;t=30`: what remains, and seconds until there is more (IETF draft, RateLimit header fields). */
function ofRates(raw: string | null): Ms | null {
  let longest_ms: Ms | null = null
  for (const rate of raw === null || raw.length > 400 ? [] : raw.split(',')) {
    const seconds = /;\s*t=([0-9]{1,9})\b/.exec(rate)?.[1]
    if (seconds !== undefined && /;\s*r=0\b/.test(rate)) longest_ms = Math.max(longest_ms ?? 0, bounded(Number(seconds) * 1_000))
  }
  return longest_ms
}

/** `Please try again in 1.886s`, `retry after 26 seconds`, `in 6m0s`: what the big ones write (read 2026-11). */
const IN_WORDS =
  /\b(?:try again|retry(?:ing)?)\b[^.{}]{0,40}?\b(?:in|after)\s+([0-9][0-9hms.]*)\s*(milliseconds?|seconds?|minutes?|secs?|mins?)?\b/i
/** `"retry_after": 1.5`, `"retry_after_ms":1500`, `"retryAfter":"2"`. */
const MEMBER = /"retry_?after(?:_?(ms|milliseconds|s|secs|seconds))?"\s*:\s*"?([0-9]{1,12}(?:\.[0-9]{1,9})?)"?\s*[,}]/i
/** Hints stand near the beginning of an error. */
const LOOKED_AT = 4_096

/** From the body of a refusal, or from the message of one. */
export function retryHint(body: string): Ms | null {
  const text = body.slice(0, LOOKED_AT)
  const member = MEMBER.exec(text)
  if (member?.[2] !== undefined) return bounded(Math.ceil(Number(member[2]) * (/^m/i.test(member[1] ?? '') ? 1 : 1_000)))
  const words = IN_WORDS.exec(text)
  if (words?.[1] === undefined) return null
  const [, amount, unit = ''] = words
  const number = amount.replace(/\.$/, '')
  if (!NUMBER.test(number)) return spanOf(number)
  return bounded(Math.ceil(Number(number) * (/^milli/i.test(unit) ? 1 : /^min/i.test(unit) ? 60_000 : 1_000)))
}

function duration(raw: string | null, unit_ms: Ms, now_ms: Ms): Ms | null {
  if (raw === null || raw.length > 64) return null
  const text = raw.trim()
  if (NUMBER.test(text)) return bounded(Math.ceil(Number(text) * unit_ms))
  if (!DATE.test(text)) return null
  const at_ms = Date.parse(text)
  return Number.isNaN(at_ms) ? null : bounded(Math.max(0, at_ms - now_ms))
}

const bounded = (wait_ms: Ms) => Math.min(wait_ms, RETRY_AFTER_AT_MOST_MS)
