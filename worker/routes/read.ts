/**
 * From bytes to a request: bounded, decoded, checked, and kept as text beside its meaning, so that what passes through can
 * pass through untouched.
 */
import type { GatewayError } from '../core/errors.ts'
import { type JsonText, parseJsonText } from '../core/json-text.ts'
import { ok, type Result } from '../core/result.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Effects } from '../dispatch/effects.ts'
import type { ChatRequest, JsonObject } from '../schema/chat.ts'
import { readBody } from './body.ts'

/** An isolate has 128 MB for all its requests, and a body is held as bytes, text and values: 4 MB leaves room for a dozen at once. */
export const BODY_LIMIT = { bytes: 4 * 1024 * 1024, ms: 20_000 }

export type Asked = { request: ChatRequest; json: JsonText }

/** `dialect` where the path says which; on a path for all of them, a function that looks at the body. */
export async function readChat(
  request: Request,
  dialect: Dialect | ((body: JsonObject) => Dialect),
  effects: Effects,
): Promise<Result<Asked, GatewayError>> {
  const bytes = await readBody(request, BODY_LIMIT, effects)
  if (!bytes.ok) return bytes
  const json = parseJsonText(bytes.value)
  if (!json.ok) return json
  const read = (typeof dialect === 'function' ? dialect(json.value.value) : dialect).request.read(json.value.value)
  return read.ok ? ok({ request: read.value, json: json.value }) : read
}
