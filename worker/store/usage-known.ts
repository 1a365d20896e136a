/**
 * The requests that a usage object knows of by heart: those under way, and those settled within the last minute, so that a message which is
 * repeated meets what it did the first time. The journal's rows need no index for that. After a restart the journal fills it again.
 */
import type { Begun } from '../core/spend/limits.ts'
import type { DecisionId } from '../schema/ids.ts'
import type { Micros, Ms } from '../schema/units.ts'

/** Longer than `DOUBTED_AFTER_MS`, by what clocks may differ. */
export const REMEMBERED_MS: Ms = 60_000

export type Known = {
  seq: number
  at_ms: Ms
  expires_at_ms: Ms
  reserved_micros: Micros
  /** Null while the request is under way. */
  settled_at_ms: Ms | null
  /** What it put into the accounts of those who have limits. */
  begun?: Begun | null
}

export class UsageKnown {
  #all = new Map<DecisionId, Known>()
  /** Few, where a busy minute's settled ones are many thousands. */
  #open = new Map<DecisionId, Known>()
  /** In the order they were settled, to be forgotten. */
  #settled: { decision_id: DecisionId; at_ms: Ms; seq: number }[] = []
  #forgotten_seq = 0

  /** Under way. */
  get open(): ReadonlyMap<DecisionId, Known> {
    return this.#open
  }

  /** Settlements up to here have been forgotten. */
  get forgotten_seq(): number {
    return this.#forgotten_seq
  }

  get(decision_id: DecisionId): Known | undefined {
    return this.#all.get(decision_id)
  }

  begin(decision_id: DecisionId, known: Known): void {
    this.#all.set(decision_id, known)
    this.#open.set(decision_id, known)
  }

  /** By the settlement `seq`; a second time, where a true one takes an orphan's place. */
  end(decision_id: DecisionId, at_ms: Ms, seq: number): void {
    const known = this.#all.get(decision_id)
    if (known) known.settled_at_ms = at_ms
    this.#open.delete(decision_id)
    this.#settled.push({ decision_id, at_ms, seq })
  }

  forget(now_ms: Ms): void {
    let forgotten = 0
    for (const { decision_id, at_ms, seq } of this.#settled) {
      if (at_ms > now_ms - REMEMBERED_MS) break
      this.#all.delete(decision_id)
      this.#forgotten_seq = seq
      forgotten += 1
    }
    this.#settled.splice(0, forgotten)
  }

  /** Number of the oldest intent under way. */
  openFrom(otherwise: number): number {
    let from = otherwise
    for (const { seq } of this.#open.values()) from = Math.min(from, seq)
    return from
  }

  /** When the next of those under way is given up. */
  expiresAt(): Ms {
    let at_ms = Number.POSITIVE_INFINITY
    for (const { expires_at_ms } of this.#open.values()) at_ms = Math.min(at_ms, expires_at_ms)
    return at_ms
  }

  /** When the next of those settled is forgotten. */
  forgetsAt(): Ms | null {
    const [first] = this.#settled
    return first ? first.at_ms + REMEMBERED_MS : null
  }

  clear(): void {
    this.#all.clear()
    this.#open.clear()
    this.#settled = []
  }
}
