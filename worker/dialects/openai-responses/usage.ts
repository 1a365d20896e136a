/** Token counts, as Responses names them. */
import { type Json, type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject } from '../check.ts'
import { count, part, toldCost, usageFormat } from '../token-counts.ts'

/** `output`: the items of the answer, among which are the searches that are billed by the call. */
export function readUsage(raw: JsonObject, output_items?: Json): TokenUsage {
  const input_details = isObject(raw.input_tokens_details) ? raw.input_tokens_details : {}
  const output_details = isObject(raw.output_tokens_details) ? raw.output_tokens_details : {}
  const input = count(raw.input_tokens)
  const output = count(raw.output_tokens)
  const runs = codeRuns(raw, output_items)
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
    web_search_calls: searchesCounted(raw) ?? ofType(output_items, 'web_search_call'),
    file_search_calls: ofType(output_items, 'file_search_call'),
    ...(runs > 0 && { code_runs: runs }),
    ...toldCost(raw),
  }
}

/** Containers, each once, in which code or a shell ran; or calls, where the provider counts those. */
function codeRuns({ server_side_tool_usage_details: counted }: JsonObject, items: Json | undefined): number {
  const calls = isObject(counted) ? count(counted.code_interpreter_calls) : null
  if (calls !== null || !Array.isArray(items)) return calls ?? 0
  const containers = new Set<Json>()
  for (const item of items) {
    if (!isObject(item)) continue
    if (item.type === 'code_interpreter_call') containers.add(item.container_id ?? null)
    // A shell on the caller's own machine is nobody's container.
    else if (item.type === 'shell_call' && isObject(item.environment) && item.environment.container_id !== undefined)
      containers.add(item.environment.container_id)
  }
  return containers.size
}

/** xAI counts the searches of its own tools, of the web and of X. */
function searchesCounted({ server_side_tool_usage_details: counted }: JsonObject): number | null {
  if (!isObject(counted)) return null
  const [web, x] = [count(counted.web_search_calls), count(counted.x_search_calls)]
  return web === null && x === null ? null : (web ?? 0) + (x ?? 0)
}

/** Null where there is none. Of a search of the web only the search itself is a call that costs; opening a page that it found is none. */
function ofType(items: Json | undefined, type: string): number | null {
  if (!Array.isArray(items)) return null
  let calls = 0
  for (const item of items) {
    if (!isObject(item) || item.type !== type) continue
    if (!isObject(item.action) || item.action.type === undefined || item.action.type === 'search') calls++
  }
  return calls || null
}

export const { extra: usageExtra, write: writeUsage } = usageFormat('input_tokens', 'output_tokens')
