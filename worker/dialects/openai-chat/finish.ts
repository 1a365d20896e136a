/**
 * Why an answer ended. `finish_raw` keeps the provider's word; it is written back where it means the same here, so that a
 * word only one provider uses survives the way through this dialect and Anthropic's `end_turn` does not leak into it.
 */
import type { FinishReason, Json } from '../../schema/chat.ts'

const MEANINGS: Record<string, FinishReason> = {
  stop: 'stop',
  eos: 'stop',
  length: 'length',
  model_length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
}

const meaningOf = (raw: string): FinishReason => (Object.hasOwn(MEANINGS, raw) ? (MEANINGS[raw] as FinishReason) : 'other')

export function readFinish(raw: Json | undefined): { finish: FinishReason; finish_raw: string } | null {
  return typeof raw === 'string' && raw !== '' ? { finish: meaningOf(raw), finish_raw: raw } : null
}

/** `pause` has no word here, and to its clients the turn is over; an unknown reason keeps its own name rather than pass for a success. */
export function writeFinish(finish: FinishReason | null, finish_raw: string | null): string | null {
  if (finish === null) return null
  if (finish_raw !== null && meaningOf(finish_raw) === finish) return finish_raw
  return finish === 'pause' ? 'stop' : finish
}
