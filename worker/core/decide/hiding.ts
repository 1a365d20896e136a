/**
 * What a policy hides from whom (`redact`): the types of personal data that leave for a target as placeholders. Worked out once for a policy
 * and a catalogue, and remembered by the identity of the two.
 */
import type { Refusal } from '../../schema/decision.ts'
import type { PersonalDataType } from '../../schema/features.ts'
import { maskOf } from './selector.ts'
import type { Asks, CompiledPolicy, LiveCatalogue, LiveTarget } from './world.ts'

export type Hides = (target: LiveTarget) => readonly PersonalDataType[] | null

const memory = new WeakMap<CompiledPolicy, WeakMap<LiveCatalogue, Hides>>()

/** Undefined where the policy hides nothing from anybody. */
export function hidesOf(compiled: CompiledPolicy, catalogue: LiveCatalogue): Hides | undefined {
  const { redact } = compiled.policy
  if (redact.length === 0) return undefined
  const known = memory.get(compiled) ?? new WeakMap<LiveCatalogue, Hides>()
  memory.set(compiled, known)
  const found = known.get(catalogue) ?? made(compiled, catalogue)
  known.set(catalogue, found)
  return found
}

/**
 * At the other endpoints bodies pass through as they are. So a target that something of this body would have to be hidden from is not asked.
 */
export function asksHiding(asks: Asks, hides: Hides, found: readonly string[]): Asks {
  const shows = (target: LiveTarget): Refusal | null => {
    const type = hides(target)?.find(each => found.includes(each))
    return type === undefined ? null : { reason: 'redaction', need: type }
  }
  return { ...asks, suits: target => asks.suits(target) ?? shows(target) }
}

/** Of several rules for one target, all that they name is hidden. */
function made({ policy }: CompiledPolicy, { targets }: LiveCatalogue): Hides {
  const types = new Map<string, Set<PersonalDataType>>()
  for (const rule of policy.redact) {
    const mask = maskOf(rule.to, targets, policy.groups)
    targets.forEach((target, i) => {
      if (mask[i] !== 1) return
      const listed = types.get(target.id) ?? new Set()
      for (const type of rule.types) listed.add(type)
      types.set(target.id, listed)
    })
  }
  const lists = new Map([...types].map(([id, listed]) => [id, [...listed]]))
  return target => lists.get(target.id) ?? null
}
