/**
 * Finding the sentence in an upstream's error, whatever shape it comes in: OpenAI's envelope, a bare string, a list, FastAPI's
 * `detail`, a gateway that quotes its provider, which quotes its server.
 */
import type { Json, JsonObject } from '../schema/chat.ts'
import { isObject } from './check.ts'
import { sanitized } from './upstream-text.ts'

/** What was found in an error body, before it is judged. */
export type Said = { message: string; code: string | null; type: string | null; param: string | null }

export function parsed(body: string): Json {
  try {
    return JSON.parse(body) as Json
  } catch {
    return body
  }
}

/** A gateway quotes its provider, which quotes its server, each as JSON in a string: that makes eight steps, and no more was ever seen. */
const MAX_WRAPPERS = 8

/** Null where nothing in it is an error's. `level` counts wrappers. */
export function saidIn(raw: Json | undefined, level = 0): Said | null {
  if (level > MAX_WRAPPERS || raw === undefined || raw === null) return null
  if (typeof raw === 'string') {
    const inner = raw.trimStart().startsWith('{') ? parsed(raw) : raw
    return typeof inner === 'string' ? { message: raw, code: null, type: null, param: null } : saidIn(inner, level + 1)
  }
  if (Array.isArray(raw)) return saidIn(raw[0], level + 1)
  if (!isObject(raw)) return null
  const here = { code: word(raw.code), type: word(raw.type), param: word(raw.param) ?? place(raw.loc) }
  const inner =
    quoted(raw, level) ??
    saidIn(raw.error, level + 1) ??
    saidIn(raw.message, level + 1) ??
    saidIn(raw.msg, level + 1) ??
    saidIn(raw.detail, level + 1) ??
    saidIn(raw.errors, level + 1)
  if (inner === null) return here.code === null && here.type === null ? null : { message: here.code ?? here.type ?? '', ...here }
  return { message: inner.message, code: inner.code ?? here.code, type: inner.type ?? here.type, param: inner.param ?? here.param }
}

/** A gateway's own sentence is "Provider returned error"; what the provider said lies under `metadata.raw`. */
function quoted(raw: JsonObject, level: number): Said | null {
  return isObject(raw.metadata) ? saidIn(raw.metadata.raw, level + 1) : null
}

/** Codes, types and fields are words. What is none, or looks like a secret, is not passed on. */
function word(value: Json | undefined): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && WORD.test(value) && sanitized(value) === value ? value : null
}

const WORD = /^[\w .:/[\]-]{1,100}$/

/** FastAPI's `loc`: `["body","messages",0,"content"]`. */
function place(loc: Json | undefined): string | null {
  if (!Array.isArray(loc)) return null
  const path = loc.filter(step => step !== 'body').map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
  return word(path.join('').replace(/^\./, ''))
}
