/**
 * Where in a policy's text a problem is. The checks speak of a path (`rules.2.do.pin`) or of an offset inside one string (a
 * condition); an operator wants line and column in the file they are editing.
 */
import { isMap, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml'

export type Place = { line: number; column: number }
export type Path = readonly PropertyKey[]

export type PolicyDocument = {
  value: unknown
  /** Problems of the text itself, before anything in it is understood. */
  problems: { place: Place; message: string }[]
  /** The place of what is at the path, or of its nearest ancestor that is there. */
  placeOf(path: Path): Place | null
  /** The place of a key inside the mapping at the path. */
  placeOfKey(path: Path, key: string): Place | null
  /** The place of a character of the string at the path, by its offset in the string's value. */
  placeInside(path: Path, offset: number): Place | null
}

/** An alias may be used this often in all: enough for a shared list, too few for a document that explodes. */
const ALIAS_LIMIT = 50

/** Reads YAML; JSON is read as the YAML that it is. */
export function readDocument(text: string): PolicyDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, strict: true })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const problems = [...document.errors, ...document.warnings].map(each => ({ place: placeAt(each.pos[0]), message: each.message }))
  let value: unknown = null
  if (problems.length === 0) {
    // The library refuses too many aliases by throwing a ReferenceError.
    try {
      value = document.toJS({ maxAliasCount: ALIAS_LIMIT })
    } catch (error) {
      problems.push({ place: { line: 1, column: 1 }, message: error instanceof Error ? error.message : 'cannot be read' })
    }
  }
  const nodeAt = (path: Path): Node | undefined => document.getIn(path.map(String), true) as Node | undefined
  const rangeOf = (node: Node | undefined) => (node && 'range' in node ? (node as ParsedNode).range : null)
  return {
    value,
    problems,
    placeOf(path) {
      for (let length = path.length; length >= 0; length--) {
        const range = rangeOf(length === 0 ? (document.contents ?? undefined) : nodeAt(path.slice(0, length)))
        if (range) return placeAt(range[0])
      }
      return null
    },
    placeOfKey(path, key) {
      const map = path.length === 0 ? document.contents : nodeAt(path)
      const pair = isMap(map) ? map.items.find(item => isScalar(item.key) && item.key.value === key) : undefined
      const range = rangeOf(pair?.key as Node | undefined)
      return range ? placeAt(range[0]) : this.placeOf(path)
    },
    placeInside(path, offset) {
      const node = nodeAt(path)
      const range = rangeOf(node)
      if (!range || !isScalar(node) || typeof node.value !== 'string') return this.placeOf(path)
      return placeAt(range[0] + sourceOffset(text.slice(range[0], range[1]), node.value, offset))
    },
  }
}

/**
 * The offset in a scalar's source of a character of its value. Quotes, escapes, block headers, indentation and folded lines all
 * only add characters around the value's own, so both are walked side by side and what the value lacks is skipped.
 */
export function sourceOffset(source: string, value: string, offset: number): number {
  let at = /^[|>][^\n]*\n/.exec(source)?.[0].length ?? (source[0] === '"' || source[0] === "'" ? 1 : 0)
  for (let i = 0; i < value.length; i++) {
    const wanted = value[i] ?? ''
    const space = /\s/.test(wanted)
    if (!space) while (at < source.length && source[at] !== wanted) at++
    if (i >= offset) return Math.min(at, source.length)
    if (!space || /\s/.test(source[at] ?? '')) at++
  }
  return Math.min(at, source.length)
}
