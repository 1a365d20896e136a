/**
 * Token counts of the endpoints whose bodies are passed through, in the three spellings there are: as of a chat
 * (`prompt_tokens`), as of images, speech and transcripts (`input_tokens`), and `total_tokens` beside one of them. A duration
 * (`{"type":"duration"}`, whisper) or searches (Cohere) are no tokens, and leave them unknown.
 */
import { type Json, type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../schema/chat.ts'
import { isObject } from './check.ts'
import { count } from './token-counts.ts'

const details = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})

/** `gives_tokens`: an answer of this endpoint has tokens of its own; else, what is not said of them is none. */
export function readPassedUsage(raw: JsonObject, gives_tokens: boolean): TokenUsage | null {
  const input_tokens = count(raw.prompt_tokens) ?? count(raw.input_tokens)
  const total = count(raw.total_tokens)
  const told = count(raw.completion_tokens) ?? count(raw.output_tokens)
  const left = total !== null && input_tokens !== null && total >= input_tokens ? total - input_tokens : null
  const output_tokens = told ?? left ?? (gives_tokens ? null : 0)
  const read = input_tokens ?? (gives_tokens ? null : total)
  if (read === null && told === null) return null
  const input = details(raw.input_tokens_details ?? raw.input_token_details ?? raw.prompt_tokens_details)
  const output = details(raw.output_tokens_details ?? raw.output_token_details ?? raw.completion_tokens_details)
  return {
    ...UNKNOWN_USAGE,
    input_tokens: read,
    output_tokens,
    cache_read_tokens: count(input.cached_tokens),
    image_input_tokens: count(input.image_tokens),
    audio_input_tokens: count(input.audio_tokens),
    audio_output_tokens: count(output.audio_tokens),
    reasoning_tokens: count(output.reasoning_tokens),
  }
}
