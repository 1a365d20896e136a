/**
 * The HMAC that stands for a key's secret wherever it is stored. Its pepper is a secret of the Worker, so that a copy of KV
 * alone cannot even be checked against keys found in a log. A random 256-bit secret needs no slow derivation.
 */

import { newestSecret, numberedSecret, SECRET_CHARS_AT_LEAST } from './numbered-secret.ts'

/** Fewer, and the stored HMACs would be worth no more than plain hashes. */
export const PEPPER_CHARS_AT_LEAST = SECRET_CHARS_AT_LEAST

/** Peppers of one Worker: the one in use, and the one before it while keys are moved over. */
const imported = new Map<string, Promise<CryptoKey>>()

/** The pepper that a caller's record names: `1` is `KEY_PEPPER`, `2` is `KEY_PEPPER_2`, and so on. Null where it is missing or too short. */
export const pepperNamed = (name: string, variables: Record<string, unknown>): string | null =>
  numberedSecret('KEY_PEPPER', name, variables)

/** The pepper that new keys are stored under: the one with the highest number. Null where there is none. */
export function newestPepper(variables: Record<string, unknown>): { name: string; pepper: string } | null {
  const newest = newestSecret('KEY_PEPPER', variables)
  return newest && { name: newest.number, pepper: newest.secret }
}

/** 32 bytes. */
export async function secretHmac(pepper: string, secret: string): Promise<Uint8Array> {
  let key = imported.get(pepper)
  if (!key) {
    key = crypto.subtle.importKey('raw', new TextEncoder().encode(pepper), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    imported.set(pepper, key)
  }
  return new Uint8Array(await crypto.subtle.sign('HMAC', await key, new TextEncoder().encode(secret)))
}

export const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

/** The bytes of digits as `hex` writes them. */
export const bytesOf = (digits: string): Uint8Array =>
  Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
