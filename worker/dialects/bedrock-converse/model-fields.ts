/**
 * What this format has no words for and a model has: it is passed to the model in `additionalModelRequestFields`, in the model's own
 * words. The catalogue says whose those are; where it does not, such a field is lost, and named.
 */
import type { ChatRequest, JsonObject } from '../../schema/chat.ts'
import type { TargetFacts } from '../dialect.ts'
import { fieldName } from '../place.ts'
import type { Writing } from './block-write.ts'

/** The smallest budget of thought that is taken, and what each word is worth where only a budget is understood. */
const LEAST_BUDGET = 1_024
const BUDGETS: Record<string, number> = { minimal: LEAST_BUDGET, low: 4_096, medium: 16_384, high: 32_768 }
const EFFORT_UP_TO = [
  { effort: 'low', budget: 4_096 },
  { effort: 'medium', budget: 16_384 },
]

export function writeModelFields(request: ChatRequest, target: TargetFacts | undefined, to: Writing): JsonObject {
  const fields: JsonObject = {}
  const { top_k, dialect } = request
  const whose = target?.model_fields
  if (top_k !== null) {
    // While these models think they take no sampling.
    const thinks = request.reasoning !== null && request.reasoning.effort !== 'none'
    if (whose === 'anthropic-messages' && !thinks) fields.top_k = top_k
    else if (whose === 'nova') fields.inferenceConfig = { topK: top_k }
    else to.losses.push({ field: 'top_k', how: 'dropped' })
  }
  if (request.reasoning === null) return fields
  const { effort, budget_tokens } = request.reasoning
  if (effort === 'none' && budget_tokens === null) return fields
  const lose = (field: 'reasoning' | 'reasoning_budget', how: 'dropped' | 'approximated', note: string) =>
    to.losses.push({ field: fieldName(dialect, field), how, note })
  const about = budget_tokens === null ? 'reasoning' : 'reasoning_budget'
  if (whose === undefined) {
    lose(about, 'dropped', 'the model is not known to take a word on how much to think')
    return fields
  }
  if (whose === 'anthropic-messages' && target?.thinking_by === 'budget') {
    const wanted = budget_tokens ?? BUDGETS[effort ?? ''] ?? 32_768
    const budget = Math.min(wanted, (request.max_output_tokens ?? target.output_tokens) - 1)
    if (budget < LEAST_BUDGET) lose(about, 'dropped', 'the answer may have fewer tokens than thought needs')
    else {
      fields.thinking = { type: 'enabled', budget_tokens: budget }
      if (budget !== budget_tokens) lose(about, 'approximated', `as a budget of ${budget} tokens`)
    }
    return fields
  }
  const word = effort ?? (budget_tokens === null ? null : (EFFORT_UP_TO.find(row => budget_tokens <= row.budget)?.effort ?? 'high'))
  if (budget_tokens !== null) lose('reasoning_budget', 'approximated', `as effort ${word}`)
  return { ...fields, ...asked(whose, word, lose) }
}

/** Words that OpenAI has and others do not, and the nearest that they have. */
const NEAREST: Record<string, string> = { minimal: 'low', xhigh: 'high', max: 'high' }

function asked(
  whose: NonNullable<TargetFacts['model_fields']>,
  effort: string | null,
  lose: (field: 'reasoning', how: 'approximated', note: string) => void,
): JsonObject {
  const takes_all = whose === 'anthropic-messages' ? effort !== 'minimal' : false
  const near = effort !== null && !takes_all && Object.hasOwn(NEAREST, effort) ? (NEAREST[effort] as string) : effort
  if (near !== effort) lose('reasoning', 'approximated', `as effort ${near}`)
  switch (whose) {
    case 'anthropic-messages':
      return { thinking: { type: 'adaptive' }, ...(near === null ? undefined : { output_config: { effort: near } }) }
    case 'openai-chat':
      return near === null ? {} : { reasoning_effort: near }
    case 'nova':
      return { reasoningConfig: { type: 'enabled', maxReasoningEffort: near ?? 'medium' } }
  }
}
