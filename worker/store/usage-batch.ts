/**
 * What an isolate says to a usage object: the few fields that the object judges and keeps its books by, and the rest as the
 * texts that D1 will get. A call copies every field of every object that it carries, so there are few.
 */
import type { Intent, Settlement } from '../schema/usage.ts'
import { intendedHalf, settledHalf } from './usage-row.ts'

export type IntentEntry = Pick<
  Intent,
  'decision_id' | 'org' | 'key_id' | 'at_ms' | 'expires_at_ms' | 'reserved_micros' | 'limited' | 'decision'
> & {
  /** First half of the row, as JSON. */
  intended: string
}

export type SettlementEntry = Pick<Settlement, 'decision_id' | 'org' | 'cost_micros'> & {
  /** Second half of the row, as JSON. */
  settled: string
}

export type Batch = { v: 1; intents: IntentEntry[]; settlements: SettlementEntry[] }

export function intentEntry(intent: Intent): IntentEntry {
  const { decision_id, org, key_id, at_ms, expires_at_ms, reserved_micros, limited, decision } = intent
  const intended = JSON.stringify(intendedHalf(intent))
  const entry = { decision_id, org, key_id, at_ms, expires_at_ms, reserved_micros, decision, intended }
  return limited ? { ...entry, limited } : entry
}

export function settlementEntry(settlement: Settlement): SettlementEntry {
  const { decision_id, org, cost_micros } = settlement
  return { decision_id, org, cost_micros, settled: JSON.stringify(settledHalf(settlement)) }
}
