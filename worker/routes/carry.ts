/**
 * What dispatch needs from this isolate, and what follows when an answer has ended: shadow copies are waited for, the
 * settlement is written, and all of it outlives the response.
 */
import type { LiveCatalogue } from '../core/decide/world.ts'
import { type Call, type Carrier, type Ended, shadow } from '../dispatch/dispatch.ts'
import { signature } from '../dispatch/sigv4.ts'
import type { Context, Deps } from '../env.ts'
import { settlementOf } from './account.ts'

export function carrierFor(deps: Deps, ctx: Context, { by_id }: LiveCatalogue): Carrier {
  return {
    effects: deps.effects,
    target: id => by_id.get(id),
    dialect: deps.dialect,
    credential: deps.credential,
    sign: signature,
    report: outcome => deps.report(outcome, ctx),
    waitUntil: promise => ctx.waitUntil(promise),
  }
}

/** Settles the request once its answer has ended, with its shadow copies, which start now so as not to delay the answer. */
export function settle(call: Call, ended: Promise<Ended>, carrier: Carrier, deps: Deps, ctx: Context): void {
  const shadows = Promise.all(call.record.plan.shadows.map(target => shadow(call, target, carrier)))
  ctx.waitUntil(
    Promise.all([ended, shadows]).then(([end, copies]) =>
      deps.settle(settlementOf(call, end, copies, carrier.target, deps.effects.nowMs()), ctx),
    ),
  )
}
