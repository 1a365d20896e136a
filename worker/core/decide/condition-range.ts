/**
 * Can a condition ever hold? Over the declared variables and their ranges this is often decidable, and a rule that never
 * matches is the most common slip in a policy: `task == "codegen"`, `difficulty > 1`, `size == "s" && prompt_tokens > 4000`.
 *
 * The judgement is sound and not complete: `always` and `never` are proofs, `sometimes` also means "cannot tell".
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { VARIABLES } from './variables.ts'

export type Verdict = 'always' | 'never' | 'sometimes'

/** The values of one variable under which a comparison holds: of text, the listed ones; of numbers, an interval, open or closed. */
type Allowed = { values: ReadonlySet<string> } | { low: number; low_open: boolean; high: number; high_open: boolean }

export function verdictOf(node: ASTNode): Verdict {
  switch (node.op) {
    case 'value':
      return node.args === true ? 'always' : node.args === false ? 'never' : 'sometimes'
    case '!_':
      return opposite(verdictOf(node.args))
    case '||':
      return anyOf(node.args.map(verdictOf))
    case '&&':
      return allOf(node)
    default:
      return comparisonVerdict(node)
  }
}

const opposite = (verdict: Verdict): Verdict => (verdict === 'always' ? 'never' : verdict === 'never' ? 'always' : 'sometimes')

function anyOf(verdicts: Verdict[]): Verdict {
  if (verdicts.includes('always')) return 'always'
  return verdicts.every(verdict => verdict === 'never') ? 'never' : 'sometimes'
}

/** Besides each part alone: two parts about one variable may exclude each other. */
function allOf(node: ASTNode): Verdict {
  const parts = conjuncts(node)
  const verdicts = parts.map(verdictOf)
  if (verdicts.includes('never')) return 'never'
  if (verdicts.every(verdict => verdict === 'always')) return 'always'
  const allowed = new Map<string, Allowed>()
  for (const part of parts) {
    const comparison = comparisonOf(part)
    if (!comparison) continue
    const before = allowed.get(comparison.variable)
    const both = before ? intersection(before, comparison.allowed) : comparison.allowed
    if (both && isEmpty(both)) return 'never'
    if (both) allowed.set(comparison.variable, both)
  }
  return 'sometimes'
}

function conjuncts(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjuncts) : [node]
}

function comparisonVerdict(node: ASTNode): Verdict {
  const comparison = comparisonOf(node)
  if (comparison && isEmpty(comparison.allowed)) return 'never'
  const domain = comparison && domainOf(comparison.variable)
  if (!comparison || !domain) return 'sometimes'
  const both = intersection(domain, comparison.allowed)
  if (both && isEmpty(both)) return 'never'
  return covers(comparison.allowed, domain) ? 'always' : 'sometimes'
}

/** All that the variable can be; null where that is not known. */
function domainOf(name: string): Allowed | null {
  const variable = VARIABLES[name]
  if (!variable) return null
  if (variable.values) return { values: new Set(variable.values) }
  if (variable.from === undefined) return null
  return { low: variable.from, low_open: false, high: variable.to ?? Number.POSITIVE_INFINITY, high_open: false }
}

const MIRRORED: Record<string, string> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '==': '==' }

/** `variable op literal`, `literal op variable`, `variable in [literals]`, `literal in variable`; null for anything else. */
function comparisonOf(node: ASTNode): { variable: string; allowed: Allowed } | null {
  if (node.op === 'in') {
    const [left, right] = node.args
    const listed = right.op === 'list' ? right.args.map(literalOf) : null
    const variable = pathOf(left)
    if (variable && listed?.every(value => typeof value === 'string')) return { variable, allowed: { values: new Set(listed) } }
    const list = pathOf(right)
    const value = literalOf(left)
    if (!list || typeof value !== 'string') return null
    const possible = VARIABLES[list]?.values
    return { variable: `${list}[]${value}`, allowed: { values: new Set(possible && !possible.includes(value) ? [] : [value]) } }
  }
  if (!(node.op in MIRRORED)) return null
  const [left, right] = node.args as [ASTNode, ASTNode]
  const variable = pathOf(left) ?? pathOf(right)
  const value = literalOf(pathOf(left) ? right : left)
  if (!variable || value === null) return null
  const op = pathOf(left) ? node.op : (MIRRORED[node.op] ?? node.op)
  if (typeof value === 'string') return op === '==' ? { variable, allowed: { values: new Set([value]) } } : null
  return { variable, allowed: interval(op, value) }
}

function interval(op: string, value: number): Allowed {
  const all = { low: Number.NEGATIVE_INFINITY, low_open: false, high: Number.POSITIVE_INFINITY, high_open: false }
  if (op === '==') return { ...all, low: value, high: value }
  return op.startsWith('<') ? { ...all, high: value, high_open: op === '<' } : { ...all, low: value, low_open: op === '>' }
}

/** `task`, `caller.tier`; null for anything that is not a declared variable. */
function pathOf(node: ASTNode): string | null {
  if (node.op === 'id') return Object.hasOwn(VARIABLES, node.args) ? node.args : null
  if (node.op === '.' && node.args[0].op === 'id') return `${node.args[0].args}.${node.args[1]}`
  return null
}

function literalOf(node: ASTNode): string | number | null {
  if (node.op === '-_') {
    const value = literalOf(node.args)
    return typeof value === 'number' ? -value : null
  }
  if (node.op !== 'value') return null
  if (typeof node.args === 'bigint') return Number(node.args)
  return typeof node.args === 'string' || typeof node.args === 'number' ? node.args : null
}

/** null where one speaks of text and the other of numbers, which the type check has refused already. */
function intersection(a: Allowed, b: Allowed): Allowed | null {
  if ('values' in a && 'values' in b) return { values: new Set([...a.values].filter(value => b.values.has(value))) }
  if ('values' in a || 'values' in b) return null
  const [lower, low_other] = a.low >= b.low ? [a, b] : [b, a]
  const [higher, high_other] = a.high <= b.high ? [a, b] : [b, a]
  return {
    low: lower.low,
    low_open: lower.low_open || (low_other.low === lower.low && low_other.low_open),
    high: higher.high,
    high_open: higher.high_open || (high_other.high === higher.high && high_other.high_open),
  }
}

function isEmpty(allowed: Allowed): boolean {
  if ('values' in allowed) return allowed.values.size === 0
  return allowed.low > allowed.high || (allowed.low === allowed.high && (allowed.low_open || allowed.high_open))
}

function covers(allowed: Allowed, domain: Allowed): boolean {
  if ('values' in allowed && 'values' in domain) return [...domain.values].every(value => allowed.values.has(value))
  if ('values' in allowed || 'values' in domain) return false
  const low = allowed.low < domain.low || (allowed.low === domain.low && (!allowed.low_open || domain.low_open))
  const high = allowed.high > domain.high || (allowed.high === domain.high && (!allowed.high_open || domain.high_open))
  return low && high
}
