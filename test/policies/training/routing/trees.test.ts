import { describe, expect, it } from 'vitest'
import { boostedTrees, boostedTreesOften } from '../../../../policies/training/routing/trees.ts'

const OPTIONS = { trees: 60, depth: 2, pace: 0.2, leaf_rows: 10, leaf_shrink: 1 }
/** Every pair of two figures from 0 to 19, and one that says nothing. */
const rows = Array.from({ length: 400 }, (_, i) => Float32Array.from([i % 20, Math.floor(i / 20), (i * 7) % 13]))
const both = Float64Array.from(rows, ([a, b]) => ((a as number) >= 10 && (b as number) >= 10 ? 1 : 0))

describe('boosted trees', () => {
  it('tell what holds only where two things come together', () => {
    const told = boostedTrees(rows, both, OPTIONS)
    expect(told(Float32Array.from([15, 15, 3]))).toBeGreaterThan(0.85)
    for (const [a, b] of [
      [15, 5],
      [5, 15],
      [5, 5],
    ] as const)
      expect(told(Float32Array.from([a, b, 3]))).toBeLessThan(0.2)
  })
  it('are the same every time', () => {
    const [once, again] = [boostedTrees(rows, both, OPTIONS), boostedTrees(rows, both, OPTIONS)]
    for (const row of rows) expect(once(row)).toBe(again(row))
  })
  it('differ by their draws alone, and several told together say the mean of what each says', () => {
    const [one, other] = [boostedTrees(rows, both, OPTIONS, undefined, 7), boostedTrees(rows, both, OPTIONS, undefined, 11)]
    const together = boostedTreesOften(rows, both, OPTIONS, [7, 11])
    expect(rows.some(row => one(row) !== other(row))).toBe(true)
    for (const row of rows) expect(together(row)).toBeCloseTo((one(row) + other(row)) / 2, 12)
  })
  it('say the mean where no column tells anything', () => {
    const same = rows.map(() => Float32Array.from([1, 1]))
    expect(boostedTrees(same, both, OPTIONS)(Float32Array.from([1, 1]))).toBeCloseTo(0.25, 1)
  })
  it('take values beyond those they were taught with', () => {
    const told = boostedTrees(rows, both, OPTIONS)
    expect(told(Float32Array.from([1e9, 1e9, -1e9]))).toBeGreaterThan(0.85)
  })
  it('believe rows by their weight', () => {
    const halves = [0, 1].flatMap(truth => rows.map(row => ({ row, truth })))
    const weights = Float64Array.from(halves, ({ truth }) => (truth === 1 ? 3 : 1))
    const told = boostedTrees(
      halves.map(({ row }) => row),
      Float64Array.from(halves, ({ truth }) => truth),
      OPTIONS,
      weights,
    )
    expect(rows.reduce((sum, row) => sum + told(row), 0) / rows.length).toBeCloseTo(0.75, 1)
  })
})
