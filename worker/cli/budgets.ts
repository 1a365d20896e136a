/**
 * `signalbox budgets`: what keys may spend and do, beside what they have spent. Teams and organisations: `limits.ts`.
 */
import { defineCommand } from 'citty'
import { API_ARGS, apiOf, call, pages } from './api.ts'
import { ending, Stop } from './ending.ts'
import { LIMIT_ARGS, LIMIT_COLUMNS, limitLines, limitsFrom, type ShownLimits } from './limit-flags.ts'
import { print, table } from './table.ts'

type Shown = ShownLimits & { key_id: string; label: string; org: string }

const list = defineCommand({
  meta: { name: 'list', description: 'Keys that have budgets or other limits, with what is spent and left.' },
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
  meta: { name: 'set', description: "Replace a key's budgets and other limits by those named." },
  args: { key_id: { type: 'positional', required: true, description: 'Id of the key' }, ...LIMIT_ARGS, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      if (!/^[0-9A-Za-z]{11}$/.test(args.key_id)) throw new Stop('a key id has 11 letters and digits; "signalbox keys list" shows it')
      const path = `/keys/${args.key_id}/budgets`
      const limits = await limitsFrom(args, () => call<Shown>(apiOf(args), 'GET', path))
      const after = await call<Shown>(apiOf(args), 'PUT', path, { body: limits })
      print(args.json, after, limitLines(after).length ? shown([after]) : `${after.key_id} (${after.label}) has no budget any more.`)
      return true
    }),
})

function shown(keys: Shown[]): string {
  const rows = keys.flatMap(each => limitLines(each).map(line => [each.key_id, each.label, each.org, ...line]))
  return table(['key id', 'label', 'org', ...LIMIT_COLUMNS], rows)
}

export const budgets = defineCommand({
  meta: { name: 'budgets', description: 'What keys may spend, and what is spent.' },
  subCommands: { list, set },
})
