/** Token counts, as Responses names them. */
import { type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import { count, part, usageFormat } from '../token-counts.ts'

export function readUsage(raw: JsonObject): TokenUsage {
  const input_details = isObject(raw.input_tokens_details) ? raw.input_tokens_details : {}
  const output_details = isObject(raw.output_tokens_details) ? raw.output_tokens_details : {}
  const input = count(raw.input_tokens)
  const output = count(raw.output_tokens)
  return {
    ...UNKNOWN_USAGE,
    input_tokens: input,
    cache_read_tokens: part(count(input_details.cached_tokens), input),
    cache_write_tokens: part(count(input_details.cache_write_tokens), input),
    output_tokens: output,
    reasoning_tokens: part(count(output_details.reasoning_tokens), output),
    audio_input_tokens: part(count(input_details.audio_tokens), input),
    audio_output_tokens: part(count(output_details.audio_tokens), output),
    image_input_tokens: part(count(input_details.image_tokens), input),
  }
}

export const { extra: usageExtra, write: writeUsage } = usageFormat('input_tokens', 'output_tokens')
