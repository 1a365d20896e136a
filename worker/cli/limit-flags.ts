/**
 * Limits as they are typed and shown: the same flags for a key, a team and an organisation, money in USD.
 */
import type { Limits, Rate } from '../schema/limits.ts'
import { Stop } from './ending.ts'
import { microsOf, numberOf, shownInstant, usd } from './numbers.ts'

export const LIMIT_ARGS = {
  day: { type: 'string', description: 'USD a day' },
  week: { type: 'string', description: 'USD a week' },
  month: { type: 'string', description: 'USD a month' },
  requests: { type: 'string', description: 'Requests a minute' },
  tokens: { type: 'string', description: 'Tokens a minute, input and output' },
  concurrent: { type: 'string', description: 'Requests at the same time' },
  share: {
    type: 'string',
    description:
      'Share of requests, 0 to 1, that may go to targets above so many USD per million output tokens: 0.2@2,0.02@20 (default @10)',
  },
  soft: { type: 'boolean', description: 'Warn and refuse nothing' },
  add: { type: 'boolean', description: 'Keep the limits that are not named' },
  none: { type: 'boolean', description: 'Take all limits away' },
} as const

type Given = Partial<Record<Exclude<keyof typeof LIMIT_ARGS, 'soft' | 'add' | 'none'>, string>> & {
  soft?: boolean
  add?: boolean
  none?: boolean
}

export type ShownLimits = {
  budgets: (Limits['budgets'][number] & { spent_micros: number; held_micros: number; left_micros: number; resets_at_ms: number })[]
  rates: (Rate & { left: number })[]
  expensive: Limits['expensive']
}

const DEAR_ABOVE_USD = 10
const RATE_FLAGS = { requests: 'requests_per_minute', tokens: 'tokens_per_minute', concurrent: 'concurrent_requests' } as const

/** What is to hold from now on; `before` is asked for where the others are to be kept. */
export async function limitsFrom(args: Given, before: () => Promise<ShownLimits>): Promise<Limits> {
  const kind = args.soft ? 'soft' : 'hard'
  const budgets = (['day', 'week', 'month'] as const).flatMap((window): Limits['budgets'] => {
    const limit = numberOf(window, args[window])
    return limit === null ? [] : [{ window, limit_micros: microsOf(window, limit), kind }]
  })
  const rates = (['requests', 'tokens', 'concurrent'] as const).flatMap((flag): Rate[] => {
    const at_most = numberOf(flag, args[flag])
    if (at_most !== null && !Number.isInteger(at_most)) throw new Stop(`--${flag} takes a whole number, not "${args[flag]}"`)
    return at_most === null ? [] : [{ of: RATE_FLAGS[flag], at_most, kind }]
  })
  const expensive = shareFrom(args)
  const none = budgets.length === 0 && rates.length === 0 && expensive.length === 0
  if (none !== (args.none === true))
    throw new Stop('name limits (--day, --month, --requests, --share and so on), or --none to take them away')
  if (!args.add) return { budgets, rates, expensive }
  const kept = await before()
  const named = <T extends { kind: string }>(listed: T[], of: (each: T) => string) =>
    new Set(listed.map(each => `${of(each)} ${each.kind}`))
  const [windows, kinds] = [named(budgets, each => each.window), named(rates, each => each.of)]
  return {
    budgets: [
      ...kept.budgets
        .filter(each => !windows.has(`${each.window} ${each.kind}`))
        .map(({ window, limit_micros, kind: its }) => ({ window, limit_micros, kind: its })),
      ...budgets,
    ],
    rates: [...kept.rates.filter(each => !kinds.has(`${each.of} ${each.kind}`)).map(({ left, ...each }) => each), ...rates],
    expensive: expensive.length > 0 ? expensive : kept.expensive,
  }
}

function shareFrom({ share }: Given): Limits['expensive'] {
  return (share?.split(',') ?? []).map(each => {
    const [of = '', above, ...more] = each.split('@')
    const value = Number(of)
    if (of.trim() === '' || !(value >= 0 && value <= 1) || more.length > 0)
      throw new Stop(`--share takes numbers from 0 to 1, each with the price it is for, as in 0.2@10; not "${each}"`)
    return { share: value, above_micros_per_mtok: microsOf('share', numberOf('share', above) ?? DEAR_ABOVE_USD) }
  })
}

export const LIMIT_COLUMNS = ['limit', 'kind', 'at most', 'spent', 'held', 'left', 'resets'] as const

/** A line for each limit. */
export function limitLines({ budgets, rates, expensive }: ShownLimits): string[][] {
  return [
    ...budgets.map(each => [
      ...[`USD a ${each.window}`, each.kind, usd(each.limit_micros), usd(each.spent_micros), usd(each.held_micros)],
      ...[usd(each.left_micros), shownInstant(each.resets_at_ms)],
    ]),
    ...rates.map(each => [each.of.replaceAll('_', ' '), each.kind, String(each.at_most), '-', '-', String(each.left), '-']),
    ...expensive.map(({ share, above_micros_per_mtok }) => [
      ...[`share above ${usd(above_micros_per_mtok)} per M`, 'bars', `${Number((share * 100).toPrecision(3))} %`],
      ...['-', '-', '-', '-'],
    ]),
  ]
}
