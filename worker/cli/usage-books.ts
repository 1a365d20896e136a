/** `signalbox usage books [org]`: does the spend that budgets are judged by agree with the rows in D1? */
import { defineCommand } from 'citty'
import { API_ARGS, apiOf, call } from './api.ts'
import { ending, Stop } from './ending.ts'
import { usd } from './numbers.ts'
import { print, table } from './table.ts'

type Day = { day: string; object_micros: number; rows_micros: number; cost_unknown: number; agrees: boolean | null }
type Books = { org: string; on_their_way: number; days: Day[] }
type Checked = { org: string; checked_at_ms: number; differs_since_ms: number | null; differences: Day[] }

export const books = defineCommand({
  meta: { name: 'books', description: "Whether an organisation's spend and its rows in D1 agree, day by day; exits 1 where they do not." },
  args: {
    org: {
      type: 'positional',
      required: false,
      description: 'The organisation, compared now; without one, what the hourly checks of all said',
    },
    ...API_ARGS,
  },
  run: given =>
    ending(given, async () => {
      const { args } = given
      if (args.org === undefined) {
        const { books } = await call<{ books: Checked[] }>(apiOf(args), 'GET', '/books')
        print(
          args.json,
          books,
          books.length ? table(['org', 'checked', 'agrees', 'days that differ'], books.map(lineOf)) : 'Nothing was checked yet.',
        )
        return books.every(({ differs_since_ms }) => differs_since_ms === null)
      }
      if (!/^[a-z0-9][a-z0-9-]*$/.test(args.org)) throw new Stop('an organisation has lower-case letters, digits and dashes')
      const found = await call<Books>(apiOf(args), 'GET', `/orgs/${args.org}/books`)
      const rows = found.days.map(each => [
        ...[each.day, usd(each.object_micros), usd(each.rows_micros), String(each.cost_unknown), answerTo(each.agrees)],
      ])
      const moving = found.days.some(({ agrees }) => agrees === null)
      const words = rows.length ? table(['day', 'object', 'rows', 'unpriced', 'agrees'], rows) : 'Nothing was spent in the last month.'
      print(
        args.json,
        found,
        moving ? `${words}\nSomething moves (${found.on_their_way} rows on their way to D1); ask again in a moment.` : words,
      )
      return found.days.every(({ agrees }) => agrees !== false)
    }),
})

const answerTo = (agrees: boolean | null) => (agrees === null ? '?' : agrees ? 'yes' : 'NO')
const at = (instant_ms: number) => new Date(instant_ms).toISOString().slice(0, 16)
const lineOf = ({ org, checked_at_ms, differs_since_ms, differences }: Checked): string[] => [
  ...[org, at(checked_at_ms), differs_since_ms === null ? 'yes' : `NO, since ${at(differs_since_ms)}`],
  differences.map(({ day, object_micros, rows_micros }) => `${day}: ${usd(object_micros)} and ${usd(rows_micros)}`).join('; ') || '-',
]
