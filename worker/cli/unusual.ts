/**
 * `signalbox limits unusual` and `limits lift`: what is done about spend that is many times the usual, and letting it go on.
 */
import { defineCommand } from 'citty'
import type { Unusual } from '../schema/limits.ts'
import type { Usual } from '../schema/usage.ts'
import { API_ARGS, apiOf, call } from './api.ts'
import { ending, Stop } from './ending.ts'
import { microsOf, numberOf, usd } from './numbers.ts'
import { print, table } from './table.ts'

type Shown = { org: string; unusual: Unusual | null; accounts: Usual[] }

const ORG = { org: { type: 'positional', required: true, description: 'The organisation' } } as const

export const unusual = defineCommand({
  meta: { name: 'unusual', description: 'What is done about an hour that costs many times the usual; what is usual is shown.' },
  args: {
    ...ORG,
    times: { type: 'string', description: 'So many times the usual is unusual' },
    'at-least': { type: 'string', description: 'Below so many USD an hour nothing is (default 1)' },
    after: { type: 'string', description: 'So many hours with spend make a usual one (default 24)' },
    soft: { type: 'boolean', description: 'Warn and stop nobody' },
    none: { type: 'boolean', description: 'Nothing is done any more' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const api = apiOf(args)
      const rule = ruleFrom(args)
      if (rule !== undefined) await call(api, 'PUT', `${pathOf(args.org)}/limits`, { body: { unusual: rule } })
      const now = await call<Shown>(api, 'GET', `${pathOf(args.org)}/unusual-spend`)
      print(args.json, now, shown(now))
      return true
    }),
})

export const lift = defineCommand({
  meta: { name: 'lift', description: 'Let an organisation, or one of its keys, go on: what is usual is learned anew.' },
  args: { ...ORG, key: { type: 'string', description: 'Of this key, by its id; of the whole organisation where absent' }, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const account = args.key === undefined ? 'org' : `key:${args.key}`
      const done = await call<{ account: string }>(apiOf(args), 'POST', `${pathOf(args.org)}/unusual-spend/lift`, { body: { account } })
      print(args.json, done, `${account} goes on. What it usually spends is learned anew; nothing is judged meanwhile.`)
      return true
    }),
})

type Given = { times?: string; 'at-least'?: string; after?: string; soft?: boolean; none?: boolean }

/** Undefined where nothing is to be changed. */
function ruleFrom(args: Given): object | null | undefined {
  const times = numberOf('times', args.times)
  const at_least = numberOf('at-least', args['at-least'])
  const after_hours = numberOf('after', args.after)
  if (args.none) return null
  if (times === null) {
    if (at_least !== null || after_hours !== null || args.soft) throw new Stop('name --times, such as 10, to have it watched')
    return undefined
  }
  return {
    times,
    kind: args.soft ? 'soft' : 'hard',
    ...(at_least !== null && { at_least_micros: microsOf('at-least', at_least) }),
    ...(after_hours !== null && { after_hours }),
  }
}

function pathOf(org: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(org)) throw new Stop('an organisation has lower-case letters, digits and dashes')
  return `/orgs/${org}`
}

function shown({ org, unusual: rule, accounts }: Shown): string {
  if (rule === null) return `Nothing is done about unusual spend of ${org}.`
  const what = rule.kind === 'hard' ? 'stopped to the end of the hour' : 'told of'
  const words = `Above ${rule.times} times the usual hour, and ${usd(rule.at_least_micros)}, ${org} and its keys are ${what}.`
  if (accounts.length === 0) return `${words} No hour is known yet.`
  const rows = accounts.map(each => [
    ...[each.account, usd(each.usual_micros), String(each.hours_known), usd(each.at_most_micros)],
    ...[usd(each.spent_micros), usd(each.held_micros), each.unusual ? 'yes' : 'no'],
  ])
  return `${words}\n\n${table(['account', 'usual', 'hours known', 'at most', 'this hour', 'held', 'unusual'], rows)}`
}
