/**
 * Signing a call (AWS Signature Version 4): its method, address, day and body under a key, so that nothing of it can be changed on
 * the way and it is worth nothing a quarter of an hour later. The signing is aws4fetch's; here it is given only what must be
 * signed, as anything more might be rewritten on the way and break the signature.
 */
import { AwsV4Signer } from 'aws4fetch'
import type { Ms } from '../schema/units.ts'

export type SigningKey = {
  access_key_id: string
  secret: string
  session_token: string | null
  region: string
  service: string
}

/** Keys derived for a day; one a region and service in use, and yesterday's. */
const DERIVED_AT_MOST = 16
const derived = new Map<string, ArrayBuffer>()

/** The headers that make a call a signed one, to be sent beside its others. `url` is sent exactly as it is signed. */
export async function signature(url: string, body: string | Uint8Array, key: SigningKey, now_ms: Ms): Promise<Record<string, string>> {
  if (derived.size >= DERIVED_AT_MOST) derived.clear()
  const signer = new AwsV4Signer({
    method: 'POST',
    url,
    body: body as BodyInit,
    accessKeyId: key.access_key_id,
    secretAccessKey: key.secret,
    ...(key.session_token === null ? undefined : { sessionToken: key.session_token }),
    region: key.region,
    service: key.service,
    cache: derived,
    datetime: new Date(now_ms).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
  })
  const { headers } = await signer.sign()
  return Object.fromEntries(headers)
}
