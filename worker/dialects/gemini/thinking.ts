/**
 * How hard to think, in both directions. Models before the third generation take a budget in tokens and know no levels; later ones
 * take either, not both. The catalogue says which a target is. What is asked in words for an older model becomes the budget that Google's own surface for OpenAI's
 * clients gives that word (ai.google.dev, OpenAI compatibility, read 2026-11).
 */
import type { ChatRequest, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import type { TargetFacts } from '../dialect.ts'
import { fieldName } from '../place.ts'
import type { Writing } from './part-write.ts'

const BUDGETS: Record<string, number> = { none: 0, minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576, xhigh: 24_576, max: 24_576 }
const LEVELS: Record<string, string> = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
}
/** Words that have no level of their own. */
const NEAREST = new Set(['none', 'xhigh', 'max'])

export function readThinking(config: JsonObject, extra: JsonObject): ChatRequest['reasoning'] {
  const thinking = config.thinkingConfig
  if (thinking === undefined || thinking === null) return null
  if (!isObject(thinking)) {
    extra.thinkingConfig = thinking
    return null
  }
  const { thinkingLevel, thinkingBudget, includeThoughts } = thinking
  const effort = typeof thinkingLevel === 'string' ? thinkingLevel.toLowerCase() : null
  const budget_tokens =
    typeof thinkingBudget === 'number' && Number.isInteger(thinkingBudget) && thinkingBudget >= 0 ? thinkingBudget : null
  const reasoning: ChatRequest['reasoning'] = { effort, budget_tokens }
  if (includeThoughts === true) reasoning.summary = 'auto'
  if (JSON.stringify(ownThinking(reasoning)) !== JSON.stringify(thinking)) extra.thinkingConfig = thinking
  return reasoning
}

/** As a caller of this format has said it. */
function ownThinking({ effort, budget_tokens, summary }: NonNullable<ChatRequest['reasoning']>): JsonObject {
  const thinking: JsonObject = {}
  if (summary !== undefined) thinking.includeThoughts = true
  if (budget_tokens !== null) thinking.thinkingBudget = budget_tokens
  if (effort !== null) thinking.thinkingLevel = effort.toUpperCase()
  return thinking
}

export function writeThinking({ reasoning }: ChatRequest, target: TargetFacts | undefined, to: Writing): JsonObject | null {
  if (reasoning === null) return null
  if (to.own) return ownThinking(reasoning)
  const { effort, budget_tokens } = reasoning
  // Its thoughts are told where thinking was asked for: callers of other formats see them where their format has a place.
  if (budget_tokens !== null) return budget_tokens === 0 ? { thinkingBudget: 0 } : { includeThoughts: true, thinkingBudget: budget_tokens }
  if (effort === null) return { includeThoughts: true }
  const field = fieldName(to.from, 'reasoning')
  if (!Object.hasOwn(LEVELS, effort)) {
    to.losses.push({ field, how: 'dropped', note: `this format has no word for ${effort.slice(0, 20)}` })
    return { includeThoughts: true }
  }
  const budget = BUDGETS[effort] as number
  if (target?.thinking_by === 'budget') {
    to.losses.push({ field, how: 'approximated', note: `as a budget of ${budget} tokens` })
    return budget === 0 ? { thinkingBudget: 0 } : { includeThoughts: true, thinkingBudget: budget }
  }
  const level = LEVELS[effort] as string
  if (NEAREST.has(effort)) to.losses.push({ field, how: 'approximated', note: `as ${level}` })
  return effort === 'none' ? { thinkingLevel: level } : { includeThoughts: true, thinkingLevel: level }
}
