/**
 * Envelope encryption of providers' keys that callers bring: each record has a data key of its own, which seals the provider's key, and
 * the data key is wrapped under a master that is a secret of the Worker (AES-256-GCM both). To replace the master only the wrapping
 * is made anew; what was sealed stays as it is.
 *
 * Both layers are bound to whose key it is and for which provider (additional data), so a ciphertext that is copied into another
 * organisation's record opens nothing there. A nonce is random, 96 bits, and used under a data key once; under a master, once for
 * each record and rotation, which is far from the 2^32 at which random nonces begin to be a worry.
 */
import type { ProviderKey } from '../schema/provider-key.ts'
import { newestSecret, numberedSecret } from './numbered-secret.ts'
import { bytesOf, hex } from './secret-hmac.ts'

export const MASTER = 'PROVIDER_KEY_MASTER'
const NONCE_BYTES = 12
const KEY_BYTES = 32

type Variables = Record<string, unknown>
/** Whose, and for what. */
export type About = Pick<ProviderKey, 'id' | 'org' | 'team' | 'key_id' | 'provider'>
export type Sealed = Pick<ProviderKey, 'master' | 'wrapped' | 'sealed'>

const utf8 = new TextEncoder()
/** Masters of one Worker: the one in use, and the one before it while records are moved over. */
const derived = new Map<string, Promise<CryptoKey>>()

/** Null where there is no master. */
export async function seal(text: string, about: About, variables: Variables): Promise<Sealed | null> {
  const master = newestSecret(MASTER, variables)
  if (!master) return null
  const data_key = crypto.getRandomValues(new Uint8Array(KEY_BYTES))
  const [wrapped, sealed] = await Promise.all([
    encrypted(await masterKey(master.secret), data_key, bound('wrap', about)),
    encrypted(await imported(data_key), utf8.encode(text), bound('seal', about)),
  ])
  return { master: master.number, wrapped, sealed }
}

/** Null where it cannot be opened: another master, or a record that is not the one it was sealed for. */
export async function unseal({ sealed, ...record }: Sealed, about: About, variables: Variables): Promise<string | null> {
  const data_key = await dataKey(record, about, variables)
  if (!data_key) return null
  const text = await decrypted(await imported(data_key), sealed, bound('seal', about))
  return text && new TextDecoder().decode(text)
}

/** The same under the newest master. Null where it cannot be opened. */
export async function rewrapped(record: Sealed, about: About, variables: Variables): Promise<Sealed | null> {
  const master = newestSecret(MASTER, variables)
  const data_key = master && (await dataKey(record, about, variables))
  if (!master || !data_key) return null
  const wrapped = await encrypted(await masterKey(master.secret), data_key, bound('wrap', about))
  return { master: master.number, wrapped, sealed: record.sealed }
}

async function dataKey({ master, wrapped }: Omit<Sealed, 'sealed'>, about: About, variables: Variables): Promise<Uint8Array | null> {
  const secret = numberedSecret(MASTER, master, variables)
  return secret === null ? null : decrypted(await masterKey(secret), wrapped, bound('wrap', about))
}

/** A list as JSON has one reading only, whatever its texts hold. */
const bound = (layer: 'wrap' | 'seal', { id, org, team, key_id, provider }: About): Uint8Array =>
  utf8.encode(JSON.stringify(['signalbox provider key', 1, layer, id, org, team, key_id, provider]))

function masterKey(secret: string): Promise<CryptoKey> {
  let key = derived.get(secret)
  if (!key) {
    key = crypto.subtle
      .importKey('raw', utf8.encode(secret), 'HKDF', false, ['deriveKey'])
      .then(raw =>
        crypto.subtle.deriveKey(
          { name: 'HKDF', hash: 'SHA-256', salt: utf8.encode('signalbox'), info: utf8.encode('provider key master') },
          raw,
          { name: 'AES-GCM', length: 8 * KEY_BYTES },
          false,
          ['encrypt', 'decrypt'],
        ),
      )
    derived.set(secret, key)
  }
  return key
}

const imported = (bytes: Uint8Array): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', bytes as BufferSource, 'AES-GCM', false, ['encrypt', 'decrypt'])

async function encrypted(key: CryptoKey, bytes: Uint8Array, additionalData: Uint8Array): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, key, bytes as BufferSource)
  return hex(iv) + hex(new Uint8Array(ciphertext))
}

async function decrypted(key: CryptoKey, text: string, additionalData: Uint8Array): Promise<Uint8Array | null> {
  const bytes = bytesOf(text)
  const iv = bytes.subarray(0, NONCE_BYTES)
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, key, bytes.subarray(NONCE_BYTES)))
  } catch {
    // What AES-GCM says of a text that was not made so is only that.
    return null
  }
}
