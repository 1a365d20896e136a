/**
 * What an `Idempotency-Key` comes to, and the answers that are kept for it.
 *
 * A key is worth something only together with the caller's own key, and stands for one request: the object is told hashes of both. Where a
 * policy keeps answers, one is sealed (AES-256-GCM) under a key made from the pepper and from what the caller sent: its key, its word and a
 * hash of its request. Of these the word is stored nowhere, so neither a copy of the storage nor the router itself can read the answer before
 * the same caller sends the same request again.
 */
import type { DecisionId, KeyId, OrgId } from '../schema/ids.ts'
import type { Ms } from '../schema/units.ts'
import { hex, newestPepper, pepperNamed, secretHmac } from './secret-hmac.ts'

/** As it was given the first time: `headers` are those that say what it is and how it was decided. */
export type KeptAnswer = { headers: Record<string, string>; body: Uint8Array }

/** Whose request is to be done once. `word` is what the caller wrote. */
export type Claim = { org: OrgId; key_id: KeyId; word: string; name: string; fingerprint: string }

type Bindings = Pick<Env, 'USAGE'>

/** The object is asked for nothing longer than this: without it the answer leaves all the same, and a repeated request is told so. */
const LIMIT_MS: Ms = 2_000
const NONCE_BYTES = 12
const LENGTH_BYTES = 4
const utf8 = new TextEncoder()

/** `path` belongs to what was asked: the same text at another endpoint is another request. */
export async function claimOf(
  word: string,
  { org, key_id }: { org: OrgId; key_id: KeyId },
  path: string,
  body: Uint8Array,
): Promise<Claim> {
  const [name, fingerprint] = await Promise.all([
    digest(utf8.encode(`${key_id}\n${word}`)),
    digest(concatenated(utf8.encode(`${path}\n`), body)),
  ])
  return { org, key_id, word, name, fingerprint }
}

/** Before the request is settled, as what is not under way any more keeps nothing. False where it is not kept. */
export async function keepForRepeats(env: Bindings, claim: Claim, decision_id: DecisionId, answer: KeptAnswer): Promise<boolean> {
  const newest = newestPepper(env as unknown as Record<string, unknown>)
  if (!newest) return false
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const sealed = await crypto.subtle.encrypt(
    parameters(nonce, decision_id),
    await keyFor(claim, newest.pepper),
    packed(answer) as BufferSource,
  )
  const kept = env.USAGE.getByName(claim.org).keepAnswer(claim.name, decision_id, {
    pepper: newest.name,
    nonce,
    sealed: new Uint8Array(sealed),
  })
  return inTime(kept, false)
}

/** Null where it is not there any more, or cannot be opened: its pepper may be gone. */
export async function keptForRepeats(env: Bindings, claim: Claim, decision_id: DecisionId): Promise<KeptAnswer | null> {
  const kept = await inTime(env.USAGE.getByName(claim.org).keptAnswer(claim.name), null)
  const pepper = kept && pepperNamed(kept.pepper, env as unknown as Record<string, unknown>)
  if (!kept || !pepper) return null
  try {
    const text = await crypto.subtle.decrypt(parameters(kept.nonce, decision_id), await keyFor(claim, pepper), kept.sealed as BufferSource)
    return unpacked(new Uint8Array(text))
  } catch {
    // What AES-GCM says of a text that was not made so is only that.
    return null
  }
}

const digest = async (bytes: Uint8Array) => hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource)))

const parameters = (nonce: Uint8Array, decision_id: DecisionId) => ({
  name: 'AES-GCM',
  iv: nonce as BufferSource,
  additionalData: utf8.encode(decision_id) as BufferSource,
})

/** A list as JSON has one reading only, whatever its texts hold. */
async function keyFor({ org, key_id, word, fingerprint }: Claim, pepper: string): Promise<CryptoKey> {
  const raw = await secretHmac(pepper, JSON.stringify(['signalbox kept answer', 1, org, key_id, word, fingerprint]))
  return crypto.subtle.importKey('raw', raw as BufferSource, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

function packed({ headers, body }: KeptAnswer): Uint8Array {
  const head = utf8.encode(JSON.stringify(headers))
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, head.byteLength)
  return concatenated(concatenated(length, head), body)
}

function unpacked(bytes: Uint8Array): KeptAnswer {
  const body_at = LENGTH_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  const headers = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, body_at))) as Record<string, string>
  return { headers, body: bytes.subarray(body_at) }
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength)
  both.set(first)
  both.set(second, first.byteLength)
  return both
}

async function inTime<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  const late = scheduler.wait(LIMIT_MS).then(() => otherwise)
  return Promise.race([answer.catch(() => otherwise), late])
}
