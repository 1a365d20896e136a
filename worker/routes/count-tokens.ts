/**
 * `POST /v1/messages/count_tokens`: how long a request is. Counted here, by the estimate that routing itself goes by, because
 * which target will answer, and so whose tokens they will be, is not decided until the request is made. The header says that
 * it is an estimate; `core/understand/tokens.ts` has its measured error.
 */
import { understand } from '../core/understand/understand.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Context, Deps } from '../env.ts'
import { answered, refused } from './answer.ts'
import { readJson } from './read.ts'

/** The one field that a count does not need and the API of the messages themselves does. */
const UNCOUNTED = { max_tokens: 1 }

export async function countTokens(request: Request, dialect: Dialect, deps: Deps, ctx: Context): Promise<Response> {
  const caller = await deps.authenticateNow(request.headers, ctx)
  if (!caller.ok) return refused(dialect, caller.error, deps.effects.nowMs())
  const json = await readJson(request, deps.effects)
  const asked = json.ok ? dialect.request.read({ ...UNCOUNTED, ...json.value.value }) : json
  if (!asked.ok) return refused(dialect, asked.error, deps.effects.nowMs())
  const { prompt_tokens } = understand(asked.value)
  return answered({ input_tokens: Math.ceil(prompt_tokens) }, 200, { 'x-signalbox-estimated': 'input_tokens' })
}
