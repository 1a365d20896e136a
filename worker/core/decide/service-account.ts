/**
 * A Google service account's key, as the JSON file that Google gives out for it: the little of it that signs a call.
 */

export type ServiceAccount = {
  /** Who signs: the account's address, `client_email`. */
  email: string
  key_id: string
  /** PKCS #8, as PEM. */
  private_key: string
}

/** Null where the text is no such file: not JSON, of another kind of credential, or without a part that signs. */
export function readServiceAccount(text: string): ServiceAccount | null {
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof file !== 'object' || file === null) return null
  const { type, client_email, private_key_id, private_key } = file as Record<string, unknown>
  if (type !== 'service_account' || typeof client_email !== 'string' || client_email === '') return null
  if (typeof private_key !== 'string' || !private_key.includes('-----BEGIN PRIVATE KEY-----')) return null
  return { email: client_email, key_id: typeof private_key_id === 'string' ? private_key_id : '', private_key }
}
