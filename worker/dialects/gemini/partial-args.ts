/**
 * A call whose arguments come in pieces. Other formats cut the text of the arguments; here each piece is a value at a path, and a
 * long string comes as several pieces at the same path. They are put together as values, and the call is told when it is whole:
 * only a caller of this format can ask for pieces, and gets them as they are.
 */
import type { Json, JsonObject } from '../../schema/chat.ts'
import { isObject } from '../check.ts'

/** A schema nests a few deep, and a list has some thousand entries; a longer path or index is no argument's. */
const MAX_DEPTH = 64
const MAX_INDEX = 10_000

export type PartialCall = {
  name: string
  id: Json | undefined
  add(partial_args: Json | undefined): void
  /** The arguments as far as they have come, as text. */
  text(): string
}

export function partialCall(name: string, id: Json | undefined): PartialCall {
  const args: JsonObject = {}
  return {
    name,
    id,
    add(partial_args) {
      if (!Array.isArray(partial_args)) return
      for (const piece of partial_args) {
        const path = isObject(piece) ? stepsOf(piece.jsonPath) : null
        const value = isObject(piece) ? valueIn(piece) : undefined
        if (path !== null && value !== undefined) put(args, path, value)
      }
    },
    text: () => JSON.stringify(args),
  }
}

function valueIn(piece: JsonObject): Json | undefined {
  if (piece.nullValue !== undefined) return null
  return piece.stringValue ?? piece.numberValue ?? piece.boolValue
}

/** `$.recipe.ingredients[0].name`, or with quoted names in brackets. Null where it is no path to a member. */
function stepsOf(path: Json | undefined): (string | number)[] | null {
  if (typeof path !== 'string' || path[0] !== '$') return null
  const steps: (string | number)[] = []
  for (let at = 1; at < path.length && steps.length < MAX_DEPTH; ) {
    if (path[at] === '.') {
      let end = at + 1
      while (end < path.length && path[end] !== '.' && path[end] !== '[') end++
      steps.push(path.slice(at + 1, end))
      at = end
      continue
    }
    const quote = path[at] === '[' ? path[at + 1] : undefined
    const quoted = quote === '"' || quote === "'"
    const end = path.indexOf(quoted ? `${quote}]` : ']', at + 2)
    if (path[at] !== '[' || end < 0) return null
    const step = path.slice(at + (quoted ? 2 : 1), end)
    const index = Number(step)
    if (!quoted && !(Number.isInteger(index) && index >= 0 && index < MAX_INDEX)) return null
    steps.push(quoted ? step : index)
    at = end + (quoted ? 2 : 1)
  }
  return steps.length === 0 || steps.includes('__proto__') ? null : steps
}

function put(args: JsonObject, steps: (string | number)[], value: Json): void {
  let holder: JsonObject | Json[] = args
  for (let at = 0; at < steps.length - 1; at++) {
    const next: Json | undefined = memberOf(holder, steps[at] as string | number)
    const made: JsonObject | Json[] = typeof next === 'object' && next !== null ? next : typeof steps[at + 1] === 'number' ? [] : {}
    if (made !== next) setMember(holder, steps[at] as string | number, made)
    holder = made
  }
  const last = steps.at(-1) as string | number
  const before = memberOf(holder, last)
  setMember(holder, last, typeof before === 'string' && typeof value === 'string' ? before + value : value)
}

function memberOf(holder: JsonObject | Json[], step: string | number): Json | undefined {
  if (Array.isArray(holder)) return typeof step === 'number' ? holder[step] : undefined
  return Object.hasOwn(holder, step) ? holder[step] : undefined
}

/** A name in a list, or a list that skips an entry, is no place: nothing is set. */
function setMember(holder: JsonObject | Json[], step: string | number, value: Json): void {
  if (!Array.isArray(holder)) holder[step] = value
  else if (typeof step === 'number' && step <= holder.length) holder[step] = value
}
