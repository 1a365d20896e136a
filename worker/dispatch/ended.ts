/**
 * What is left of calls once they are over: a record for the row, a report for the health of the target, and the counts.
 *
 * Where a target does not say what it used, its output is estimated from the characters that were seen and its input from the
 * prompt, and the row says so. A call that gave nothing stays unknown: that is not zero.
 */
import { summed } from '../core/spend/summed.ts'
import { type TokenUsage, UNKNOWN_USAGE } from '../schema/chat.ts'
import type { OutcomeClass } from '../schema/health.ts'
import type { Ms } from '../schema/units.ts'
import type { AttemptRecord } from '../schema/usage.ts'
import type { Call, Carrier } from './call.ts'
import type { Trial } from './trial.ts'

/** Characters of output per token, over English prose (4.5), code (3.3) and JSON (2.9) in the o200k vocabulary, weighed as answers are. */
export const CHARS_PER_TOKEN = 4
/** A shorter answer, or one that came in one piece, tells nothing about speed. */
const SPEED_TOKENS = 8
const SPEED_MS: Ms = 100

/** What the calls for one request used together: most often one of them used anything. */
export function usageOver(attempts: AttemptRecord[]): { usage: TokenUsage; calls: number } {
  const used = attempts.flatMap(({ usage }) => (usage === null ? [] : [usage]))
  return { usage: used.length === 0 ? UNKNOWN_USAGE : used.reduce(summed), calls: used.length }
}

/** Writes the record of a call that is over and reports it, once. */
export function conclude(
  call: Call,
  trial: Trial,
  outcome: { class: OutcomeClass; retry_after_ms: Ms | null; role: AttemptRecord['role']; outrun?: true },
  carrier: Carrier,
): AttemptRecord {
  const { record } = call
  const { target, sent_at_ms, probe } = trial
  const now_ms = carrier.effects.nowMs()
  const since = (at_ms: Ms | null): Ms | null => (at_ms === null ? null : at_ms - sent_at_ms)
  const usage = usageOf(call, trial)
  const first_token_ms = since(trial.first_token_at_ms)
  const elapsed_ms = trial.first_token_at_ms === null ? 0 : now_ms - trial.first_token_at_ms
  const output = usage.usage?.output_tokens ?? 0
  carrier.report({
    target: target.id,
    class: outcome.class,
    decision_id: record.decision_id,
    org: record.org,
    size: record.features.size,
    sent_at_ms,
    at_ms: now_ms,
    // Told once: what was told when it came is not told again.
    first_token_ms: hasTold(trial) ? null : first_token_ms,
    ...(outcome.outrun && { waited_ms: now_ms - sent_at_ms }),
    tokens_per_second:
      outcome.class === 'ok' && output >= SPEED_TOKENS && elapsed_ms >= SPEED_MS ? ((output - 1) * 1_000) / elapsed_ms : null,
    retry_after_ms: outcome.retry_after_ms,
    probe,
  })
  return {
    target: target.id,
    role: outcome.role,
    class: outcome.class,
    status: trial.status,
    sent_at_ms,
    headers_ms: since(trial.headers_at_ms),
    first_token_ms,
    ended_ms: now_ms - sent_at_ms,
    detail: trial.detail,
    probe,
    usage: usage.usage,
    ...(usage.estimated && { usage_estimated: true as const }),
    ...(trial.own_key && { own_key: true as const }),
    ...(trial.redacted && { redacted: trial.redacted }),
  }
}

/** Tells at once that a first token is overdue. */
export function tellLate(call: Call, trial: Trial, carrier: Carrier): void {
  trial.told_late = true
  tellWait(call, trial, carrier)
}

/**
 * That the first token has come, where somebody waits to hear it: it takes back a `late`, and of a probe it says that the target
 * answers again, however long the answer.
 */
export function tellBegun(call: Call, trial: Trial, carrier: Carrier): void {
  if (hasTold(trial)) tellWait(call, trial, carrier)
}

const hasTold = ({ first_token_at_ms, told_late, probe }: Trial) => first_token_at_ms !== null && (told_late || probe)

/** A wait for a first token: it is overdue, or, where there is one, over. */
function tellWait(call: Call, trial: Trial, carrier: Carrier): void {
  const { record } = call
  carrier.report({
    target: trial.target.id,
    class: 'late',
    decision_id: record.decision_id,
    org: record.org,
    size: record.features.size,
    sent_at_ms: trial.sent_at_ms,
    at_ms: carrier.effects.nowMs(),
    first_token_ms: trial.first_token_at_ms === null ? null : trial.first_token_at_ms - trial.sent_at_ms,
    tokens_per_second: null,
    retry_after_ms: null,
    probe: trial.probe,
  })
}

/**
 * Some formats tell counts at the beginning of a stream and again at its end. One that broke off has told that next to nothing was written:
 * what was seen of it says more.
 */
function countedBySoFar(seen: Trial['seen'], usage: TokenUsage): { usage: TokenUsage; estimated: boolean } {
  const written = Math.ceil(seen.output_chars / CHARS_PER_TOKEN)
  if (seen.finish_raw !== null || seen.terminated || written <= (usage.output_tokens ?? 0)) return { usage, estimated: false }
  return { usage: { ...usage, output_tokens: written }, estimated: true }
}

/** What one call used, as far as anybody can say; null where it gave nothing to go by. */
export function usageOf(call: Call, trial: Trial): { usage: TokenUsage | null; estimated: boolean } {
  const used = countedOf(call, trial)
  const { seen, closed, target } = trial
  // Closing it spared nothing where it is made to its end all the same: then what was expected of it is paid.
  const is_made_on = closed === true && target.provider.bills_after_abort === true && !seen.terminated && seen.finish_raw === null
  if (!is_made_on || used.usage === null) return used
  const output_tokens = Math.max(used.usage.output_tokens ?? 0, Math.round(call.record.features.expected_output_tokens))
  return { usage: { ...used.usage, output_tokens }, estimated: true }
}

function countedOf(call: Call, { seen, closed }: Trial): { usage: TokenUsage | null; estimated: boolean } {
  if (seen.usage !== null) return countedBySoFar(seen, seen.usage)
  if (!closed && !seen.content && seen.finish_raw === null) return { usage: null, estimated: false }
  // Of sound and pictures nobody here knows how many tokens they are.
  if (call.passage !== undefined && call.passage.endpoint.pays !== 'input') return { usage: null, estimated: false }
  return {
    usage: {
      ...UNKNOWN_USAGE,
      input_tokens: Math.round(call.record.features.prompt_tokens),
      output_tokens: Math.ceil(seen.output_chars / CHARS_PER_TOKEN),
    },
    estimated: true,
  }
}
