/**
 * What a request's `model` asks for: `auto`, `policy/<name>`, a group of the policy, a target id, or a model's plain name or
 * alias. The first three leave the choice to the router; the last two name the model, and the choice is then only between the
 * providers that serve it.
 *
 * A group wins over a model of the same name, since the operator chose its name knowing the catalogue.
 */
import type { Caller } from '../../schema/caller.ts'
import type { EndpointName } from '../../schema/endpoint.ts'
import type { PolicyName } from '../../schema/ids.ts'
import type { Policy } from '../../schema/policy.ts'
import { err, ok, type Result } from '../result.ts'
import { nearest } from './near.ts'
import type { LiveCatalogue, LiveTarget } from './world.ts'

export type Asked =
  | { kind: 'any' }
  | { kind: 'group'; group: string }
  /** `targets`: those that serve the named model. */
  | { kind: 'model'; targets: readonly LiveTarget[] }

/** `served_at`: the endpoints that know the name, where this one does not. */
export type NameProblem = { code: 'model_not_found'; near: string[]; served_at: EndpointName[] } | { code: 'forbidden'; message: string }

const POLICY = 'policy/'
/** So many near names are worth reading. */
const NEAR = 5

/** The policy this request is decided by: the one it names, else the caller's own. */
export function policyNamed(model: string, caller: Caller): PolicyName {
  return model.startsWith(POLICY) ? model.slice(POLICY.length) : caller.policy
}

/** A key that names its own default policy needs no permission for it. */
export function mayUsePolicy(name: PolicyName, caller: Caller): boolean {
  return caller.scopes.policies === null || name === caller.policy || caller.scopes.policies.includes(name)
}

export function askedFor(
  model: string,
  caller: Caller,
  policy: Policy,
  catalogue: LiveCatalogue,
  policy_names: readonly PolicyName[],
): Result<Asked, NameProblem> {
  if (model.startsWith(POLICY)) {
    const name = policyNamed(model, caller)
    if (!mayUsePolicy(name, caller)) return err({ code: 'forbidden', message: `This key may not use the policy "${name}".` })
    return name === policy.name ? ok(ANY) : err(notFound(model, caller, policy, catalogue, policy_names))
  }
  if (model === 'auto') return ok(ANY)
  const asked = namedSet(model, policy, catalogue)
  if (!asked) return err(notFound(model, caller, policy, catalogue, policy_names))
  if (caller.scopes.may_pin) return ok(asked)
  return err({ code: 'forbidden', message: 'This key may not name a model or group itself. Use "auto" or a policy.' })
}

function namedSet(model: string, policy: Policy, catalogue: LiveCatalogue): Asked | null {
  if (Object.hasOwn(policy.groups, model)) return { kind: 'group', group: model }
  const exact = catalogue.by_id.get(model)
  const targets = exact ? [exact] : catalogue.by_name.get(model.toLowerCase())
  return targets && targets.length > 0 ? { kind: 'model', targets } : null
}

const ANY: Asked = { kind: 'any' }

function notFound(
  model: string,
  caller: Caller,
  policy: Policy,
  catalogue: LiveCatalogue,
  policy_names: readonly PolicyName[],
): NameProblem {
  const served_at = elsewhere(model, caller, catalogue)
  const near = served_at.length > 0 ? [] : nearest(model, nameable(caller, policy, catalogue, policy_names), NEAR)
  return { code: 'model_not_found', near, served_at }
}

/** The other endpoints at which this caller may use a model of this name. */
function elsewhere(model: string, caller: Caller, { everywhere }: LiveCatalogue): EndpointName[] {
  const served_at: EndpointName[] = []
  for (const [endpoint, { by_id, by_name }] of everywhere) {
    const exact = by_id.get(model)
    const targets = exact ? [exact] : (by_name.get(model.toLowerCase()) ?? [])
    if (targets.some(target => mayUse(caller, target))) served_at.push(endpoint)
  }
  return served_at
}

/** Everything this caller may write in `model`, in the order it is best shown: `auto`, policies, groups, targets, plain names. */
export function* nameable(
  caller: Caller,
  policy: Policy,
  catalogue: LiveCatalogue,
  policy_names: readonly PolicyName[],
): Generator<string> {
  yield 'auto'
  for (const name of policy_names) if (mayUsePolicy(name, caller)) yield POLICY + name
  if (!caller.scopes.may_pin) return
  yield* Object.keys(policy.groups)
  for (const target of catalogue.targets) if (mayUse(caller, target)) yield target.id
  for (const [name, targets] of catalogue.by_name) if (targets.some(target => mayUse(caller, target))) yield name
}

/** Do the scopes of this key let it use the target at all? */
export function mayUse({ scopes }: Caller, target: LiveTarget): boolean {
  if (scopes.targets !== null && !scopes.targets.some(scope => scope === target.id || scope === `${target.provider.id}/*` || scope === '*'))
    return false
  return scopes.regions === null || target.terms.regions.every(region => region === 'local' || scopes.regions?.includes(region))
}
