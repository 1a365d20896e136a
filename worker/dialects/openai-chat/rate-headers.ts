/**
 * Rate limits as OpenAI's clients read them (platform.openai.com/docs/guides/rate-limits, read 2026-11): what the limit is, what is left, and
 * how long until all of it is there again, written like `6m0s`.
 */

import type { Ms } from '../../schema/units.ts'
import type { Standing } from '../../schema/usage.ts'

const NAMES = { requests_per_minute: 'requests', tokens_per_minute: 'tokens', concurrent_requests: null } as const

export function rateHeaders(rates: Standing['rates'], now_ms: Ms): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { of, at_most, left, resets_at_ms } of rates) {
    const name = NAMES[of]
    if (name === null) continue
    headers[`x-ratelimit-limit-${name}`] = String(at_most)
    headers[`x-ratelimit-remaining-${name}`] = String(left)
    headers[`x-ratelimit-reset-${name}`] = shown(Math.max(0, resets_at_ms - now_ms))
  }
  return headers
}

function shown(wait_ms: Ms): string {
  if (wait_ms < 1_000) return `${Math.ceil(wait_ms)}ms`
  const seconds = Math.ceil(wait_ms / 1_000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
