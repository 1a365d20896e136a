import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { at, firstIn, inOrder, ranking, whole } from '../../../worker/core/decide/ranking.ts'

const of = (totals: number[], indexes = totals.map((_, index) => index)) =>
  ranking(Int32Array.from(indexes), indexes.length, Float64Array.from(totals))

describe('a ranking', () => {
  it('is by total, the best first', () => expect(whole(of([0.2, 0.9, 0.5]))).toEqual([1, 2, 0]))
  it('of equals is by place in the catalogue', () => expect(whole(of([0.5, 0.7, 0.5, 0.7]))).toEqual([1, 3, 0, 2]))
  it('is of those alone that were named', () => expect(whole(of([0.9, 0.1, 0.5], [2, 1]))).toEqual([2, 1]))
  it('of nobody has no first', () => expect(at(of([]), 0)).toBe(-1))
  it('ends behind its last', () => expect([at(of([1]), 0), at(of([1]), 1)]).toEqual([0, -1]))

  it('is the sorted list, in whatever order its places are asked for', () => {
    const totals = fc.array(fc.constantFrom(0, 0.25, 0.5, 0.75, 1), { minLength: 1, maxLength: 60 })
    void fc.assert(
      fc.property(totals, fc.array(fc.nat(59), { maxLength: 20 }), (totals, places) => {
        const sorted = totals.map((_, index) => index).sort((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0) || a - b)
        const ranked = of(totals)
        expect(places.map(place => at(ranked, place))).toEqual(places.map(place => sorted[place] ?? -1))
        expect(whole(ranked)).toEqual(sorted)
      }),
    )
  })

  it('knows the first in a set, and the first besides another', () => {
    const ranked = of([0.1, 0.9, 0.5, 0.7])
    const mask = Uint8Array.of(1, 0, 1, 1)
    expect([firstIn(ranked, mask), firstIn(ranked, mask, 3), firstIn(ranked, new Uint8Array(4))]).toEqual([3, 2, -1])
  })
  it('may be given, where more than the total decides', () => expect(whole(inOrder([2, 0, 1], new Float64Array(3)))).toEqual([2, 0, 1]))
})
