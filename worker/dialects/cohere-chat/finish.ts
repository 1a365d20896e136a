/**
 * Why an answer ended (docs.cohere.com/reference/chat, finish_reason, read 2026-11).
 */
import type { FinishReason, Json } from '../../schema/chat.ts'

const MEANINGS: Record<string, FinishReason> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  ERROR_LIMIT: 'length',
  TOOL_CALL: 'tool_calls',
  ERROR_TOXIC: 'content_filter',
}
const WORDS: Record<FinishReason, string> = {
  stop: 'COMPLETE',
  length: 'MAX_TOKENS',
  tool_calls: 'TOOL_CALL',
  content_filter: 'ERROR_TOXIC',
  pause: 'COMPLETE',
  other: 'OTHER',
}
/** By these the model's host says that it failed, with the status that would have been. */
export const FAILED: Record<string, number> = { ERROR: 500, TIMEOUT: 504 }

export function readFinish(raw: Json | undefined): { finish: FinishReason; finish_raw: string } | null {
  if (typeof raw !== 'string' || raw === '') return null
  return { finish: Object.hasOwn(MEANINGS, raw) ? (MEANINGS[raw] as FinishReason) : 'other', finish_raw: raw }
}

/** The provider's own word where it means the same here. */
export function writeFinish(finish: FinishReason, finish_raw: string | null): string {
  return readFinish(finish_raw ?? undefined)?.finish === finish ? (finish_raw as string) : WORDS[finish]
}
