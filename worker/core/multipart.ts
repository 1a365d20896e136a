/**
 * A multipart form as it came: where its parts lie, and the text of the small ones. The bytes are passed on as they are, but for
 * the field `model`, whose value is replaced, or which is put in front where the caller left it out.
 *
 * One pass over the bytes looks for the boundary (RFC 2046 section 5.1, RFC 7578); nothing is decoded but headers and the fields
 * that are asked for. What bounds a form bounds this: the number of parts, the length of their headers, the length of a field.
 */
import type { GatewayError } from './errors.ts'
import { err, ok, type Result } from './result.ts'

/** `start` to `end` is the part's content. */
export type FormPart = { name: string; filename: string | null; start: number; end: number }
export type Form = { bytes: Uint8Array; boundary: string; parts: FormPart[] }

/** Sixteen images, a mask and two dozen fields are the most that any of these endpoints takes. */
export const MAX_PARTS = 64
const MAX_HEADERS_BYTES = 4_096
/** Prompts have up to 32,000 characters. */
export const MAX_FIELD_BYTES = 128 * 1_024

const CR = 13
const LF = 10
const DASH = 45
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function parseForm(bytes: Uint8Array, content_type: string): Result<Form, GatewayError> {
  const boundary = boundaryOf(content_type)
  if (boundary === null) return refused('its content-type names no boundary; let your HTTP client set that header')
  const delimiter = new TextEncoder().encode(`--${boundary}`)
  const parts: FormPart[] = []
  let at = nextDelimiter(bytes, delimiter, 0)
  if (at < 0) return refused('it does not hold the boundary that its content-type names')
  for (;;) {
    let from = at + delimiter.length
    if (bytes[from] === DASH && bytes[from + 1] === DASH) return ok({ bytes, boundary, parts })
    if (bytes[from] !== CR || bytes[from + 1] !== LF) return refused('a boundary is not followed by a line break')
    from += 2
    if (parts.length === MAX_PARTS) return refused(`it has more than ${MAX_PARTS} parts`)
    const headers_end = emptyLine(bytes, from)
    if (headers_end < 0) return refused(`the headers of part ${parts.length + 1} do not end within ${MAX_HEADERS_BYTES} bytes`)
    const start = headers_end + 4
    const next = nextDelimiter(bytes, delimiter, start - 2)
    if (next < 0) return refused('it ends in the middle of a part')
    const part = partFrom(bytes.subarray(from, headers_end))
    if (part === null) return refused(`part ${parts.length + 1} has no name`)
    parts.push({ ...part, start, end: Math.max(start, next - 2) })
    at = next
  }
}

/** The value of a text field; null where it is not there, is a file, or is no text. */
export function fieldOf(form: Form, name: string): string | null {
  const part = form.parts.find(each => each.name === name && each.filename === null)
  if (part === undefined || part.end - part.start > MAX_FIELD_BYTES) return null
  try {
    return UTF8.decode(form.bytes.subarray(part.start, part.end))
  } catch {
    // Bytes that are no UTF-8 are no text; whoever asked for the field says what that means.
    return null
  }
}

/** The form with another value in a field; every other byte is the caller's. */
export function withField({ bytes, boundary, parts }: Form, name: string, value: string): Uint8Array {
  const encoder = new TextEncoder()
  const there = parts.find(each => each.name === name && each.filename === null)
  if (there !== undefined) return joined(bytes.subarray(0, there.start), encoder.encode(value), bytes.subarray(there.end))
  const first = nextDelimiter(bytes, encoder.encode(`--${boundary}`), 0)
  const part = `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  return joined(bytes.subarray(0, first), encoder.encode(part), bytes.subarray(first))
}

function joined(before: Uint8Array, value: Uint8Array, after: Uint8Array): Uint8Array {
  const whole = new Uint8Array(before.length + value.length + after.length)
  whole.set(before)
  whole.set(value, before.length)
  whole.set(after, before.length + value.length)
  return whole
}

/** RFC 2046: 1 to 70 characters, quoted or not. */
function boundaryOf(content_type: string): string | null {
  for (const parameter of content_type.split(';').slice(1)) {
    const equals = parameter.indexOf('=')
    if (parameter.slice(0, equals).trim().toLowerCase() !== 'boundary') continue
    const value = parameter.slice(equals + 1).trim()
    const plain = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
    return /^[0-9A-Za-z'()+_,./:=? -]{1,70}$/.test(plain) ? plain : null
  }
  return null
}

/** Where the delimiter stands at the start of a line, or -1. */
function nextDelimiter(bytes: Uint8Array, delimiter: Uint8Array, from: number): number {
  if (from === 0 && startsWith(bytes, delimiter, 0)) return 0
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && startsWith(bytes, delimiter, at + 2)) return at + 2
  }
  return -1
}

function startsWith(bytes: Uint8Array, what: Uint8Array, at: number): boolean {
  if (at + what.length > bytes.length) return false
  for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) return false
  return true
}

function emptyLine(bytes: Uint8Array, from: number): number {
  const last = Math.min(bytes.length - 3, from + MAX_HEADERS_BYTES)
  for (let at = bytes.indexOf(CR, from); at >= 0 && at < last; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at
  }
  return -1
}

function partFrom(headers: Uint8Array): Pick<FormPart, 'name' | 'filename'> | null {
  const lines = new TextDecoder().decode(headers).split('\r\n')
  const disposition = lines.find(line => line.toLowerCase().startsWith('content-disposition:'))
  if (disposition === undefined) return null
  const name = parameterOf(disposition, 'name')
  return name === null ? null : { name, filename: parameterOf(disposition, 'filename') ?? parameterOf(disposition, 'filename*') }
}

function parameterOf(header: string, name: string): string | null {
  for (const parameter of header.split(';').slice(1)) {
    const equals = parameter.indexOf('=')
    if (equals < 0 || parameter.slice(0, equals).trim().toLowerCase() !== name) continue
    const value = parameter.slice(equals + 1).trim()
    return value.startsWith('"') ? value.slice(1, value.endsWith('"') && value.length > 1 ? -1 : undefined) : value
  }
  return null
}

const refused = (why: string): Result<never, GatewayError> =>
  err({ code: 'invalid_request', param: '', message: `The body is not a multipart form that can be read: ${why}.` })
