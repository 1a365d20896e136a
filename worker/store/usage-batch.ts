/**
 * What an isolate says to a usage object: the few fields that the object judges and keeps its books by, and the rest as the
 * texts that D1 will get. A call copies every field of every object that it carries, so there are few; an object that several
 * entries hold (budgets, what decisions share) it copies once.
 */
import type { Shared } from '../schema/decision.ts'
import type { OrgId } from '../schema/ids.ts'
import type { Intent, Settlement } from '../schema/usage.ts'
import { intendedHalf, settledHalf } from './usage-row.ts'

export type IntentEntry = Pick<Intent, 'decision_id' | 'key_id' | 'at_ms' | 'expires_at_ms' | 'reserved_micros' | 'limited' | 'once'> & {
  /** First half of the row, as JSON. */
  intended: string
  /** The decision record, in two parts. */
  shared: Shared | null
  own: string
}

export type SettlementEntry = Pick<Settlement, 'decision_id' | 'cost_micros' | 'answered'> & {
  /** Second half of the row, as JSON. */
  settled: string
}

export type Batch = { v: 1; org: OrgId; intents: IntentEntry[]; settlements: SettlementEntry[] }

export function intentEntry(intent: Intent): IntentEntry {
  const { decision_id, key_id, at_ms, expires_at_ms, reserved_micros, limited, once, decision } = intent
  const { shared, own } = decision
  const entry: IntentEntry = { decision_id, key_id, at_ms, expires_at_ms, reserved_micros, intended: intendedHalf(intent), shared, own }
  if (limited) entry.limited = limited
  if (once) entry.once = once
  return entry
}

export function settlementEntry(settlement: Settlement): SettlementEntry {
  const { decision_id, cost_micros, answered } = settlement
  const entry: SettlementEntry = { decision_id, cost_micros, settled: settledHalf(settlement) }
  if (answered) entry.answered = answered
  return entry
}
