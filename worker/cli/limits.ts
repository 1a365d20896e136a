/**
 * `signalbox limits`: what organisations and their teams may spend and do, and who is told when a soft limit is passed.
 */
import { defineCommand } from 'citty'
import { API_ARGS, apiOf, call } from './api.ts'
import { ending, Stop } from './ending.ts'
import { LIMIT_ARGS, LIMIT_COLUMNS, limitLines, limitsFrom, type ShownLimits } from './limit-flags.ts'
import { print, table } from './table.ts'
import { lift, unusual } from './unusual.ts'

type Shown = {
  org: string
  limits: ShownLimits
  teams: Record<string, ShownLimits>
  webhook: { url: string } | null
  webhook_secret?: string
}

const ORG = { org: { type: 'positional', required: true, description: 'The organisation' } } as const
const NONE: ShownLimits = { budgets: [], rates: [], expensive: [] }

const show = defineCommand({
  meta: { name: 'show', description: "An organisation's limits and its teams', with what is spent and left." },
  args: { ...ORG, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const record = await call<Shown>(apiOf(args), 'GET', pathOf(args.org))
      print(args.json, record, shown(record))
      return true
    }),
})

const set = defineCommand({
  meta: { name: 'set', description: "Replace an organisation's limits, or a team's, by those named." },
  args: { ...ORG, team: { type: 'string', description: 'Of this team only' }, ...LIMIT_ARGS, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      const api = apiOf(args)
      const before = await call<Shown>(api, 'GET', pathOf(args.org))
      const { team } = args
      const limits = await limitsFrom(args, async () => (team === undefined ? before.limits : (before.teams[team] ?? NONE)))
      const teams = Object.fromEntries(Object.entries(before.teams).map(([name, each]) => [name, typed(each)]))
      if (team !== undefined) {
        if (args.none) delete teams[team]
        else teams[team] = limits
      }
      const after = await call<Shown>(api, 'PUT', pathOf(args.org), { body: team === undefined ? { limits } : { teams } })
      print(args.json, after, shown(after))
      return true
    }),
})

const webhook = defineCommand({
  meta: {
    name: 'webhook',
    description: 'Who is told when a soft limit is passed or the books differ; shows the secret that its calls are signed by.',
  },
  args: {
    ...ORG,
    to: { type: 'string', description: 'An https address' },
    none: { type: 'boolean', description: 'Nobody any more' },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      if ((args.to === undefined) === (args.none !== true)) throw new Stop('name --to <https address>, or --none')
      const after = await call<Shown>(apiOf(args), 'PUT', pathOf(args.org), {
        body: { webhook: args.to === undefined ? null : { url: args.to } },
      })
      const words = after.webhook
        ? `${after.webhook.url} is told. Its calls are signed (Standard Webhooks) by\n${after.webhook_secret}`
        : 'Nobody is told.'
      print(args.json, after, words)
      return true
    }),
})

function pathOf(org: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(org)) throw new Stop('an organisation has lower-case letters, digits and dashes')
  return `/orgs/${org}/limits`
}

/** As it is set, without what was spent. */
const typed = ({ budgets, rates, expensive }: ShownLimits) => ({
  budgets: budgets.map(({ window, limit_micros, kind }) => ({ window, limit_micros, kind })),
  rates: rates.map(({ of, at_most, kind }) => ({ of, at_most, kind })),
  expensive,
})

function shown({ org, limits, teams, webhook: told }: Shown): string {
  const rows = [
    ...limitLines(limits).map(line => ['-', ...line]),
    ...Object.entries(teams).flatMap(([team, each]) => limitLines(each).map(line => [team, ...line])),
  ]
  const words = rows.length ? table(['team', ...LIMIT_COLUMNS], rows) : `${org} and its teams have no limits.`
  return told ? `${words}\n\nSoft limits are told to ${told.url}` : words
}

export const limits = defineCommand({
  meta: { name: 'limits', description: 'What organisations and teams may spend and do.' },
  subCommands: { show, set, webhook, unusual, lift },
})
