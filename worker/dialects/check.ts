/**
 * Checking what a caller sent. A reader goes through the whole body with one `Check` in hand; the first thing it refuses
 * is what the caller hears of, with the field's path as the caller wrote it. Paths are made only when something is wrong:
 * a good request pays for no text.
 *
 * Every function takes an absent member and an explicit `null` alike, as the formats do.
 */
import type { GatewayError } from '../core/errors.ts'
import type { Json, JsonObject } from '../schema/chat.ts'

export type Check = { error: GatewayError | null }

/** Notes a refusal; only the first one is kept. */
export function refuse(check: Check, param: string, message: string): void {
  check.error ??= { code: 'invalid_request', param, message: `${param}: ${message}` }
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a wrong value is called in an error: never the value itself, which may be a megabyte or a secret. */
export function kindOf(value: Json | undefined): string {
  return value === undefined
    ? 'nothing'
    : value === null
      ? 'null'
      : Array.isArray(value)
        ? 'an array'
        : typeof value === 'object'
          ? 'an object'
          : `a ${typeof value}`
}

export function boolean(check: Check, body: JsonObject, name: string): boolean | null {
  const value = body[name]
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? null
  refuse(check, name, `must be true or false, not ${kindOf(value)}.`)
  return null
}

export function text(check: Check, body: JsonObject, name: string): string | null {
  const value = body[name]
  if (value === undefined || value === null || typeof value === 'string') return value ?? null
  refuse(check, name, `must be a string, not ${kindOf(value)}.`)
  return null
}

/** A number from `least` to `most`, both included. `-0` is refused with the negatives: nobody means it. */
export function number(check: Check, body: JsonObject, name: string, least: number, most: number): number | null {
  const value = body[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'number') refuse(check, name, `must be a number, not ${kindOf(value)}.`)
  else if (!(value >= least && value <= most) || (least >= 0 && Object.is(value, -0)))
    refuse(check, name, `must be a number ${range(least, most)}.`)
  else return value
  return null
}

export function integer(check: Check, body: JsonObject, name: string, least: number, most: number): number | null {
  const value = body[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'number') refuse(check, name, `must be a whole number, not ${kindOf(value)}.`)
  else if (!Number.isInteger(value) || value < least || value > most || (least >= 0 && Object.is(value, -0))) {
    refuse(check, name, `must be a whole number ${range(least, most)}.`)
  } else return value
  return null
}

const range = (least: number, most: number) => (least === -most ? `of at most ${most} either way` : `from ${least} to ${most}`)

/** The members of `object` that are not in `known`; undefined where there are none, which is the rule. */
export function rest(object: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  let extra: JsonObject | undefined
  for (const name in object) {
    if (known.has(name)) continue
    extra ??= {}
    carry(extra, name, object[name] as Json)
  }
  return extra
}

/** Sets a member whose name came from outside. Plain assignment to `__proto__` would change the object instead of adding to it. */
export function carry(into: JsonObject, name: string, value: Json): void {
  if (name === '__proto__') Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true })
  else into[name] = value
}

/** Writing a value out again recurses, and an upstream's reply may nest a hundred thousand deep; no honest one nests this deep. */
const MAX_DEPTH = 200

/** Can this value be walked and written without care? The text it came from settles it for all but the long ones. */
export function isShallow(value: Json, text_length: number): boolean {
  if (text_length <= 2 * MAX_DEPTH) return true
  let level: Json[] = [value]
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const next: Json[] = []
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue
      for (const inner of Array.isArray(item) ? item : Object.values(item))
        if (typeof inner === 'object' && inner !== null) next.push(inner)
    }
    if (next.length === 0) return true
    level = next
  }
  return false
}
