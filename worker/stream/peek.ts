/**
 * The commit point. Until a target has said something, nothing of its answer is forwarded, so that a failure can still be
 * answered by another target, unseen. What comes before (a role, an empty delta, a ping) is held back; the first piece of
 * content, or a reason to end without any, commits.
 *
 * Pings and comments are no tokens: they do not move the deadline for the first one.
 */
import type { ChunkReader } from './chunks.ts'
import type { Guard, Interruption } from './guard.ts'
import type { Relay } from './relay.ts'

/** Lifecycle events before the first token are a few hundred bytes; this many without a token is no answer. */
export const HELD_AT_MOST = 64 * 1024

/**
 * `committed`: content, or a reason to end · `empty`: the stream closed without a word · `silent`: it closed or ended after
 * events, none of which was content or a reason · `error`: in band · `garbage`: no events, or too much before the first token ·
 * `cut`: the connection broke · `interrupted`: by a deadline or the caller.
 */
export type Peeked =
  | { outcome: 'committed' }
  | { outcome: 'empty' | 'silent' | 'error' | 'garbage' }
  | { outcome: 'cut'; message: string }
  | { outcome: 'interrupted'; interruption: Interruption }

export async function peek(reader: ChunkReader, relay: Relay, guard: Guard): Promise<Peeked> {
  let read_bytes = 0
  for (;;) {
    let waited: Awaited<ReturnType<typeof guard.wait<ReadableStreamReadResult<Uint8Array>>>>
    try {
      waited = await guard.wait(reader.read())
    } catch (problem) {
      return { outcome: 'cut', message: problem instanceof Error ? problem.message : 'the connection broke' }
    }
    if (!waited.done) return { outcome: 'interrupted', interruption: waited.interruption }
    const { done, value } = waited.value
    if (value !== undefined) {
      read_bytes += value.length
      relay.push(reader.keep(value))
    }
    if (done) relay.finish()
    if (relay.state === 'error') return { outcome: 'error' }
    if (relay.state === 'broken') return { outcome: 'garbage' }
    if (relay.seen.content || relay.seen.finish_raw !== null) return { outcome: 'committed' }
    if (done) return { outcome: read_bytes === 0 ? 'empty' : relay.seen.events === relay.seen.malformed ? 'garbage' : 'silent' }
    if (relay.state === 'unfinished') return { outcome: 'silent' }
    if (relay.waiting_bytes > HELD_AT_MOST) return { outcome: 'garbage' }
  }
}
