/**
 * What a hostile, broken or future party sends: a good value with something else put in one place of it.
 */
import fc from 'fast-check'
import type { Json, JsonObject } from '../../worker/schema/chat.ts'

export function disturbed(seed: Json): fc.Arbitrary<Json> {
  const paths: (string | number)[][] = []
  const walk = (value: Json, path: (string | number)[]) => {
    paths.push(path)
    if (typeof value === 'object' && value !== null) for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key])
  }
  walk(seed, [])
  const put = (value: Json, [key, ...path]: (string | number)[], instead: Json): Json => {
    if (key === undefined) return instead
    if (Array.isArray(value)) return value.map((inner, i) => (String(i) === String(key) ? put(inner, path, instead) : inner))
    return { ...(value as JsonObject), [key]: put((value as JsonObject)[key] as Json, path, instead) }
  }
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom<Json>(null, [], {}, [null], [[]], '', 0, -1, 1e308, true),
  ) as fc.Arbitrary<Json>
  return fc.tuple(fc.constantFrom(...paths), anything).map(([path, instead]) => put(seed, path, instead))
}
