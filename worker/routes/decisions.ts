/**
 * `GET /v1/decisions/{id}`: why did this request go there, and what came of it. Shown to the organisation whose request it
 * was and to nobody else; anyone else's id reads like one that never was.
 */
import { explain, explainOutcome } from '../core/decide/explain.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Context, Deps } from '../env.ts'
import { decisionId } from '../schema/ids.ts'
import { answered, refused } from './answer.ts'

const SHOWN_ID_CHARS = 60

export async function decision(request: Request, id: string, dialect: Dialect, deps: Deps, ctx: Context): Promise<Response> {
  const caller = await deps.authenticateNow(request.headers, ctx)
  if (!caller.ok) return refused(dialect, caller.error, deps.effects.nowMs())
  const found = decisionId.safeParse(id).success ? await deps.findDecision(caller.value.org, id) : null
  if (!found) return refused(dialect, { code: 'decision_not_found', id: id.slice(0, SHOWN_ID_CHARS) }, deps.effects.nowMs())
  const { record, usage } = found
  const explanation = [...explain(record), ...(usage ? explainOutcome(usage) : ['The request is still under way.'])]
  // Once it has ended it is known what was lost to the end, and to whom; before, what was to be expected.
  const losses = usage?.losses ?? record.losses
  return answered({ object: 'decision', ...record, losses, explanation, usage })
}
