/**
 * From bytes to JSON: bounded, decoded, checked, and kept as text beside its meaning, so that what passes through can pass
 * through untouched.
 */
import type { GatewayError } from '../core/errors.ts'
import { type JsonText, parseJsonText } from '../core/json-text.ts'
import { err, type Result } from '../core/result.ts'
import type { Effects } from '../dispatch/effects.ts'
import { readBody } from './body.ts'

/** An isolate has 128 MB for all its requests, and a body is held as bytes, text and values: 4 MB leaves room for a dozen at once. */
export const BODY_LIMIT = { bytes: 4 * 1024 * 1024, ms: 20_000 }

export async function readJson(request: Request, effects: Effects): Promise<Result<JsonText, GatewayError>> {
  const bytes = await readBody(request, BODY_LIMIT, effects)
  if (!bytes.ok) return bytes
  const json = parseJsonText(bytes.value)
  if (!json.ok) return json
  const elsewhere = ELSEWHERE.find(name => Object.hasOwn(json.value.value, name))
  if (elsewhere === undefined) return json
  const message = `"${elsewhere}" cannot be said in a request: where calls go, and with which key, is the operator's to say.`
  return err({ code: 'invalid_request', param: elsewhere, message })
}

/**
 * By these other gateways let a request say where it goes. Here they would mean nothing, but a target may be such a gateway itself; and
 * who sends a key of a provider's along should learn that it is not wanted.
 */
const ELSEWHERE = ['api_base', 'base_url', 'api_key']
