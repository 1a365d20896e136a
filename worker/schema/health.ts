/**
 * What an attempt told about its target, and what the fleet knows of every target from such reports.
 */
import type { SizeClass } from './features.ts'
import type { HealthRules } from './health-rules.ts'
import type { DecisionId, TargetId } from './ids.ts'
import type { Ms } from './units.ts'

/**
 * How an attempt ended, seen as evidence about the target.
 *
 * ok: a complete answer, however it finished · connection: refused, reset before headers, DNS, TLS · server: 5xx, or the same in band ·
 * late: no first token yet at the time it usually has one, or, with a `first_token_ms`, that it is here now · timeout: a deadline passed · truncated: the stream ended without a terminator ·
 * garbage: 200 with no answer in it · rate: 429 or quota · auth: our credential was refused · gone: the model does not exist there ·
 * client: the request's own fault · cancelled: we or the caller went away.
 */
export const OUTCOME_CLASSES = [
  'ok',
  'connection',
  'server',
  'late',
  'timeout',
  'truncated',
  'garbage',
  'rate',
  'auth',
  'gone',
  'client',
  'cancelled',
] as const
export type OutcomeClass = (typeof OUTCOME_CLASSES)[number]

export type Outcome = {
  target: TargetId
  class: OutcomeClass
  decision_id: DecisionId
  /** The budget owner, so that one tenant's evidence can be capped. */
  org: string
  size: SizeClass
  sent_at_ms: Ms
  at_ms: Ms
  first_token_ms: Ms | null
  /** There was no first token within this time, and then the call was closed for another's sake: it would have taken longer. Absent otherwise. */
  waited_ms?: Ms
  tokens_per_second: number | null
  /** How long the provider asked to be left alone, already parsed and bounded. */
  retry_after_ms: Ms | null
  /** Held a probe lease for an open target. */
  probe: boolean
}

/** `closed`: requests flow. `open`: left alone until `until_ms`. `probing`: one request at a time. `ramp`: some. `isolated`: by hand. */
export type BreakerState = 'closed' | 'open' | 'probing' | 'ramp' | 'isolated'

/** One target's health at one moment, small enough to ride on every report's reply. */
export type TargetHealth = {
  state: BreakerState
  /** When an open target may be probed. */
  until_ms: Ms | null
  /** Rate-limited until; orthogonal to `state`. */
  limited_until_ms: Ms | null
  /** Our credential was refused there; nothing is sent until it changes or this passes. */
  auth_broken_until_ms: Ms | null
  /** Share of requests let through while ramping, 0..1. */
  ramp_share: number
  /** Recent failure share while requests flow, 0..1; null with no evidence. */
  error_rate: number | null
  /** Decayed mean of ln(first token ms) by prompt size class; null where nothing was measured. */
  ln_first_token_ms: Record<SizeClass, number | null>
  /** By when 99 of 100 first tokens are there; absent in what an older object sends. */
  first_token_p99_ms?: Record<SizeClass, Ms | null>
  /** Chance of a cold start by how long it was idle (`core/health/readiness.ts`), and what that adds; null where nothing was learned. */
  waking?: { chances: number[]; cold_ms: Ms } | null
  ln_tokens_per_second: number | null
  slow: boolean
  /** When it last answered; drives readiness of targets that sleep. */
  last_ok_at_ms: Ms | null
  samples: number
}

/** `rules`: those by which its targets are judged, where they are not the usual ones; whoever is given it judges by them too. */
export type HealthSnapshot = { v: 1; taken_at_ms: Ms; targets: Record<TargetId, TargetHealth>; rules?: HealthRules }

export const NO_HEALTH: HealthSnapshot = { v: 1, taken_at_ms: 0, targets: {} }

/**
 * What an isolate sends. Its outcomes are numbered one after another, `from` is the number of the first one here: a report whose
 * reply was lost is sent again with the same numbers, and counts once. `seq` is the report's own running number, by which an object
 * goes that is sent no `from`. `uses_probe`: leases on which a request has set out.
 */
export type HealthReport = {
  v: 1
  isolate: string
  /** Where it is asked; absent from those that know one object only. */
  region?: string
  seq: number
  from?: number
  outcomes: Outcome[]
  wants_probe: TargetId[]
  uses_probe?: TargetId[]
  /** How many requests have begun since the last report, whatever became of them. */
  begun?: number
  /** Of a relay: how many reports it was told since its last one, and how many relays it knows of. */
  calls?: number
  relays?: Relays
}
/** Relays between a region's isolates and its object, none where there are few calls; of two such numbers the later one holds. */
export type Relays = { count: number; since_ms: Ms }
/** `relays`: whom to tell from now on; absent in what an older object sends. */
export type HealthReply = { v: 1; snapshot: HealthSnapshot; probes: TargetId[]; relays?: Relays }

/** What an isolate leaves in its data centre for the others there, and when it had it from the object, by its own clock. */
export type NearbyHealth = { v: 1; got_at_ms: Ms; snapshot: HealthSnapshot; relays: Relays }
