/**
 * Everything about a policy and a catalogue that does not depend on the request, worked out once when the two first meet:
 * which targets the policy admits, what each selector stands for, what each target can. It is what lets a request over a
 * hundred targets cost tens of microseconds.
 *
 * The results are remembered by the identity of the two objects and vanish with them. Nothing is decided by the memory: without
 * it every decision would be the same, only slower.
 */
import type { Caller } from '../../schema/caller.ts'
import type { DecisionRecord, Refusal } from '../../schema/decision.ts'
import type { Objective, Requirement } from '../../schema/policy.ts'
import { type Columns, columnsOf, type Scratch, scratchFor } from './columns.ts'
import { mayUse } from './names.ts'
import { gathered, REFUSED_NAMED } from './record.ts'
import { type Bounds, NO_BOUNDS, standingRefusal, tightened } from './requirement.ts'
import { seer } from './seen.ts'
import { type Mask, maskOf } from './selector.ts'
import type { CompiledPolicy, LiveCatalogue, LiveTarget } from './world.ts'

/** By target: why it is out, or null. */
export type Standing = (Refusal | null)[]

export type PreparedAction =
  | { kind: 'narrow'; mask: Mask }
  | { kind: 'require'; standing: Standing; need: Requirement }
  | { kind: 'reweigh'; objective: Objective }
  | { kind: 'pin'; mask: Mask }
  | { kind: 'split'; arms: { mask: Mask; weight: number }[] }
  | { kind: 'shadow'; mask: Mask; share: number }
  | { kind: 'refuse'; message: string }

export type Prepared = {
  targets: readonly LiveTarget[]
  index_of: ReadonlyMap<LiveTarget, number>
  /** By target, from the policy's `targets` and `require`. */
  standing: Standing
  /** The same as a served request records it where nothing else is refused, which is most often. Shared by them all, so frozen. */
  standing_gathered: DecisionRecord['refused']
  columns: Columns
  scratch: Scratch
  seen: ReturnType<typeof seer>
  /** They make vectors that cannot be compared with each other. */
  several_spaces: boolean
  bounds: Bounds
  actions: PreparedAction[]
  group(name: string): Mask
  /** By target, from the scopes of this caller's key; null where they admit all. */
  scope(caller: Caller): Standing | null
}

const memory = new WeakMap<LiveCatalogue, WeakMap<CompiledPolicy, Prepared>>()

export function prepared(policy: CompiledPolicy, catalogue: LiveCatalogue): Prepared {
  const policies = remembered(memory, catalogue, () => new WeakMap<CompiledPolicy, Prepared>())
  return remembered(policies, policy, () => prepare(policy, catalogue))
}

/** What is remembered under the key, made now where it is not. */
function remembered<K, V>(memory: { get(key: K): V | undefined; set(key: K, value: V): unknown }, key: K, make: () => V): V {
  const found = memory.get(key)
  if (found !== undefined) return found
  const made = make()
  memory.set(key, made)
  return made
}

function prepare({ policy }: CompiledPolicy, { targets }: LiveCatalogue): Prepared {
  const select = (selectors: readonly string[]) => maskOf(selectors, targets, policy.groups)
  const standingUnder = (need: Requirement): Standing => {
    // One list of selectors makes one mask, however many targets ask.
    const masks = new Map<readonly string[], Mask>()
    const once = (selectors: readonly string[]) => remembered(masks, selectors, () => select(selectors))
    return targets.map((target, i) => standingRefusal(target, need, once, i))
  }
  const inPolicy = policy.targets ? select(policy.targets) : null
  const required = standingUnder(policy.require)
  const standing = required.map((refusal, i) => (inPolicy && !inPolicy[i] ? NOT_IN_POLICY : refusal))
  const groups = new Map<string, Mask>()
  const scopes = new WeakMap<Caller, Standing>()
  return {
    targets,
    index_of: new Map(targets.map((target, i) => [target, i])),
    standing,
    standing_gathered: frozen(gathered(targets, standing, REFUSED_NAMED)),
    columns: columnsOf(targets),
    scratch: scratchFor(targets.length),
    seen: seer(targets),
    several_spaces: new Set(targets.map(each => each.target.embedding?.space)).size > 1,
    bounds: tightened({ ...NO_BOUNDS, lossless: policy.strict }, policy.require, policy.limits.cost_at_most_usd),
    actions: policy.rules.map(({ do: action }): PreparedAction => {
      if ('narrow' in action) return { kind: 'narrow', mask: select(action.narrow) }
      if ('require' in action) return { kind: 'require', standing: standingUnder(action.require), need: action.require }
      if ('reweigh' in action) return { kind: 'reweigh', objective: action.reweigh }
      if ('pin' in action) return { kind: 'pin', mask: select([action.pin]) }
      if ('split' in action) return { kind: 'split', arms: action.split.map(({ to, weight }) => ({ mask: select([to]), weight })) }
      if ('shadow' in action) return { kind: 'shadow', mask: select([action.shadow.to]), share: action.shadow.share }
      return { kind: 'refuse', message: action.refuse }
    }),
    group: name => remembered(groups, name, () => select([`group:${name}`])),
    scope(caller) {
      if (caller.scopes.targets === null && caller.scopes.regions === null) return null
      return remembered(scopes, caller, () => targets.map(target => (mayUse(caller, target) ? null : NOT_IN_SCOPE)))
    },
  }
}

const NOT_IN_POLICY: Refusal = { reason: 'not_in_policy' }
const NOT_IN_SCOPE: Refusal = { reason: 'not_in_scope' }

function frozen(refused: DecisionRecord['refused']): DecisionRecord['refused'] {
  for (const group of refused) {
    for (const each of group.targets) Object.freeze(each)
    Object.freeze(group.targets)
    Object.freeze(group)
  }
  return Object.freeze(refused) as DecisionRecord['refused']
}
