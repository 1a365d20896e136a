/** Outcomes in a few words, and a target that is told of them one after another, for the tests of this folder. */

import type { Gate, GateCommand } from '../../../worker/core/health/gate.ts'
import type { Outcome, OutcomeClass } from '../../../worker/schema/health.ts'
import { newGate, step } from './usual.ts'

export const START = 1_000_000_000

let decision = 0
export function outcome(kind: OutcomeClass, at_ms: number, rest: Partial<Outcome> = {}): Outcome {
  return {
    target: 'p/m',
    class: kind,
    decision_id: `dec_${decision++}`,
    org: 'a',
    size: 's',
    sent_at_ms: at_ms,
    at_ms,
    first_token_ms: null,
    tokens_per_second: null,
    retry_after_ms: null,
    probe: false,
    ...rest,
  }
}

/** Repeatable chance, for runs too long to shrink. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Steps a gate through one kind of outcome, `times` times, `every_ms` apart; what comes after it, is at `now_ms`. */
export function having(
  kind: OutcomeClass,
  times: number,
  every_ms = 1_000,
  gate: Gate = newGate(START),
  from_ms = START,
  rest: Partial<Outcome> = {},
) {
  let now_ms = from_ms
  let current = gate
  for (let i = 0; i < times; i++) {
    current = step(current, outcome(kind, now_ms, rest), now_ms, 0.5)
    now_ms += every_ms
  }
  return { gate: current, now_ms }
}

export const told = (gate: Gate, event: Outcome | GateCommand, now_ms: number, draw = 0.5) => step(gate, event, now_ms, draw)
