/**
 * From cells to what is reported: medians over the rounds with their spread. Costs are compared with the floor's and
 * latencies with the direct call's of the same round, because a shared machine is faster in one minute than in the next.
 */
import type { Cell } from './cell.ts'
import { DIRECT, FLOOR } from './contenders.ts'

/** Median, least and greatest over the rounds. */
export type Spread = { median: number; least: number; greatest: number }

export type Row = {
  scenario: string
  contender: string
  rounds: number
  /** Rounds in which others used more of the machine than the threshold. */
  disturbed: number
  voids: string[]
  cpu_us: Spread | null
  cpu_us_per_event: Spread | null
  /** Cost as a ratio to the floor of the same round. */
  times_floor: Spread | null
  answers_per_s: Spread | null
  p50_ms: Spread | null
  added_p50_ms: Spread | null
  added_p99_ms: Spread | null
  added_first_byte_ms: Spread | null
  cold_start_ms: Spread | null
  resident_mb: Spread | null
}

export function spreadOf(values: (number | null | undefined)[]): Spread | null {
  const known = values
    .filter(value => value !== null && value !== undefined && Number.isFinite(value))
    .sort((a, b) => (a as number) - (b as number)) as number[]
  if (known.length === 0) return null
  const middle = known.length / 2
  const median = ((known[Math.ceil(middle) - 1] as number) + (known[Math.floor(middle)] as number)) / 2
  return { median, least: known[0] as number, greatest: known.at(-1) as number }
}

export function summarize(cells: Cell[], contenders: { name: string }[], foreign_at_most: number): Row[] {
  const sound = cells.filter(cell => cell.void === null)
  const peer = (cell: Cell, contender: string) =>
    sound.find(other => other.contender === contender && other.scenario === cell.scenario && other.round === cell.round)
  const added = (cell: Cell, of: (cell: Cell) => number) => {
    const direct = peer(cell, DIRECT)
    return direct === undefined ? null : of(cell) - of(direct)
  }
  const scenarios = [...new Set(cells.map(cell => cell.scenario))]
  const pairs = scenarios.flatMap(scenario => contenders.map(({ name }) => ({ scenario, contender: name })))
  return pairs.flatMap(({ scenario, contender }) => {
    const all = cells.filter(cell => cell.scenario === scenario && cell.contender === contender)
    if (all.length === 0) return []
    const valid = all.filter(cell => cell.void === null)
    const over = (of: (cell: Cell) => number | null) => spreadOf(valid.map(of))
    return {
      scenario,
      contender,
      rounds: valid.length,
      disturbed: valid.filter(cell => cell.foreign > foreign_at_most).length,
      voids: [...new Set(all.flatMap(cell => cell.void ?? []))],
      cpu_us: over(cell => cell.cpu_us),
      cpu_us_per_event: over(cell => cell.cpu_us_per_event),
      times_floor: over(cell => {
        const floor = peer(cell, FLOOR)
        return floor === undefined ? null : cell.cpu_us / floor.cpu_us
      }),
      answers_per_s: over(cell => cell.answers_per_s),
      p50_ms: over(cell => cell.p50_ms),
      added_p50_ms: over(cell => added(cell, each => each.p50_ms)),
      added_p99_ms: over(cell => added(cell, each => each.p99_ms)),
      added_first_byte_ms: over(cell => added(cell, each => each.first_byte_p50_ms)),
      cold_start_ms: over(cell => cell.cold_start_ms),
      resident_mb: over(cell => (cell.resident_bytes === null ? null : cell.resident_bytes / 1e6)),
    }
  })
}
