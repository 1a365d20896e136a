/**
 * One decision and what came of it, by its id and the organisation that made the request: from the usage object while it is
 * young or D1 is away, else from D1. Another organisation's id finds nothing.
 */
import { recordFrom } from '../core/decide/kept.ts'
import type { DecisionRecord } from '../schema/decision.ts'
import type { DecisionId, OrgId } from '../schema/ids.ts'
import type { LossCount } from '../schema/usage.ts'
import { attemptsFrom, rowOf, type UsageRow } from './usage-row.ts'

/** `usage` is null while the request is under way. */
export type FoundDecision = { record: DecisionRecord; usage: UsageRow | null }

export async function findDecision(env: Pick<Env, 'DB' | 'USAGE'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  return (await fromObject(env, org, id)) ?? (await fromD1(env, org, id))
}

async function fromObject(env: Pick<Env, 'USAGE'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  const found = await env.USAGE.getByName(org).find(id)
  if (!found) return null
  const { intended, settled, shared, own } = found
  const record = recordFrom(rowOf(intended, null), shared === null ? null : JSON.parse(shared), JSON.parse(own))
  return { record, usage: settled === null ? null : rowOf(intended, settled) }
}

type D1Row = Omit<UsageRow, 'attempts' | 'losses'> & {
  attempts: string
  losses: string | null
  page: number
  shared: string
  kept: string | null
}

/** Of the page that the row says, D1 gives this decision's part only. */
async function fromD1(env: Pick<Env, 'DB'>, org: OrgId, id: DecisionId): Promise<FoundDecision | null> {
  const row = await env.DB.prepare(
    `SELECT usage.*, decision_pages.shared, decision_pages.records->usage.decision_id AS kept
     FROM usage JOIN decision_pages ON decision_pages.id = usage.page WHERE usage.decision_id = ?1 AND usage.org = ?2`,
  )
    .bind(id, org)
    .first<D1Row>()
  if (!row || row.kept === null) return null
  const { shared, kept, page, attempts, losses, ...facts } = row
  const usage = { ...facts, attempts: attemptsFrom(JSON.parse(attempts)), losses: lossesIn(losses) }
  const [place, own] = JSON.parse(kept) as [number | null, object]
  const common = place === null ? null : (JSON.parse(shared) as object[])[place]
  return { record: recordFrom(usage, common ?? null, own), usage }
}

const lossesIn = (text: string | null) => (text === null ? null : (JSON.parse(text) as LossCount[]))
