/**
 * How an answer is drawn, and how long it may be: `inferenceConfig` has four members, and models may be pickier than the format.
 */
import type { ChatRequest, JsonObject, Loss } from '../../schema/chat.ts'
import { fieldName } from '../place.ts'
import type { Writing } from './block-write.ts'

export function configOf({ max_output_tokens, temperature, top_p, stop }: ChatRequest): JsonObject {
  const config: JsonObject = {}
  if (max_output_tokens !== null) config.maxTokens = max_output_tokens
  if (temperature !== null) config.temperature = temperature
  if (top_p !== null) config.topP = top_p
  if (stop.length > 0) config.stopSequences = stop
  return config
}

/** Models that speak Anthropic's format take no sampling while they think, one of two settings at a time, and no temperature above 1. */
export function configFor(request: ChatRequest, is_picky: boolean, thinks: boolean, to: Writing): JsonObject {
  const config = configOf(request)
  if (!is_picky) return config
  const drop = (name: string, field: string, note: string) => {
    const value = config[name]
    delete config[name]
    // What says no more than silence does is left out in silence.
    if (value !== 1) to.losses.push({ field, how: 'dropped', note })
  }
  const { temperature, top_p } = request
  if (temperature !== null && thinks) drop('temperature', 'temperature', 'not together with thought')
  else if (temperature !== null && temperature > 1) {
    config.temperature = 1
    to.losses.push({ field: 'temperature', how: 'approximated', note: 'as 1, which is the most here' })
  }
  if (top_p !== null && thinks) drop('topP', 'top_p', 'not together with thought')
  else if (top_p !== null && config.temperature !== undefined) drop('topP', 'top_p', 'not together with temperature')
  return config
}

/** What callers of other formats can set and nobody can here. */
export function loseSettings(request: ChatRequest, losses: Loss[]): void {
  const { dialect } = request
  const lose = (field: string, note?: string) =>
    losses.push(note === undefined ? { field, how: 'dropped' } : { field, how: 'dropped', note })
  if (request.seed !== null) lose('seed')
  if (request.frequency_penalty !== null) lose('frequency_penalty')
  if (request.presence_penalty !== null) lose('presence_penalty')
  if (request.choices > 1) lose(fieldName(dialect, 'choices'), 'one answer a request here')
  if (request.logprobs !== null) lose(fieldName(dialect, 'logprobs'))
  if (request.parallel_tool_calls === false) lose(fieldName(dialect, 'parallel_tool_calls'), 'calls may come together here')
  if (request.user !== null) lose(fieldName(dialect, 'user'))
}
