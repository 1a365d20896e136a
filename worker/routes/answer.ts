/**
 * How the router speaks in its own voice: an error in the caller's dialect, JSON of its own endpoints, and the
 * `x-signalbox-*` headers that say what was decided. Everything that goes into a header is ASCII and bounded by its maker.
 */

import { reasonLine } from '../core/decide/explain.ts'
import { type GatewayError, retryAfterOf, statusOf } from '../core/errors.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Loss } from '../schema/chat.ts'
import type { DecisionRecord, Undecided } from '../schema/decision.ts'
import type { TargetId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'

/** Nothing the router says for itself is anybody else's to keep or to sniff. */
const OWN_HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'strict-transport-security': 'max-age=31536000',
}

export function answered(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...OWN_HEADERS, ...headers } })
}

/** The error as the caller's client expects it, with `Retry-After` where waiting helps. */
export function refused(dialect: Dialect, error: GatewayError, now_ms: Ms, headers: Record<string, string> = {}): Response {
  const wait_ms = retryAfterOf(error, now_ms)
  const extra: Record<string, string> = { 'x-signalbox-error': error.code }
  if (wait_ms !== null) {
    extra['retry-after'] = String(Math.ceil(wait_ms / 1000))
    // Exact, and read first by the clients of OpenAI and Anthropic alike.
    extra['retry-after-ms'] = String(Math.ceil(wait_ms))
  }
  if (error.code === 'method_not_allowed') extra.allow = error.allowed.join(', ')
  return answered(dialect.error.write(error), statusOf(error), { ...extra, ...headers })
}

const LOSSY_CHARS = 200

/**
 * What was decided, readable by a person who looks at the response. `target` is who answered, which failover may have changed;
 * so may what was lost on the way, `losses`.
 */
export function decisionHeaders(
  record: DecisionRecord,
  target: TargetId | null,
  attempts: number,
  losses: Loss[] = record.losses,
): Record<string, string> {
  return {
    'x-signalbox-decision': record.decision_id,
    'x-signalbox-target': target ?? 'none',
    'x-signalbox-policy': `${record.policy}@${record.policy_version}`,
    'x-signalbox-attempts': String(attempts),
    'x-signalbox-reason': reasonLine(record, target),
    ...(losses.length
      ? {
          'x-signalbox-lossy': losses
            .map(loss => loss.field)
            .join(',')
            .slice(0, LOSSY_CHARS)
            // A field may be the caller's own word, in any script; a header takes ASCII only.
            .replace(/[^\x20-\x7e]/g, '?'),
        }
      : {}),
  }
}

/** Of a stream that is opened before anybody answers: what is known by then. The rest comes as comments ahead of the answer. */
export function openHeaders({ decision_id, policy, policy_version }: DecisionRecord): Record<string, string> {
  return { 'x-signalbox-decision': decision_id, 'x-signalbox-target': 'pending', 'x-signalbox-policy': `${policy}@${policy_version}` }
}

/** Why there is no decision, as an error. */
export function errorOf(undecided: Undecided): GatewayError {
  switch (undecided.code) {
    case 'model_not_found':
      return {
        code: 'model_not_found',
        model: undecided.record.requested_model,
        near: undecided.near,
        served_at: undecided.served_at ?? [],
      }
    case 'model_needed':
      return { code: 'model_needed', near: undecided.near }
    case 'refused_by_policy':
      return { code: 'refused_by_policy', rule: undecided.rule ?? '', message: undecided.message }
    case 'forbidden':
      return { code: 'forbidden', message: undecided.message }
    case 'no_eligible_target':
      return {
        code: 'no_eligible_target',
        reasons: undecided.record.refused.map(({ reason, count, need }) => ({ reason, count, ...(need === undefined ? {} : { need }) })),
      }
  }
}
