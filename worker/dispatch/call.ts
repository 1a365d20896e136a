/**
 * What dispatch is given, and what it gives back.
 */
import type { Hides } from '../core/decide/hiding.ts'
import type { LiveTarget } from '../core/decide/world.ts'
import type { GatewayError } from '../core/errors.ts'
import type { JsonText } from '../core/json-text.ts'
import type { NameTable } from '../core/understand/name-table.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { EndpointForm } from '../dialects/passed-endpoints.ts'
import type { Provider } from '../schema/catalogue.ts'
import type { ChatRequest, DialectName, Loss, TokenUsage } from '../schema/chat.ts'
import type { DecisionRecord } from '../schema/decision.ts'
import type { Outcome } from '../schema/health.ts'
import type { ProviderId, TargetId } from '../schema/ids.ts'
import type { Policy, Rescue } from '../schema/policy.ts'
import type { Ms } from '../schema/units.ts'
import type { AttemptRecord, UsageOutcome } from '../schema/usage.ts'
import type { Resumption } from '../stream/resume.ts'
import type { Outlet } from '../stream/tap.ts'
import type { Allowance } from './allowance.ts'
import type { Effects } from './effects.ts'
import type { Key } from './sign.ts'

/** A body that goes through as it came, but for the model's name. */
export type Passage = {
  endpoint: EndpointForm
  content_type: string
  bodyFor(target: LiveTarget): string | Uint8Array
}

/** What goes to a target: a chat request, passed on or written anew, or a body of another endpoint. */
export type Carries = { json: JsonText; passage?: undefined } | { json?: undefined; passage: Passage }

/** One request, decided. */
export type Call = Carries & {
  /** The caller's. */
  dialect: Dialect
  request: ChatRequest
  record: DecisionRecord
  /** What is hidden from a target, by policy; absent where nothing is hidden from anybody. */
  hides?: Hides
  /** By which names are told, where something is hidden. */
  names?: NameTable | null
  /** What of the request is lost on the way to a target; asked of others than the chosen one only where they answered. */
  losses(target: LiveTarget): Loss[]
  stream_usage: Policy['stream_usage']
  started_at_ms: Ms
  /** Aborts when the caller goes away. */
  gone: AbortSignal
  /** Is shown each piece of a streamed answer as it leaves; absent where nobody keeps it. */
  copy?: (bytes: Uint8Array) => void
  /** This call takes up an answer that broke off. Its request is not the caller's own text any more where it shows what was said. */
  resumes?: Resumption & { by: Rescue['by'][number] }
}

/** What a call says who is calling with: a header, or a key that signs it. */
export type Credential = { header: string; value: string } | Key

/** What a call needs of the isolate it runs in. */
export type Carrier = {
  effects: Effects
  target(id: TargetId): LiveTarget | undefined
  dialect(name: DialectName): Dialect | undefined
  credential(provider: Provider): Credential | null
  /** Providers that the caller pays itself, with a key of its own, which may have turned out unusable; absent where there is none. */
  own?: { pays(provider: ProviderId): boolean; usable(provider: ProviderId): boolean }
  /** The headers that sign a call; a parameter because it waits, and waiting is the world's. */
  sign(url: string, body: string | Uint8Array, key: Key, now_ms: Ms): Promise<Record<string, string>>
  report(outcome: Outcome): void
  /** How long until the gate of a target lets a call through again; null where it is not shut. Asked only where nobody answered. */
  opensInMs?(target: TargetId, now_ms: Ms): Ms | null
  /** Repeated calls by target, over all requests of the isolate. */
  retries: Allowance
  /** Second calls for late first tokens, over all requests of the isolate. */
  hedges: Allowance
  waitUntil(promise: Promise<unknown>): void
}

/** How a request ended; all that its usage row needs. */
export type Ended = {
  outcome: UsageOutcome
  /** Who answered; null where nobody did. */
  target: TargetId | null
  /** The status that the caller was sent. */
  status: number
  error: GatewayError | null
  finish_reason: string | null
  usage: TokenUsage
  usage_estimated: boolean
  attempts: AttemptRecord[]
  /** What of the answer the caller's format could not say. */
  losses: Loss[]
  /** By what the target calls its answer, where it can be gone on from by that and the caller got it unchanged. */
  answer_id?: string
  /** To go with the error, where the target that it is about said how much more it takes. */
  headers: Record<string, string>
  /** Since the request began. */
  first_token_ms: Ms | null
  total_ms: Ms
}

/** An answer that is ready to leave. Not a byte of it has: the one who holds it says when. */
export type Carried = {
  target: LiveTarget
  status: number
  headers: Record<string, string>
  /** Calls made so far. */
  attempts: number
  /** What of the answer so far the caller's format could not say: of a stream, what had to be held back before its first token. */
  losses(): Loss[]
  /** Lets the answer go. `ended` is known at once of a whole answer; of a stream it resolves once, when all of it was delivered or it broke off. */
  release(): { body: BodyInit | null; ended: Ended | Promise<Ended> }
  /** The same into a stream that the caller has already. */
  releaseInto(outlet: Outlet): Promise<Ended>
  /** Drops the answer: the caller gets this error instead. */
  abandon(error: GatewayError): Ended
}
