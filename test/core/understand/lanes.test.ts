import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addRows, clear, lanes, sumsOf } from '../../../worker/core/understand/lanes.ts'

/** Rows of eight bytes as two numbers each. */
const table = (rows: number[][]) => new Int32Array(Uint8Array.from(rows.flat().map(value => value + 128)).buffer)
const row = fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 8, maxLength: 8 })

describe('rows of bytes added four at a time', () => {
  it('give the sums of their columns, whatever their number and signs', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 700 }), rows => {
        const sums = lanes(2)
        addRows(sums, table(rows), Int32Array.from(rows.keys()), rows.length)
        expect([...sumsOf(sums)]).toEqual(Array.from({ length: 8 }, (_, k) => rows.reduce((sum, each) => sum + (each[k] as number), 0)))
      }),
      { numRuns: 30 },
    )
  })
  it('do not spill into the next lane at the largest value, one row past where the lanes are emptied', () => {
    const sums = lanes(2)
    const most = table([[127, -128, 127, -128, 127, -128, 127, -128]])
    addRows(sums, most, new Int32Array(257), 257)
    expect([...sumsOf(sums)].slice(0, 2)).toEqual([127 * 257, -128 * 257])
  })
  it('begin at nothing when cleared', () => {
    const sums = lanes(2)
    addRows(sums, table([[1, 2, 3, 4, 5, 6, 7, 8]]), Int32Array.of(0), 1)
    clear(sums)
    expect([...sumsOf(sums)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
  })
})
