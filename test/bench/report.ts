/**
 * The results as people read them: one table a scenario, in Markdown, which a terminal shows well enough too.
 */
import { SCENARIOS, type Scenario } from './scenarios.ts'
import type { Row, Spread } from './summary.ts'

const digits = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2))
const range = (spread: Spread | null) =>
  spread === null
    ? ''
    : spread.least === spread.greatest
      ? digits(spread.median)
      : `${digits(spread.median)} (${digits(spread.least)}–${digits(spread.greatest)})`
const median = (spread: Spread | null) => (spread === null ? '' : digits(spread.median))

type Column = [title: string, cell: (row: Row) => string]
const LOAD: Column[] = [
  ['CPU µs/request', row => range(row.cpu_us)],
  ['× floor', row => range(row.times_floor)],
  ['added p50 ms', row => range(row.added_p50_ms)],
  ['added p99 ms', row => range(row.added_p99_ms)],
  ['requests/s', row => median(row.answers_per_s)],
]
const STREAM: Column[] = [
  ['CPU µs/event', row => range(row.cpu_us_per_event)],
  ['× floor', row => range(row.times_floor)],
  ['added first byte ms', row => range(row.added_first_byte_ms)],
  ['added p50 ms', row => range(row.added_p50_ms)],
]
const FAILOVER: Column[] = [
  ['CPU µs/request', row => range(row.cpu_us)],
  ['p50 ms', row => range(row.p50_ms)],
  ['requests/s', row => median(row.answers_per_s)],
]
const FRESH: Column[] = [
  ['first answer after ms', row => range(row.cold_start_ms)],
  ['memory after load MB', row => range(row.resident_mb)],
]

function columnsOf(scenario: Scenario): Column[] {
  if (scenario.fresh) return FRESH
  if (scenario.failover) return FAILOVER
  return scenario.stream ? STREAM : LOAD
}

/** The first reason is enough here; the cells have them all. */
const FAULT_CHARS = 80
const notes = (row: Row) =>
  [
    row.disturbed > 0 ? `${row.disturbed} of ${row.rounds} disturbed` : '',
    row.voids[0] === undefined ? '' : `void: ${row.voids[0].slice(0, FAULT_CHARS)}`,
  ]
    .filter(Boolean)
    .join('; ')

function table(columns: Column[], rows: Row[]): string {
  const cells = [
    ['', ...columns.map(([title]) => title), 'rounds', ''],
    ...rows.map(row => [row.contender, ...columns.map(([, cell]) => cell(row)), String(row.rounds), notes(row).replaceAll('|', '/')]),
  ]
  const widths = (cells[0] as string[]).map((_, column) => Math.max(3, ...cells.map(line => (line[column] as string).length)))
  const line = (texts: string[]) =>
    `| ${texts.map((text, column) => (column === 0 ? text.padEnd(widths[column] as number) : text.padStart(widths[column] as number))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(cells[0] as string[]), rule, ...cells.slice(1).map(line)].join('\n')
}

/** Every scenario that was measured, with a heading. */
export function tables(rows: Row[]): string {
  return SCENARIOS.flatMap(scenario => {
    const measured = rows.filter(row => row.scenario === scenario.name)
    return measured.length === 0 ? [] : [`### ${scenario.name}: ${scenario.about}\n\n${table(columnsOf(scenario), measured)}\n`]
  }).join('\n')
}
