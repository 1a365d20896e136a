/**
 * Keeps targets awake that would fall asleep, where a policy asks for it: once a minute those that are due get one short request each,
 * through the same decision and dispatch as any other, so that constraints hold and what it shows of the target's health is
 * known. It is accounted under a name of its own, with calls of the role `ping`, and is nobody's request.
 */

import { decide } from '../core/decide/decide.ts'
import { maskOf } from '../core/decide/selector.ts'
import { callerOf } from '../core/decide/sketch.ts'
import type { CompiledPolicy, LiveTarget } from '../core/decide/world.ts'
import { knownEverywhere, pingsDue, type Sleeper } from '../core/health/warm.ts'
import { parseJsonText } from '../core/json-text.ts'
import { estimateCost } from '../core/spend/price.ts'
import { openaiChat } from '../dialects/openai-chat/dialect.ts'
import { dispatch, type Ended } from '../dispatch/dispatch.ts'
import type { Context, Deps } from '../env.ts'
import type { HealthSnapshot } from '../schema/health.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import { healthOfRegions } from '../store/fleet-health.ts'
import { PINGS_ORG, pingsSpent } from '../store/pings.ts'
import { intentOf, settlementOf } from './account.ts'
import { carrierFor } from './carry.ts'
import { askedChat, chatDoor } from './door.ts'

const DOOR = chatDoor('/v1/chat/completions', openaiChat)
const NEVER = new AbortController().signal
/** What a ping says and may hear back, for its price. */
const PROMPT_TOKENS = 10
const OUTPUT_TOKENS = 1

/** For the Worker's `scheduled` handler. Gives the targets that were called. */
export async function keepWarm(env: Pick<Env, 'DB' | 'HEALTH'>, deps: Deps, ctx: Context): Promise<TargetId[]> {
  const now_ms = deps.effects.nowMs()
  const names = await deps.policies.allNames(now_ms)
  const policies = await Promise.all(names.map(name => deps.policies.policyFor(name, ctx, now_ms)))
  const warming = policies.filter(policy => policy?.policy.warm !== undefined) as CompiledPolicy[]
  if (warming.length === 0) return []
  const { targets } = await deps.catalogue(ctx)
  const regions = await healthOfRegions(env)
  const called = new Set<TargetId>()
  for (const policy of warming) {
    for (const target of await dueFor(policy, targets, regions, env, now_ms)) {
      if (called.has(target)) continue
      called.add(target)
      await ping(target, policy, deps, ctx)
    }
  }
  return [...called]
}

async function dueFor(
  { policy }: CompiledPolicy,
  targets: readonly LiveTarget[],
  regions: readonly HealthSnapshot[],
  env: Pick<Env, 'DB'>,
  now_ms: Ms,
): Promise<TargetId[]> {
  const { warm, groups } = policy
  if (warm === undefined) return []
  const chosen = maskOf(warm.targets, targets, groups)
  const sleepers: Sleeper[] = targets
    .filter((target, i) => chosen[i] && target.provider.readiness === 'serverless')
    .map(({ id, price }) => ({
      target: id,
      cost_micros: estimateCost(PROMPT_TOKENS, OUTPUT_TOKENS, price) ?? Number.POSITIVE_INFINITY,
      ...knownEverywhere(regions, id),
    }))
  const takes_part = policy.targets === undefined ? null : maskOf(policy.targets, targets, groups)
  const isShut = (id: TargetId) => regions.some(({ targets }) => targets[id]?.state === 'open' || targets[id]?.state === 'probing')
  const needed = targets.some(({ id }, i) => !chosen[i] && (takes_part === null || takes_part[i]) && isShut(id))
  // Mostly nothing is due, and then nobody need be asked what was spent.
  if (pingsDue(sleepers, needed, warm, { requests: 0, cost_micros: 0 }, now_ms).length === 0) return []
  return pingsDue(sleepers, needed, warm, await pingsSpent(env, policy.name, now_ms), now_ms)
}

/** One short request, to this target or to nobody. A failure is the target's health, and no more. */
async function ping(target: TargetId, { policy }: CompiledPolicy, deps: Deps, ctx: Context): Promise<void> {
  const text = JSON.stringify({ model: target, messages: [{ role: 'user', content: 'ping' }], max_tokens: OUTPUT_TOKENS, stream: true })
  const json = parseJsonText(new TextEncoder().encode(text))
  if (!json.ok) return
  const asked = askedChat(json.value, openaiChat, new Headers())
  if (!asked.ok) return
  const caller = { ...callerOf({ prompt: '', caller: { org: PINGS_ORG } }), policy: policy.name, label: 'ping', limits: [] }
  const world = await deps.world(caller, asked.value, DOOR, ctx)
  if (!world.ok) return
  const decided = decide(asked.value.request, world.value.features, world.value)
  if (!decided.ok || decided.value.chosen !== target) return
  const record = { ...decided.value, plan: { ...decided.value.plan, attempts: 1, shadows: [] } }
  const carrier = carrierFor(deps, ctx, world.value)
  const durable = deps.intend({ ...intentOf(record, caller, DOOR.path, carrier), task: 'ping' }, ctx)
  if (
    !(await durable().then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    return
  const { request, carries } = asked.value
  const call = {
    ...carries,
    dialect: openaiChat,
    request,
    record,
    losses: world.value.losses,
    stream_usage: 'always' as const,
    started_at_ms: deps.effects.nowMs(),
    gone: NEVER,
  }
  const carried = await dispatch(call, carrier)
  const ended = carried.ok ? await read(carried.value.release()) : carried.error
  const attempts = ended.attempts.map(attempt => ({ ...attempt, role: 'ping' as const }))
  deps.settle(settlementOf(call, { ...ended, attempts }, [], carrier.target, deps.effects.nowMs()), ctx)
}

/** Its answer is read to its end and thrown away. */
async function read({ body, ended }: { body: BodyInit | null; ended: Ended | Promise<Ended> }): Promise<Ended> {
  await new Response(body).arrayBuffer().catch(() => undefined)
  return ended
}
