/**
 * What a provider says it counted beside what we counted: the drift, by model and day, in tokens and in money. Where one side says nothing there is
 * no drift but an unknown.
 *
 * A provider names models with the day of their making behind (`gpt-5-mini-2025-08-07`, `claude-sonnet-4-5-20250929`); a target here has the name it is
 * called by. So a name is looked for as it is, and then without such a day.
 */
import type { Micros, Tokens } from '../../schema/units.ts'

export type Counted = {
  /** `2026-11-24`, UTC. */
  day: string
  /** As the provider calls it; null where an export does not say. */
  model: string | null
  requests: number | null
  /** Cached ones included. */
  input_tokens: Tokens | null
  output_tokens: Tokens | null
  cost_micros: Micros | null
}

type Drift = { theirs: number | null; ours: number | null; drift: number | null; percent: number | null }
export type DriftRow = { day: string; model: string; requests: Drift; input_tokens: Drift; output_tokens: Drift; cost_micros: Drift }

const FIGURES = ['requests', 'input_tokens', 'output_tokens', 'cost_micros'] as const
const DATED = /[-@](20\d{2}-?\d{2}-?\d{2})$/
export const UNNAMED = '(no model)'

/** Sorted by day and model; one row for each that either side knows. */
export function drifts(theirs: readonly Counted[], ours: readonly Counted[]): DriftRow[] {
  const names = new Set(ours.map(({ model }) => model ?? UNNAMED))
  const nameOf = (model: string | null): string => {
    if (model === null) return UNNAMED
    return names.has(model) ? model : model.replace(DATED, '')
  }
  const [left, right] = [summed(theirs, nameOf), summed(ours, model => model ?? UNNAMED)]
  return [...new Set([...left.keys(), ...right.keys()])].sort().map(key => {
    const [day = '', model = ''] = key.split('\n')
    const [their, our] = [left.get(key), right.get(key)]
    const figures = FIGURES.map(name => [
      name,
      driftOf(their?.[name] ?? (their ? null : 0), our?.[name] ?? (our ? null : 0), told(left, name)),
    ])
    return { day, model, ...Object.fromEntries(figures) } as DriftRow
  })
}

/** Does this side tell this figure anywhere? A cost report tells no tokens, and then a day without a row is no zero. */
const told = (side: Map<string, Counted>, name: (typeof FIGURES)[number]): boolean => [...side.values()].some(each => each[name] !== null)

function driftOf(theirs: number | null, ours: number | null, tells: boolean): Drift {
  const their = tells ? theirs : null
  if (their === null || ours === null) return { theirs: their, ours, drift: null, percent: null }
  return { theirs: their, ours, drift: ours - their, percent: their === 0 ? null : Math.round(((ours - their) / their) * 10_000) / 100 }
}

function summed(counted: readonly Counted[], nameOf: (model: string | null) => string): Map<string, Counted> {
  const sums = new Map<string, Counted>()
  for (const each of counted) {
    const key = `${each.day}\n${nameOf(each.model)}`
    const before = sums.get(key)
    if (!before) {
      sums.set(key, { ...each })
      continue
    }
    for (const name of FIGURES) before[name] = before[name] === null && each[name] === null ? null : (before[name] ?? 0) + (each[name] ?? 0)
  }
  return sums
}
