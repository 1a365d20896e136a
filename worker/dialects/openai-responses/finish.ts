/**
 * Why an answer ended. This format says so by `status` and, where an answer is incomplete, by its reason; that tools are to be called
 * shows only in the output. Nothing incomplete or failed passes for an answer that came to its end.
 */
import type { FinishReason, Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'

type Finish = { finish: FinishReason; finish_raw: string }

const REASONS: Record<string, FinishReason> = { max_output_tokens: 'length', max_tokens: 'length', content_filter: 'content_filter' }
/** Items that wait for the caller to do something. */
const CALLS = new Set(['function_call', 'custom_tool_call', 'computer_call', 'local_shell_call', 'apply_patch_call'])

export const isCall = (item: Json | undefined): boolean => isObject(item) && typeof item.type === 'string' && CALLS.has(item.type)

/** Null while it has not ended. */
export function readFinish(response: JsonObject, calls: boolean): Finish | null {
  const { status, incomplete_details } = response
  if (status === 'in_progress' || status === 'queued') return null
  // Some servers leave the status out of a whole answer.
  if (status === 'completed' || status === undefined || status === null)
    return { finish: calls ? 'tool_calls' : 'stop', finish_raw: 'completed' }
  const reason = isObject(incomplete_details) && typeof incomplete_details.reason === 'string' ? incomplete_details.reason : null
  const finish_raw = reason ?? (typeof status === 'string' ? status : 'incomplete')
  return { finish: Object.hasOwn(REASONS, finish_raw) ? (REASONS[finish_raw] as FinishReason) : 'other', finish_raw }
}

const WORDS: Partial<Record<FinishReason, string>> = { length: 'max_output_tokens', content_filter: 'content_filter' }
/** Statuses of their own, which are no reasons. */
const STATUSES = new Set(['cancelled', 'failed', 'incomplete'])

export function writeFinish(finish: FinishReason | null, finish_raw: string | null): { status: string; incomplete_details: Json } {
  if (finish === null) return { status: 'in_progress', incomplete_details: null }
  if (finish === 'stop' || finish === 'tool_calls') return { status: 'completed', incomplete_details: null }
  if (finish === 'other' && finish_raw !== null && STATUSES.has(finish_raw)) return { status: finish_raw, incomplete_details: null }
  const known = finish_raw !== null && REASONS[finish_raw] === finish
  return { status: 'incomplete', incomplete_details: { reason: known ? finish_raw : (WORDS[finish] ?? finish_raw ?? finish) } }
}
