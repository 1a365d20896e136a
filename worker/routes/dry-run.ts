/**
 * `POST /v1/route`: the decision for a request, whole, with its reasons in words, and nobody called, nothing spent, nothing
 * recorded. It runs the very code that serves requests, on the same moment's policy, catalogue and health. The body may be of any
 * format and endpoint: `recognise.ts` says how it is told.
 */
import { decide } from '../core/decide/decide.ts'
import { explain, explainUndecided } from '../core/decide/explain.ts'
import { type GatewayError, wording } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Context, Deps } from '../env.ts'
import type { EndpointName } from '../schema/endpoint.ts'
import type { Alarm } from '../store/alarm.ts'
import { answered, decisionHeaders, errorOf, refused } from './answer.ts'
import { isForm } from './body.ts'
import { type Asked, askedChat } from './door.ts'
import { askedPassed, jsonBody, readForm } from './passed.ts'
import { readJson } from './read.ts'
import { recognised, recognisedForm } from './recognise.ts'

/** The record of a dry run keeps more of the runners-up than a served request's does. */
const DRY_RUN_SCORES = 20
const ALARM_CHARS = 500

export async function dryRun(request: Request, dialect: Dialect, deps: Deps, ctx: Context): Promise<Response> {
  const caller = await deps.authenticateNow(request.headers, ctx)
  if (!caller.ok) return refused(dialect, caller.error, deps.effects.nowMs())
  const body = await read(request, deps, ctx)
  if (!body.ok) return refused(dialect, body.error, deps.effects.nowMs())
  const { asked, endpoint } = body.value
  const world = await deps.world(caller.value, asked, { path: '/v1/route', endpoint }, ctx)
  if (!world.ok) return refused(dialect, world.error, deps.effects.nowMs())

  const decided = decide(asked.request, world.value.features, world.value, DRY_RUN_SCORES)
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

/** A body of any kind, and where it would have been sent. */
async function read(request: Request, deps: Deps, ctx: Context): Promise<Result<{ asked: Asked; endpoint: EndpointName }, GatewayError>> {
  const { headers } = request
  if (isForm(headers.get('content-type') ?? '')) {
    const form = await readForm(request, deps.effects)
    if (!form.ok) return form
    const endpoint = recognisedForm(headers, form.value.given.hasFile)
    return endpoint.ok ? at(endpoint.value, askedPassed(form.value, endpoint.value, headers)) : endpoint
  }
  const json = await readJson(request, deps.effects)
  if (!json.ok) return json
  const found = recognised(headers, json.value.value, await deps.catalogue(ctx))
  if (!found.ok) return found
  if (found.value.endpoint !== 'chat') return at(found.value.endpoint, askedPassed(jsonBody(json.value), found.value.endpoint, headers))
  const dialect = deps.dialect(found.value.dialect)
  return dialect ? at('chat', askedChat(json.value, dialect, headers)) : err({ code: 'internal', reference: found.value.dialect })
}

const at = (endpoint: EndpointName, asked: Result<Asked, GatewayError>) => (asked.ok ? ok({ asked: asked.value, endpoint }) : asked)

/** What an operator should see, where one who tries a policy looks anyway. */
function alarmHeader(alarms: Alarm[]): Record<string, string> {
  if (!alarms.length) return {}
  const words = alarms.map(({ about, line, message }) => `${about}${line === null ? '' : `:${line}`}: ${message}`).join(' | ')
  return { 'x-signalbox-alarm': words.slice(0, ALARM_CHARS).replace(/[^\x20-\x7e]/g, '?') }
}
