/**
 * How hard to think, in both directions: OpenAI's effort in words, and the gateways' budget in tokens.
 */
import type { ChatRequest, JsonObject, Loss } from '../../schema/chat.ts'
import { type Check, isObject, kindOf, refuse, rest, text } from '../check.ts'
import type { TargetFacts } from '../dialect.ts'
import { fieldName } from '../place.ts'
import type { Writing } from './part.ts'

/** More than any model thinks; a larger number is a mistake in units. */
const MAX_BUDGET = 10_000_000

const REASONING = new Set(['effort', 'max_tokens'])

/** `reasoning_effort` is OpenAI's; `reasoning: {effort, max_tokens}` is the gateways' way of saying the same for more models. */
export function readReasoning(check: Check, body: JsonObject, extra: JsonObject): ChatRequest['reasoning'] {
  const effort = text(check, body, 'reasoning_effort')
  const { reasoning } = body
  if (reasoning === undefined || reasoning === null) return effort === null ? null : { effort, budget_tokens: null }
  if (!isObject(reasoning)) {
    refuse(check, 'reasoning', `must be an object, not ${kindOf(reasoning)}.`)
    return null
  }
  if (rest(reasoning, REASONING)) extra.reasoning = reasoning
  const budget = reasoning.max_tokens
  const said = typeof reasoning.effort === 'string' ? reasoning.effort : effort
  if (budget === undefined || budget === null) return said === null ? null : { effort: said, budget_tokens: null }
  if (typeof budget === 'number' && Number.isInteger(budget) && budget >= 0 && budget <= MAX_BUDGET)
    return { effort: said, budget_tokens: budget }
  refuse(check, 'reasoning.max_tokens', `must be a whole number from 0 to ${MAX_BUDGET}.`)
  return null
}

/**
 * Not to think can be asked for here in a word that some models answer with a 400. A caller who used that word knows its model;
 * one of another format does not, so what it asked for is left out and reported.
 */
export function cannotBeTold({ reasoning, dialect }: ChatRequest, target: TargetFacts | undefined, losses: Loss[]): boolean {
  if (reasoning?.effort !== 'none' || reasoning.budget_tokens !== null || dialect.startsWith('openai-')) return false
  if (target?.reasoning !== false)
    losses.push({ field: fieldName(dialect, 'reasoning_off'), how: 'dropped', note: 'the target thinks as it does by default' })
  return true
}

/** Budgets of thought become the nearest of the three efforts that this format has words for. */
const EFFORTS = [
  { up_to: 4_096, effort: 'low' },
  { up_to: 16_384, effort: 'medium' },
  { up_to: Number.POSITIVE_INFINITY, effort: 'high' },
]

export function writeReasoning(body: JsonObject, request: ChatRequest, target: TargetFacts | undefined, to: Writing): void {
  if (request.reasoning === null) return
  if (cannotBeTold(request, target, to.losses)) return
  const { effort, budget_tokens, summary } = request.reasoning
  if (summary !== undefined)
    to.losses.push({
      field: fieldName(request.dialect, 'reasoning_summary'),
      how: 'dropped',
      note: 'thoughts are told here as the target likes',
    })
  if (budget_tokens === null) {
    if (effort !== null) body.reasoning_effort = effort
    return
  }
  if (to.own) {
    body.reasoning = effort === null ? { max_tokens: budget_tokens } : { effort, max_tokens: budget_tokens }
    return
  }
  body.reasoning_effort = effort ?? (EFFORTS.find(row => budget_tokens <= row.up_to)?.effort as string)
  to.losses.push({ field: fieldName(request.dialect, 'reasoning_budget'), how: 'approximated', note: `as effort ${body.reasoning_effort}` })
}
