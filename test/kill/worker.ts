/**
 * The real Worker with a D1 that fails its usage objects, as D1 does: it throws before it has written, throws after it has
 * written, or is so slow that the process dies first. And with intents that count as orphaned after seconds instead of
 * minutes, so that the loop need not wait for them. Nothing else is different, and the Worker itself knows nothing of this.
 */
import worker from '../../worker/index.ts'
import { features } from '../../worker/schema/features.ts'
import type { BudgetAnswer } from '../../worker/schema/usage.ts'
import { keyAccount, ORG_ACCOUNT } from '../../worker/store/usage-accounts.ts'
import type { Batch } from '../../worker/store/usage-batch.ts'
import { UsageObject as RealUsageObject } from '../../worker/store/usage-object.ts'

export { HealthObject } from '../../worker/store/health-object.ts'

/** Share of D1 batches that go wrong, 0..1. */
type KillEnv = Env & { D1_FAULTS?: string }

const ORPHANED_AFTER_MS = 6_000
const SLOW_MS = 1_500

export class UsageObject extends RealUsageObject {
  constructor(ctx: DurableObjectState, env: KillEnv) {
    super(ctx, { ...env, DB: failing(env.DB, Number(env.D1_FAULTS ?? 0)) })
  }

  override commit(batch: Batch): BudgetAnswer[] {
    const soon_ms = Date.now() + ORPHANED_AFTER_MS
    const intents = batch.intents.map(intent => ({ ...intent, expires_at_ms: Math.min(intent.expires_at_ms, soon_ms) }))
    return super.commit({ ...batch, intents })
  }
}

function failing(db: D1Database, share: number): D1Database {
  const batch: D1Database['batch'] = async statements => {
    if (Math.random() >= share) return db.batch(statements)
    const fault = Math.floor(Math.random() * 3)
    if (fault === 0) throw new Error('D1_ERROR: made to fail before it wrote')
    if (fault === 1) await scheduler.wait(SLOW_MS)
    const results = await db.batch(statements)
    if (fault === 1) return results as never
    throw new Error('D1_ERROR: made to fail after it wrote')
  }
  return { prepare: db.prepare.bind(db), batch, exec: db.exec.bind(db), dump: db.dump.bind(db), withSession: db.withSession.bind(db) }
}

export default {
  ...worker,
  /**
   * Beside the router's own paths, the two ledgers that are its own: `/kill/rows`, those of D1 in the order of their ids, with the number that
   * the client gave its request; and `/kill/object`, what the object of an organisation still holds and what it says was spent. `/kill/keys` is
   * the same for some keys, with their rows' sums beside.
   */
  async fetch(request: Request, env: KillEnv, ctx: ExecutionContext) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/kill/rows') {
      const { results } = await env.DB.prepare(ROWS)
        .bind(searchParams.get('after') ?? '')
        .all()
      return Response.json(results)
    }
    if (pathname !== '/kill/object' && pathname !== '/kill/keys') return worker.fetch(request, env, ctx)
    const object = env.USAGE.getByName(searchParams.get('org') ?? '')
    if (pathname === '/kill/keys') {
      const keys = searchParams.get('keys')?.split(',') ?? []
      // First what is still on its way: rows that came to D1 between sums and this question would be missing from the sums.
      const { under_way, unflushed, set_aside } = await object.status()
      const ledgers = await object.ledgers(keys.map(keyAccount))
      const { results } = await env.DB.prepare(SUMS).all<{ key_id: string; rows_micros: number; orphans: number }>()
      const spends = keys.map((key_id, at) => ({
        ...ledgers[at]?.month,
        ...(results.find(row => row.key_id === key_id) ?? { rows_micros: 0, orphans: 0 }),
      }))
      return Response.json({ left: under_way + unflushed + set_aside, spends })
    }
    const [spent] = await object.ledgers([ORG_ACCOUNT])
    return Response.json({ ...(await object.status()), spent })
  },
}

/** The most output that was asked for is a number that no two requests share: it is in the call, and it is in the decision. */
const PLACE = Object.keys(features.shape).indexOf('max_output_tokens')
const ROWS = `SELECT usage.decision_id, outcome, cost_micros, estimated_input_tokens,
  json_array_length(attempts) AS calls, decision_pages.records->usage.decision_id->>'$[1].features[${PLACE}]' AS number
FROM usage LEFT JOIN decision_pages ON decision_pages.id = usage.page WHERE usage.decision_id > ?1 ORDER BY usage.decision_id LIMIT 2000`
const SUMS =
  "SELECT key_id, sum(cost_micros) AS rows_micros, count(*) FILTER (WHERE outcome = 'orphan') AS orphans FROM usage GROUP BY key_id"
