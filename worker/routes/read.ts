/**
 * From bytes to JSON: bounded, decoded, checked, and kept as text beside its meaning, so that what passes through can pass
 * through untouched.
 */
import type { GatewayError } from '../core/errors.ts'
import { type JsonText, parseJsonText } from '../core/json-text.ts'
import type { Result } from '../core/result.ts'
import type { Effects } from '../dispatch/effects.ts'
import { readBody } from './body.ts'

/** An isolate has 128 MB for all its requests, and a body is held as bytes, text and values: 4 MB leaves room for a dozen at once. */
export const BODY_LIMIT = { bytes: 4 * 1024 * 1024, ms: 20_000 }

export async function readJson(request: Request, effects: Effects): Promise<Result<JsonText, GatewayError>> {
  const bytes = await readBody(request, BODY_LIMIT, effects)
  return bytes.ok ? parseJsonText(bytes.value) : bytes
}
