/**
 * From benchmark results on a dozen scales to quality priors on one.
 *
 * A benchmark's points say little across benchmarks: 50 on one is the frontier, 50 on another is a small model. So all of
 * them are put on one scale by what they have in common: result = intercept + slope x ability + noise, fitted over all
 * models and benchmarks at once (one common factor, by alternating least squares). A model's overall quality is its ability;
 * its quality on a task is what the benchmarks of that task alone say, on the same scale; `compileCatalogue` weighs the two
 * by their doubts. Rejected: ranks (they drop how far apart models are) and raw points (they drop what the scale means).
 *
 * The scale is pinned by two models that everyone can look up, so that new models do not move old figures much: Llama 3.1
 * 8B is 0.20 and GPT-5.5 is 0.80.
 */
import type { QualityRow } from '../../worker/schema/catalogue.ts'
import type { Task } from '../../worker/schema/features.ts'

export type Benchmark = { name: string; label: string; task: Task | null; source: string; rows: Record<string, number> }
export type Relative = { like: string; less?: number }
type Line = { intercept: number; slope: number; noise: number }

const ANCHORS = { low: { model: 'llama-3.1-8b', score: 0.2 }, high: { model: 'gpt-5.5', score: 0.8 } }
/** Enough for the last digit kept to stand still. */
const ROUNDS = 300
/** No benchmark is trusted to be sharper than this share of one standard deviation between models: its noise seen in few models may be luck. */
const SHARPEST = 0.2
/** Abilities are drawn toward the middle as by one observation this many standard deviations wide: next to nothing. */
const PRIOR_SD = 3
/** Half of what a benchmark's results leave unexplained is taken for real skill at its task, half for noise. */
const NOISE_SHARE = Math.SQRT1_2
/** Doubt beyond the fit's own: prompts are not benchmarks, and one effort is not another. */
const FLOOR = 0.03
/** Doubt of a figure borrowed from a relative. */
const BORROWED = 0.1

/** Rows per model: the overall figure first, then one per task that a benchmark speaks to. Deterministic. */
export function qualityRows(
  benchmarks: Benchmark[],
  relatives: Record<string, Relative>,
  as_of: Record<string, string>,
): Map<string, QualityRow[]> {
  const { ability, doubt, lines } = commonFactor(benchmarks)
  const low = must(ability.get(ANCHORS.low.model), ANCHORS.low.model)
  const high = must(ability.get(ANCHORS.high.model), ANCHORS.high.model)
  const stretch = (ANCHORS.high.score - ANCHORS.low.score) / (high - low)
  const score = (value: number) => clamp(ANCHORS.low.score + (value - low) * stretch, 0.03, 0.97)
  const round = (value: number) => Math.round(value * 1000) / 1000
  const coarse = (value: number) => Math.round(value * 100) / 100

  const rows = new Map<string, QualityRow[]>()
  for (const [model, value] of [...ability].sort()) {
    const general = benchmarks.filter(one => one.task === null && model in one.rows)
    const label = ['common factor', ...general.map(one => `${one.label} ${one.rows[model]}`)].join(', ')
    const uncertainty = clamp(Math.hypot(must(doubt.get(model), model) * stretch, FLOOR), 0, 0.3)
    rows.set(model, [
      { task: null, score: round(score(value)), uncertainty: coarse(uncertainty), benchmark: label, source: general[0]?.source ?? 'fit' },
    ])
  }
  const tasks = [...new Set(benchmarks.flatMap(one => (one.task === null ? [] : [one.task])))].sort()
  for (const task of tasks) {
    const ofTask = benchmarks.filter(one => one.task === task)
    for (const [model, list] of rows) {
      const seen = ofTask.filter(one => model in one.rows)
      if (seen.length === 0) continue
      let precision = 0
      let weighted = 0
      for (const one of seen) {
        const { intercept, slope, noise } = must(lines.get(one.name), one.name)
        const weight = (slope / noise) ** 2
        precision += weight
        weighted += (weight * (must(one.rows[model], model) - intercept)) / slope
      }
      const newest = seen.reduce((best, one) => (must(as_of[one.source], one.source) > must(as_of[best.source], best.source) ? one : best))
      list.push({
        task,
        score: round(score(weighted / precision)),
        uncertainty: coarse(clamp(Math.hypot((stretch * NOISE_SHARE) / Math.sqrt(precision), FLOOR), 0, 0.3)),
        benchmark: seen.map(one => `${one.label} ${one.rows[model]}`).join(', '),
        source: newest.source,
      })
    }
  }
  for (const [model, { like, less = 0 }] of Object.entries(relatives)) {
    if (rows.has(model)) continue
    const [overall] = must(rows.get(like), like)
    if (!overall) throw new Error(`${like} has no overall figure for ${model} to borrow`)
    rows.set(model, [
      {
        task: null,
        score: round(overall.score - less),
        uncertainty: coarse(Math.hypot(overall.uncertainty, BORROWED)),
        benchmark: `family prior (${like})`,
        source: 'family',
      },
    ])
  }
  return rows
}

/** The common factor: ability per model (mean 0, deviation 1 over all), its doubt, and each benchmark's line over it. */
function commonFactor(benchmarks: Benchmark[]): { ability: Map<string, number>; doubt: Map<string, number>; lines: Map<string, Line> } {
  const models = [...new Set(benchmarks.flatMap(one => Object.keys(one.rows)))].sort()
  let ability = new Map(models.map(model => [model, startOf(model, benchmarks)]))
  const doubt = new Map<string, number>()
  const lines = new Map<string, Line>()
  for (let round = 0; round < ROUNDS; round += 1) {
    ability = standardised(ability)
    for (const one of benchmarks) lines.set(one.name, lineThrough(one, ability))
    for (const model of models) {
      let precision = 1 / PRIOR_SD ** 2
      let weighted = 0
      for (const one of benchmarks) {
        const result = one.rows[model]
        if (result === undefined) continue
        const { intercept, slope, noise } = must(lines.get(one.name), one.name)
        precision += (slope / noise) ** 2
        weighted += (slope * (result - intercept)) / noise ** 2
      }
      ability.set(model, weighted / precision)
      doubt.set(model, Math.sqrt(1 / precision))
    }
  }
  return { ability, doubt, lines }
}

/** A first guess: the mean of a model's standardised results. */
function startOf(model: string, benchmarks: Benchmark[]): number {
  const standings = benchmarks.flatMap(one => {
    const result = one.rows[model]
    if (result === undefined) return []
    const { mean, deviation } = spread(Object.values(one.rows))
    return [(result - mean) / deviation]
  })
  return standings.reduce((sum, value) => sum + value, 0) / standings.length
}

/** Least squares of results over ability; the slope must be positive, or the benchmark measures something else. */
function lineThrough(benchmark: Benchmark, ability: Map<string, number>): Line {
  const points = Object.entries(benchmark.rows).map(([model, result]) => [must(ability.get(model), model), result] as const)
  const x = spread(points.map(point => point[0]))
  const y = spread(points.map(point => point[1]))
  const slope = points.reduce((sum, point) => sum + (point[0] - x.mean) * (point[1] - y.mean), 0) / points.length / x.deviation ** 2
  if (!(slope > 0)) throw new Error(`${benchmark.name} falls where the other benchmarks rise`)
  const intercept = y.mean - slope * x.mean
  const squares = points.reduce((sum, point) => sum + (point[1] - intercept - slope * point[0]) ** 2, 0)
  return { intercept, slope, noise: Math.max(Math.sqrt(squares / Math.max(1, points.length - 2)), SHARPEST * slope) }
}

function standardised(ability: Map<string, number>): Map<string, number> {
  const { mean, deviation } = spread([...ability.values()])
  return new Map([...ability].map(([model, value]) => [model, (value - mean) / deviation]))
}

function spread(values: number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

function must<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`nothing is known of ${name}`)
  return value
}
