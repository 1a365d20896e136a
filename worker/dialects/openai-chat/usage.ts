/**
 * Token counts, read from the several ways in which compatible providers write them, and written in OpenAI's. `total_tokens` is
 * used only as a witness: some providers leave reasoning out of `completion_tokens`, and the total gives it away.
 */
import { type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import { count, part, toldCost, usageFormat } from '../token-counts.ts'

export function readUsage(raw: JsonObject): TokenUsage {
  const prompt = isObject(raw.prompt_tokens_details) ? raw.prompt_tokens_details : {}
  const completion = isObject(raw.completion_tokens_details) ? raw.completion_tokens_details : {}
  const input = count(raw.prompt_tokens)
  const reasoning = count(completion.reasoning_tokens) ?? count(raw.reasoning_tokens)
  let output = count(raw.completion_tokens)
  if (input !== null && output !== null && reasoning !== null && reasoning > 0 && count(raw.total_tokens) === input + output + reasoning)
    output += reasoning
  return {
    ...UNKNOWN_USAGE,
    input_tokens: input,
    cache_read_tokens: part(count(prompt.cached_tokens) ?? count(raw.cached_tokens) ?? count(raw.prompt_cache_hit_tokens), input),
    cache_write_tokens: part(count(prompt.cache_write_tokens) ?? count(prompt.cache_creation_tokens), input),
    output_tokens: output,
    reasoning_tokens: part(reasoning, output),
    audio_input_tokens: part(count(prompt.audio_tokens), input),
    audio_output_tokens: part(count(completion.audio_tokens), output),
    image_input_tokens: part(count(prompt.image_tokens), input),
    ...toldCost(raw),
  }
}

export const { extra: usageExtra, write: writeUsage } = usageFormat('prompt_tokens', 'completion_tokens')
