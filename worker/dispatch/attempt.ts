/**
 * One call to one target: sent, waited for under its deadlines, and looked at until it is known whether there is an answer.
 * A status is not believed on its own: a 200 may hold an error page, an error in JSON, nothing at all, or an answer in the
 * other form than the one asked for, which is turned into the one that was.
 *
 * A deadline for the first token counts from the moment of sending, so a target that is silent from the start and one that is
 * silent after its headers are left at the same time.
 */
import type { Redaction } from '../core/understand/redact.ts'
import { answerId } from '../dialects/answer-id.ts'
import type { Dialect, Observation, UpstreamError } from '../dialects/dialect.ts'
import { eventsOf, replyOf } from '../dialects/fold.ts'
import { readPassedUsage } from '../dialects/passed-usage.ts'
import { sanitized } from '../dialects/upstream-text.ts'
import type { JsonObject, Loss, StreamEvent } from '../schema/chat.ts'
import type { PlanStep } from '../schema/decision.ts'
import type { Ms } from '../schema/units.ts'
import { type ChunkReader, chunksOf } from '../stream/chunks.ts'
import { framingOf } from '../stream/framing.ts'
import type { Guard, Interruption } from '../stream/guard.ts'
import { passage } from '../stream/passage.ts'
import { peek } from '../stream/peek.ts'
import { type Naming, named, type Relay, relay } from '../stream/relay.ts'
import { encodeEvents } from '../stream/sse.ts'
import { discard, ERROR_AT_MOST, readBody, WHOLE_AT_MOST } from './body.ts'
import type { Call, Carrier } from './call.ts'
import type { Happening } from './classify.ts'
import { CHARS_PER_TOKEN } from './ended.ts'
import { outbound } from './outbound.ts'
import { RETRY_AFTER_AT_MOST_MS, retryAfter, retryHint } from './retry-after.ts'
import { close, type Trial } from './trial.ts'

export type Answer =
  /** All of it is here. `form` is what the caller gets. */
  | { kind: 'whole'; form: 'json' | 'events'; body: Uint8Array | string; losses: Loss[] }
  /** It has begun: the first content is in `relay`, the rest comes from `reader`. */
  | { kind: 'stream'; reader: ChunkReader; relay: Relay; content_type: string | null }

export type Attempted = { ok: true; answer: Answer } | { ok: false; happening: Happening }

const failed = (happening: Happening): Attempted => ({ ok: false, happening })
const garbage = (message: string) => failed({ what: 'garbage', message })

export async function attempt(call: Call, trial: Trial, step: PlanStep, guard: Guard, carrier: Carrier): Promise<Attempted> {
  const { target } = trial
  const { stream } = call.request
  const dialect = carrier.dialect(target.provider.dialect)
  if (dialect === undefined) return garbage('its format is not one this router can write')
  if (carrier.own?.pays(target.provider.id)) {
    trial.own_key = true
    if (!carrier.own.usable(target.provider.id)) return failed({ what: 'key_unusable', provider: target.provider.id })
  }
  const { url, init, key, drops_usage, redaction } = outbound(call, target, dialect, carrier)
  if (redaction !== null) trial.redacted = redaction.counts
  const connection = new AbortController()
  trial.connection = connection

  guard.allow('headers', stream ? Math.min(step.headers_ms, step.first_token_ms) : step.headers_ms)
  const send = (signed?: Record<string, string>) =>
    carrier.effects.fetch(target.provider.transport, url, {
      ...init,
      signal: connection.signal,
      ...(signed && { headers: { ...init.headers, ...signed } }),
    })
  let response: Response
  try {
    const sent = key === null ? send() : carrier.sign(url, init.body, key, carrier.effects.nowMs()).then(send)
    const waited = await guard.wait(sent)
    if (!waited.done) return interrupted(trial, waited.interruption)
    response = waited.value
  } catch (problem) {
    trial.detail = sanitized(problem instanceof Error ? problem.message : String(problem))
    return failed({ what: 'unreachable', message: 'the connection failed before an answer came' })
  }
  const now_ms = carrier.effects.nowMs()
  trial.headers_at_ms = now_ms
  trial.status = response.status
  trial.headers = response.headers
  trial.response = response

  const { status } = response
  if (status >= 300 && status < 400) {
    discard(response)
    return failed({ what: 'redirected', status })
  }
  if (status >= 400) return refusal(response, trial, dialect, guard, now_ms)
  if (status === 204 || status === 205 || status === 206 || status < 200) {
    discard(response)
    return garbage(`status ${status}, which no answer has`)
  }
  const content_type = response.headers.get('content-type') ?? ''
  if (content_type.includes('html')) {
    discard(response)
    return garbage('an HTML page')
  }
  if (call.passage !== undefined) {
    guard.allow('first_token', Math.max(0, trial.sent_at_ms + step.first_token_ms - now_ms))
    const { pays, stream_end } = call.passage.endpoint
    const form = content_type.includes('json') ? 'json' : content_type.includes('event-stream') ? 'events' : 'bytes'
    const flow = passage({ form, readUsage: raw => readPassedUsage(raw, pays !== 'input'), stream_end })
    return begun(trial, response, flow, dialect, guard, carrier, safeType(content_type))
  }
  if (stream && !content_type.includes('json')) {
    guard.allow('first_token', Math.max(0, trial.sent_at_ms + step.first_token_ms - now_ms))
    return streamed(call, trial, response, dialect, guard, drops_usage, redaction, carrier)
  }
  return whole(call, trial, response, dialect, guard, content_type.includes(framingOf(dialect).content_type), redaction)
}

function interrupted(trial: Trial, interruption: Interruption): Attempted {
  close(trial)
  if (interruption.by === 'caller') return failed({ what: 'left' })
  return failed({ what: 'silent', phase: interruption.phase, limit_ms: interruption.limit_ms })
}

async function refusal(response: Response, trial: Trial, dialect: Dialect, guard: Guard, now_ms: Ms): Promise<Attempted> {
  const retry_after_ms = retryAfter(response.headers, now_ms)
  const body = await readBody(response, guard, ERROR_AT_MOST)
  if (body.got === 'interrupted') {
    close(trial)
    if (body.interruption.by === 'caller') return failed({ what: 'left' })
  }
  // The status is verdict enough where the words cannot be had.
  const text = body.got === 'bytes' ? new TextDecoder().decode(body.bytes) : ''
  const error = dialect.error.read(response.status, text)
  trial.detail = error.code === null ? error.message : `${error.code}: ${error.message}`
  const named_ms = retry_after_ms ?? waitIn(error) ?? (mayHint(error.status) ? retryHint(text) : null)
  return failed({ what: 'refused', error, retry_after_ms: named_ms, own_key: trial.own_key })
}

/** A refusal for the moment: what else speaks of trying again may quote the prompt. */
const mayHint = (status: number) => status === 429 || status === 503 || status === 529

/** Some formats say in the body when to come back. */
const waitIn = ({ retry_after_ms }: UpstreamError) =>
  retry_after_ms === undefined ? null : Math.min(retry_after_ms, RETRY_AFTER_AT_MOST_MS)

async function streamed(
  call: Call,
  trial: Trial,
  response: Response,
  from: Dialect,
  guard: Guard,
  asked_for_usage: boolean,
  redaction: Redaction | null,
  carrier: Carrier,
): Promise<Attempted> {
  const { stream_usage, choices } = call.request
  const { resumes } = call
  const { rescue } = call.record.plan
  // Of another format, counts may come unasked; the caller gets those it asked for.
  const passes = from.name === call.dialect.name && resumes === undefined && redaction === null
  const drop_usage = passes ? asked_for_usage : !stream_usage
  const flow = relay({
    from,
    to: call.dialect,
    drop_usage,
    choices,
    ...(from.name !== call.dialect.name && { naming: namingOf(call, trial, from) }),
    ...(redaction !== null && { restorer: redaction.restorer() }),
    ...(resumes !== undefined ? { resumes } : rescue !== undefined && { keeps_chars: rescue.text_at_most_tokens * CHARS_PER_TOKEN }),
  })
  return begun(trial, response, flow, from, guard, carrier, null)
}

/** What an answer is called is passed on where it is a type and nothing else. */
const safeType = (type: string) =>
  /^[a-z0-9!#$&^_.+-]{1,60}\/[a-z0-9!#$&^_.+-]{1,60}(;[ -~]{0,100})?$/i.test(type) ? type : 'application/octet-stream'

/** Waits for the commit point of an answer that comes in pieces. */
async function begun(
  trial: Trial,
  response: Response,
  flow: Relay,
  from: Dialect,
  guard: Guard,
  carrier: Carrier,
  content_type: string | null,
): Promise<Attempted> {
  if (response.body === null) return garbage('an empty answer')
  const reader = chunksOf(response.body)
  trial.seen = flow.seen
  trial.reader = reader
  const peeked = await peek(reader, flow, guard)
  if (peeked.outcome === 'committed') {
    if (flow.seen.content) trial.first_token_at_ms = carrier.effects.nowMs()
    return { ok: true, answer: { kind: 'stream', reader, relay: flow, content_type } }
  }
  if (peeked.outcome === 'interrupted') return interrupted(trial, peeked.interruption)
  close(trial)
  switch (peeked.outcome) {
    case 'error':
      return hidden(trial, from)
    case 'cut':
      trial.detail = sanitized(peeked.message)
      return failed({ what: 'truncated', message: 'the connection broke before its first token' })
    case 'empty':
      return garbage('an empty answer')
    case 'silent':
      return garbage('a stream that ended without content or a reason to end')
    case 'garbage':
      return garbage('a stream without events that could be read')
  }
}

/** An error told inside a 200: taken for what it would have been as a status. */
function hidden(trial: Trial, dialect: Dialect): Attempted {
  const error = inBand(trial.seen, dialect)
  trial.detail = `in a 200: ${error.code === null ? '' : `${error.code}: `}${error.message}`
  const retry_after_ms = mayHint(error.status) ? retryHint(error.message) : null
  return failed({ what: 'refused', error, retry_after_ms, own_key: trial.own_key })
}

/** Words by which providers name a passing overload where they send no number. */
const OVERLOADED = ['overloaded', 'unavailable', 'capacity', 'timeout']

export function inBand(seen: Observation, dialect: Dialect) {
  const { status, code, message } = seen.error ?? { status: null, code: null, message: 'an error without a message' }
  const said = dialect.error.read(status ?? 500, JSON.stringify({ error: { code, message } }))
  if (status !== null) return said
  if (said.kind === 'context_length' || said.kind === 'content_filter') return { ...said, status: 400 }
  const words = `${code ?? ''} ${message}`.toLowerCase()
  if (said.kind === 'quota' || words.includes('rate_limit') || words.includes('rate limit')) return { ...said, status: 429 }
  return { ...said, status: OVERLOADED.some(word => words.includes(word)) ? 503 : 500 }
}

async function whole(
  call: Call,
  trial: Trial,
  response: Response,
  from: Dialect,
  guard: Guard,
  is_stream: boolean,
  redaction: Redaction | null,
): Promise<Attempted> {
  const body = await readBody(response, guard, WHOLE_AT_MOST)
  if (body.got === 'interrupted') return interrupted(trial, body.interruption)
  if (body.got === 'too_much') {
    close(trial)
    return garbage(`an answer of more than ${WHOLE_AT_MOST} bytes`)
  }
  if (body.got === 'cut') return failed({ what: 'truncated', message: 'the connection broke in the middle of its answer' })
  if (body.bytes.length === 0) return garbage('an empty answer')
  return is_stream ? foldedAnswer(call, trial, body.bytes, from, redaction) : jsonAnswer(call, trial, body.bytes, from, redaction)
}

function jsonAnswer(call: Call, trial: Trial, bytes: Uint8Array, from: Dialect, redaction: Redaction | null): Attempted {
  const sent = parsed(bytes)
  if (sent === null) return garbage('an answer that is not a JSON object')
  const { seen } = trial
  from.reply.observeWhole(seen, sent)
  if (seen.error !== null) return hidden(trial, from)
  if (!seen.terminated) return garbage('JSON with no answer in it')
  if (!seen.content && seen.finish_raw === null) return garbage('an answer without content or a reason to end')
  const value = redaction === null ? sent : redaction.restored(sent)
  if (!call.request.stream && from.name === call.dialect.name)
    return { ok: true, answer: { kind: 'whole', form: 'json', body: redaction === null ? bytes : JSON.stringify(value), losses: [] } }
  const reply = from.reply.read(value)
  if (!reply.ok) return garbage(reply.error)
  const answer = named(reply.value, namingOf(call, trial, from))
  return call.request.stream ? asEvents(call, eventsOf(answer)) : asJson(call, answer)
}

/** A stream where a whole answer was asked for: gathered into one. */
function foldedAnswer(call: Call, trial: Trial, bytes: Uint8Array, from: Dialect, redaction: Redaction | null): Attempted {
  const { seen } = trial
  const reader = from.reply.reader()
  const restorer = redaction?.restorer()
  const events: StreamEvent[] = []
  const framing = framingOf(from)
  const parser = framing.parser(event => {
    if (seen.terminated || seen.error !== null) return
    from.reply.observe(seen, event)
    for (const neutral of reader.read(event)) events.push(...(restorer?.follow(neutral) ?? [neutral]))
  })
  const cut = framing.frames()
  cut.push(bytes, frame => parser.push(frame))
  parser.push(cut.rest() ?? NOTHING)
  parser.end()
  if (seen.error !== null) return hidden(trial, from)
  if (seen.events === seen.malformed) return garbage('a stream without events that could be read')
  if (seen.finish_raw === null) return failed({ what: 'truncated', message: 'its stream ended without a reason to end' })
  return asJson(call, named(replyOf(events), namingOf(call, trial, from)))
}

/** An answer of another format gets an id as the caller knows them. Some formats name not even the model: then the target does. */
const namingOf = ({ dialect, record }: Call, { target, sent_at_ms }: Trial, from: Dialect): Naming => ({
  id: answerId(dialect, record.decision_id),
  renames: from.name !== dialect.name,
  model: target.target.model,
  created_at_s: Math.floor(sent_at_ms / 1_000),
})

function asJson(call: Call, reply: ReturnType<typeof replyOf>): Attempted {
  const { body, losses } = call.dialect.reply.write(reply)
  return { ok: true, answer: { kind: 'whole', form: 'json', body: JSON.stringify(body), losses } }
}

function asEvents(call: Call, events: StreamEvent[]): Attempted {
  const writer = call.dialect.reply.writer()
  const told = call.request.stream_usage ? events : events.filter(event => event.type !== 'usage')
  const body = encodeEvents(told.flatMap(event => writer.write(event)))
  return { ok: true, answer: { kind: 'whole', form: 'events', body, losses: writer.losses?.() ?? [] } }
}

const NOTHING = new Uint8Array(0)
const UTF8 = new TextDecoder()

function parsed(bytes: Uint8Array): JsonObject | null {
  try {
    const value: unknown = JSON.parse(UTF8.decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null
  }
}
