/**
 * A request's body as bytes, never more of it than the limit, and never waiting longer than the limit.
 *
 * Bytes are counted as they come: a declared length may be absent (chunked) or a lie. A length that is declared and within
 * the limit is read in one piece, which is cheaper, and is measured all the same. The type is checked first, since a
 * form or a text can be sent by any web page without the browser asking, and JSON cannot.
 */
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Effects } from '../dispatch/effects.ts'
import type { Bytes, Ms } from '../schema/units.ts'

/** `type`: JSON where it is not said. */
export type BodyLimit = { bytes: Bytes; ms: Ms; type?: 'json' | 'form' }

const LATE = Symbol('late')
type Late = typeof LATE

export async function readBody(
  request: Request,
  limit: BodyLimit,
  effects: Pick<Effects, 'after'>,
): Promise<Result<Uint8Array, GatewayError>> {
  const wrong = wrongHeaders(request.headers, limit)
  const discarded_at_most = DISCARDED_AT_MOST * limit.bytes
  if (
    wrong &&
    (wrong.code !== 'body_too_large' || request.body === null || Number(request.headers.get('content-length')) > discarded_at_most)
  )
    return err(wrong)
  let cancelTimer = () => {}
  const late = new Promise<Late>(resolve => {
    cancelTimer = effects.after(limit.ms, () => resolve(LATE))
  })
  try {
    if (wrong) {
      await letThrough(request.body as ReadableStream<Uint8Array>, discarded_at_most, late)
      return err(wrong)
    }
    const declared = request.headers.get('content-length')
    const bytes =
      declared !== null && /^\d+$/.test(declared)
        ? await Promise.race([request.arrayBuffer(), late])
        : request.body === null
          ? new Uint8Array()
          : await counted(request.body, limit.bytes, late)
    if (bytes === LATE) return err({ code: 'body_too_slow', limit_ms: limit.ms })
    if (bytes === null || bytes.byteLength > limit.bytes) return err({ code: 'body_too_large', limit: limit.bytes })
    return ok(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes))
  } catch {
    // A body that breaks off is a caller that went away; nobody is there to read another answer.
    return err({ code: 'caller_left' })
  } finally {
    cancelTimer()
  }
}

/** As many times the limit as is taken from a caller that declared too much. */
const DISCARDED_AT_MOST = 4

/**
 * Takes a body and keeps nothing of it. Who is still sending when the answer comes and the connection is closed is told of the
 * connection and not of the answer, so that the reason would be lost to the most common clients.
 */
async function letThrough(body: ReadableStream<Uint8Array>, limit: Bytes, late: Promise<Late>): Promise<void> {
  const reader = body.getReader()
  for (let length = 0; length <= limit; ) {
    const next = await Promise.race([reader.read(), late])
    if (next === LATE || next.done) break
    length += next.value.byteLength
  }
  reader.cancel().catch(() => undefined)
}

/** The parts together, null once they are more than the limit, or LATE. What comes behind is not read. */
async function counted(body: ReadableStream<Uint8Array>, limit: Bytes, late: Promise<Late>): Promise<Uint8Array | null | Late> {
  const reader = body.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const next = await Promise.race([reader.read(), late])
    if (next === LATE || (!next.done && length + next.value.byteLength > limit)) {
      // Nobody waits for the caller to learn of it; where the stream is gone already there is nothing to cancel.
      reader.cancel().catch(() => undefined)
      return next === LATE ? LATE : null
    }
    if (next.done) break
    parts.push(next.value)
    length += next.value.byteLength
  }
  if (parts.length === 1) return parts[0] as Uint8Array
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

/** `application/json`, alone or with `charset=utf-8`, in any case and with any spaces. */
function isJson(type: string): boolean {
  const [media, ...parameters] = type.toLowerCase().split(';', 4)
  if (media?.trim() !== 'application/json') return false
  return parameters.every(parameter => {
    const [name, value] = parameter.split('=', 2)
    return name?.trim() !== 'charset' || /^\s*"?utf-?8"?\s*$/.test(value ?? '')
  })
}

const FORM = 'multipart/form-data'
export const isForm = (type: string) => type.split(';', 1)[0]?.trim().toLowerCase() === FORM

function wrongHeaders(headers: Headers, limit: BodyLimit): GatewayError | null {
  const type = headers.get('content-type')
  const wanted = limit.type === 'form' ? FORM : 'application/json'
  if (type === null) return { code: 'unsupported_media_type', got: 'no content-type', wanted }
  if (limit.type === 'form' ? !isForm(type) : !isJson(type)) return { code: 'unsupported_media_type', got: type, wanted }
  const encoding = headers.get('content-encoding')
  if (encoding !== null && encoding.trim().toLowerCase() !== 'identity') return { code: 'unsupported_encoding', got: encoding }
  const declared = headers.get('content-length')
  if (declared !== null && Number(declared) > limit.bytes) return { code: 'body_too_large', limit: limit.bytes }
  return null
}
