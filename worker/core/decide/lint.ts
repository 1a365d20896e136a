/**
 * What is wrong with a policy that parses, judged beside a catalogue before anyone is routed by it: rules that can never match
 * or are never reached, constraints that nothing satisfies, selectors that mean no target. And the worst that one request may
 * come to in calls, time and money.
 */
import type { Catalogue } from '../../schema/catalogue.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Micros, Ms } from '../../schema/units.ts'
import { estimateCost } from '../spend/price.ts'
import { everyTarget } from './catalogue.ts'
import { compileCondition } from './condition.ts'
import { verdictOf } from './condition-range.ts'
import { type Path, type PolicyDocument, readDocument } from './document-place.ts'
import { nearest } from './near.ts'
import { prepared } from './prepared.ts'
import { compilePolicy, type PolicyProblem, problem, selectorsIn } from './rules.ts'
import { globMatches, groupNamed, maskOf } from './selector.ts'
import { wholeCatalogue } from './trial.ts'
import type { LiveCatalogue } from './world.ts'

/** An `error` keeps a policy from being pushed; a `warning` is said. */
export type Finding = PolicyProblem & { severity: 'error' | 'warning' }

export function checkPolicy(text: string, catalogue: Catalogue): Finding[] {
  const compiled = compilePolicy(text, '')
  if (!compiled.ok) return compiled.error.map(each => ({ ...each, severity: 'error' }))
  const document = readDocument(text)
  const whole = wholeCatalogue(catalogue)
  const { policy } = compiled.value
  // A policy may be for one endpoint alone: for vectors, say.
  const standing = [whole, ...whole.serving.values()].flatMap(serving => prepared(compiled.value, serving).standing)
  const found = [...danglingSelectors(policy, catalogue, whole, document), ...idleRules(policy, document)]
  if (standing.every(refusal => refusal !== null)) {
    const reasons = [...new Set(standing.map(refusal => refusal?.reason))].join(', ')
    found.push(finding('error', ['require'], document, `no target of the catalogue satisfies this policy: all are refused for ${reasons}`))
  }
  return found
}

const finding = (severity: Finding['severity'], path: Path, document: PolicyDocument, message: string): Finding => ({
  ...problem(path, document.placeOf(path), message),
  severity,
})

function danglingSelectors(policy: Policy, catalogue: Catalogue, whole: LiveCatalogue, document: PolicyDocument): Finding[] {
  // What an operator's own server runs is named in its variables, so any name there may be right.
  const open = catalogue.providers.filter(provider => provider.models_var).map(provider => provider.id)
  const every = everyTarget(whole)
  const idle = ({ path, selector }: { path: Path; selector: string }, severity: Finding['severity']) => {
    if (groupNamed(selector) !== null || maskOf([selector], every, policy.groups).includes(1)) return []
    if (open.some(id => globMatches(`${id}/*`, selector))) return []
    const near = nearest(
      selector,
      every.map(target => target.id),
      2,
    )
    const hint = near.length > 0 ? `; near: ${near.join(', ')}` : ''
    return [finding(severity, path, document, `"${selector}" is no target of the catalogue${hint}`)]
  }
  // A test about a target that is gone may pass and mean nothing; that keeps nobody from routing.
  return [...selectorsIn(policy).flatMap(each => idle(each, 'error')), ...selectorsInTests(policy).flatMap(each => idle(each, 'warning'))]
}

function selectorsInTests({ tests }: Policy): { path: Path; selector: string }[] {
  const list = (path: Path, selectors: readonly string[] = []) => selectors.map((selector, i) => ({ path: [...path, i], selector }))
  return tests.flatMap(({ request, expect }, i) => {
    const path = ['tests', i, 'expect']
    const live = list(['tests', i, 'request', 'live'], request.live)
    if ('target' in expect) return [...live, { path: [...path, 'target'], selector: expect.target }]
    if ('not_target' in expect) return [...live, { path: [...path, 'not_target'], selector: expect.not_target }]
    return 'first_of' in expect ? [...live, ...list([...path, 'first_of'], expect.first_of)] : live
  })
}

function idleRules(policy: Policy, document: PolicyDocument): Finding[] {
  const found: Finding[] = []
  let ended_by: string | null = null
  policy.rules.forEach((rule, i) => {
    const condition = compileCondition(rule.when)
    const verdict = condition.ok ? verdictOf(condition.value.tree) : 'sometimes'
    if (ended_by !== null)
      found.push(
        finding('warning', ['rules', i], document, `the rule "${rule.name}" is never reached: "${ended_by}" always matches and is last`),
      )
    else if (verdict === 'never') found.push(finding('warning', ['rules', i, 'when'], document, `the rule "${rule.name}" can never match`))
    if (verdict === 'always' && (rule.last || 'refuse' in rule.do)) ended_by ??= rule.name
  })
  return found
}

export type WorstCase = {
  /** Calls to targets for one request, shadows included. */
  calls: number
  total_ms: Ms
  /** Every call answered by the dearest admitted target, for 2,000 tokens in and 1,000 out; null where nothing has a price. */
  usual_cost_micros: Micros | null
  /** The same with the target's whole context window and output limit used, or the policy's own limit for each call. */
  most_cost_micros: Micros | null
  /** The dearest target, by the second figure. */
  dearest: string | null
}

export function worstCase(text: string, catalogue: Catalogue): WorstCase | null {
  const compiled = compilePolicy(text, '')
  if (!compiled.ok) return null
  const whole = wholeCatalogue(catalogue)
  const { policy } = compiled.value
  const { standing, bounds } = prepared(compiled.value, whole)
  const calls = policy.limits.attempts + policy.rules.filter(rule => 'shadow' in rule.do).length
  const admitted = whole.targets.filter((target, i) => standing[i] === null && target.price !== null)
  const dearest = (costOf: (target: (typeof admitted)[number]) => Micros | null) =>
    admitted.reduce<{ id: string; cost: Micros } | null>((most, target) => {
      const cost = costOf(target)
      return cost !== null && (most === null || cost > most.cost) ? { id: target.id, cost } : most
    }, null)
  const usual = dearest(({ price }) => estimateCost(2_000, 1_000, price))
  const most = dearest(({ price, target: { capability } }) => estimateCost(capability.context_tokens, capability.output_tokens, price))
  return {
    calls,
    total_ms: policy.limits.total_ms,
    usual_cost_micros: usual && calls * Math.min(usual.cost, bounds.cost_at_most_micros),
    most_cost_micros: most && calls * Math.min(most.cost, bounds.cost_at_most_micros),
    dearest: most?.id ?? null,
  }
}
