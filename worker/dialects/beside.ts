/**
 * What an answer says that only its own format has a name for: beside the text of a stream, and in counts of a kind that the
 * caller's format does not tell apart. It cannot be written there, so it is reported, each thing once.
 */
import type { Json, JsonObject, Loss, TokenUsage } from '../schema/chat.ts'
import { isObject } from './check.ts'
import { isMark } from './marks.ts'

/** A stream may say a new thing in every event; nobody reads a longer list. */
const LOSSES_AT_MOST = 100

export function loseOnce(losses: Loss[], loss: Loss): void {
  if (losses.length < LOSSES_AT_MOST && !losses.some(({ field }) => field === loss.field)) losses.push(loss)
}

/** Of the members beside the answer in a stream: the `extra` of its start, or an event of its own format. The tier is told by every format. */
export function loseBeside(members: Json | undefined, losses: Loss[]): void {
  if (!isObject(members)) return
  for (const name in members) {
    if (name === 'choices' && Array.isArray(members.choices)) for (const choice of members.choices) loseChoice(choice, losses)
    else if (name !== 'service_tier') lose(members, name, name, losses)
  }
}

function loseChoice(choice: Json, losses: Loss[]): void {
  if (!isObject(choice)) return
  const field = `choices[${typeof choice.index === 'number' ? choice.index : 0}]`
  for (const name in choice) {
    if (name === 'index') continue
    if (name === 'delta' && isObject(choice.delta))
      for (const inner in choice.delta) lose(choice.delta, inner, `${field}.delta.${inner}`, losses)
    else lose(choice, name, `${field}.${name}`, losses)
  }
}

function lose(members: JsonObject, name: string, field: string, losses: Loss[]): void {
  if (!isMark(name) && members[name] !== null) loseOnce(losses, { field, how: 'dropped' })
}

/** The tier that answered, where these members tell it. */
export const tierIn = (members: Json | undefined): string | undefined =>
  isObject(members) && typeof members.service_tier === 'string' ? members.service_tier : undefined

/** Counts of these kinds, where there are any: the sums they are part of are told all the same. */
export function loseCounts(usage: TokenUsage | null, kinds: readonly (keyof TokenUsage)[], losses: Loss[]): void {
  for (const kind of kinds)
    if (usage?.[kind]) loseOnce(losses, { field: `usage.${kind}`, how: 'dropped', note: 'it is in the sum, and not told apart here' })
}
