import { describe, expect, it } from 'vitest'
import { asksHiding, hidesOf } from '../../../worker/core/decide/hiding.ts'
import { compilePolicy } from '../../../worker/core/decide/rules.ts'
import type { Asks, LiveTarget } from '../../../worker/core/decide/world.ts'
import { PERSONAL_DATA_TYPES } from '../../../worker/schema/features.ts'
import { live, policyOf, THREE } from './small-world.ts'

const catalogue = live(THREE)
const target = (id: string) => catalogue.by_id.get(id) as LiveTarget
const hiding = (...redact: object[]) => hidesOf(policyOf({ redact }), catalogue)

describe('what a policy hides', () => {
  it('is nothing where it says nothing', () => expect(hidesOf(policyOf(), catalogue)).toBeUndefined())
  it('is everything it knows where it names no types, from those it names', () => {
    const hides = hiding({ to: ['north/*'] })
    expect(hides?.(target('north/strong'))).toEqual(PERSONAL_DATA_TYPES)
    expect(hides?.(target('south/weak'))).toBeNull()
  })
  it('adds up over several rules', () => {
    const hides = hiding({ to: ['*/*'], types: ['email'] }, { to: ['north/*'], types: ['card', 'email'] })
    expect(hides?.(target('north/strong'))).toEqual(['email', 'card'])
    expect(hides?.(target('south/weak'))).toEqual(['email'])
  })
  it('is refused where a type is misspelt', () => {
    const compiled = compilePolicy(
      JSON.stringify({ name: 'x', objective: { quality: 1 }, redact: [{ to: ['*/*'], types: ['mail'] }] }),
      'v',
    )
    expect(compiled.ok).toBe(false)
  })
})

describe('a body that passes through as it is', () => {
  const asks: Asks = {
    endpoint: 'embeddings',
    output: 'text',
    window_tokens: 1,
    suits: each => (each.id === 'south/weak' ? { reason: 'dimensions' } : null),
  }
  const hides = hiding({ to: ['north/strong'], types: ['card'] })
  const suits = (found: string[], id: string) => asksHiding(asks, hides ?? (() => null), found).suits(target(id))

  it('goes to no target that something in it would have to be hidden from', () => {
    expect(suits(['email', 'card'], 'north/strong')).toEqual({ reason: 'redaction', need: 'card' })
    expect(suits(['email'], 'north/strong')).toBeNull()
    expect(suits(['card'], 'north/middle')).toBeNull()
  })
  it('is refused for its own reason first', () => expect(suits(['card'], 'south/weak')).toEqual({ reason: 'dimensions' }))
})
