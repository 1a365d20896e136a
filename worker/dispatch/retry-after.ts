/**
 * How long a provider asks to be left alone, in every form in use, reduced to milliseconds from now.
 *
 * `retry-after-ms` (OpenAI, Azure) is looked at first, as it is the most exact, then `retry-after` as seconds or as a date
 * (RFC 9110 section 10.2.3). What is no sensible wait (negative, not a number, without end) is no wait at all: it is never
 * a loop and never an endless block.
 */
import type { Ms } from '../schema/units.ts'

/** The longest wait that is believed. Providers name an hour for daily quotas; asking again within the hour costs one call. */
export const RETRY_AFTER_AT_MOST_MS: Ms = 3_600_000

const NUMBER = /^[0-9]{1,15}(\.[0-9]{1,9})?$/
/** IMF-fixdate, RFC 850 and asctime all begin with a day's name. `Date.parse` alone would take `1` for a year. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/

export function retryAfter(headers: Headers, now_ms: Ms): Ms | null {
  return duration(headers.get('retry-after-ms'), 1, now_ms) ?? duration(headers.get('retry-after'), 1_000, now_ms)
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
