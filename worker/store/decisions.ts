/**
 * One decision and what came of it, by its id and the organisation that made the request: from the usage object while it is
 * young or D1 is away, else from D1. Another organisation's id finds nothing.
 */
import type { DecisionRecord } from '../schema/decision.ts'
import type { DecisionId, OrgId } from '../schema/ids.ts'
import type { AttemptRecord, Intent, Settlement } from '../schema/usage.ts'
import { type UsageRow, usageRow } from './usage-row.ts'

/** The row with its attempts as values. */
export type UsageView = Omit<UsageRow, 'attempts'> & { attempts: AttemptRecord[] }

/** `usage` is null while the request is under way. */
export type FoundDecision = { record: DecisionRecord; usage: UsageView | null }

export async function findDecision(env: Pick<Env, 'DB' | 'USAGE'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  return (await fromObject(env, org, id)) ?? (await fromD1(env, org, id))
}

async function fromObject(env: Pick<Env, 'USAGE'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  const found = await env.USAGE.getByName(org).find(id)
  if (!found) return null
  const usage = found.settlement === null ? null : usageRow(JSON.parse(found.intent) as Intent, JSON.parse(found.settlement) as Settlement)
  return { record: JSON.parse(found.decision) as DecisionRecord, usage: usage && viewOf(usage) }
}

async function fromD1(env: Pick<Env, 'DB'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  const row = await env.DB.prepare(
    'SELECT decisions.record, usage.* FROM decisions LEFT JOIN usage USING (decision_id) WHERE decision_id = ?1 AND decisions.org = ?2',
  )
    .bind(id, org)
    .first<UsageRow & { record: string }>()
  if (!row) return null
  const { record, ...usage } = row
  return { record: JSON.parse(record) as DecisionRecord, usage: usage.outcome === null ? null : viewOf(usage) }
}

const viewOf = (row: UsageRow): UsageView => ({ ...row, attempts: JSON.parse(row.attempts) as AttemptRecord[] })
