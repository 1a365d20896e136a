/**
 * What a target is sent. In the caller's own dialect that is the caller's own text, with `model` replaced and nothing else
 * touched; in another one it is written anew; at another endpoint than chat it is the caller's bytes, with the same change. Of
 * the caller's headers nothing is passed on but betas of its own format: what leaves is a list, made once per target, of content
 * type, credential and what the catalogue says.
 *
 * What a policy hides from the target leaves as placeholders; then the request is written anew in its own dialect, too.
 *
 * Fields that the target knows under another name are renamed and those it refuses left out, in either case; what that loses
 * was said when it was decided (`dialects/losses.ts`).
 */
import { fitTo } from '../core/decide/parameters.ts'
import type { LiveTarget } from '../core/decide/world.ts'
import { type JsonText, splice } from '../core/json-text.ts'
import { type Redaction, redacted } from '../core/understand/redact.ts'
import { withBetas } from '../dialects/betas.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { ChatRequest, Json, JsonObject } from '../schema/chat.ts'
import type { Tokens } from '../schema/units.ts'
import { framingOf } from '../stream/framing.ts'
import type { Call, Carrier, Credential } from './call.ts'
import type { Key } from './sign.ts'

export type Outbound = {
  url: string
  init: { method: string; headers: Record<string, string>; body: string | Uint8Array; redirect: 'manual' }
  /** What the call is signed with, where a header is not enough. */
  key: Key | null
  /** Usage was asked for by us and not by the caller. */
  drops_usage: boolean
  /** What was hidden from the target, to be brought back in its answer; null where nothing was. */
  redaction: Redaction | null
}

export function outbound(call: Call, target: LiveTarget, dialect: Dialect, carrier: Carrier): Outbound {
  const { request, json, passage, resumes } = call
  const credential = carrier.credential(target.provider)
  const key = credential === null || 'header' in credential ? null : credential
  const own_headers = headersFor(target, dialect, request.stream, credential, carrier.own?.pays(target.provider.id) === true)
  const headers = request.betas !== undefined && dialect.name === request.dialect ? withBetas(own_headers, request.betas) : own_headers
  if (passage !== undefined) {
    const init = {
      method: 'POST',
      headers: { ...headers, 'content-type': passage.content_type, accept: '*/*' },
      redirect: 'manual' as const,
    }
    return { url: target.chat_url, init: { ...init, body: passage.bodyFor(target) }, key, drops_usage: false, redaction: null }
  }
  const drops_usage = call.stream_usage === 'always' && request.stream && !request.stream_usage && dialect.request.askUsage !== undefined
  const redaction = hidden(call, target)
  const bound = boundOf(call, target)
  return {
    url: resumes?.by === 'continue' ? goingOnAt(target, request.stream) : request.stream ? target.stream_url : target.chat_url,
    init: {
      method: 'POST',
      headers,
      body:
        dialect.name === request.dialect && redaction === null && (resumes === undefined || resumes.by === 'restart')
          ? passed(json)
          : JSON.stringify(written(redaction?.request ?? request)),
      redirect: 'manual',
    },
    key,
    drops_usage,
    redaction,
  }

  function passed(json: JsonText): string {
    const usage = drops_usage ? dialect.request.askUsage?.(json.value) : undefined
    const addressed = dialect.request.in_address === undefined ? { model: target.target.model } : { model: undefined, stream: undefined }
    const set = bound === null ? usage : { ...usage, ...dialect.request.boundOutput?.(json.value, bound) }
    if (target.parameters === null) return splice(json, { ...set, ...addressed })
    const { edits } = fitTo(merged(json.value, set), target.parameters)
    return splice(json, { ...set, ...edits, ...addressed })
  }

  function written(told: ChatRequest): JsonObject {
    const asked = { ...told, ...(drops_usage && { stream_usage: true }), ...(bound !== null && { max_output_tokens: least(told, bound) }) }
    const { body } = dialect.request.write(asked, target.target.model, target.target.capability)
    if (resumes?.by === 'continue') markPrefill(body, target)
    if (target.parameters === null) return body
    const { edits } = fitTo(body, target.parameters)
    for (const field of Object.keys(edits)) {
      const value = edits[field]
      if (value === undefined) delete body[field]
      else body[field] = value
    }
    return body
  }
}

/** What of an answer's length the policy bounds, within what the target can; null where the caller's own word holds. */
function boundOf({ record }: Call, { target }: LiveTarget): Tokens | null {
  const { output_bound } = record.plan
  return output_bound === undefined ? null : Math.min(output_bound.tokens, target.capability.output_tokens)
}

/** An answer that is taken up has less left. */
const least = ({ max_output_tokens }: ChatRequest, bound: Tokens): Tokens => Math.min(max_output_tokens ?? bound, bound)

function merged(body: JsonObject, set: Record<string, Json | undefined> | undefined): JsonObject {
  const all: JsonObject = { ...body }
  for (const [field, value] of Object.entries(set ?? {})) {
    if (value === undefined) delete all[field]
    else all[field] = value
  }
  return all
}

function hidden({ hides, request, names }: Call, target: LiveTarget): Redaction | null {
  const types = hides?.(target) ?? null
  if (types === null) return null
  const redaction = redacted(request, types, names)
  return redaction.request === request ? null : redaction
}

/** Some formats go on from a trailing assistant message only where they are told to. */
function markPrefill(body: JsonObject, { provider: { prefill_with } }: LiveTarget): void {
  if (prefill_with === undefined) return
  Object.assign(body, prefill_with.body)
  const last = Array.isArray(body.messages) ? body.messages.at(-1) : undefined
  if (typeof last === 'object' && last !== null) Object.assign(last, prefill_with.message)
}

/** Some take such a request at another address, under the same base. */
function goingOnAt({ chat_url, stream_url, provider }: LiveTarget, stream: boolean): string {
  const path = provider.prefill_with?.path
  if (path !== undefined && chat_url.endsWith(provider.chat_path)) return chat_url.slice(0, -provider.chat_path.length) + path
  return stream ? stream_url : chat_url
}

type Prepared = { credential: string | null; whole: Record<string, string>; stream: Record<string, string> }

/** A target object lives as long as its compiled catalogue; with it go its headers. */
const prepared = new WeakMap<LiveTarget, Prepared>()

/** `own`: with a caller's own key, which is kept by nobody but whose it is. */
function headersFor(
  target: LiveTarget,
  dialect: Dialect,
  stream: boolean,
  credential: Credential | null,
  own: boolean,
): Record<string, string> {
  const carried = credential !== null && 'header' in credential ? credential : null
  let ready = own ? undefined : prepared.get(target)
  if (ready === undefined || ready.credential !== (carried?.value ?? null)) {
    const shared: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'signalbox', ...target.provider.headers }
    if (carried !== null) shared[carried.header] = carried.value
    ready = {
      credential: carried?.value ?? null,
      whole: { ...shared, accept: 'application/json' },
      stream: { ...shared, accept: framingOf(dialect).content_type },
    }
    if (!own) prepared.set(target, ready)
  }
  return stream ? ready.stream : ready.whole
}
