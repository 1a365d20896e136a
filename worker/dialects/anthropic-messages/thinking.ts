/**
 * How hard to think, in both directions: `thinking` switches it on, with a budget in tokens or (`adaptive`) as the model sees fit,
 * and `output_config.effort` says in a word how much is worth it. Older models know only the budget; the catalogue says which.
 */
import type { ChatRequest, JsonObject } from '../../schema/chat.ts'
import type { Tokens } from '../../schema/units.ts'
import { type Check, isObject, kindOf, refuse, rest } from '../check.ts'
import type { TargetFacts } from '../dialect.ts'
import { fieldName } from '../place.ts'
import type { Writing } from './block.ts'

/** More than any model thinks; a larger number is a mistake in units. */
const MAX_BUDGET = 10_000_000
/** Anthropic takes no smaller budget. */
const LEAST_BUDGET = 1_024
/** The caller's own spelling, written back as it was. */
const SPELLED = ' thinking'
const ENABLED = new Set(['type', 'budget_tokens'])
const KNOWN = new Set(['type', 'budget_tokens', 'display'])

export function readThinking(check: Check, body: JsonObject, effort: string | null, extra: JsonObject): ChatRequest['reasoning'] {
  const said = effort === null ? null : { effort, budget_tokens: null }
  const { thinking } = body
  if (thinking === undefined || thinking === null) return said
  if (!isObject(thinking) || typeof thinking.type !== 'string') {
    refuse(check, 'thinking', `must be an object with a type: enabled, adaptive or disabled, not ${kindOf(thinking)}.`)
    return null
  }
  const budget = thinking.budget_tokens
  const summary = thinking.display === 'summarized' ? { summary: 'auto' } : undefined
  if (thinking.type !== 'enabled') {
    keep(thinking, extra)
    // To do so is what this format does unless it is asked to think; others think unless they are told.
    if (thinking.type === 'disabled') return said ?? { effort: 'none', budget_tokens: null }
    return { effort, budget_tokens: null, ...summary }
  }
  if (typeof budget !== 'number' || !Number.isInteger(budget) || budget < 0 || budget > MAX_BUDGET) {
    refuse(check, 'thinking.budget_tokens', `must be a whole number from ${LEAST_BUDGET} to ${MAX_BUDGET}.`)
    return null
  }
  if (rest(thinking, ENABLED)) keep(thinking, extra)
  return { effort, budget_tokens: budget, ...summary }
}

/** As it was spelled, for its own format; what is not known here is a loss in any other. */
function keep(thinking: JsonObject, extra: JsonObject): void {
  extra[rest(thinking, KNOWN) ? 'thinking' : SPELLED] = thinking
}

/** What each word is worth where only a budget is understood, and the other way round. */
const BUDGETS = [
  { effort: 'low', budget: 4_096 },
  { effort: 'medium', budget: 16_384 },
  { effort: 'high', budget: 32_768 },
]

/** A bound on the answer binds thought as well, and a budget that does not fit in it is refused: then half of it, or where that is too little none. */
export function boundOutput({ thinking }: JsonObject, tokens: Tokens): JsonObject {
  if (!isObject(thinking) || typeof thinking.budget_tokens !== 'number' || thinking.budget_tokens < tokens) return { max_tokens: tokens }
  const half = Math.floor(tokens / 2)
  return { max_tokens: tokens, thinking: half < LEAST_BUDGET ? { type: 'disabled' } : { ...thinking, budget_tokens: half } }
}

/** Sets `thinking`, and gives back the word for `output_config.effort`. */
export function writeThinking(
  body: JsonObject,
  request: ChatRequest,
  max_tokens: number | null,
  target: TargetFacts | undefined,
  to: Writing,
): string | null {
  const { reasoning, dialect, extra } = request
  if (to.own) {
    const spelled = extra[SPELLED] ?? extra.thinking
    if (isObject(spelled)) body.thinking = spelled
    else if (reasoning?.budget_tokens != null) body.thinking = { type: 'enabled', budget_tokens: reasoning.budget_tokens }
    return reasoning === null || reasoning.effort === 'none' ? null : reasoning.effort
  }
  if (reasoning === null) return null
  const lose = (field: 'reasoning' | 'reasoning_budget', how: 'dropped' | 'approximated', note: string) =>
    to.losses.push({ field: fieldName(dialect, field), how, note })
  const { effort, budget_tokens, summary } = reasoning
  if (effort === 'none' && budget_tokens === null) return null
  if (target?.reasoning === false) {
    lose(budget_tokens === null ? 'reasoning' : 'reasoning_budget', 'dropped', 'this target does not think before it answers')
    return null
  }
  if (target?.thinking_by === 'budget') {
    const wanted = budget_tokens ?? BUDGETS.find(row => row.effort === effort)?.budget ?? (effort === 'minimal' ? LEAST_BUDGET : 32_768)
    const budget = Math.min(wanted, (max_tokens ?? 0) - 1)
    if (budget < LEAST_BUDGET) {
      lose(
        budget_tokens === null ? 'reasoning' : 'reasoning_budget',
        'dropped',
        `the answer may have ${max_tokens} tokens, and thought needs more`,
      )
      return null
    }
    if (callsWithoutThought(request)) {
      lose(
        budget_tokens === null ? 'reasoning' : 'reasoning_budget',
        'dropped',
        'a call that came without its signed thought cannot be gone on from thinking',
      )
      return null
    }
    body.thinking = { type: 'enabled', budget_tokens: budget }
    if (budget_tokens === null) lose('reasoning', 'approximated', `as a budget of ${budget} tokens`)
    else if (budget !== budget_tokens) lose('reasoning_budget', 'approximated', `as ${budget}, to stay below the limit of output`)
    return null
  }
  // Callers of other formats who ask to see thoughts see none unless this is said.
  body.thinking = summary === undefined ? { type: 'adaptive' } : { type: 'adaptive', display: 'summarized' }
  if (budget_tokens !== null) {
    const word = effort ?? BUDGETS.find(row => budget_tokens <= row.budget)?.effort ?? 'high'
    lose('reasoning_budget', 'approximated', `as effort ${word}`)
    return word
  }
  if (effort !== 'minimal') return effort
  lose('reasoning', 'approximated', 'as effort low')
  return 'low'
}

/** With a budget, Anthropic refuses a turn that goes on from a call unless the call came with its thought. */
function callsWithoutThought({ messages }: ChatRequest): boolean {
  const turn = messages.findLast(message => message.role === 'assistant')
  if (!turn?.parts.some(part => part.type === 'tool_call')) return false
  return !turn.parts.some(part => part.type === 'reasoning' && part.seal_of === 'anthropic-messages')
}
