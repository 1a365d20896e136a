import { describe, expect, it } from 'vitest'
import type { Item } from '../../../../policies/training/routing/items.ts'
import type { GradedSet } from '../../../../policies/training/routing/sets.ts'
import { elsewhere, steadied } from '../../../../policies/training/routing/steadied.ts'

const OTHERS = ['a', 'b', 'c', 'd', 'e', 'f']
const set = (name: string): GradedSet => ({ name, rows: [], models: [], strong: 'strong', weak: 'weak' })
/** Half of the questions are hard: no other model can do them. The weak one is right by a coin either way, somewhat more often on easy ones. */
const hard = (i: number) => i % 2 === 0
const weakOf = (i: number) => (hard(i) ? (i % 10 === 0 ? 1 : 0) : i % 10 === 1 ? 0 : 1)
const item = (i: number, scores: Record<string, number>) =>
  ({ question: `q${i}`, scores, gain: (scores.strong ?? 0) - (scores.weak ?? 0) }) as Item
const graded = (i: number) => Object.fromEntries(OTHERS.map(model => [model, hard(i) ? 0 : 1]))
const COUNT = 400

describe('a steadied gain', () => {
  const bare = Array.from({ length: COUNT }, (_, i) => item(i, { strong: 1, weak: weakOf(i) }))
  it('is what the other models of the set let one expect of the weak one', () => {
    const items = Array.from({ length: COUNT }, (_, i) => item(i, { strong: 1, weak: weakOf(i), ...graded(i) }))
    const gains = steadied(items, set('x'), new Map())
    for (const [i, gain] of gains.entries()) expect(gain).toBeCloseTo(hard(i) ? 0.8 : 0.2, 1)
  })
  it('looks into other sets that ask the same question', () => {
    const other = Array.from({ length: COUNT }, (_, i) => item(i, graded(i)))
    const gains = steadied(bare, set('x'), elsewhere([{ set: set('y'), items: other }], 'x'))
    for (const [i, gain] of gains.entries()) expect(gain).toBeCloseTo(hard(i) ? 0.8 : 0.2, 1)
  })
  it('is the plain gain where nobody else was asked', () => {
    expect(steadied(bare, set('x'), new Map())).toEqual(Float64Array.from(bare, ({ gain }) => gain))
  })
  it('never looks into its own set, nor at a question that another set asks twice', () => {
    const other = Array.from({ length: COUNT }, (_, i) => item(i, graded(i)))
    expect(elsewhere([{ set: set('x'), items: other }], 'x').size).toBe(0)
    expect(elsewhere([{ set: set('y'), items: [...other, item(7, graded(7))] }], 'x').has('q7')).toBe(false)
  })
})
