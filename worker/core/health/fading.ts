/** How what speaks against a target is forgotten: with time, and with each good word. The parts that tenants have in it fade as the sum does. */
import type { HealthRules } from '../../schema/health-rules.ts'
import type { Ms } from '../../schema/units.ts'
import type { Suspicion } from './suspicion.ts'

type Rules = HealthRules['suspicion']

/** Of the error rate that is shown; it decides nothing. */
export const ERROR_RATE_HALF_LIFE_MS: Ms = 60_000

/** A clock that went back counts as one that stood still. */
export const halved = (passed_ms: Ms, half_life_ms: Ms) => 2 ** (-Math.max(0, passed_ms) / half_life_ms)

export function scaled<Item extends { fast: number; slow: number }>(items: Item[], fast: number, slow: number): Item[] {
  // In calm times all are nothing, and stay it.
  if (items.every(item => item.fast === 0 && item.slow === 0)) return items
  return items.map(item => ({ ...item, fast: item.fast * fast, slow: item.slow * slow }))
}

export function withAge(before: Suspicion, now_ms: Ms, rules: Rules): Suspicion {
  const passed_ms = now_ms - before.at_ms
  const fast = halved(passed_ms, rules.fast.half_life_ms)
  const slow = halved(passed_ms, rules.slow.half_life_ms)
  const rate = halved(passed_ms, ERROR_RATE_HALF_LIFE_MS)
  const base = halved(passed_ms, rules.healthy.half_life_ms)
  return {
    ...before,
    at_ms: now_ms,
    fast: before.fast * fast,
    slow: before.slow * slow,
    row: now_ms - before.row_at_ms > rules.row_gap_ms ? 0 : before.row,
    row_at_ms: before.row_at_ms,
    tenants: scaled(before.tenants, fast, slow),
    late: scaled(before.late, fast, slow),
    doubts: scaled(before.doubts, fast, slow),
    base_seen: before.base_seen * base,
    base_failed: before.base_failed * base,
    answered: before.answered * rate,
    failed: before.failed * rate,
  }
}
