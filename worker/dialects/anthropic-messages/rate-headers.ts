/**
 * Rate limits as Anthropic's clients read them (platform.claude.com/docs/en/api/rate-limits, read 2026-11): what the limit is, what is left, and
 * the instant at which all of it is there again, as RFC 3339.
 */
import type { Standing } from '../../schema/usage.ts'

const NAMES = { requests_per_minute: 'requests', tokens_per_minute: 'tokens', concurrent_requests: null } as const

export function rateHeaders(rates: Standing['rates']): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { of, at_most, left, resets_at_ms } of rates) {
    const name = NAMES[of]
    if (name === null) continue
    headers[`anthropic-ratelimit-${name}-limit`] = String(at_most)
    headers[`anthropic-ratelimit-${name}-remaining`] = String(left)
    headers[`anthropic-ratelimit-${name}-reset`] = new Date(Math.ceil(resets_at_ms / 1_000) * 1_000).toISOString().replace('.000Z', 'Z')
  }
  return headers
}
