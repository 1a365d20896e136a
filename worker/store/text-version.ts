/** The name of a text by its content: the first 16 hex digits of its SHA-256. The same text has the same name everywhere, for ever. */
import { hex } from './secret-hmac.ts'

export async function textVersion(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))).slice(0, 16)
}
