/**
 * Token counts, `usageMetadata`. The prompt's count holds the cached part, but not what tools of the provider's own put into the
 * prompt; the answer's holds no thoughts. Both are added here, as both are billed. Sound and images are told apart in lists.
 */
import { type Json, type JsonObject, type TokenUsage, UNKNOWN_USAGE } from '../../schema/chat.ts'
import { isObject, rest } from '../check.ts'
import { count, part } from '../token-counts.ts'

/**
 * Null where it holds no counts: the chunks of some streams tell only what kind of traffic they are. `candidates`: the answers beside it, which
 * name the searches that they are grounded on.
 */
export function readUsage(raw: JsonObject, candidates?: Json): TokenUsage | null {
  const prompt = count(raw.promptTokenCount)
  const spoken = count(raw.candidatesTokenCount)
  const thought = count(raw.thoughtsTokenCount)
  if (prompt === null && spoken === null && thought === null) return null
  const input = prompt === null ? null : prompt + (count(raw.toolUsePromptTokenCount) ?? 0)
  // Where the total says so, the answer's count holds the thoughts already.
  const holds_thoughts = prompt !== null && spoken !== null && thought !== null && count(raw.totalTokenCount) === prompt + spoken
  const output = spoken === null && thought === null ? null : (spoken ?? 0) + (holds_thoughts ? 0 : (thought ?? 0))
  return {
    ...UNKNOWN_USAGE,
    input_tokens: input,
    cache_read_tokens: part(count(raw.cachedContentTokenCount), input),
    output_tokens: output,
    reasoning_tokens: part(thought, output),
    audio_input_tokens: part(ofModality(raw.promptTokensDetails, 'AUDIO'), input),
    audio_output_tokens: part(ofModality(raw.candidatesTokensDetails, 'AUDIO'), output),
    image_input_tokens: part(ofModality(raw.promptTokensDetails, 'IMAGE'), input),
    web_search_calls: searches(candidates),
  }
}

function searches(candidates: Json | undefined): number | null {
  let calls = 0
  for (const candidate of Array.isArray(candidates) ? candidates : []) {
    const grounding = isObject(candidate) && isObject(candidate.groundingMetadata) ? candidate.groundingMetadata : {}
    if (Array.isArray(grounding.webSearchQueries)) calls += grounding.webSearchQueries.length
  }
  return calls || null
}

function ofModality(details: Json | undefined, modality: string): number | null {
  if (!Array.isArray(details)) return null
  const entry = details.find(each => isObject(each) && each.modality === modality)
  return isObject(entry) ? count(entry.tokenCount) : null
}

const KNOWN = new Set(['promptTokenCount', 'candidatesTokenCount', 'thoughtsTokenCount', 'totalTokenCount', 'cachedContentTokenCount'])

/** What is said beyond these counts: kinds of traffic, and lists by modality where they hold more than is told above. */
export function usageExtra(raw: JsonObject): JsonObject | undefined {
  const extra = rest(raw, KNOWN)
  if (extra === undefined) return undefined
  const told = detailsOf(readUsage(raw) ?? UNKNOWN_USAGE)
  for (const name of Object.keys(told)) if (JSON.stringify(told[name]) === JSON.stringify(extra[name])) delete extra[name]
  return Object.keys(extra).length > 0 ? extra : undefined
}

export function writeUsage(usage: TokenUsage, extra: JsonObject | undefined): JsonObject | null {
  const { input_tokens, output_tokens, reasoning_tokens, cache_read_tokens } = usage
  if (input_tokens === null && output_tokens === null) return extra ?? null
  const beside = extra === undefined ? null : count(extra.toolUsePromptTokenCount)
  const written: JsonObject = {}
  if (input_tokens !== null) written.promptTokenCount = input_tokens - (beside ?? 0)
  if (output_tokens !== null) written.candidatesTokenCount = output_tokens - (reasoning_tokens ?? 0)
  written.totalTokenCount = (input_tokens ?? 0) + (output_tokens ?? 0)
  if (reasoning_tokens !== null) written.thoughtsTokenCount = reasoning_tokens
  if (cache_read_tokens !== null) written.cachedContentTokenCount = cache_read_tokens
  return { ...written, ...detailsOf(usage), ...extra }
}

function detailsOf(usage: TokenUsage): JsonObject {
  const told: JsonObject = {}
  const heard = details({ AUDIO: usage.audio_input_tokens, IMAGE: usage.image_input_tokens })
  if (heard) told.promptTokensDetails = heard
  const said = details({ AUDIO: usage.audio_output_tokens })
  if (said) told.candidatesTokensDetails = said
  return told
}

function details(counts: Record<string, number | null>): JsonObject[] | null {
  const list = Object.entries(counts).flatMap(([modality, tokenCount]) => (tokenCount === null ? [] : [{ modality, tokenCount }]))
  return list.length > 0 ? list : null
}
