/**
 * Why an answer ended.
 */
import type { FinishReason, Json } from '../../schema/chat.ts'

const MEANINGS: Record<string, FinishReason> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  content_filtered: 'content_filter',
  guardrail_intervened: 'content_filter',
}
const WORDS: Record<FinishReason, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'content_filtered',
  pause: 'end_turn',
  other: 'other',
}

export function readFinish(raw: Json | undefined): { finish: FinishReason; finish_raw: string } | null {
  if (typeof raw !== 'string' || raw === '') return null
  return { finish: Object.hasOwn(MEANINGS, raw) ? (MEANINGS[raw] as FinishReason) : 'other', finish_raw: raw }
}

/** The provider's own word where it means the same here. */
export function writeFinish(finish: FinishReason, finish_raw: string | null): string {
  return readFinish(finish_raw ?? undefined)?.finish === finish ? (finish_raw as string) : WORDS[finish]
}
