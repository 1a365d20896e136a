/**
 * What a caller is told of its limits: the refusal, where it may not go on, and headers, where it has limits at all. Rates stand
 * in the headers that the dialect's clients read; what was passed of soft limits stands in `x-signalbox-warning`.
 */
import { FACTS, type GatewayError, wording } from '../core/errors.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { RateLimits } from '../dialects/rate-limits.ts'
import type { Effects } from '../dispatch/effects.ts'
import type { DecisionId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { BudgetAnswer, LimitRefusal, Repeated, Standing } from '../schema/usage.ts'

/** `kept`: the same request was answered as this decision, and its answer can be given again. */
type Stands = { refusal: GatewayError | null; headers: Record<string, string>; kept?: DecisionId }

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
    if (answer.code === 'repeated') return repeated(answer, effects.nowMs())
    return { refusal: answer.code === 'key_revoked' ? { code: 'invalid_key' } : errorOf(answer), headers }
  }

export const unrecorded = (): Stands => ({ refusal: { code: 'accounting_unavailable' }, headers: NOTHING })

/** One that runs for a while will most likely run as long again; nobody waits for more than this before asking. */
const ASK_AGAIN_MS = { at_least: 1_000, at_most: 30_000 }

function repeated({ of, decision_id, began_at_ms, kept }: Repeated, now_ms: Ms): Stands {
  const headers: Record<string, string> = { 'x-signalbox-decision': decision_id }
  if (of === 'another_request') return { refusal: { code: 'idempotency_key_reused', decision_id }, headers }
  if (of === 'under_way') {
    const retry_after_ms = Math.min(ASK_AGAIN_MS.at_most, Math.max(ASK_AGAIN_MS.at_least, now_ms - began_at_ms))
    return { refusal: { code: 'request_under_way', decision_id, retry_after_ms }, headers }
  }
  // The clients of OpenAI and Anthropic take any 409 for one that passes, unless they are told.
  headers['x-should-retry'] = 'false'
  return { refusal: { code: 'already_answered', decision_id }, headers, ...(kept && { kept: decision_id }) }
}

/** What is held for requests under way is as good as spent to the one who asks. */
function errorOf({ ok, ...refusal }: LimitRefusal): GatewayError {
  if (refusal.code === 'limit_reached') return refusal
  // A newer object may refuse for what nobody here has words for.
  if (!Object.hasOwn(FACTS, refusal.code)) return { code: 'accounting_unavailable' }
  const { held_micros, ...rest } = refusal
  return { ...rest, spent_micros: rest.spent_micros + held_micros }
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
