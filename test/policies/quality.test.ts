import { describe, expect, it } from 'vitest'
import { type Benchmark, qualityRows } from '../../policies/catalogue/quality.ts'

/** Models of known strength, 0 to 9, with the two that pin the scale among them. */
const STRENGTH: Record<string, number> = { 'llama-3.1-8b': 0, a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, 'gpt-5.5': 8, top: 9 }
const results = (line: (strength: number) => number, models = Object.keys(STRENGTH)) =>
  Object.fromEntries(models.map(model => [model, line(STRENGTH[model] ?? 0)]))
const benchmark = (name: string, rows: Record<string, number>, task: Benchmark['task'] = null): Benchmark => ({
  name,
  label: name,
  task,
  source: 'there',
  rows,
})
const DAYS = { there: '2026-01-01' }
const overall = (benchmarks: Benchmark[], model: string) => qualityRows(benchmarks, {}, DAYS).get(model)?.[0]

describe('benchmarks on different scales become one scale', () => {
  const percent = benchmark(
    'percent',
    results(strength => 10 + 8 * strength),
  )
  const elo = benchmark(
    'elo',
    results(strength => 1200 + 30 * strength),
  )

  it('pinned by two models, and linear between them', () => {
    expect(overall([percent, elo], 'llama-3.1-8b')?.score).toBeCloseTo(0.2, 2)
    expect(overall([percent, elo], 'gpt-5.5')?.score).toBeCloseTo(0.8, 2)
    expect(overall([percent, elo], 'd')?.score).toBeCloseTo(0.5, 2)
  })
  it('on which a model seen by one benchmark alone finds its place', () => {
    const some = benchmark(
      'elo',
      results(strength => 1200 + 30 * strength, ['llama-3.1-8b', 'a', 'b', 'c', 'd', 'gpt-5.5']),
    )
    expect(overall([percent, some], 'top')?.score).toBeCloseTo(0.875, 1)
  })
  it('and with more doubt than one seen by both', () => {
    const some = benchmark(
      'elo',
      results(strength => 1200 + 30 * strength, ['llama-3.1-8b', 'a', 'b', 'c', 'd', 'gpt-5.5']),
    )
    expect(overall([percent, some], 'top')?.uncertainty).toBeGreaterThan(overall([percent, some], 'a')?.uncertainty ?? 1)
  })
  it('but not those that fall where the others rise', () => {
    expect(() =>
      qualityRows(
        [
          percent,
          elo,
          benchmark(
            'hallucinations',
            results(strength => -strength),
          ),
        ],
        {},
        DAYS,
      ),
    ).toThrow('hallucinations')
  })
})

describe('a row', () => {
  const general = benchmark(
    'index',
    results(strength => strength),
  )
  const maths = benchmark('olympiad', { ...results(strength => 5 * strength), c: 40 }, 'mathematics')
  const rows = qualityRows(
    [
      general,
      maths,
      benchmark(
        'more',
        results(strength => 2 * strength),
      ),
    ],
    { young: { like: 'd', less: 0.05 } },
    DAYS,
  )

  it("of a task shows a model's own strength there, above its overall figure", () => {
    const [first, second] = rows.get('c') ?? []
    expect(second).toMatchObject({ task: 'mathematics', benchmark: 'olympiad 40', source: 'there' })
    expect(second?.score).toBeGreaterThan((first?.score ?? 1) + 0.2)
  })
  it("of a model without results is its relative's, less what is plainly missing, with more doubt and said to be so", () => {
    const [borrowed] = rows.get('young') ?? []
    const [relative] = rows.get('d') ?? []
    expect(borrowed?.benchmark).toBe('family prior (d)')
    expect(borrowed?.score).toBeCloseTo((relative?.score ?? 0) - 0.05, 3)
    expect(borrowed?.uncertainty).toBeGreaterThan(relative?.uncertainty ?? 1)
  })
  it('is the same from run to run', () => {
    expect(qualityRows([general, maths], {}, DAYS)).toEqual(qualityRows([general, maths], {}, DAYS))
  })
})
