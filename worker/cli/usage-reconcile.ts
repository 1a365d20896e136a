/**
 * `signalbox usage reconcile <file>`: a provider's own usage or cost export beside our rows, the drift by model and day. Small drifts have causes
 * (calls past the router with the same key, answers that broke off, attempts that failed over); it says how large they are, and where.
 */
import { readFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import { type Counted, type DriftRow, drifts } from '../core/spend/reconcile.ts'
import { API_ARGS, type Api, apiOf, call } from './api.ts'
import { ending, Stop } from './ending.ts'
import { DAY_MS, usd } from './numbers.ts'
import { readExport } from './provider-export.ts'
import { print, table } from './table.ts'

type Sum = {
  day: string
  target: string | null
  requests: number
  input_tokens: number | null
  output_tokens: number | null
  cost_micros: number | null
}
const PAGES_AT_MOST = 1_000
const BYTES_AT_MOST = 200 * 1024 * 1024

export const reconcile = defineCommand({
  meta: { name: 'reconcile', description: "The drift between a provider's own export and our rows, by model and day." },
  args: {
    file: { type: 'positional', required: true, description: 'CSV or JSON from OpenAI or Anthropic: usage or costs' },
    provider: { type: 'string', description: 'Our name for the provider (default: by the file)' },
    org: { type: 'string', description: 'Only this organisation of ours' },
    'above-percent': { type: 'string', description: 'Show, and exit 1 for, drifts above this many percent only (default 0)' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const file = readExport(textOf(args.file))
      const days = file.counted.map(({ day }) => day).sort()
      const [from, last] = [days[0], days.at(-1)]
      if (from === undefined || last === undefined) throw new Stop('the file has no rows')
      const above = Number(args['above-percent'] ?? 0)
      if (!(above >= 0)) throw new Stop('--above-percent takes a number from 0 on')
      const to = new Date(Date.parse(last) + DAY_MS).toISOString().slice(0, 10)
      const provider = args.provider ?? file.provider
      const ours = await countedHere(apiOf(args), { from, to, provider, org: args.org })
      const rows = drifts(file.counted, ours)
      const off = rows.filter(row => isOff(row, above))
      const words = `${file.format}, ${from} to ${last}: ${rows.length} models and days, ${off.length} of them drift${above > 0 ? ` by more than ${above} %` : ''}.`
      print(args.json, { format: file.format, provider, from, to: last, rows }, off.length ? `${words}\n\n${shown(off)}` : words)
      return off.length === 0
    }),
})

function textOf(path: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new Stop(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
  if (bytes.length > BYTES_AT_MOST) throw new Stop(`${path} is larger than 200 MB: export a shorter period`)
  return bytes.toString('utf8')
}

async function countedHere(api: Api, query: { from: string; to: string; provider: string; org: string | undefined }): Promise<Counted[]> {
  const counted: Counted[] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES_AT_MOST; page++) {
    const got = await call<{ rows: Sum[]; cursor: string | null }>(api, 'GET', '/usage', {
      query: { ...query, group_by: 'day,target', limit: 1_000, cursor },
    })
    for (const { day, target, requests, input_tokens, output_tokens, cost_micros } of got.rows) {
      const model = target?.slice(target.indexOf('/') + 1) ?? null
      counted.push({ day, model, requests, input_tokens, output_tokens, cost_micros })
    }
    if (got.cursor === null) break
    cursor = got.cursor
  }
  return counted
}

const figures = (row: DriftRow) => [row.requests, row.input_tokens, row.output_tokens, row.cost_micros]
const isOff = (row: DriftRow, above: number) =>
  figures(row).some(({ drift, percent }) => drift !== null && drift !== 0 && (percent === null || Math.abs(percent) > above))

function shown(rows: DriftRow[]): string {
  const number = (value: number | null) => (value === null ? '-' : String(value))
  const signed = (value: number | null) => (value === null ? '-' : value > 0 ? `+${value}` : String(value))
  return table(
    ['day', 'model', 'in theirs', 'ours', 'drift', 'out theirs', 'ours', 'drift', 'cost theirs', 'ours', 'drift', '%'],
    rows.map(({ day, model, input_tokens, output_tokens, cost_micros }) => [
      ...[day, model, number(input_tokens.theirs), number(input_tokens.ours), signed(input_tokens.drift)],
      ...[number(output_tokens.theirs), number(output_tokens.ours), signed(output_tokens.drift)],
      ...[usd(cost_micros.theirs), usd(cost_micros.ours), usd(cost_micros.drift)],
      signed(cost_micros.percent ?? input_tokens.percent),
    ]),
  )
}
