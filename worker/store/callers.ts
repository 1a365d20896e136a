/**
 * Who is calling: from a request's headers to a caller, from this isolate's memory in the common case. A record is read from
 * KV once, kept for 30 s, and read again behind the requests before that time is over, so that a busy key never waits.
 *
 * Mistyped, unknown, revoked and expired keys are answered alike, and an unknown id costs the same HMAC as a known one.
 * A record is found by the key's public id, never by its secret.
 */
import { isInside, type Range, rangeOf } from '../core/addresses.ts'
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import { caller as callerSchema } from '../schema/caller.ts'
import type { Ms } from '../schema/units.ts'
import { type Attempts, attempts } from './attempts.ts'
import { KEY_CHARS, readKey } from './key-text.ts'
import { callerKey } from './keys.ts'
import { forgetLimits, type LimitedCaller, limited } from './org-limits.ts'
import { bytesOf, pepperNamed, secretHmac } from './secret-hmac.ts'

type Context = { waitUntil(promise: Promise<unknown>): void }
type Bindings = Pick<Env, 'KV'> & Partial<Pick<Env, 'FAILED_KEYS'>>
type Answer = Result<LimitedCaller, GatewayError>

/** A record is used for this long. With KV's own minute of delay, this bounds how long a revoked key goes on. */
export const CALLER_FRESH_MS: Ms = 30_000
/** From this age on it is read again behind the request. */
const CALLER_RENEW_MS: Ms = 20_000
/** While KV fails, a record that was good is believed for this long: an outage of KV must not be one of ours. */
export const CALLER_STALE_MS: Ms = 3_600_000
/** An id that is not there is remembered for this long, so that guessing costs no storage reads. */
export const UNKNOWN_ID_MS: Ms = 5_000
/** After a read that failed, or while one is under way. */
const TRY_AGAIN_MS: Ms = 5_000
/** A key that its usage object called revoked: until KV has told the same everywhere, which takes a minute. */
const REVOKED_MS: Ms = 90_000
/** While nothing is spent, the object is asked about a key so often at most. */
const ASK_AGAIN_MS: Ms = 1_000
/** Keys from one address in a minute that are none: a program with an old key stays below, a search for keys does not. */
export const FAILURES_AT_MOST = 30
/** Entries of each cache, about 10 MB at most; beyond, the oldest goes. */
const CACHED = 10_000
/** Longer credentials are no keys, and are not looked at. */
const HEADER_CHARS = KEY_CHARS + 'Bearer '.length + 16

type Known = {
  caller: LimitedCaller
  /** When KV last said so. */
  read_at_ms: Ms
  /** Used as it is until then, and read again behind the requests from `renew_at_ms` on. */
  fresh_until_ms: Ms
  renew_at_ms: Ms
  /** The secret that was checked against the record's HMAC. */
  secret: string | null
}

const known = new Map<string, Known>()
const unknown = new Map<string, Ms>()
/** When the usage object last said that a key is not revoked. */
const confirmed = new Map<string, Ms>()
let failures: Attempts | null = null

const INVALID: Answer = err({ code: 'invalid_key' })
const MISSING: Answer = err({ code: 'missing_key' })
const AMBIGUOUS: Answer = err({ code: 'ambiguous_credentials' })
const ELSEWHERE: Answer = err({ code: 'forbidden', message: 'This key may not be used from this address.' })
const NO_PEPPER: Answer = err({ code: 'keys_unavailable', message: 'the operator has to set KEY_PEPPER to 32 characters or more.' })
const NO_STORE: Answer = err({ code: 'keys_unavailable', message: 'their store does not answer. Try again in a moment.' })

/** Not a promise where the key is known to this isolate. */
export function authenticate(headers: Headers, env: Bindings, ctx: Context, now_ms: Ms): Answer | Promise<Answer> {
  const sent = credential(headers)
  if (typeof sent !== 'string') return sent
  const parts = readKey(sent)
  if (!parts) return INVALID
  const entry = known.get(parts.key_id)
  if (entry?.secret && now_ms <= entry.fresh_until_ms && isSame(entry.secret, parts.secret)) {
    if (now_ms >= entry.renew_at_ms) {
      entry.renew_at_ms = now_ms + TRY_AGAIN_MS
      ctx.waitUntil(read(parts.key_id, env, now_ms))
    }
    return valid(entry.caller, headers, now_ms)
  }
  return check(parts.key_id, parts.secret, headers, env, ctx, now_ms)
}

/** The one credential of a request. A query parameter is none: it would end up in logs. */
export function credential(headers: Headers): string | Answer {
  const authorization = headers.get('authorization')
  const api_key = headers.get('x-api-key')
  if (authorization === null) return api_key ?? MISSING
  if (authorization.length > HEADER_CHARS || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return INVALID
  const token = authorization.slice(7).trim()
  return api_key === null || api_key === token ? token : AMBIGUOUS
}

async function check(key_id: string, secret: string, headers: Headers, env: Bindings, ctx: Context, now_ms: Ms): Promise<Answer> {
  failures ??= attempts(FAILURES_AT_MOST, env.FAILED_KEYS)
  const address = addressOf(headers)
  const wait_ms = address === null ? null : failures.wait_ms(address, now_ms)
  if (wait_ms !== null) return err({ code: 'too_many_attempts', retry_after_ms: wait_ms })
  const variables = env as unknown as Record<string, unknown>
  const dummy = pepperNamed('1', variables)
  if (dummy === null) return NO_PEPPER
  let entry = known.get(key_id) ?? null
  if (!entry || now_ms > entry.fresh_until_ms) {
    const found = (unknown.get(key_id) ?? 0) > now_ms ? null : await read(key_id, env, now_ms)
    if (found === 'unreadable') {
      if (!entry || now_ms - entry.read_at_ms > CALLER_STALE_MS) return NO_STORE
      entry.fresh_until_ms = now_ms + TRY_AGAIN_MS
    } else entry = found
  }
  const pepper = entry ? pepperNamed(entry.caller.pepper, variables) : dummy
  if (pepper === null) return NO_PEPPER
  const digest = await secretHmac(pepper, secret)
  const expected = entry ? bytesOf(entry.caller.secret_hmac) : new Uint8Array(digest.length)
  if (!crypto.subtle.timingSafeEqual(digest, expected) || !entry) {
    if (address !== null) ctx.waitUntil(failures.count(address, now_ms))
    return INVALID
  }
  entry.secret = secret
  return valid(entry.caller, headers, now_ms)
}

/** Reads a record from KV into memory. A record that does not parse is one that is not there. */
async function read(key_id: string, env: Bindings, now_ms: Ms): Promise<Known | null | 'unreadable'> {
  let stored: unknown
  try {
    stored = await env.KV.get(callerKey(key_id), 'json')
  } catch (error) {
    // JSON that does not parse is the record's fault and final; anything else is KV's, and passes.
    if (!(error instanceof SyntaxError)) return 'unreadable'
    stored = null
  }
  const parsed = callerSchema.safeParse(stored)
  if (!parsed.success || parsed.data.key_id !== key_id) {
    known.delete(key_id)
    keep(unknown, key_id, now_ms + UNKNOWN_ID_MS)
    return null
  }
  let caller: LimitedCaller
  try {
    caller = await limited(parsed.data, env.KV, now_ms)
  } catch {
    // KV does not answer, or the record of its organisation's limits cannot be read: a key without its limits is not served.
    return 'unreadable'
  }
  const before = known.get(key_id)
  const secret = before?.caller.secret_hmac === parsed.data.secret_hmac ? before.secret : null
  const entry: Known = {
    caller,
    read_at_ms: now_ms,
    fresh_until_ms: now_ms + CALLER_FRESH_MS,
    renew_at_ms: now_ms + CALLER_RENEW_MS,
    secret,
  }
  keep(known, key_id, entry)
  return entry
}

/**
 * For what spends nothing, and so is not judged by the usage object: a key that was revoked is refused here within a second as well. The
 * object is asked once a second for a key and isolate at most. Where it does not answer nothing is shown.
 */
export async function stillGood(caller: LimitedCaller, env: Pick<Env, 'USAGE'>, now_ms: Ms): Promise<Answer> {
  const { key_id, org } = caller
  if ((confirmed.get(key_id) ?? 0) + ASK_AGAIN_MS > now_ms) return ok(caller)
  try {
    if ((await env.USAGE.getByName(org).revokedAt(key_id)) !== null) {
      forgetRevoked(key_id, now_ms)
      return INVALID
    }
  } catch {
    return NO_STORE
  }
  keep(confirmed, key_id, now_ms)
  return ok(caller)
}

/** As Cloudflare says it is, in a header that callers cannot set; null where a request did not come through its edge. */
export const addressOf = (headers: Headers): string | null => headers.get('cf-connecting-ip')

const ranges = new WeakMap<readonly string[], Range[]>()

function isAtHome(addresses: readonly string[], headers: Headers): boolean {
  let inside = ranges.get(addresses)
  if (!inside) {
    inside = addresses.map(rangeOf).filter(range => range !== null)
    ranges.set(addresses, inside)
  }
  return isInside(addressOf(headers) ?? '', inside)
}

function valid(caller: LimitedCaller, headers: Headers, now_ms: Ms): Answer {
  const over = (caller.expires_at_ms ?? Number.POSITIVE_INFINITY) <= now_ms || (caller.revoked_at_ms ?? Number.POSITIVE_INFINITY) <= now_ms
  if (over) return INVALID
  const { addresses } = caller.scopes
  return addresses === undefined || isAtHome(addresses, headers) ? ok(caller) : ELSEWHERE
}

/** Takes as long for a secret that differs at the start as for one that differs at the end. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let i = 0; i < one.length; i++) difference |= one.charCodeAt(i) ^ other.charCodeAt(i)
  return difference === 0
}

function keep<T>(cache: Map<string, T>, key: string, value: T): void {
  cache.delete(key)
  cache.set(key, value)
  if (cache.size > CACHED) cache.delete(cache.keys().next().value ?? key)
}

/** The organisation's usage object knows better than KV and this isolate's memory: the key is not looked up again for a while. */
export function forgetRevoked(key_id: string, now_ms: Ms): void {
  known.delete(key_id)
  confirmed.delete(key_id)
  keep(unknown, key_id, now_ms + REVOKED_MS)
}

/** For tests: what this isolate remembers is gone. */
export function forgetCallers(): void {
  known.clear()
  unknown.clear()
  confirmed.clear()
  failures = null
  forgetLimits()
}
