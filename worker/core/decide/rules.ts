/**
 * A policy's text becomes a compiled policy, or a list of problems each with its place. Everything that can be wrong with a
 * policy by itself is found here, when it is loaded or pushed, so that a request never meets it: the document, its shape, the
 * conditions of its rules, and the names of groups it refers to. What can only be judged beside a catalogue is in `lint.ts`.
 */
import type { z } from 'zod'
import { GOVERNING_POLICY } from '../../schema/health-rules.ts'
import type { PolicyVersion } from '../../schema/ids.ts'
import { type Objective, type Policy, policy as policySchema, type Requirement } from '../../schema/policy.ts'
import { err, ok, type Result } from '../result.ts'
import { compileCondition } from './condition.ts'
import { type Path, type Place, type PolicyDocument, readDocument } from './document-place.ts'
import { nearest } from './near.ts'
import { groupNamed } from './selector.ts'
import type { CompiledPolicy, CompiledRule } from './world.ts'

export type PolicyProblem = { path: string; line: number | null; column: number | null; message: string }

/** Far above any policy a person writes, far below what would be felt when it is loaded. */
export const POLICY_TEXT_LIMIT = 262_144

export function compilePolicy(text: string, version: PolicyVersion): Result<CompiledPolicy, PolicyProblem[]> {
  if (text.length > POLICY_TEXT_LIMIT) return err([problem([], null, `a policy has at most ${POLICY_TEXT_LIMIT} characters`)])
  const document = readDocument(text)
  if (document.problems.length > 0) return err(document.problems.map(each => problem([], each.place, each.message)))
  const parsed = policySchema.safeParse(document.value)
  if (!parsed.success) return err(parsed.error.issues.flatMap(issue => shapeProblems(issue, [], document)))
  const rules: CompiledRule[] = []
  const problems = [
    ...weightProblems(parsed.data, document),
    ...groupProblems(parsed.data, document),
    ...healthProblems(parsed.data, document),
  ]
  parsed.data.rules.forEach((rule, i) => {
    const path = ['rules', i, 'when']
    const condition = compileCondition(rule.when)
    if (condition.ok) rules.push(condition.value)
    else problems.push(problem(path, document.placeInside(path, condition.error.at), condition.error.message))
  })
  return problems.length > 0 ? err(problems) : ok({ policy: parsed.data, version, rules, reads_names: readsNames(parsed.data) })
}

/** Names cost more to find than other personal data, so a policy to which they make no difference does without. */
const readsNames = ({ rules, redact }: Policy): boolean =>
  rules.some(rule => asksForNames(rule.when)) || redact.some(rule => rule.types.includes('name'))

/** The two ways to ask for certain types, with those types; any other use of the list may see a name in it. */
const OF_TYPES = /personal_data\.exists\(\s*(\w+)\s*,\s*\1 in (\[[^\]]*\])\s*\)|(["']\w+["']) in personal_data/g

const asksForNames = (when: string): boolean =>
  when
    .replace(OF_TYPES, (all, _, list: string | undefined, one: string | undefined) => (/["']name["']/.test(list ?? one ?? '') ? all : ''))
    .includes('personal_data')

/** The same problem as a person reads it: `file:line:column: message (path)`. */
export function problemLine(file: string, { line, column, message, path }: PolicyProblem): string {
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`
  return `${place}: ${message}${path ? ` (${path})` : ''}`
}

export function problem(path: Path, place: Place | null, message: string): PolicyProblem {
  return { path: path.map(String).join('.'), line: place?.line ?? null, column: place?.column ?? null, message }
}

type Issue = z.core.$ZodIssue

/** One issue of the schema in an operator's words; of a choice between shapes, the one that was meant. */
function shapeProblems(issue: Issue, above: Path, document: PolicyDocument): PolicyProblem[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => problem([...path, key], document.placeOfKey(path, key), `there is no "${key}" here${hint(key, path)}`))
  }
  if (issue.code === 'invalid_union') {
    const meant = meantBranch(issue.errors)
    if (meant) return meant.flatMap(inner => shapeProblems(inner, path, document))
    const strange = strangeKeys(issue.errors)
    if (strange.length > 0) return shapeProblems({ code: 'unrecognized_keys', keys: strange, path: [], message: '' }, path, document)
    return [problem(path, document.placeOf(path), CHOICES[String(path.at(-1))] ?? issue.message)]
  }
  return [problem(path, document.placeOf(path), issue.message)]
}

/** Keys that belong to no branch of a choice. */
function strangeKeys(branches: Issue[][]): string[] {
  const [first = [], ...others] = branches.map(issues => issues.flatMap(issue => (issue.code === 'unrecognized_keys' ? issue.keys : [])))
  return first.filter(key => others.every(keys => keys.includes(key)))
}

const CHOICES: Record<string, string> = {
  do: 'a rule does exactly one of narrow, require, reweigh, pin, split, shadow, refuse',
  expect: 'a test expects exactly one of target, not_target, first_of, refused',
}

/** The branch whose key was written, so that only what is inside it was wrong: no issue at its own top level. */
function meantBranch(branches: Issue[][]): Issue[] | null {
  const inside = branches.filter(issues => issues.every(issue => issue.path.length > 0 && !isMissing(issue)))
  return inside.length === 1 ? (inside[0] ?? null) : null
}

const isMissing = (issue: Issue) => issue.code === 'invalid_type' && issue.path.length === 1 && issue.message.includes('received undefined')

const KEYS = Object.keys(policySchema.shape)
const RULE_KEYS = ['name', 'when', 'do', 'last', 'narrow', 'require', 'reweigh', 'pin', 'split', 'shadow', 'refuse']

function hint(key: string, path: Path): string {
  const near = nearest(key, path.length === 0 ? KEYS : RULE_KEYS, 1)
  return near.length > 0 ? `; near: ${near.join(', ')}` : ''
}

/** Where it would not be read, it is refused, so that nobody believes that it holds. */
function healthProblems({ name }: Policy, document: PolicyDocument): PolicyProblem[] {
  const isWritten = typeof document.value === 'object' && document.value !== null && Object.hasOwn(document.value, 'health')
  if (name === GOVERNING_POLICY || !isWritten) return []
  const message = `all who call a target share what is known of its health, so only the policy named ${GOVERNING_POLICY} says how it is judged`
  return [problem(['health'], document.placeOfKey([], 'health'), message)]
}

/** Weights that are all zero prefer nothing, which nobody means. */
function weightProblems(policy: Policy, document: PolicyDocument): PolicyProblem[] {
  const at = (objective: Objective, path: Path) =>
    objective.quality + objective.cost + objective.latency + objective.energy > 0
      ? []
      : [problem(path, document.placeOf(path), 'at least one of quality, cost, latency, energy must weigh something')]
  return [
    ...at(policy.objective, ['objective']),
    ...policy.rules.flatMap((rule, i) => ('reweigh' in rule.do ? at(rule.do.reweigh, ['rules', i, 'do', 'reweigh']) : [])),
  ]
}

/** Every selector in the policy, with its place in it. */
export function selectorsIn(policy: Policy): { path: Path; selector: string }[] {
  const list = (path: Path, selectors: readonly string[] = []) => selectors.map((selector, i) => ({ path: [...path, i], selector }))
  const inRequirement = (path: Path, requirement: Requirement) => [
    ...list([...path, 'targets'], requirement.targets),
    ...list([...path, 'not_targets'], requirement.not_targets),
  ]
  return [
    ...list(['targets'], policy.targets),
    ...inRequirement(['require'], policy.require),
    ...Object.entries(policy.groups).flatMap(([name, selectors]) => list(['groups', name], selectors)),
    ...policy.rules.flatMap(({ do: action }, i) => {
      const path = ['rules', i, 'do']
      if ('narrow' in action) return list([...path, 'narrow'], action.narrow)
      if ('require' in action) return inRequirement([...path, 'require'], action.require)
      if ('pin' in action) return [{ path: [...path, 'pin'], selector: action.pin }]
      if ('split' in action) return action.split.map((arm, j) => ({ path: [...path, 'split', j, 'to'], selector: arm.to }))
      if ('shadow' in action) return [{ path: [...path, 'shadow', 'to'], selector: action.shadow.to }]
      return []
    }),
  ]
}

function groupProblems(policy: Policy, document: PolicyDocument): PolicyProblem[] {
  const names = Object.keys(policy.groups)
  return selectorsIn(policy).flatMap(({ path, selector }) => {
    const group = groupNamed(selector)
    if (group === null || names.includes(group)) return []
    const near = nearest(group, names, 1)
    const message = `there is no group "${group}" in this policy${near.length > 0 ? `; near: ${near.join(', ')}` : ''}`
    return [problem(path, document.placeOf(path), message)]
  })
}
