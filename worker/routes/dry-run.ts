/**
 * `POST /v1/route`: the decision for a request, whole, with its reasons in words, and nobody called, nothing spent, nothing
 * recorded. It runs the very code that serves requests, on the same moment's policy, catalogue and health.
 */
import { decide } from '../core/decide/decide.ts'
import { explain, explainUndecided } from '../core/decide/explain.ts'
import { wording } from '../core/errors.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { dialectNamed } from '../dialects/dialects.ts'
import type { Context, Deps } from '../env.ts'
import type { DialectName, JsonObject } from '../schema/chat.ts'
import type { Alarm } from '../store/alarm.ts'
import { answered, decisionHeaders, errorOf, refused } from './answer.ts'
import { chatDoor } from './door.ts'

/** The record of a dry run keeps more of the runners-up than a served request's does. */
const DRY_RUN_SCORES = 20
const ALARM_CHARS = 500

export async function dryRun(request: Request, dialect: Dialect, deps: Deps, ctx: Context): Promise<Response> {
  const caller = await deps.authenticate(request.headers, ctx)
  if (!caller.ok) return refused(dialect, caller.error, deps.effects.nowMs())
  const door = chatDoor('/v1/route', body => spoken(request.headers, body) ?? dialect)
  const asked = await door.read(request, deps.effects)
  if (!asked.ok) return refused(dialect, asked.error, deps.effects.nowMs())
  const world = await deps.world(caller.value, asked.value, door, ctx)
  if (!world.ok) return refused(dialect, world.error, deps.effects.nowMs())

  const decided = decide(asked.value.request, asked.value.features, world.value, DRY_RUN_SCORES)
  const alarms = alarmHeader(deps.alarms())
  if (decided.ok) {
    const record = decided.value
    return answered({ object: 'decision', outcome: 'would_route', ...record, explanation: explain(record) }, 200, {
      ...alarms,
      ...decisionHeaders(record, record.chosen, 0),
    })
  }
  const error = errorOf(decided.error)
  // An unknown name is the caller's slip and not a decision; it reads as it would on the real endpoint.
  if (error.code === 'model_not_found') return refused(dialect, error, deps.effects.nowMs(), alarms)
  return answered(
    {
      object: 'decision',
      outcome: 'would_refuse',
      code: error.code,
      message: wording(error),
      ...decided.error.record,
      chosen: null,
      explanation: explainUndecided(decided.error),
    },
    200,
    alarms,
  )
}

/**
 * The dialect of a body that came without its own path: what the header `x-signalbox-dialect` names, else what only one of
 * them has. Undefined where nothing tells.
 */
function spoken(headers: Headers, body: JsonObject): Dialect | undefined {
  const named = headers.get('x-signalbox-dialect')
  if (named !== null) return dialectNamed(named as DialectName)
  if (headers.has('anthropic-version')) return dialectNamed('anthropic-messages')
  return 'input' in body && !('messages' in body) ? dialectNamed('openai-responses') : undefined
}

/** What an operator should see, where one who tries a policy looks anyway. */
function alarmHeader(alarms: Alarm[]): Record<string, string> {
  if (!alarms.length) return {}
  const words = alarms.map(({ about, line, message }) => `${about}${line === null ? '' : `:${line}`}: ${message}`).join(' | ')
  return { 'x-signalbox-alarm': words.slice(0, ALARM_CHARS).replace(/[^\x20-\x7e]/g, '?') }
}
