/**
 * Why an answer ended. `STOP` is said of an answer that calls tools as well; what the answer holds tells the two apart.
 */
import type { FinishReason, Json } from '../../schema/chat.ts'

const MEANINGS: Record<string, FinishReason> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  MODEL_ARMOR: 'content_filter',
  JAILBREAK: 'content_filter',
}
const WORDS: Record<FinishReason, string> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  tool_calls: 'STOP',
  content_filter: 'SAFETY',
  pause: 'STOP',
  other: 'OTHER',
}

export function readFinish(raw: Json | undefined, calls_tools: boolean): { finish: FinishReason; finish_raw: string } | null {
  if (typeof raw !== 'string' || raw === '' || raw === 'FINISH_REASON_UNSPECIFIED') return null
  const meaning = Object.hasOwn(MEANINGS, raw) ? (MEANINGS[raw] as FinishReason) : 'other'
  return { finish: meaning === 'stop' && calls_tools ? 'tool_calls' : meaning, finish_raw: raw }
}

/** The provider's own word where it means the same here. */
export function writeFinish(finish: FinishReason, finish_raw: string | null): string {
  const own = finish_raw === null ? null : readFinish(finish_raw, finish === 'tool_calls')
  // Any word of another format reads as `other` here, and so passes only for what is `other` there too.
  return own?.finish === finish ? (finish_raw as string) : WORDS[finish]
}
