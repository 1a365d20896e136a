/**
 * An upstream's error, whatever it sent and in whichever format, reduced to what the router acts on.
 */
import type { UpstreamError } from './dialect.ts'
import { kindOfError } from './upstream-kind.ts'
import { parsed, saidIn } from './upstream-said.ts'
import { sanitized } from './upstream-text.ts'

/** Bodies beyond this are pages, not messages. */
const MAX_BODY = 64 * 1024

export function readUpstreamError(status: number, body: string): UpstreamError {
  const said = saidIn(parsed(body.slice(0, MAX_BODY))) ?? { message: body, code: null, type: null, param: null }
  const message = sanitized(said.message)
  return {
    status,
    code: said.code,
    type: said.type,
    param: said.param,
    message: message === '' ? `status ${status} without a message` : message,
    kind: kindOfError(status, said),
  }
}
