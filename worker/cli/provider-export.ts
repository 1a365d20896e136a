/**
 * Providers' own accounts of what was used and what it costs, as files: what their usage and cost APIs answer (JSON), and what their consoles
 * export (CSV). Which it is shows in what it holds; what is none of them is refused with what was found and what is known.
 *
 * - OpenAI, Usage API and Costs API: platform.openai.com/docs/api-reference/usage, read 2026-11-24. Its exported files have the fields of the
 *   API as columns, with the bucket's start beside.
 * - Anthropic, Usage and Cost Admin API: platform.claude.com/docs/en/api/resources/admin/subresources/usage_and_cost, read 2026-11-24. The
 *   console's usage file as in public exports of 2026-03 to 2026-09; its cost file as documented in the console's help, 2026-11-24.
 */
import type { Counted } from '../core/spend/reconcile.ts'
import { type Line, readCsv } from './csv.ts'
import { Stop } from './ending.ts'

export type ProviderExport = { provider: 'openai' | 'anthropic'; format: string; counted: Counted[] }
type Row = Record<string, unknown>

const NOTHING: Omit<Counted, 'day' | 'model'> = { requests: null, input_tokens: null, output_tokens: null, cost_micros: null }

const KNOWN = `Known are:
  OpenAI usage (CSV):      start_time or start_time_iso, model, input_tokens, output_tokens, num_model_requests
  OpenAI costs (CSV):      start_time or start_time_iso, amount_value, line_item
  OpenAI usage and costs:  JSON as /v1/organization/usage/completions and /v1/organization/costs answer it
  Anthropic usage (CSV):   usage_date_utc, model_version, usage_input_tokens_no_cache, usage_output_tokens, ...
  Anthropic costs (CSV):   usage_date_utc, model, cost_usd
  Anthropic usage, costs:  JSON as /v1/organizations/usage_report/messages and /v1/organizations/cost_report answer it`

export function readExport(text: string): ProviderExport {
  return /^\s*[{[]/.test(text.replace(/^\uFEFF/, '')) ? fromJson(text) : fromCsv(text)
}

function fromCsv(text: string): ProviderExport {
  const { columns, lines } = readCsv(text)
  const has = (...names: string[]) => names.every(name => columns.includes(name))
  const starts = has('start_time') || has('start_time_iso')
  const each = (make: (line: Line) => Counted) => lines.map(make)
  if (has('usage_date_utc', 'model_version', 'usage_input_tokens_no_cache', 'usage_output_tokens')) {
    const written = columns.filter(name => name.startsWith('usage_input_tokens_cache'))
    return {
      provider: 'anthropic',
      format: 'Anthropic usage (CSV)',
      counted: each(line => ({
        ...NOTHING,
        day: dayOf(line, 'usage_date_utc'),
        model: line.cells.model_version || null,
        input_tokens: ['usage_input_tokens_no_cache', ...written].reduce((sum, name) => sum + whole(line, name), 0),
        output_tokens: whole(line, 'usage_output_tokens'),
      })),
    }
  }
  if (has('usage_date_utc', 'cost_usd')) {
    return {
      provider: 'anthropic',
      format: 'Anthropic costs (CSV)',
      counted: each(line => ({
        ...NOTHING,
        day: dayOf(line, 'usage_date_utc'),
        model: (line.cells.model ?? '').trim().toLowerCase().replace(/[ .]/g, '-') || null,
        cost_micros: micros(line, 'cost_usd'),
      })),
    }
  }
  const start = has('start_time_iso') ? 'start_time_iso' : 'start_time'
  if (starts && has('input_tokens', 'output_tokens')) {
    return {
      provider: 'openai',
      format: 'OpenAI usage (CSV)',
      counted: each(line => ({
        ...NOTHING,
        day: dayOf(line, start),
        model: line.cells.model || null,
        requests: has('num_model_requests') ? whole(line, 'num_model_requests') : null,
        input_tokens: whole(line, 'input_tokens'),
        output_tokens: whole(line, 'output_tokens'),
      })),
    }
  }
  if (starts && has('amount_value')) {
    return {
      provider: 'openai',
      format: 'OpenAI costs (CSV)',
      counted: each(line => ({
        ...NOTHING,
        day: dayOf(line, start),
        model: modelIn(line.cells.line_item),
        cost_micros: micros(line, 'amount_value'),
      })),
    }
  }
  const only = starts && columns.every(name => /^(start|end)_time(_iso)?$/.test(name))
  if (only) throw new Stop('this export has time buckets and no figures: nothing was used in its period, or it was exported without any')
  throw new Stop(`the columns of this file are not known here: ${columns.slice(0, 30).join(', ')}\n${KNOWN}`)
}

function fromJson(text: string): ProviderExport {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new Stop(`the file looks like JSON and is none: ${error instanceof Error ? error.message : 'it does not parse'}`)
  }
  // One page of an API, or several in a list.
  const pages = Array.isArray(json) ? json : [json]
  const buckets = pages.flatMap(page => (isRow(page) && Array.isArray(page.data) ? page.data.filter(isRow) : []))
  const results = buckets.flatMap(bucket =>
    Array.isArray(bucket.results) ? bucket.results.filter(isRow).map(result => ({ bucket, result })) : [],
  )
  if (pages.some(page => isRow(page) && page.has_more === true && pages.length === 1))
    throw new Stop('this is one page of several (has_more is true): ask for the rest, and give all pages as a list')
  const [first] = results
  if (!first) throw new Stop(`there are no results in this file.\n${KNOWN}`)
  const make = (provider: ProviderExport['provider'], format: string, of: (result: Row, day: string) => Counted): ProviderExport => ({
    provider,
    format,
    counted: results.map(({ bucket, result }) => of(result, bucketDay(bucket))),
  })
  if ('starting_at' in first.bucket && 'uncached_input_tokens' in first.result)
    return make('anthropic', 'Anthropic usage (JSON)', (result, day) => {
      const written = isRow(result.cache_creation)
        ? Object.values(result.cache_creation).reduce<number>((sum, each) => sum + count(each), 0)
        : 0
      return {
        ...NOTHING,
        day,
        model: textOf(result.model),
        input_tokens: count(result.uncached_input_tokens) + count(result.cache_read_input_tokens) + written,
        output_tokens: count(result.output_tokens),
      }
    })
  if ('starting_at' in first.bucket && 'amount' in first.result)
    return make('anthropic', 'Anthropic costs (JSON)', (result, day) => ({
      ...NOTHING,
      day,
      model: textOf(result.model),
      // Cents, as a decimal text.
      cost_micros: Math.round(Number(result.amount) * 10_000),
    }))
  if ('start_time' in first.bucket && isRow(first.result.amount))
    return make('openai', 'OpenAI costs (JSON)', (result, day) => ({
      ...NOTHING,
      day,
      model: modelIn(textOf(result.line_item) ?? undefined),
      cost_micros: Math.round(Number(isRow(result.amount) ? result.amount.value : Number.NaN) * 1e6),
    }))
  if ('start_time' in first.bucket && 'input_tokens' in first.result)
    return make('openai', 'OpenAI usage (JSON)', (result, day) => ({
      ...NOTHING,
      day,
      model: textOf(result.model),
      requests: count(result.num_model_requests),
      input_tokens: count(result.input_tokens),
      output_tokens: count(result.output_tokens),
    }))
  throw new Stop(`the results in this file are not known here: ${Object.keys(first.result).slice(0, 30).join(', ')}\n${KNOWN}`)
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const count = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
/** `gpt-5-mini-2025-08-07, input`: the model, where what follows is a kind of token. */
const modelIn = (line_item: string | undefined): string | null => line_item?.split(',')[0]?.trim() || null

function bucketDay(bucket: Row): string {
  const at = typeof bucket.start_time === 'number' ? bucket.start_time * 1_000 : Date.parse(String(bucket.starting_at))
  if (Number.isNaN(at)) throw new Stop('a bucket of this file has no start that can be read')
  return new Date(at).toISOString().slice(0, 10)
}

function dayOf({ line, cells }: Line, column: string): string {
  const text = cells[column] ?? ''
  const at = /^\d{9,11}$/.test(text) ? Number(text) * 1_000 : Date.parse(text)
  if (text === '' || Number.isNaN(at)) throw new Stop(`line ${line}: "${text.slice(0, 40)}" in ${column} is no day`)
  return new Date(at).toISOString().slice(0, 10)
}

function numberIn({ line, cells }: Line, column: string): number {
  const text = (cells[column] ?? '').replace(/^\$/, '')
  const value = text === '' ? 0 : Number(text)
  if (!Number.isFinite(value)) throw new Stop(`line ${line}: "${text.slice(0, 40)}" in ${column} is no number`)
  return value
}

function whole(line: Line, column: string): number {
  const value = numberIn(line, column)
  if (!Number.isInteger(value) || value < 0) throw new Stop(`line ${line.line}: ${value} in ${column} is no count`)
  return value
}

const micros = (line: Line, column: string): number => Math.round(numberIn(line, column) * 1e6)
