/**
 * The plain names a caller may write for a target, in lower case: what people call a model, wherever a provider keeps it.
 */
import type { Target } from '../../schema/catalogue.ts'

/** Every plain name a caller may write for a target: the provider's own, the same without its folders, and its aliases. */
export function plainNames(target: Target): string[] {
  const model = target.model.toLowerCase()
  const names = [model, lastSegment(model)]
  for (const alias of target.aliases) names.push(alias.toLowerCase())
  return names
}

/** A name without its folders. */
export function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}
