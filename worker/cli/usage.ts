/**
 * `signalbox usage`: what was asked, by whom, of whom, and what it cost. Sums by default; `--format` exports the rows or sums.
 */
import { defineCommand } from 'citty'
import { API_ARGS, answer, apiOf, call } from './api.ts'
import { ending, Stop } from './ending.ts'
import { usd } from './numbers.ts'
import { print, table } from './table.ts'
import { books } from './usage-books.ts'
import { exportUsage } from './usage-export.ts'
import { reconcile } from './usage-reconcile.ts'

type Sum = Record<string, string | number | null>
const PAGES_AT_MOST = 1_000
const ROWS_AT_ONCE = 1_000
/** A bill that ends in the middle must not look like a whole one. */
const TOO_MUCH = `there is more than ${PAGES_AT_MOST * ROWS_AT_ONCE} rows, and this is only its beginning: ask for a shorter time, or use "usage export"`

const SUM_ARGS = {
  by: {
    type: 'string',
    description: 'Up to four of day, hour, org, team, key, target, provider, policy, task, outcome, loss',
    default: 'day',
  },
  from: { type: 'string', description: 'From this day or instant on, UTC (default: 7 days ago)' },
  to: { type: 'string', description: 'Up to this day or instant (default: now)' },
  org: { type: 'string', description: 'Only this organisation' },
  team: { type: 'string', description: 'Only this team' },
  key: { type: 'string', description: 'Only this key id' },
  target: { type: 'string', description: 'Only this target' },
  policy: { type: 'string', description: 'Only this policy' },
  outcome: { type: 'string', description: 'Only completed, failed, truncated, caller_left or orphan' },
  loss: { type: 'string', description: 'Only what lost this by translation, as in messages[].content[].cache_control' },
  rows: { type: 'boolean', description: 'One row for each request, with --format' },
  format: { type: 'string', description: 'csv or jsonl, to standard output' },
  ...API_ARGS,
} as const

const sums = defineCommand({
  meta: { name: 'sums', description: 'Requests, tokens, cost and times, summed by day, org, target and more.' },
  args: SUM_ARGS,
  run: given =>
    ending(given, async () => {
      const { args } = given
      const api = apiOf(args)
      const { from, to, org, team, key, target, policy, outcome, loss } = args
      const query = { from, to, org, team, key, target, policy, outcome, loss, ...(args.rows ? {} : { group_by: args.by }) }
      const path = args.rows ? '/usage/rows' : '/usage'
      if (args.format !== undefined) return exported(args.format, path, query)
      if (args.rows) throw new Stop('--rows goes with --format csv or --format jsonl')
      const sums: Sum[] = []
      let cursor: string | undefined
      for (let page = 0; page < PAGES_AT_MOST; page++) {
        const got = await call<{ rows: Sum[]; cursor: string | null }>(api, 'GET', path, {
          query: { ...query, limit: ROWS_AT_ONCE, cursor },
        })
        sums.push(...got.rows)
        cursor = got.cursor ?? undefined
        if (cursor === undefined) break
      }
      print(args.json, sums, shown(args.by.split(','), sums))
      if (cursor !== undefined) throw new Stop(TOO_MUCH)
      return true

      async function exported(format: string, path: string, query: Record<string, string | undefined>): Promise<boolean> {
        if (format !== 'csv' && format !== 'jsonl') throw new Stop('--format is csv or jsonl')
        let cursor: string | undefined
        for (let page = 0; page < PAGES_AT_MOST; page++) {
          const response = await answer(api, 'GET', path, { query: { ...query, format, limit: ROWS_AT_ONCE, cursor } })
          const text = await response.text()
          // One header for the whole file.
          process.stdout.write(format === 'csv' && page > 0 ? text.slice(text.indexOf('\r\n') + 2) : text)
          cursor = response.headers.get('x-signalbox-cursor') ?? undefined
          if (cursor === undefined) break
          if (process.stderr.isTTY) process.stderr.write(`\r${(page + 1) * ROWS_AT_ONCE} rows ...`)
        }
        if (cursor !== undefined) throw new Stop(TOO_MUCH)
        return true
      }
    }),
})

function shown(groups: string[], sums: Sum[]): string {
  if (sums.length === 0) return 'Nothing was sent on in that time.'
  const number = (value: string | number | null | undefined) => (value === null || value === undefined ? '-' : String(value))
  const rows = [...sums, ...totalOf(groups, sums)].map(sum => [
    ...groups.map(group => String(sum[group] ?? '-')),
    number(sum.requests),
    number(sum.failed),
    number(sum.lossy),
    number(sum.input_tokens),
    number(sum.output_tokens),
    usd(sum.cost_micros === undefined ? null : (sum.cost_micros as number | null)),
    number(sum.cost_unknown),
    number(sum.first_token_ms),
  ])
  return table([...groups, 'requests', 'failed', 'lossy', 'in', 'out', 'cost', 'unpriced', 'first token ms'], rows)
}

/** Where there is more than one line; by loss there is none, as one request may have lost several things. */
function totalOf(groups: string[], sums: Sum[]): Sum[] {
  const [first] = groups
  if (sums.length < 2 || first === undefined || groups.includes('loss')) return []
  const total: Sum = { [first]: 'all' }
  for (const name of ['requests', 'failed', 'lossy', 'input_tokens', 'output_tokens', 'cost_micros', 'cost_unknown']) {
    const known = sums.flatMap(each => each[name] ?? [])
    total[name] = known.length === 0 ? null : known.reduce<number>((sum, each) => sum + Number(each), 0)
  }
  return [total]
}

/** `signalbox usage --by target` is the sums; the flags are named here too, so that their values are taken for no command. */
export const usage = defineCommand({
  meta: { name: 'usage', description: 'Requests, tokens, cost and times; exports, and comparisons with providers.' },
  args: SUM_ARGS,
  default: 'sums',
  subCommands: { sums, export: exportUsage, reconcile, books },
})
