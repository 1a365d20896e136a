/**
 * Why an answer ended: `stop_reason` (platform.claude.com/docs/en/build-with-claude/handling-stop-reasons, read 2026-11).
 */
import type { FinishReason, Json } from '../../schema/chat.ts'

const MEANINGS: Record<string, FinishReason> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
  pause_turn: 'pause',
}
const WORDS: Record<FinishReason, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
  pause: 'pause_turn',
  other: 'other',
}

const meaningOf = (raw: string): FinishReason => (Object.hasOwn(MEANINGS, raw) ? (MEANINGS[raw] as FinishReason) : 'other')

export function readFinish(raw: Json | undefined): { finish: FinishReason; finish_raw: string } | null {
  return typeof raw === 'string' && raw !== '' ? { finish: meaningOf(raw), finish_raw: raw } : null
}

/** The provider's word where it means the same here; an unknown reason keeps its own name rather than pass for a success. */
export function writeFinish(finish: FinishReason | null, finish_raw: string | null): string | null {
  if (finish === null) return null
  return finish_raw !== null && meaningOf(finish_raw) === finish ? finish_raw : WORDS[finish]
}
