/**
 * A conversation stays where it is unless moving pays. Its last target holds the prompt so far in its cache, so that the part it
 * has read already is cheaper there; and beyond that, another must be better by a margin, or two targets of nearly equal worth
 * would take turns within one conversation, each of them in another tone.
 *
 * A conversation is told by what the caller names it (`x-signalbox-conversation`, or `prompt_cache_key` in the body) or else by how
 * it begins: the system prompt and the first turn come again with every request. Two that begin alike and belong to one key count
 * as one; that is a hint about a cache, and a wrong one costs a margin and nothing else.
 */
import type { ChatRequest, Message } from '../../schema/chat.ts'
import type { Stay } from '../../schema/decision.ts'
import type { Features } from '../../schema/features.ts'
import type { PolicyVersion, TargetId } from '../../schema/ids.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Ms, Tokens } from '../../schema/units.ts'
import { priceAt } from '../spend/price.ts'
import type { Prepared } from './prepared.ts'
import type { LiveTarget, World } from './world.ts'

/** What is known of a conversation under way: who answered last, when, how long its prompt was, and under which policy that was decided. */
export type Conversation = { target: TargetId; at_ms: Ms; prompt_tokens: Tokens; policy_version: PolicyVersion }

/** Nothing is cached of a shorter prompt: 1,024 tokens at OpenAI, as much or more at Anthropic (their pages on prompt caching, 2026-10). */
const CACHED_FROM_TOKENS = 1_024

/** So much of the beginning tells conversations apart; a system prompt of an agent is long, and its first turn comes after it. */
const OPENING_CHARS = 256

const FNV_BASIS = 0x811c9dc5
const FNV_PRIME = 0x01000193
const ANOTHER_BASIS = 0x5bd1e995

/** A number of 53 bits that stands for the conversation among those of all keys; `named` is the caller's own name for it. */
export function conversationKey(key_id: string, { messages, extra }: ChatRequest, named: string | null): number {
  const name = named ?? extra.prompt_cache_key
  if (typeof name === 'string' && name !== '') return hashed([key_id, name])
  const pieces = [key_id]
  for (const message of messages) {
    pieces.push(textOf(message))
    if (message.role === 'user') break
  }
  return hashed(pieces)
}

/** Whether something of the conversation has been said already: a first turn has nobody to stay with. */
export const isUnderWay = ({ messages }: ChatRequest) => messages.some(each => each.role === 'assistant')

/** `index`: of the target. */
export type Staying = { index: number; stay: Stay }

/** Whom the request would stay with; null where that is nobody, or the policy was changed since. */
export function staying(
  { index_of }: Prepared,
  { stay }: Policy,
  request: ChatRequest,
  features: Features,
  { conversation, policy, catalogue, now_ms }: World,
): Staying | null {
  if (!conversation || conversation.policy_version !== policy.version) return null
  const age_ms = Math.max(0, now_ms - conversation.at_ms)
  if (age_ms >= stay.for_ms || !isUnderWay(request)) return null
  const target = catalogue.by_id.get(conversation.target)
  const index = target && index_of.get(target)
  if (index === undefined) return null
  const read = Math.min(conversation.prompt_tokens, features.prompt_tokens)
  const cached_tokens = read < CACHED_FROM_TOKENS ? 0 : Math.round(read)
  return { index, stay: { target: conversation.target, age_ms, cached_tokens, margin: stay.margin } }
}

/** Takes off the estimate what the cache saves. Where the catalogue knows no price for cached tokens, nothing is assumed. */
export function spareCached({ index, stay: { cached_tokens } }: Staying, { targets, scratch }: Prepared, now_ms: Ms): void {
  const { target } = targets[index] as LiveTarget
  const price = priceAt(target.prices, now_ms).price
  if (!price || price.cache_read_micros_per_mtok === null || price.input_micros_per_mtok === null) return
  const saved = (cached_tokens * (price.input_micros_per_mtok - price.cache_read_micros_per_mtok)) / 1_000_000
  const { cost_micros } = scratch.estimates
  cost_micros[index] = Math.max(0, Math.round((cost_micros[index] as number) - saved))
}

function textOf({ parts }: Message): string {
  let text = ''
  for (const part of parts) {
    if (part.type === 'text') text += part.text.length > OPENING_CHARS ? part.text.slice(0, OPENING_CHARS) : part.text
    if (text.length >= OPENING_CHARS) break
  }
  return text
}

function hashed(pieces: readonly string[]): number {
  let high = FNV_BASIS
  let low = ANOTHER_BASIS
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i++) {
      const code = piece.charCodeAt(i)
      high = Math.imul(high ^ code, FNV_PRIME)
      low = Math.imul(low ^ code, FNV_PRIME)
    }
    // A boundary counts, or two pieces could be one.
    high = Math.imul(high ^ 0x1_0000, FNV_PRIME)
    low = Math.imul(low ^ 0x1_0001, FNV_PRIME)
  }
  return (high >>> 0) * 0x20_0000 + ((low >>> 0) & 0x1f_ffff)
}
