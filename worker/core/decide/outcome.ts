/**
 * What the rules that matched come to, taken together: they are looked at in order, and one that is `last` ends it. Narrowing
 * and requirements add up; of weights, pins and splits the latest wins, so that a special rule goes below a general one.
 */
import type { DecisionRecord } from '../../schema/decision.ts'
import type { Objective } from '../../schema/policy.ts'
import type { Prepared, PreparedAction } from './prepared.ts'
import { type Bounds, tightened } from './requirement.ts'
import type { CompiledPolicy } from './world.ts'

type Narrowing = { rule: string } & Extract<PreparedAction, { kind: 'narrow' | 'require' }>

export type RuleOutcome = {
  matched: string[]
  errors: DecisionRecord['rule_errors']
  objective: Objective
  narrowings: Narrowing[]
  bounds: Bounds
  /** A pin or a split: whom to prefer as first choice. */
  preference: Extract<PreparedAction, { kind: 'pin' | 'split' }> | null
  shadows: Extract<PreparedAction, { kind: 'shadow' }>[]
  refusal: { rule: string; message: string } | null
}

export function ruleOutcome({ policy, rules }: CompiledPolicy, prepared: Prepared, variables: () => Record<string, unknown>): RuleOutcome {
  const outcome: RuleOutcome = {
    matched: [],
    errors: [],
    objective: policy.objective,
    narrowings: [],
    bounds: prepared.bounds,
    preference: null,
    shadows: [],
    refusal: null,
  }
  if (rules.length === 0) return outcome
  const values = variables()
  for (let i = 0; i < rules.length; i++) {
    const rule = policy.rules[i]
    const action = prepared.actions[i]
    const matches = rules[i]?.matches(values)
    if (!rule || !action || !matches) continue
    if (!matches.ok) {
      outcome.errors.push({ rule: rule.name, message: matches.error.slice(0, 200) })
      continue
    }
    if (!matches.value) continue
    outcome.matched.push(rule.name)
    take(outcome, rule.name, action)
    if (rule.last || outcome.refusal) break
  }
  return outcome
}

function take(outcome: RuleOutcome, rule: string, action: PreparedAction): void {
  switch (action.kind) {
    case 'narrow':
      outcome.narrowings.push({ rule, ...action })
      return
    case 'require':
      outcome.narrowings.push({ rule, ...action })
      outcome.bounds = tightened(outcome.bounds, action.need)
      return
    case 'reweigh':
      outcome.objective = action.objective
      return
    case 'pin':
    case 'split':
      outcome.preference = action
      return
    case 'shadow':
      outcome.shadows.push(action)
      return
    case 'refuse':
      outcome.refusal = { rule, message: action.message }
  }
}
