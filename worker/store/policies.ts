/**
 * Policies as this isolate knows them. KV holds one text under `policy/<name>`; an operator edits it there, and running
 * isolates take it up within seconds without a deploy. Requests use the copy in memory: at once up to a second old, with a
 * refresh behind them up to five, and beyond that (nobody asked for a while) after a short wait for a new one.
 *
 * A text that does not parse never replaces the last good one. Where KV has no default policy, or does not answer when an
 * isolate starts, the default that is bundled with the Worker serves.
 */
import bundledDefault from '../../policies/default.yaml'
import { compilePolicy } from '../core/decide/rules.ts'
import type { CompiledPolicy } from '../core/decide/world.ts'
import { err, ok, type Result } from '../core/result.ts'
import { type PolicyName, policyName } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import type { Alarm } from './alarm.ts'
import { atMost, type KeptText, keptText, type Problem } from './kept-text.ts'
import { textVersion } from './text-version.ts'

type Context = { waitUntil(promise: Promise<unknown>): void }

export type PolicyStore = {
  /** Null where there is no such policy. Not a promise where the copy in memory is young enough. */
  policyFor(name: PolicyName, ctx: Context, now_ms: Ms): CompiledPolicy | null | Promise<CompiledPolicy | null>
  /** Names known here, for near matches and listings; read from KV now and then, behind the request. */
  names(ctx: Context, now_ms: Ms): PolicyName[]
  /** The same, after asking KV if it was not asked for a minute. */
  allNames(now_ms: Ms): Promise<PolicyName[]>
  problems(): Alarm[]
}

export const POLICY_FRESH_MS: Ms = 1_000
export const POLICY_STALE_MS: Ms = 5_000
const WAIT_MS: Ms = 80
/** The first read of an isolate may cross an ocean, and deciding by another policy than the operator's is worse than waiting. */
const FIRST_WAIT_MS: Ms = 1_000
/** Policies kept in memory, unknown names included; beyond, the longest kept goes. */
const KEPT = 500
const NAMES_FRESH_MS: Ms = 60_000
const NAMES_AT_MOST = 1_000
const PROBLEMS_SHOWN = 50

const BUNDLED: Record<PolicyName, string> = { default: bundledDefault }

export function policyStore(kv: KVNamespace): PolicyStore {
  const kept = new Map<PolicyName, KeptText<CompiledPolicy>>()
  let names: PolicyName[] = Object.keys(BUNDLED)
  let named_at_ms: Ms = Number.NEGATIVE_INFINITY

  function keptPolicy(name: PolicyName): KeptText<CompiledPolicy> | null {
    const known = kept.get(name)
    if (known) return known
    if (!policyName.safeParse(name).success) return null
    if (kept.size >= KEPT) makeRoom()
    const made = keptText(kv, `policy/${name}`, text => compiled(name, text))
    kept.set(name, made)
    return made
  }

  /** Names that turned out to be nobody's go first, so that a caller who makes them up cannot push out the policies in use. */
  function makeRoom(): void {
    for (const [name, policy] of kept) if (policy.value() === null) return void kept.delete(name)
    kept.delete(kept.keys().next().value ?? '')
  }

  async function readNames(now_ms: Ms): Promise<void> {
    named_at_ms = now_ms
    try {
      const { keys } = await kv.list({ prefix: 'policy/', limit: NAMES_AT_MOST })
      const listed = keys.map(key => key.name.slice('policy/'.length)).filter(name => policyName.safeParse(name).success)
      names = [...new Set([...Object.keys(BUNDLED), ...listed])].sort()
    } catch {
      // The names known so far stay; that KV fails is told by the policies that were asked for.
    }
  }

  return {
    policyFor(name, ctx, now_ms) {
      const policy = keptPolicy(name)
      if (!policy) return null
      const usable = () => policy.value() ?? bundles.get(name) ?? null
      const age_ms = policy.age_ms(now_ms)
      if (age_ms <= POLICY_FRESH_MS) return usable()
      const refreshed = policy.refresh(now_ms)
      ctx.waitUntil(refreshed)
      if (age_ms <= POLICY_STALE_MS) return usable()
      const wait_ms = age_ms === Number.POSITIVE_INFINITY ? FIRST_WAIT_MS : WAIT_MS
      return atMost(wait_ms, refreshed).then(async () => policy.value() ?? (await bundled(name)))
    },
    names(ctx, now_ms) {
      if (now_ms - named_at_ms > NAMES_FRESH_MS) ctx.waitUntil(readNames(now_ms))
      return names
    },
    async allNames(now_ms) {
      if (now_ms - named_at_ms > NAMES_FRESH_MS) await readNames(now_ms)
      return names
    },
    problems: () => [...kept.values()].flatMap(policy => policy.alarms()).slice(0, PROBLEMS_SHOWN),
  }
}

/** The policy in a text; the bundled one where KV has none. What is wrong with it is told in one sentence, with its line. */
async function compiled(name: PolicyName, text: string | null): Promise<Result<CompiledPolicy | null, Problem>> {
  if (text === null) return ok(await bundled(name))
  const policy = compilePolicy(text, await textVersion(text))
  if (!policy.ok) {
    const [first] = policy.error
    const more = policy.error.length > 1 ? ` (and ${policy.error.length - 1} more)` : ''
    return err({
      message: `${first?.path ? `${first.path}: ` : ''}${first?.message ?? 'it does not parse'}${more}`,
      line: first?.line ?? null,
    })
  }
  const own_name = policy.value.policy.name
  if (own_name !== name) return err({ message: `it calls itself ${own_name}, but is stored under policy/${name}`, line: null })
  return policy
}

/** Compiled when first needed, once. */
const bundles = new Map<PolicyName, CompiledPolicy>()

async function bundled(name: PolicyName): Promise<CompiledPolicy | null> {
  const text = BUNDLED[name]
  const known = bundles.get(name)
  if (known || text === undefined) return known ?? null
  const policy = compilePolicy(text, await textVersion(text))
  // The tests of every build compile it.
  if (!policy.ok) throw new Error(`The bundled policy ${name} does not compile: ${policy.error[0]?.message}`)
  bundles.set(name, policy.value)
  return policy.value
}
