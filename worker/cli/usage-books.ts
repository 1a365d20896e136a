/** `signalbox usage books <org>`: does the spend that budgets are judged by agree with the rows in D1? */
import { defineCommand } from 'citty'
import { API_ARGS, apiOf, call } from './api.ts'
import { ending, Stop } from './ending.ts'
import { usd } from './numbers.ts'
import { print, table } from './table.ts'

type Books = {
  org: string
  on_their_way: number
  days: { day: string; object_micros: number; rows_micros: number; cost_unknown: number; agrees: boolean }[]
}

export const books = defineCommand({
  meta: { name: 'books', description: "Whether an organisation's spend and its rows in D1 agree, day by day; exits 1 where they do not." },
  args: { org: { type: 'positional', required: true, description: 'The organisation' }, ...API_ARGS },
  run: given =>
    ending(given, async () => {
      const { args } = given
      if (!/^[a-z0-9][a-z0-9-]*$/.test(args.org)) throw new Stop('an organisation has lower-case letters, digits and dashes')
      const found = await call<Books>(apiOf(args), 'GET', `/orgs/${args.org}/books`)
      const rows = found.days.map(each => [
        ...[each.day, usd(each.object_micros), usd(each.rows_micros), String(each.cost_unknown), each.agrees ? 'yes' : 'NO'],
      ])
      const words = found.on_their_way
        ? `${found.on_their_way} rows are on their way to D1; ask again in a moment.`
        : rows.length
          ? table(['day', 'object', 'rows', 'unpriced', 'agrees'], rows)
          : 'Nothing was spent in the last month.'
      print(args.json, found, words)
      return found.on_their_way === 0 && found.days.every(({ agrees }) => agrees)
    }),
})
