/**
 * A dialect is a wire format, read and written. One folder each, the same three files: `request.ts`, `reply.ts`,
 * `error.ts`. When caller and target speak the same dialect the caller's bytes pass through and only `observe` looks at
 * the reply; otherwise the neutral form of `schema/chat.ts` lies between.
 */
import type { GatewayError } from '../core/errors.ts'
import type { Result } from '../core/result.ts'
import type { Capability } from '../schema/catalogue.ts'
import type { ChatRequest, DialectName, Json, JsonObject, Loss, Reply, StreamEvent, TokenUsage } from '../schema/chat.ts'
import type { Ms, Tokens } from '../schema/units.ts'

import type { RateLimitHeaders } from './rate-limits.ts'

/** One event of a server-sent event stream, already framed. `data` is the joined data lines, `json` what they hold once somebody has asked. */
export type SseEvent = { event: string | null; data: string; json?: JsonObject | null }

/**
 * What has been seen of an answer so far: a fold over its events, cheap enough to run beside the bytes. It tells the
 * commit point (`content`), the end (`finish`, `terminated`), an error in band, and what was used.
 */
export type Observation = {
  /** A non-empty piece of text, reasoning, refusal or tool call was seen: the commit point. */
  content: boolean
  /** The provider's own word for why it ended, once seen. */
  finish_raw: string | null
  /** How many answers have said why they ended, told where a format has no terminator. */
  finishes?: number
  /** The stream's own terminator was seen: `[DONE]`, `message_stop`, `response.completed`. */
  terminated: boolean
  error: { status: number | null; code: string | null; message: string } | null
  /** What the target calls this answer, where its format lets a caller go on from it by that. */
  answer_id?: string
  usage: TokenUsage | null
  /** Characters of output seen, for an estimate where no usage is sent. */
  output_chars: number
  events: number
  malformed: number
  /** The newest event was malformed: a bad last event means truncated. */
  last_malformed: boolean
}

export const nothingSeen = (): Observation => ({
  content: false,
  finish_raw: null,
  terminated: false,
  error: null,
  usage: null,
  output_chars: 0,
  events: 0,
  malformed: 0,
  last_malformed: false,
})

/** What an upstream said when it refused: reduced to what we act on. `message` is sanitized and at most 200 characters. */
export type UpstreamError = {
  status: number
  code: string | null
  type: string | null
  param: string | null
  message: string
  kind: 'context_length' | 'content_filter' | 'quota' | 'model_gone' | 'other'
  /** When to come back, where the body says it and no header does. */
  retry_after_ms?: Ms
}

export type WrittenRequest = { body: JsonObject; losses: Loss[] }

/** What a writer must know of the target beside its model's name: formats that need a limit of output take the target's own where the caller set none. */
export type TargetFacts = Pick<Capability, 'output_tokens' | 'reasoning' | 'thinking_by' | 'model_fields'>

/** Turns neutral events into wire events, keeping whatever state the format needs between them. */
export type EventWriter = {
  write(event: StreamEvent): SseEvent[]
  /** What of the stream so far this format could not say. */
  losses?(): Loss[]
  /** The caller was sent this event by somebody else: what this one writes will have the same ids and go on with the same numbers. */
  follow?(event: SseEvent): void
}
/** Turns wire events into neutral ones. */
export type EventReader = { read(event: SseEvent): StreamEvent[] }

export type Dialect = {
  name: DialectName
  /**
   * Headers by which a caller asks its provider for what is not in the format yet. They go to targets of this format as they came, and
   * no other header does; on the way into another format each is a loss.
   */
  betas?: readonly string[]
  /** How much more may be asked, in headers beside an answer; absent where the format's providers do not say. */
  rate_limits?: RateLimitHeaders
  request: {
    /** Checks what is used and carries the rest. The error names the field and says what to change. */
    read(body: JsonObject): Result<ChatRequest, GatewayError>
    /** For a target that calls the model `model`. */
    write(request: ChatRequest, model: string, target?: TargetFacts): WrittenRequest
    /** The top-level members to set so that a stream reports what it used; absent where this format always does. */
    askUsage?(body: JsonObject): JsonObject
    /** The top-level members to set so that an answer has at most so many tokens. Of the formats that callers speak. */
    boundOutput?(body: JsonObject, tokens: Tokens): Record<string, Json | undefined>
    /** Members that stand in the address of a call and not in its body: who takes one puts them beside the others, who makes one leaves them out. */
    in_address?: readonly ['model', 'stream']
  }
  reply: {
    /** How the id of an answer begins in this format; empty where it has none. */
    id_prefix: string
    read(body: JsonObject): Result<Reply, string>
    write(reply: Reply): { body: JsonObject; losses: Loss[] }
    reader(): EventReader
    writer(): EventWriter
    /** Folds one event into what has been seen. Never throws; a bad event is counted. */
    observe(seen: Observation, event: SseEvent): void
    /** The same for a whole, non-streamed body. */
    observeWhole(seen: Observation, body: JsonObject): void
    /**
     * May a chunk of bytes be forwarded without parsing? True only where these bytes provably hold no finish, usage,
     * error or terminator: then only their length is looked at.
     */
    dull(chunk: Uint8Array): boolean
    /** What may stand between two events of a stream so that nobody takes the connection for dead; absent where clients stumble over it. */
    keep_alive?: Uint8Array
    /** What a whole stream ends in, where the reason to end is not the end itself. */
    terminator?: SseEvent
    /** How its streams are cut into events, where they are no server-sent events. */
    framing?: 'aws-event-stream'
  }
  error: {
    /** The error as this dialect's clients expect it. */
    write(error: GatewayError): JsonObject
    /** The same inside a stream that has begun, terminator included. */
    writeInBand(error: GatewayError): SseEvent[]
    /** An upstream's error body, whatever it holds. */
    read(status: number, body: string): UpstreamError
  }
}
