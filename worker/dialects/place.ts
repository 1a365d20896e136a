/**
 * What a field is called in the caller's own format. A loss names the field as the caller wrote it, whichever format it is lost
 * on the way into; asked only when something is lost.
 */
import type { ChatRequest, DialectName, Message, Part } from '../schema/chat.ts'
import { isObject } from './check.ts'

type Field =
  | 'max_output_tokens'
  | 'choices'
  | 'stop'
  | 'output'
  | 'reasoning'
  | 'reasoning_budget'
  | 'reasoning_summary'
  | 'reasoning_off'
  | 'user'
  | 'logprobs'
  | 'parallel_tool_calls'

/** Where a format calls a field otherwise than the neutral form does. */
const NAMES: Partial<Record<DialectName, Partial<Record<Field, string>>>> = {
  'openai-chat': {
    max_output_tokens: 'max_completion_tokens',
    choices: 'n',
    output: 'response_format',
    reasoning: 'reasoning_effort',
    reasoning_budget: 'reasoning.max_tokens',
  },
  'openai-responses': {
    output: 'text.format',
    reasoning: 'reasoning.effort',
    reasoning_summary: 'reasoning.summary',
    logprobs: 'top_logprobs',
  },
  'anthropic-messages': {
    max_output_tokens: 'max_tokens',
    stop: 'stop_sequences',
    output: 'output_config.format',
    reasoning: 'output_config.effort',
    reasoning_budget: 'thinking.budget_tokens',
    reasoning_summary: 'thinking.display',
    reasoning_off: 'thinking',
    user: 'metadata.user_id',
    parallel_tool_calls: 'tool_choice.disable_parallel_tool_use',
  },
  gemini: {
    max_output_tokens: 'generationConfig.maxOutputTokens',
    choices: 'generationConfig.candidateCount',
    stop: 'generationConfig.stopSequences',
    output: 'generationConfig.responseSchema',
    reasoning: 'generationConfig.thinkingConfig.thinkingLevel',
    reasoning_budget: 'generationConfig.thinkingConfig.thinkingBudget',
    reasoning_summary: 'generationConfig.thinkingConfig.includeThoughts',
    logprobs: 'generationConfig.logprobs',
  },
  'cohere-chat': {
    max_output_tokens: 'max_tokens',
    stop: 'stop_sequences',
    output: 'response_format',
    reasoning: 'thinking',
    reasoning_budget: 'thinking.token_budget',
  },
  'bedrock-converse': { max_output_tokens: 'inferenceConfig.maxTokens', stop: 'inferenceConfig.stopSequences' },
}
const NEUTRAL: Partial<Record<Field, string>> = {
  reasoning_off: 'reasoning',
  reasoning_budget: 'reasoning.budget_tokens',
  reasoning_summary: 'reasoning.summary',
}

export const fieldName = (dialect: DialectName, field: Field): string => NAMES[dialect]?.[field] ?? NEUTRAL[field] ?? field

/** A mark on the message that a caller wrote as `instructions`. */
export const INSTRUCTIONS = ' instructions'
/** Parts of a Responses message; every other part is an item of its own. */
export const isContent = (part: Part): boolean =>
  part.type === 'text' ||
  part.type === 'media' ||
  part.type === 'refusal' ||
  (part.type === 'other' && isObject(part.value) && CONTENT in part.value)
/** A mark around a part of a Responses message that no name covers, to tell it from an item. */
export const CONTENT = ' content'

/** The path of the `i`th neutral message. */
export function messagePlace({ dialect, messages }: ChatRequest, i: number): string {
  if (dialect === 'anthropic-messages') {
    const has_system = messages[0]?.role === 'system'
    return has_system && i === 0 ? 'system' : `messages[${has_system ? i - 1 : i}]`
  }
  if (dialect !== 'openai-responses') return `messages[${i}]`
  if (messages[i]?.extra?.[INSTRUCTIONS] !== undefined) return 'instructions'
  return `input[${itemsBefore(messages, i)}]`
}

/** The path of the `j`th part of the `i`th neutral message. */
export function partPlace(request: ChatRequest, i: number, j: number): string {
  const message = request.messages[i]
  const place = messagePlace(request, i)
  if (place === 'system') return `system[${j}]`
  if (request.dialect !== 'openai-responses' || message === undefined || place === 'instructions') return `${place}.content[${j}]`
  const part = message.parts[j]
  const before = message.parts.slice(0, j)
  const items = itemsBefore(request.messages, i) + itemsIn(before)
  if (part === undefined || !isContent(part)) return `input[${items}]`
  const first = message.parts.findIndex(isContent)
  return `input[${first < j ? items - 1 : items}].content[${before.filter(isContent).length}]`
}

function itemsBefore(messages: Message[], i: number): number {
  let items = 0
  for (let k = 0; k < i; k++) if (messages[k]?.extra?.[INSTRUCTIONS] === undefined) items += itemsIn(messages[k]?.parts ?? [])
  return items
}

/** The content of a message is one item, however many parts it has. */
function itemsIn(parts: Part[]): number {
  const content = parts.filter(isContent).length
  return parts.length - content + (content > 0 ? 1 : 0)
}
