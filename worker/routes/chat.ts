/**
 * The straight line: every request for an answer walks these steps, a chat as much as an embedding or a picture (`door.ts` says
 * how each is read), each step made of what the steps above made, and the first failure ends it in the caller's dialect. What
 * a step does is said where it lives; the order is said here and only here.
 *
 * The intent is under way while the target is called, and no byte of an answer leaves before it is durable: whatever began
 * to be answered has its row. Only a hard budget (or a policy that asks for it) makes the call wait.
 */

import { decide } from '../core/decide/decide.ts'
import { hidesOf } from '../core/decide/hiding.ts'
import type { GatewayError } from '../core/errors.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Call, Carried } from '../dispatch/dispatch.ts'
import { dispatchInTime } from '../dispatch/early.ts'
import type { Context, Deps } from '../env.ts'
import { understanding } from '../store/understanding.ts'
import { intentOf, settlementOf } from './account.ts'
import { decisionHeaders, errorOf, openHeaders, refused } from './answer.ts'
import { carrierFor, settle, settleUnasked } from './carry.ts'
import type { Door } from './door.ts'
import { idempotencyKeyIn, intendOnce, repeatable } from './once.ts'
import { standing, unrecorded } from './standing.ts'

export async function chat(request: Request, dialect: Dialect, door: Door, deps: Deps, ctx: Context): Promise<Response> {
  const started_at_ms = deps.effects.nowMs()
  const refuse = (error: GatewayError, headers?: Record<string, string>) => refused(dialect, error, deps.effects.nowMs(), headers)

  const caller = await deps.authenticate(request.headers, ctx)
  if (!caller.ok) return refuse(caller.error)
  const word = idempotencyKeyIn(request.headers)
  if (!word.ok) return refuse(word.error)
  const copy = word.value === null ? null : request.clone()
  const asked = await door.read(request, deps.effects)
  if (!asked.ok) return refuse(asked.error)
  const world = await deps.world(caller.value, asked.value, door, ctx)
  if (!world.ok) return refuse(world.error)
  const decided = decide(asked.value.request, world.value.features, world.value)
  if (!decided.ok) return refuse(errorOf(decided.error))

  const record = decided.value
  const { policy } = world.value.policy
  deps.decided(record, world.value.own)
  const carrier = carrierFor(deps, ctx, world.value)
  const intent = intentOf(record, caller.value, door.path, carrier)
  const once =
    word.value === null || copy === null ? null : await repeatable(word.value, copy, caller.value, door.path, policy.idempotency, deps)
  if (once !== null) intent.once = once.mark
  const durable = once === null ? deps.intend(intent, ctx) : intendOnce(intent, request.signal, deps, ctx)
  if (policy.durable_before_dispatch || intent.limited?.hard || once !== null) {
    const { refusal, headers, kept } = await durable().then(standing(dialect, deps.effects), unrecorded)
    const again = once !== null && kept !== undefined ? await once.again(kept) : null
    if (again !== null) return again
    // The intent may have arrived all the same: what it holds is given back at once, its `Idempotency-Key` too.
    if (refusal?.code === 'accounting_unavailable')
      settleUnasked({ record, losses: world.value.losses }, refusal, started_at_ms, carrier, deps, ctx)
    if (refusal) return refuse(refusal, headers)
  }
  const { request: wanted, carries } = asked.value
  const hides = hidesOf(world.value.policy, world.value.catalogue)
  const call: Call = {
    ...carries,
    dialect,
    request: wanted,
    record,
    losses: world.value.losses,
    stream_usage: policy.stream_usage,
    started_at_ms,
    gone: request.signal,
    ...(hides && { hides, names: understanding().names }),
    ...(once?.copy && { copy: once.copy }),
  }
  const carried = await dispatchInTime(call, carrier)
  const { refusal, headers: told } = await durable().then(standing(dialect, deps.effects), unrecorded)
  if (refusal) {
    const ended = carried.ok ? await carried.value.abandon(refusal) : carried.error
    deps.settle(settlementOf(call, ended, [], carrier.target, deps.effects.nowMs()), ctx)
    return refuse(refusal, { ...told, ...decisionHeaders(record, null, 0) })
  }
  if (!carried.ok) {
    settle(call, carried.error, carrier, deps, ctx, once)
    return refuse(carried.error.error ?? { code: 'internal', reference: record.decision_id }, {
      ...carried.error.headers,
      ...told,
      ...decisionHeaders(record, null, carried.error.attempts.length),
    })
  }
  const answer = carried.value
  const begun = ({ target, attempts, losses }: Carried) => {
    deps.answered(asked.value, record, target.id)
    const lost = target.id === record.chosen ? record.losses : call.losses(target)
    return decisionHeaders(record, target.id, attempts, [...lost, ...losses()])
  }
  const { body, ended } = answer.release(begun)
  const says = answer.target === null ? openHeaders(record) : begun(answer)
  const headers = { ...answer.headers, ...told, ...says }
  once?.leaves(body, headers)
  settle(call, ended, carrier, deps, ctx, once)
  return new Response(body, { status: answer.status, headers })
}
