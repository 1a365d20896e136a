/**
 * Targets and their health, as the health objects know them now; and an operator's hand on the gate: isolate one, whatever
 * it does, and restore it. Running isolates learn of it within two seconds of traffic.
 */
import * as z from 'zod'
import { everyTarget } from '../../core/decide/catalogue.ts'
import type { GatewayError } from '../../core/errors.ts'
import { EVERYWHERE } from '../../core/health/region.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { HealthSnapshot, TargetHealth } from '../../schema/health.ts'
import { targetId } from '../../schema/ids.ts'
import { ms } from '../../schema/units.ts'
import { healthOfRegions } from '../../store/fleet-health.ts'
import { change } from './change.ts'
import { type AdminWorld, type Call, type Route, route } from './route.ts'

const body = () => z.strictObject({ target: targetId })
const health = () =>
  z.strictObject({
    state: z.enum(['closed', 'open', 'probing', 'ramp', 'isolated']),
    until_ms: ms.nullable(),
    limited_until_ms: ms.nullable(),
    auth_broken_until_ms: ms.nullable(),
    ramp_share: z.number(),
    error_rate: z.number().nullable(),
    first_token_ms: z.number().nullable().describe('Decayed mean over prompts of a middle size; null where nothing was measured.'),
    tokens_per_second: z.number().nullable(),
    last_ok_at_ms: ms.nullable(),
    samples: z.int(),
  })
const targetView = () =>
  z.strictObject({
    target: targetId,
    provider: z.string(),
    dialect: z.string(),
    kind: z.string(),
    regions: z.array(z.string()),
    health: health().describe('As the region knows it that has seen most of it lately.'),
  })
const moved = () => z.strictObject({ target: targetId, state: health().shape.state })

export const TARGET_ROUTES: Route[] = [
  route({
    id: 'targets.list',
    method: 'GET',
    path: '/admin/v1/targets',
    role: 'viewer',
    reach: 'router',
    summary: 'Targets that are switched on, with their health; and what would switch on the others',
    answer: () =>
      z.strictObject({
        taken_at_ms: ms,
        targets: z.array(targetView()),
        off: z.array(z.strictObject({ provider: z.string(), targets: z.int(), how_to_enable: z.string() })),
      }),
    async handle({ world }) {
      const [snapshots, catalogue] = await Promise.all([healthOfRegions(world.env), world.deps.catalogue(world.ctx)])
      const targets = everyTarget(catalogue).map(({ id, provider, target, terms }) => ({
        target: id,
        provider: provider.id,
        dialect: provider.dialect,
        kind: target.kind,
        regions: terms.regions,
        health: viewOf(bestKnown(snapshots.flatMap(({ targets: { [id]: known } }) => known ?? []))),
      }))
      const off = catalogue.off.map(({ provider, targets, how_to_enable }) => ({ provider, targets, how_to_enable }))
      return ok({ taken_at_ms: world.deps.effects.nowMs(), targets, off })
    },
  }),
  route({
    id: 'targets.isolate',
    method: 'POST',
    path: '/admin/v1/targets/isolate',
    role: 'operator',
    reach: 'router',
    summary: 'Sends nothing there until it is restored, however it behaves',
    body,
    answer: moved,
    handle: call => command(call, call.body.target, target => object(call.world).isolate(target)),
  }),
  route({
    id: 'targets.restore',
    method: 'POST',
    path: '/admin/v1/targets/restore',
    role: 'operator',
    reach: 'router',
    summary: 'Ends an isolation; traffic comes back slowly',
    body,
    answer: moved,
    handle: call => command(call, call.body.target, target => object(call.world).restore(target)),
  }),
  route({
    id: 'targets.credential_changed',
    method: 'POST',
    path: '/admin/v1/targets/credential-changed',
    role: 'operator',
    reach: 'router',
    summary: 'Says that a refused credential was replaced; the target is tried again at once',
    body,
    answer: moved,
    handle: call => command(call, call.body.target, target => object(call.world).credentialChanged(target)),
  }),
]

const object = ({ env }: AdminWorld) => env.HEALTH.getByName(EVERYWHERE)

async function command(
  call: Call,
  target: string,
  make: (target: string) => Promise<HealthSnapshot>,
): Promise<Result<z.input<ReturnType<typeof moved>>, GatewayError>> {
  const [snapshot, catalogue] = await Promise.all([object(call.world).snapshot(), call.world.deps.catalogue(call.world.ctx)])
  const before = snapshot.targets[target]?.state ?? 'closed'
  // One that was switched off since can still be restored.
  const known = snapshot.targets[target] !== undefined || everyTarget(catalogue).some(({ id }) => id === target)
  if (!known) return err({ code: 'resource_not_found', kind: 'target', id: target })
  const done = await change(call, { subject: target, org: null, before, after: call.id, detail: { state_before: before } }, () =>
    make(target),
  )
  return done.ok ? ok({ target, state: done.value.targets[target]?.state ?? 'closed' }) : done
}

/** Where it is isolated it is so everywhere, in a moment; else as the region knows it that has seen most of it lately. */
function bestKnown(known: TargetHealth[]): TargetHealth | undefined {
  return known.find(({ state }) => state === 'isolated') ?? known.toSorted((a, b) => b.samples - a.samples)[0]
}

function viewOf(known: TargetHealth | undefined): z.input<ReturnType<typeof health>> {
  if (!known) {
    const nothing = { until_ms: null, limited_until_ms: null, auth_broken_until_ms: null, error_rate: null, first_token_ms: null }
    return { state: 'closed', ...nothing, ramp_share: 1, tokens_per_second: null, last_ok_at_ms: null, samples: 0 }
  }
  const { state, until_ms, limited_until_ms, auth_broken_until_ms, ramp_share, error_rate, last_ok_at_ms, samples } = known
  const { m, s, l, xl } = known.ln_first_token_ms
  const ln = m ?? s ?? l ?? xl
  return {
    state,
    until_ms: whole(until_ms),
    limited_until_ms: whole(limited_until_ms),
    auth_broken_until_ms: whole(auth_broken_until_ms),
    ramp_share,
    error_rate,
    first_token_ms: ln === null ? null : Math.round(Math.exp(ln)),
    tokens_per_second: known.ln_tokens_per_second === null ? null : Math.round(Math.exp(known.ln_tokens_per_second)),
    last_ok_at_ms,
    samples,
  }
}

/** Waits are drawn, and not whole. */
const whole = (at_ms: number | null): number | null => (at_ms === null ? null : Math.round(at_ms))
