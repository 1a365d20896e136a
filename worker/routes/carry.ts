/**
 * What dispatch needs from this isolate, and what follows when an answer has ended: shadow copies are waited for, the
 * settlement is written, and all of it outlives the response.
 */
import type { LiveCatalogue } from '../core/decide/world.ts'
import type { GatewayError } from '../core/errors.ts'
import { providerOf } from '../core/health/fleet.ts'
import { opensInMs } from '../core/health/gate-told.ts'
import { type Call, type Carrier, type Ended, shadow } from '../dispatch/dispatch.ts'
import { sign } from '../dispatch/sign.ts'
import { unasked } from '../dispatch/unanswered.ts'
import type { CallersWorld, Context, Deps } from '../env.ts'
import { NO_HEALTH } from '../schema/health.ts'
import type { Ms } from '../schema/units.ts'
import type { AttemptRecord } from '../schema/usage.ts'
import type { OwnKeys } from '../store/own-keys.ts'
import { settlementOf } from './account.ts'
import type { Repeatable } from './once.ts'

export function carrierFor(deps: Deps, ctx: Context, world: Pick<CallersWorld, 'catalogue' | 'own'>): Carrier {
  const carrier = routersOwn(deps, ctx, world.catalogue)
  return world.own === null ? carrier : withOwnKeys(carrier, world.own, deps)
}

/** Calls to providers that the caller pays for go with its own key, and what they tell stays with that key. */
function withOwnKeys(carrier: Carrier, own: OwnKeys, deps: Deps): Carrier {
  return {
    ...carrier,
    own: { pays: own.pays, usable: provider => own.secretFor(provider) !== null },
    credential(provider) {
      if (!own.pays(provider.id)) return carrier.credential(provider)
      const secret = own.secretFor(provider.id)
      return secret === null ? null : deps.credential(provider, secret)
    },
    opensInMs: (id, now_ms) =>
      own.pays(providerOf(id)) ? opensInMs(own.health(NO_HEALTH, now_ms).targets[id], now_ms) : (carrier.opensInMs?.(id, now_ms) ?? null),
    report: outcome =>
      own.pays(providerOf(outcome.target)) ? own.observe(outcome, deps.effects.nowMs(), deps.effects.draw) : carrier.report(outcome),
  }
}

function routersOwn(deps: Deps, ctx: Context, { by_id }: LiveCatalogue): Carrier {
  return {
    opensInMs: (id, now_ms) => opensInMs(deps.health(now_ms, ctx).targets[id], now_ms),
    effects: deps.effects,
    target: id => by_id.get(id),
    dialect: deps.dialect,
    credential: provider => deps.credential(provider),
    sign,
    report: outcome => deps.report(outcome, ctx),
    retries: deps.retries,
    hedges: deps.hedges,
    waitUntil: promise => ctx.waitUntil(promise),
  }
}

/**
 * Settles the request once its answer has ended, with its shadow copies, which start now so as not to delay the answer. A whole answer
 * has ended before it leaves: then nothing is waited for.
 */
export function settle(
  call: Call,
  ended: Ended | Promise<Ended>,
  carrier: Carrier,
  deps: Deps,
  ctx: Context,
  once: Pick<Repeatable, 'settle'> | null = null,
): void {
  const write = (end: Ended, copies: AttemptRecord[]) => {
    const settlement = settlementOf(call, end, copies, carrier.target, deps.effects.nowMs())
    if (once === null) deps.settle(settlement, ctx)
    else once.settle(settlement, end, ctx)
    if (end.answer_id !== undefined && end.target !== null && call.request.extra.store === true)
      deps.keepAnswer(call.record.org, end.answer_id, end.target, ctx)
  }
  const { shadows } = call.record.plan
  if (shadows.length > 0) {
    const copies = Promise.all(shadows.map(target => shadow(call, target, carrier)))
    ctx.waitUntil(Promise.all([ended, copies]).then(([end, made]) => write(end, made)))
  } else if (ended instanceof Promise) ctx.waitUntil(ended.then(end => write(end, [])))
  else write(ended, [])
}

/** Settles a request that was refused before anybody was asked. */
export function settleUnasked(
  call: Pick<Call, 'record' | 'losses'>,
  error: GatewayError,
  started_at_ms: Ms,
  carrier: Carrier,
  { effects, settle }: Deps,
  ctx: Context,
): void {
  const now_ms = effects.nowMs()
  settle(settlementOf(call, unasked(error, now_ms - started_at_ms), [], carrier.target, now_ms), ctx)
}
