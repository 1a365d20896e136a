/**
 * What a caller is told of its limits: the refusal, where it may not go on, and headers, where it has limits at all. Rates stand
 * in the headers that the dialect's clients read; what was passed of soft limits stands in `x-signalbox-warning`.
 */
import { type GatewayError, wording } from '../core/errors.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { RateLimits } from '../dialects/rate-limits.ts'
import type { Effects } from '../dispatch/effects.ts'
import type { Ms } from '../schema/units.ts'
import type { BudgetAnswer, LimitRefusal, Standing } from '../schema/usage.ts'

type Stands = { refusal: GatewayError | null; headers: Record<string, string> }

/** Requests at the same time have no header in any format. */
const COUNTED = { requests_per_minute: 'requests', tokens_per_minute: 'tokens', concurrent_requests: null } as const

const NOTHING: Stands['headers'] = {}
const FREE: Stands = { refusal: null, headers: NOTHING }
const HEADER_CHARS = 500

export const standing =
  (dialect: Dialect, effects: Pick<Effects, 'nowMs'>) =>
  (answer: BudgetAnswer): Stands => {
    const headers = answer.standing ? headersOf(answer.standing, dialect, effects.nowMs()) : NOTHING
    if (answer.ok) return answer.standing ? { refusal: null, headers } : FREE
    return { refusal: answer.code === 'key_revoked' ? { code: 'invalid_key' } : errorOf(answer), headers }
  }

export const unrecorded = (): Stands => ({ refusal: { code: 'accounting_unavailable' }, headers: NOTHING })

/** What is held for requests under way is as good as spent to the one who asks. */
function errorOf({ ok, ...refusal }: LimitRefusal): GatewayError {
  return refusal.code === 'budget_exhausted' ? { ...refusal, spent_micros: refusal.spent_micros + refusal.held_micros } : refusal
}

function limitsOf(rates: Standing['rates']): RateLimits {
  const limits: RateLimits = {}
  for (const { of, at_most, left, resets_at_ms } of rates) {
    const counted = COUNTED[of]
    if (counted !== null) limits[counted] = { limit: at_most, remaining: left, resets_at_ms }
  }
  return limits
}

function headersOf({ rates, warnings }: Standing, dialect: Dialect, now_ms: Ms): Record<string, string> {
  const headers = dialect.rate_limits?.write(limitsOf(rates), now_ms) ?? {}
  if (warnings.length === 0) return headers
  const words = warnings.map(warning => wording(errorOf(warning))).join(' ')
  return { ...headers, 'x-signalbox-warning': words.slice(0, HEADER_CHARS).replace(/[^\x20-\x7e]/g, '?') }
}
