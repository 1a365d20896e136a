/**
 * What a provider says, beside an answer or a refusal, of how much more may be asked of it: told on to the caller under the
 * names that its own format has, since clients pace themselves by them.
 *
 * Two families are in use: OpenAI's `x-ratelimit-*` (platform.openai.com/docs/guides/rate-limits, read 2026-11), with the time until
 * a limit is whole again as in `6m0s`, which most providers of that format have taken over; and Anthropic's `anthropic-ratelimit-*`
 * (docs.anthropic.com/en/api/rate-limits, read 2026-11), with the instant at which it is. Gemini and Bedrock say nothing.
 */
import type { Ms } from '../schema/units.ts'

const COUNTED = ['requests', 'tokens', 'input_tokens', 'output_tokens'] as const
type Counted = (typeof COUNTED)[number]
type Allowance = { limit: number | null; remaining: number | null; resets_at_ms: Ms | null }
export type RateLimits = Partial<Record<Counted, Allowance>>

export type RateLimitHeaders = {
  /** Null where nothing is said, which costs two looks: most local servers say nothing. */
  read(headers: Headers, now_ms: Ms): RateLimits | null
  write(limits: RateLimits, now_ms: Ms): Record<string, string>
}

type Names = Record<keyof Allowance, string>
const openai = (what: string): Names => ({
  limit: `x-ratelimit-limit-${what}`,
  remaining: `x-ratelimit-remaining-${what}`,
  resets_at_ms: `x-ratelimit-reset-${what}`,
})
const anthropic = (what: string): Names => ({
  limit: `anthropic-ratelimit-${what}-limit`,
  remaining: `anthropic-ratelimit-${what}-remaining`,
  resets_at_ms: `anthropic-ratelimit-${what}-reset`,
})

export const OPENAI_RATE_LIMITS: RateLimitHeaders = headersNamed(
  { requests: openai('requests'), tokens: openai('tokens') },
  inMs,
  (at_ms, now_ms) => asDuration(Math.max(0, at_ms - now_ms)),
)

export const ANTHROPIC_RATE_LIMITS: RateLimitHeaders = headersNamed(
  {
    requests: anthropic('requests'),
    tokens: anthropic('tokens'),
    input_tokens: anthropic('input-tokens'),
    output_tokens: anthropic('output-tokens'),
  },
  instantIn,
  at_ms => new Date(Math.ceil(at_ms / 1_000) * 1_000).toISOString().replace('.000Z', 'Z'),
)

function headersNamed(
  names: Partial<Record<Counted, Names>>,
  readReset: (text: string, now_ms: Ms) => Ms | null,
  writeReset: (at_ms: Ms, now_ms: Ms) => string,
): RateLimitHeaders {
  const signs = (['requests', 'tokens'] as const).flatMap(what => names[what]?.remaining ?? [])
  return {
    read(headers, now_ms) {
      if (!signs.some(name => headers.has(name))) return null
      const limits: RateLimits = {}
      for (const what of COUNTED) {
        const named = names[what]
        if (named === undefined) continue
        const limit = count(headers.get(named.limit))
        const remaining = count(headers.get(named.remaining))
        const reset = headers.get(named.resets_at_ms)
        const resets_at_ms = reset === null || reset.length > 40 ? null : readReset(reset.trim(), now_ms)
        if (limit !== null || remaining !== null) limits[what] = { limit, remaining, resets_at_ms }
      }
      return limits
    },
    write(limits, now_ms) {
      const headers: Record<string, string> = {}
      for (const what of COUNTED) {
        const named = names[what]
        const told = limits[what] ?? (what === 'tokens' ? tightest(limits) : undefined)
        if (named === undefined || told === undefined) continue
        if (told.limit !== null) headers[named.limit] = String(told.limit)
        if (told.remaining !== null) headers[named.remaining] = String(told.remaining)
        if (told.resets_at_ms !== null) headers[named.resets_at_ms] = writeReset(told.resets_at_ms, now_ms)
      }
      return headers
    },
  }
}

/** Of limits told apart by direction, the one that will be met first: formats with one limit of tokens mean that. */
function tightest({ input_tokens, output_tokens }: RateLimits): Allowance | undefined {
  if (input_tokens === undefined || output_tokens === undefined) return input_tokens ?? output_tokens
  const share = ({ limit, remaining }: Allowance) => (limit && remaining !== null ? remaining / limit : 1)
  return share(output_tokens) < share(input_tokens) ? output_tokens : input_tokens
}

const count = (text: string | null): number | null => (text !== null && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null)

const PARTS = /^(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m(?!s))?(?:(\d{1,7}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/

/** `1h2m3.5s`, `6m0s`, `17ms`, or a bare number of seconds. */
function inMs(text: string, now_ms: Ms): Ms | null {
  if (/^\d{1,7}(\.\d{1,9})?$/.test(text)) return now_ms + Math.ceil(Number(text) * 1_000)
  const parts = PARTS.exec(text)
  if (parts === null || text === '') return null
  const [days = 0, hours = 0, minutes = 0, seconds = 0, millis = 0] = parts.slice(1).map(part => Number(part ?? 0))
  return now_ms + Math.ceil((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + millis)
}

/** Never earlier than it is. */
function asDuration(left_ms: Ms): string {
  if (left_ms < 1_000) return `${Math.ceil(left_ms)}ms`
  const seconds = Math.ceil(left_ms / 1_000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

/** RFC 3339. */
function instantIn(text: string): Ms | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.test(text)) return null
  const at_ms = Date.parse(text)
  return Number.isNaN(at_ms) ? null : at_ms
}
