/**
 * A bearer token by a Google service account: a JWT that the account's key signs for one service, taken by Google's APIs as it is
 * (google.aip.dev/auth/4111, self-signed JWT; developers.google.com/identity/protocols/oauth2/service-account, "authorization
 * without OAuth"; both read 2026-11). The other way, to have it changed for a token of Google's, was left: it is one more call
 * that can fail, and in an isolate one request cannot wait for another's.
 *
 * Signing takes about a millisecond, so that a token is kept for most of its hour.
 */
import { importPKCS8, SignJWT } from 'jose'
import type { ServiceAccount } from '../core/decide/service-account.ts'
import type { Ms } from '../schema/units.ts'

export type AccountKey = ServiceAccount & { audience: string }

/** Google takes no token that lives longer. */
const LIVES_S = 3_600
/** Made anew this long before its end: no call under way outlives it, and clocks may differ. */
const SPARE_MS: Ms = 300_000
/** Tokens kept; an operator has a handful of accounts, and a changed key leaves its old one behind. */
const KEPT_AT_MOST = 16
const kept = new Map<string, { token: string; private_key: string; until_ms: Ms }>()

/** The header that carries it. Rejects where the key is no key. */
export async function bearer(account: AccountKey, now_ms: Ms): Promise<Record<string, string>> {
  const { email, key_id, private_key, audience } = account
  const name = `${key_id}\n${email}\n${audience}`
  const known = kept.get(name)
  if (known !== undefined && known.private_key === private_key && now_ms < known.until_ms) return { authorization: `Bearer ${known.token}` }
  const issued_s = Math.floor(now_ms / 1_000)
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(key_id !== '' && { kid: key_id }) })
    .setIssuer(email)
    .setSubject(email)
    .setAudience(audience)
    .setIssuedAt(issued_s)
    .setExpirationTime(issued_s + LIVES_S)
    .sign(await importPKCS8(private_key, 'RS256'))
  if (kept.size >= KEPT_AT_MOST) kept.clear()
  kept.set(name, { token, private_key, until_ms: (issued_s + LIVES_S) * 1_000 - SPARE_MS })
  return { authorization: `Bearer ${token}` }
}
