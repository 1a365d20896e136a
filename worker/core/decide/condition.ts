/**
 * The `when` of a rule: a CEL expression, parsed and type-checked once. It must give a bool over the declared variables.
 *
 * CEL terminates but has no cost limit of its own here: `matches` with a bad pattern ran 9 s on 28 characters, three nested
 * loops over 200 items ran 3 s (measured 2026-11-23). So `matches` is refused, and a loop inside a loop; the length of the
 * text is bounded by the policy's schema, the lists by `variables.ts`. What is left costs about a microsecond.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { err, ok, type Result } from '../result.ts'
import { nearest } from './near.ts'
import { environment, VARIABLES } from './variables.ts'
import type { CompiledRule } from './world.ts'

/** `at`: offset in the expression. */
export type ConditionProblem = { at: number; message: string }
export type Condition = CompiledRule & { tree: ASTNode }

const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])
const SUGGESTIONS: Record<string, string> = { '&': '&&', '|': '||', '=': '==' }
const TRUE = ok(true)
const FALSE = ok(false)

export function compileCondition(source: string): Result<Condition, ConditionProblem> {
  let program: ReturnType<ReturnType<typeof environment>['parse']>
  try {
    program = environment().parse(source)
  } catch (error) {
    return err(problemOf(error, source))
  }
  const unbounded = firstUnbounded(program.ast, false)
  if (unbounded) return err(unbounded)
  const checked = program.check()
  if (!checked.valid) return err(problemOf(checked.error, source))
  if (checked.type !== 'bool') return err({ at: 0, message: `a condition must give a bool, this gives ${checked.type}` })
  return ok({
    tree: program.ast,
    matches: variables => {
      // The library reports what fails at run time (a division by zero, an index beyond a list) by throwing.
      try {
        return program(variables) === true ? TRUE : FALSE
      } catch (error) {
        return err(summaryOf(error))
      }
    },
  })
}

function problemOf(error: unknown, source: string): ConditionProblem {
  const at = rangeOf(error)?.start ?? 0
  const summary = summaryOf(error)
  const unknown = /^Unknown variable: (.+)$/.exec(summary)?.[1] ?? /^No such key: (.+)$/.exec(summary)?.[1]
  if (unknown !== undefined) {
    const near = nearest(unknown, [...Object.keys(VARIABLES), ...Object.keys(VARIABLES).map(name => name.split('.').at(-1) ?? name)], 1)
    const what = summary.startsWith('Unknown') ? `there is no variable "${unknown}"` : `there is no field "${unknown}"`
    return { at, message: near.length ? `${what}; near: ${near.join(', ')}` : what }
  }
  const suggestion = SUGGESTIONS[source[at] ?? '']
  return { at, message: suggestion && source[at + 1] !== source[at] ? `${summary}; write ${suggestion}` : summary }
}

function rangeOf(error: unknown): { start: number } | undefined {
  const range = error instanceof Error && 'range' in error ? error.range : undefined
  return typeof range === 'object' && range !== null && 'start' in range && typeof range.start === 'number'
    ? { start: range.start }
    : undefined
}

/** The library's one-line message, without the drawing below it. */
function summaryOf(error: unknown): string {
  if (error instanceof Error && 'summary' in error && typeof error.summary === 'string') return error.summary
  return error instanceof Error ? (error.message.split('\n')[0] ?? 'failed') : 'failed'
}

/** The first call that has no bound: `matches`, or a loop inside another one's body. */
function firstUnbounded(node: ASTNode, inLoop: boolean): ConditionProblem | null {
  const name = node.op === 'call' ? node.args[0] : node.op === 'rcall' ? node.args[0] : null
  const at = node.range.start
  if (name === 'matches')
    return { at, message: '"matches" is not allowed in a rule, as a pattern may take for ever; use contains, startsWith or endsWith' }
  const loop = node.op === 'rcall' && LOOPS.has(node.args[0])
  if (loop && inLoop) return { at, message: `"${name}" inside another loop is not allowed; a rule may go over a list once` }
  for (const [child, isBody] of childrenOf(node)) {
    const found = firstUnbounded(child, inLoop || (loop && isBody))
    if (found) return found
  }
  return null
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value && 'args' in value

/** The nodes below this one, and whether each is an argument (the body of a loop) and not the receiver. */
export function childrenOf(node: ASTNode): [ASTNode, boolean][] {
  if (isNode(node.args)) return [[node.args, false]]
  if (!Array.isArray(node.args)) return []
  return (node.args as unknown[]).flatMap((arg): [ASTNode, boolean][] => {
    if (isNode(arg)) return [[arg, false]]
    return Array.isArray(arg)
      ? arg
          .flat()
          .filter(isNode)
          .map((inner): [ASTNode, boolean] => [inner, true])
      : []
  })
}
