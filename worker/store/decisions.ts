/**
 * One decision and what came of it, by its id and the organisation that made the request: from the usage object while it is
 * young or D1 is away, else from D1. Another organisation's id finds nothing.
 */
import type { DecisionRecord } from '../schema/decision.ts'
import type { DecisionId, OrgId } from '../schema/ids.ts'
import type { AttemptRecord, LossCount } from '../schema/usage.ts'
import { joined, type UsageRow } from './usage-row.ts'

/** `usage` is null while the request is under way. */
export type FoundDecision = { record: DecisionRecord; usage: UsageRow | null }

export async function findDecision(env: Pick<Env, 'DB' | 'USAGE'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  return (await fromObject(env, org, id)) ?? (await fromD1(env, org, id))
}

async function fromObject(env: Pick<Env, 'USAGE'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  const found = await env.USAGE.getByName(org).find(id)
  if (!found) return null
  const { intended, settled, decision } = found
  const usage = settled === null ? null : (JSON.parse(joined(intended, settled)) as UsageRow)
  return { record: JSON.parse(decision) as DecisionRecord, usage }
}

async function fromD1(env: Pick<Env, 'DB'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  const row = await env.DB.prepare(
    'SELECT decisions.record, usage.* FROM decisions LEFT JOIN usage USING (decision_id) WHERE decision_id = ?1 AND decisions.org = ?2',
  )
    .bind(id, org)
    .first<Omit<UsageRow, 'attempts' | 'losses'> & { attempts: string; losses: string | null; record: string }>()
  if (!row) return null
  const { record, attempts, losses, ...usage } = row
  const settled = usage.outcome === null ? null : { ...usage, attempts: JSON.parse(attempts) as AttemptRecord[], losses: lossesIn(losses) }
  return { record: JSON.parse(record) as DecisionRecord, usage: settled }
}

const lossesIn = (text: string | null) => (text === null ? null : (JSON.parse(text) as LossCount[]))
