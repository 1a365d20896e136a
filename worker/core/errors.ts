/**
 * Every way a request can fail, once. An error is a value that carries what a reader of the log will ask for; the table
 * gives its status and whose fault it is, and the compiler keeps the table complete. Words are chosen in `wording`, once,
 * in the sentence a caller can act on; each dialect only chooses the envelope. `worker/ERRORS.md` is tested against this.
 */
import type { RefusalReason } from '../schema/decision.ts'
import { ENDPOINT_PATHS, type EndpointName } from '../schema/endpoint.ts'
import type { DecisionId, ProviderId, TargetId } from '../schema/ids.ts'
import type { AccountName, RateName } from '../schema/limits.ts'
import type { Bytes, Micros, Ms } from '../schema/units.ts'

export type GatewayError =
  | { code: 'invalid_json'; message: string }
  | { code: 'invalid_request'; param: string; message: string }
  | { code: 'unsupported_media_type'; got: string; wanted?: string }
  | { code: 'unsupported_encoding'; got: string }
  | { code: 'body_too_large'; limit: Bytes }
  | { code: 'body_too_slow'; limit_ms: Ms }
  | { code: 'missing_key' }
  | { code: 'invalid_key' }
  | { code: 'ambiguous_credentials' }
  | { code: 'too_many_attempts'; retry_after_ms: Ms }
  | { code: 'keys_unavailable'; message: string }
  | { code: 'forbidden'; message: string }
  | { code: 'model_not_found'; model: string; near: string[]; served_at?: EndpointName[] }
  | { code: 'model_needed'; near: string[] }
  | { code: 'no_eligible_target'; reasons: { reason: RefusalReason; count: number; need?: string | number | boolean }[] }
  | { code: 'refused_by_policy'; rule: string; message: string }
  | { code: 'budget_exhausted'; account: AccountName; window: string; spent_micros: Micros; limit_micros: Micros; resets_at_ms: Ms }
  | { code: 'limit_reached'; account: AccountName; of: RateName; at_most: number; used: number; need: number; resets_at_ms: Ms }
  | {
      code: 'unusual_spend'
      account: AccountName
      usual_micros: Micros
      at_most_micros: Micros
      spent_micros: Micros
      resets_at_ms: Ms
    }
  | { code: 'request_under_way'; decision_id: DecisionId; retry_after_ms: Ms }
  | { code: 'already_answered'; decision_id: DecisionId }
  | { code: 'idempotency_key_reused'; decision_id: DecisionId }
  | { code: 'accounting_unavailable' }
  | { code: 'policy_unavailable'; policy: string; message: string }
  | { code: 'upstream_rejected'; target: TargetId; status: number; message: string; param: string | null; upstream_code: string | null }
  | { code: 'upstream_failed'; target: TargetId; status: number | null; message: string; retry_after_ms?: Ms }
  /** Nobody answered, and all that kept them from it passes. `first`: what went wrong first. */
  | { code: 'upstream_unavailable'; target: TargetId; first: GatewayError; retry_after_ms: Ms }
  | { code: 'upstream_unreachable'; target: TargetId; message: string }
  | { code: 'upstream_silent'; target: TargetId; phase: 'headers' | 'first_token' | 'idle' | 'total'; limit_ms: Ms }
  | { code: 'upstream_garbage'; target: TargetId; message: string }
  | { code: 'upstream_truncated'; target: TargetId; message: string }
  | { code: 'upstream_rate_limited'; target: TargetId; retry_after_ms: Ms | null }
  | { code: 'upstream_credential'; target: TargetId }
  | { code: 'own_key_refused'; target: TargetId }
  | { code: 'key_unusable'; provider: ProviderId }
  | { code: 'decision_not_found'; id: string }
  | { code: 'admin_not_set_up'; message: string }
  | { code: 'resource_not_found'; kind: string; id: string }
  | { code: 'conflict'; message: string }
  | { code: 'policy_not_accepted'; policy: string; findings: { path?: string; line: number | null; message: string }[] }
  | { code: 'audit_unavailable' }
  | { code: 'not_found'; path: string; near: string[] }
  | { code: 'method_not_allowed'; allowed: string[] }
  | { code: 'caller_left' }
  | { code: 'internal'; reference: string }

export type ErrorCode = GatewayError['code']
export type Blame = 'caller' | 'operator' | 'upstream' | 'router'
/** The class of error, in the words all three dialects share; each maps it to its own `type`. */
export type ErrorKind =
  | 'invalid_request'
  | 'authentication'
  | 'permission'
  | 'not_found'
  | 'too_large'
  | 'rate_limit'
  | 'billing'
  | 'api'
  | 'overloaded'
  | 'timeout'

export type Facts = { status: number; blame: Blame; kind: ErrorKind; retryable: boolean }

export const FACTS = {
  invalid_json: { status: 400, blame: 'caller', kind: 'invalid_request', retryable: false },
  invalid_request: { status: 400, blame: 'caller', kind: 'invalid_request', retryable: false },
  unsupported_media_type: { status: 415, blame: 'caller', kind: 'invalid_request', retryable: false },
  unsupported_encoding: { status: 415, blame: 'caller', kind: 'invalid_request', retryable: false },
  body_too_large: { status: 413, blame: 'caller', kind: 'too_large', retryable: false },
  body_too_slow: { status: 408, blame: 'caller', kind: 'timeout', retryable: true },
  missing_key: { status: 401, blame: 'caller', kind: 'authentication', retryable: false },
  invalid_key: { status: 401, blame: 'caller', kind: 'authentication', retryable: false },
  ambiguous_credentials: { status: 401, blame: 'caller', kind: 'authentication', retryable: false },
  too_many_attempts: { status: 429, blame: 'caller', kind: 'rate_limit', retryable: true },
  keys_unavailable: { status: 503, blame: 'operator', kind: 'overloaded', retryable: true },
  forbidden: { status: 403, blame: 'caller', kind: 'permission', retryable: false },
  model_not_found: { status: 404, blame: 'caller', kind: 'not_found', retryable: false },
  model_needed: { status: 400, blame: 'caller', kind: 'invalid_request', retryable: false },
  no_eligible_target: { status: 422, blame: 'operator', kind: 'invalid_request', retryable: false },
  refused_by_policy: { status: 403, blame: 'operator', kind: 'permission', retryable: false },
  budget_exhausted: { status: 402, blame: 'caller', kind: 'billing', retryable: false },
  limit_reached: { status: 429, blame: 'caller', kind: 'rate_limit', retryable: true },
  unusual_spend: { status: 402, blame: 'caller', kind: 'billing', retryable: false },
  request_under_way: { status: 409, blame: 'caller', kind: 'invalid_request', retryable: true },
  already_answered: { status: 409, blame: 'caller', kind: 'invalid_request', retryable: false },
  idempotency_key_reused: { status: 422, blame: 'caller', kind: 'invalid_request', retryable: false },
  accounting_unavailable: { status: 503, blame: 'router', kind: 'overloaded', retryable: true },
  policy_unavailable: { status: 503, blame: 'operator', kind: 'api', retryable: true },
  upstream_rejected: { status: 400, blame: 'caller', kind: 'invalid_request', retryable: false },
  upstream_failed: { status: 502, blame: 'upstream', kind: 'api', retryable: true },
  upstream_unavailable: { status: 503, blame: 'upstream', kind: 'overloaded', retryable: true },
  upstream_unreachable: { status: 502, blame: 'upstream', kind: 'api', retryable: true },
  upstream_silent: { status: 504, blame: 'upstream', kind: 'timeout', retryable: true },
  upstream_garbage: { status: 502, blame: 'upstream', kind: 'api', retryable: true },
  upstream_truncated: { status: 502, blame: 'upstream', kind: 'api', retryable: true },
  upstream_rate_limited: { status: 429, blame: 'upstream', kind: 'rate_limit', retryable: true },
  upstream_credential: { status: 502, blame: 'operator', kind: 'api', retryable: false },
  own_key_refused: { status: 502, blame: 'caller', kind: 'api', retryable: false },
  key_unusable: { status: 500, blame: 'operator', kind: 'api', retryable: false },
  decision_not_found: { status: 404, blame: 'caller', kind: 'not_found', retryable: false },
  admin_not_set_up: { status: 503, blame: 'operator', kind: 'api', retryable: false },
  resource_not_found: { status: 404, blame: 'caller', kind: 'not_found', retryable: false },
  conflict: { status: 409, blame: 'caller', kind: 'invalid_request', retryable: false },
  policy_not_accepted: { status: 422, blame: 'caller', kind: 'invalid_request', retryable: false },
  audit_unavailable: { status: 503, blame: 'router', kind: 'overloaded', retryable: true },
  not_found: { status: 404, blame: 'caller', kind: 'not_found', retryable: false },
  method_not_allowed: { status: 405, blame: 'caller', kind: 'invalid_request', retryable: false },
  caller_left: { status: 499, blame: 'caller', kind: 'invalid_request', retryable: false },
  internal: { status: 500, blame: 'router', kind: 'api', retryable: true },
} satisfies Record<ErrorCode, Facts>

/** The status to answer with: an upstream's own 4xx verdict on the request is kept, everything else is the table's. */
export function statusOf(error: GatewayError): number {
  return error.code === 'upstream_rejected' ? error.status : FACTS[error.code].status
}

const usd = (micros: Micros) => `$${(micros / 1_000_000).toFixed(micros % 10_000 === 0 ? 2 : 6)}`
/** What a caller sent, shown back: no longer than helps, and nothing that could steer a terminal, a log or a page. */
/** What is wrong with a policy, and with what part of it. */
const found = (finding?: { path?: string; message: string }) =>
  finding ? shown(`${finding.path ? `${finding.path}: ` : ''}${finding.message}`.replaceAll('"', "'")) : 'it does not parse'
const shown = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}...` : text).replace(/[\p{C}<>"`\\]/gu, '?')
const seconds = (duration_ms: Ms) => `${duration_ms / 1000} s`

/** Whose limit it is, to one of its callers. */
export const whose = (account: AccountName): string =>
  account === 'org' ? 'this organisation' : account.startsWith('team:') ? `the team "${shown(account.slice(5))}"` : 'this key'

function overBudget(error: Extract<GatewayError, { code: 'budget_exhausted' }>): string {
  const { account, window, limit_micros, spent_micros } = error
  const what = `The ${window} budget of ${usd(limit_micros)} for ${whose(account)}`
  if (spent_micros >= limit_micros) return `${what} is used up (${usd(spent_micros)} spent or reserved).`
  return `${what} does not have room for this request (${usd(spent_micros)} spent or reserved). A smaller one may fit.`
}

const RATE_WORDS: Record<RateName, string> = {
  requests_per_minute: 'requests a minute',
  tokens_per_minute: 'tokens a minute',
  concurrent_requests: 'requests at the same time',
}

function overRate({ account, of, at_most, used, need }: Extract<GatewayError, { code: 'limit_reached' }>): string {
  const limit = `${at_most} ${RATE_WORDS[of]} for ${whose(account)}`
  if (need > at_most) return `This request alone is estimated at ${need} tokens, above the limit of ${limit}. Send less.`
  return `The limit of ${limit} is reached (${used} in use${need > 1 ? `, this request needs about ${need}` : ''}). Try again shortly.`
}

/** `3 refused for lossy (logprobs)`: how many, for what, and what it was that they lack. */
function refusedFor({ reason, count, need }: { reason: RefusalReason; count: number; need?: string | number | boolean }): string {
  return `${count} refused for ${reason}${typeof need === 'string' || typeof need === 'number' ? ` (${shown(String(need))})` : ''}`
}

const pathsOf = (endpoint: EndpointName) =>
  endpoint === 'chat' ? '/v1/chat/completions, /v1/responses and /v1/messages' : `/v1${ENDPOINT_PATHS[endpoint]}`

/** One sentence or two for the caller: what happened and what to change. Never holds a secret or an upstream's raw body. */
export function wording(error: GatewayError): string {
  switch (error.code) {
    case 'invalid_json':
      return `The request body is not valid JSON: ${error.message}`
    case 'invalid_request':
      return error.message
    case 'unsupported_media_type':
      return `Send the body as ${error.wanted ?? 'application/json'}; this request said ${shown(error.got)}.`
    case 'unsupported_encoding':
      return `Send the body uncompressed; content-encoding ${shown(error.got)} is not supported.`
    case 'body_too_large':
      return `The request body is larger than ${error.limit} bytes. Send a shorter prompt, or refer to images and files by URL.`
    case 'body_too_slow':
      return `The request body did not arrive within ${seconds(error.limit_ms)}.`
    case 'missing_key':
      return 'No API key. Send it as "authorization: Bearer <key>" or "x-api-key: <key>".'
    case 'invalid_key':
      return 'This API key is not valid here: it is mistyped, expired or revoked.'
    case 'ambiguous_credentials':
      return 'The request carries two different API keys. Send one, as "authorization: Bearer <key>" or as "x-api-key".'
    case 'too_many_attempts':
      return `Too many of these from this address or key within a minute. Try again in ${Math.ceil(error.retry_after_ms / 1000)} s.`
    case 'keys_unavailable':
      return `API keys cannot be checked at the moment: ${error.message}`
    case 'forbidden':
      return error.message
    case 'model_not_found':
      if (error.served_at?.length)
        return `The model "${shown(error.model)}" is not served at this endpoint, but at ${error.served_at.map(pathsOf).join(', ')}.`
      return `There is no model, target, group or policy named "${shown(error.model)}" here.${error.near.length ? ` Near: ${error.near.join(', ')}.` : ''} "auto" always works; GET /v1/models lists the rest.`
    case 'model_needed':
      return `Name a model: several may answer, and vectors of one cannot be compared with those of another. Such as ${error.near.join(', ')}.`
    case 'no_eligible_target':
      return `No target may answer this request: ${error.reasons.map(refusedFor).join(', ') || 'none is switched on'}. POST the same body to /v1/route for the reason of each.`
    case 'refused_by_policy':
      return `Refused by the policy's rule "${error.rule}": ${error.message}`
    case 'budget_exhausted':
      return `${overBudget(error)} It resets at ${new Date(error.resets_at_ms).toISOString()}.`
    case 'limit_reached':
      return overRate(error)
    case 'unusual_spend':
      return `Unusual spend: an hour of ${whose(error.account)} usually costs ${usd(error.usual_micros)}, this one would pass ${usd(error.at_most_micros)} (${usd(error.spent_micros)} spent or reserved). Until ${new Date(error.resets_at_ms).toISOString()}, or until an admin lifts it.`
    case 'request_under_way':
      return `A request with this idempotency-key is still under way (${error.decision_id}). It is done once; ask again for how it ended.`
    case 'already_answered':
      return `A request with this idempotency-key was answered before (${error.decision_id}), and its answer is not kept here. Use another key to have it done again.`
    case 'idempotency_key_reused':
      return `This idempotency-key came with another request before (${error.decision_id}). Use one key for one request, and the same body with it.`
    case 'accounting_unavailable':
      return 'The router cannot record this request right now and so does not answer it. Nothing was delivered; try again.'
    case 'policy_unavailable':
      return `The policy "${error.policy}" cannot be used: ${error.message}`
    case 'upstream_rejected':
      return `${error.target} refused the request: ${error.message}`
    case 'upstream_failed':
      return `${error.target} failed${error.status === null ? '' : ` with status ${error.status}`}: ${error.message}`
    case 'upstream_unavailable':
      return `No target can answer at the moment; try again in ${Math.ceil(error.retry_after_ms / 1000)} s. What went wrong first: ${wording(error.first)}`
    case 'upstream_unreachable':
      return `${error.target} could not be reached: ${error.message}`
    case 'upstream_silent':
      return `${error.target} was silent for ${seconds(error.limit_ms)} (${error.phase.replace('_', ' ')}).`
    case 'upstream_garbage':
      return `${error.target} sent something that is not an answer: ${error.message}`
    case 'upstream_truncated':
      return `The answer of ${error.target} broke off before its end: ${error.message}`
    case 'upstream_rate_limited':
      return `${error.target} is rate-limited and no other target could answer.${error.retry_after_ms === null ? '' : ` Try again in ${Math.ceil(error.retry_after_ms / 1000)} s.`}`
    case 'upstream_credential':
      return `${error.target} refused the router's credential. This is for the operator of this router to mend, not for you.`
    case 'own_key_refused':
      return `${error.target} refused the key that your organisation brought for it. Set a new one; the router's own is not used in its place.`
    case 'key_unusable':
      return `The key that your organisation brought for ${error.provider} cannot be opened here, and no call was made with it. Its operator has an alarm; setting the key anew mends it.`
    case 'decision_not_found':
      return `There is no decision "${shown(error.id)}" for this key. Decisions are kept for the retention period and shown to their own organisation only.`
    case 'admin_not_set_up':
      return `The admin API is closed: ${error.message}`
    case 'resource_not_found':
      return `There is no ${error.kind} "${shown(error.id)}" here.`
    case 'conflict':
      return error.message
    case 'policy_not_accepted':
      return `The policy "${shown(error.policy)}" was not taken: ${found(error.findings[0])}${error.findings.length > 1 ? ` (and ${error.findings.length - 1} more, in "findings")` : ''}`
    case 'audit_unavailable':
      return 'The audit log cannot be written right now, and nothing is changed without it. Try again.'
    case 'not_found':
      return `There is nothing at ${shown(error.path)}.${error.near.length ? ` Near: ${error.near.join(', ')}.` : ''}`
    case 'method_not_allowed':
      return `Use ${error.allowed.join(' or ')} here.`
    case 'caller_left':
      return 'The caller closed the connection.'
    case 'internal':
      return `The router failed. Its operator can find this by the reference ${error.reference}.`
  }
}

/** The field the caller should look at, where there is one. */
export function paramOf(error: GatewayError): string | null {
  switch (error.code) {
    case 'invalid_request':
      return error.param
    case 'model_not_found':
    case 'model_needed':
      return 'model'
    case 'upstream_rejected':
      return error.param
    case 'request_under_way':
    case 'already_answered':
    case 'idempotency_key_reused':
      return 'idempotency-key'
    default:
      return null
  }
}

/** What a status and headers would have said, for an error inside a stream whose own have left long ago. */
export function inBandFacts(error: GatewayError): { status: number; retry_after_ms?: Ms } {
  const wait_ms = 'retry_after_ms' in error ? error.retry_after_ms : null
  return { status: statusOf(error), ...(wait_ms != null && { retry_after_ms: Math.ceil(wait_ms) }) }
}

/** How long to wait, for a `Retry-After` header. */
export function retryAfterOf(error: GatewayError, now_ms: Ms): Ms | null {
  if ('retry_after_ms' in error) return error.retry_after_ms ?? null
  if ('resets_at_ms' in error) return Math.max(0, error.resets_at_ms - now_ms)
  // Storage that stumbled is mostly back within the second.
  if (error.code === 'accounting_unavailable') return 1_000
  return null
}
