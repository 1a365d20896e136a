/**
 * Selectors: how a policy names targets. A target id (`openai/gpt-5`), a glob in which `*` stands for anything, slashes
 * included (`openai/*`, `*\/llama-*`), or `group:<name>` for a set the policy defines.
 *
 * A selector is turned once, when policy and catalogue meet, into a mask with one byte a target; a request then reads bytes.
 */
import type { LiveTarget } from './world.ts'

/** One byte a target, in the catalogue's order: 1 where the target is in the set. */
export type Mask = Uint8Array

/** A group may refer to other groups this deep; deeper means a circle, and a circle selects nothing. */
const GROUP_DEPTH = 5

export function maskOf(selectors: readonly string[], targets: readonly LiveTarget[], groups: Record<string, readonly string[]>): Mask {
  const mask = new Uint8Array(targets.length)
  for (const selector of selectors) mark(mask, selector, targets, groups, 0)
  return mask
}

function mark(
  mask: Mask,
  selector: string,
  targets: readonly LiveTarget[],
  groups: Record<string, readonly string[]>,
  depth: number,
): void {
  const group = groupNamed(selector)
  if (group !== null) {
    if (depth >= GROUP_DEPTH || !Object.hasOwn(groups, group)) return
    for (const inner of groups[group] ?? []) mark(mask, inner, targets, groups, depth + 1)
    return
  }
  for (let i = 0; i < targets.length; i++) if (globMatches(selector, targets[i]?.id ?? '')) mask[i] = 1
}

/** The name in `group:<name>`, or null for any other selector. */
export function groupNamed(selector: string): string | null {
  return selector.startsWith('group:') ? selector.slice('group:'.length) : null
}

/**
 * Does the text match the glob? Two pointers and one step back per star: at worst glob length times text length, and both
 * are at most 200, so no pattern an operator writes can be slow. (A regular expression made from it could be.)
 */
export function globMatches(glob: string, text: string): boolean {
  let g = 0
  let t = 0
  let star = -1
  let resume = 0
  while (t < text.length) {
    if (g < glob.length && glob[g] === '*') {
      star = g++
      resume = t
    } else if (g < glob.length && glob[g] === text[t]) {
      g++
      t++
    } else if (star >= 0) {
      g = star + 1
      t = ++resume
    } else {
      return false
    }
  }
  while (glob[g] === '*') g++
  return g === glob.length
}
