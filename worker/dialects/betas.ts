/**
 * Betas: a caller asks its own provider by a header for what is not in the format yet (`anthropic-beta`, `openai-beta`). Which
 * headers these are is said by the dialect; all others of the caller's stay here.
 */
import type { GatewayError } from '../core/errors.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ChatRequest, Loss } from '../schema/chat.ts'
import type { Dialect } from './dialect.ts'

/** A list of all betas that were ever open is shorter. */
const BETA = /^[\x20-\x7e]{1,1000}$/

/** Undefined where the caller asks for none, as most do. */
export function betasIn({ betas }: Pick<Dialect, 'betas'>, headers: Headers): Result<ChatRequest['betas'], GatewayError> {
  let found: Record<string, string> | undefined
  for (const name of betas ?? []) {
    const value = headers.get(name)
    if (value === null) continue
    if (!BETA.test(value))
      return err({ code: 'invalid_request', param: name, message: `${name}: must be names of betas in ASCII, of at most 1000 characters.` })
    found ??= {}
    found[name] = value
  }
  return ok(found)
}

/** With the catalogue's own, where the target has some under the same name: both are lists. */
export function withBetas(headers: Record<string, string>, betas: Record<string, string>): Record<string, string> {
  const all = { ...headers }
  for (const [name, value] of Object.entries(betas)) all[name] = headers[name] === undefined ? value : `${headers[name]},${value}`
  return all
}

export const lostBetas = ({ betas, dialect }: ChatRequest): Loss[] =>
  Object.keys(betas ?? {}).map(field => ({ field, how: 'dropped', note: `betas of ${dialect} mean nothing in another format` }))
