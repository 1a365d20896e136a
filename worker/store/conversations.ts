/**
 * Who answered last in which conversation, in this isolate's memory: a hint for `decide`, with an age, and nothing that is missed
 * where another isolate has it. Two generations of bounded size: when the young one is full it becomes the old one, and what nobody
 * asked for meanwhile is gone. No prompt is in it, only a number made of its beginning.
 */
import type { Conversation } from '../core/decide/conversation.ts'

/** About 100 bytes each, in two generations: 2 MB at most of an isolate's 128. */
const GENERATION = 10_000

export type Conversations = {
  last(key: number): Conversation | undefined
  answered(key: number, conversation: Conversation): void
}

export function conversations(generation = GENERATION): Conversations {
  let young = new Map<number, Conversation>()
  let old = new Map<number, Conversation>()
  return {
    last: key => young.get(key) ?? old.get(key),
    answered(key, conversation) {
      if (young.size >= generation && !young.has(key)) {
        old = young
        young = new Map()
      }
      young.set(key, conversation)
    },
  }
}
