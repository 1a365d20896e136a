/**
 * `signalbox budgets`: what keys may spend, beside what their organisations have spent.
 */
import { defineCommand } from 'citty'
import type { Budget } from '../schema/limits.ts'
import { API_ARGS, apiOf, call, pages } from './api.ts'
import { ending, Stop } from './ending.ts'
import { microsOf, numberOf, shownInstant, usd } from './numbers.ts'
import { print, table } from './table.ts'

type Shown = {
  key_id: string
  label: string
  org: string
  budgets: (Budget & { spent_micros: number; held_micros: number; left_micros: number; resets_at_ms: number })[]
}

const list = defineCommand({
  meta: { name: 'list', description: 'Keys that have budgets, with spent and left.' },
  args: { org: { type: 'string', description: 'Of this organisation only' }, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const keys = await pages<Shown>(apiOf(args), '/budgets', 'keys', { org: args.org })
      print(args.json, keys, keys.length ? shown(keys) : 'No key has a budget.')
      return true
    }),
})

const set = defineCommand({
  meta: { name: 'set', description: "Replace a key's budgets by those named; none named takes all away." },
  args: {
    key_id: { type: 'positional', required: true, description: 'Id of the key' },
    day: { type: 'string', description: 'USD a day' },
    week: { type: 'string', description: 'USD a week' },
    month: { type: 'string', description: 'USD a month' },
    soft: { type: 'boolean', description: 'Warn and refuse nothing' },
    none: { type: 'boolean', description: 'Take all budgets away' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const budgets = (['day', 'week', 'month'] as const).flatMap((window): Budget[] => {
        const limit = numberOf(window, args[window])
        return limit === null ? [] : [{ window, limit_micros: microsOf(limit), kind: args.soft ? 'soft' : 'hard' }]
      })
      if (!/^[0-9A-Za-z]{11}$/.test(args.key_id)) throw new Stop('a key id has 11 letters and digits; "signalbox keys list" shows it')
      if ((budgets.length === 0) !== (args.none === true))
        throw new Stop('name budgets (--day, --week, --month, in USD), or --none to take them away')
      const after = await call<Shown>(apiOf(args), 'PUT', `/keys/${args.key_id}/budgets`, { body: { budgets } })
      print(args.json, after, budgets.length ? shown([after]) : `${after.key_id} (${after.label}) has no budget any more.`)
      return true
    }),
})

function shown(keys: Shown[]): string {
  const rows = keys.flatMap(({ key_id, label, org, budgets }) =>
    budgets.map(each => [
      ...[key_id, label, org, each.window, each.kind],
      ...[usd(each.limit_micros), usd(each.spent_micros), usd(each.held_micros), usd(each.left_micros), shownInstant(each.resets_at_ms)],
    ]),
  )
  return table(['key id', 'label', 'org', 'window', 'kind', 'limit', 'spent', 'held', 'left', 'resets'], rows)
}

export const budgets = defineCommand({
  meta: { name: 'budgets', description: 'What keys may spend, and what is spent.' },
  subCommands: { list, set },
})
