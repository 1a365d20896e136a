/**
 * Limits as an admin sees them: what may be, beside what is. The figures are the usage object's own, the very ones that hard
 * limits are judged by, and not a sum over rows.
 */
import * as z from 'zod'
import { type Window, windowAt } from '../../core/spend/budget.ts'
import type { OrgId } from '../../schema/ids.ts'
import { type AccountLimits, type AccountName, budget, type Limits, rate, shares } from '../../schema/limits.ts'
import { type Ms, micros, ms } from '../../schema/units.ts'
import { spentByDay } from '../../store/spent-before.ts'
import type { AdminEnv } from './route.ts'

export const limitView = () =>
  z.strictObject({
    budgets: z.array(
      budget.extend({
        spent_micros: micros.describe('Spent by the account in this window.'),
        held_micros: micros.describe('Held for requests under way.'),
        left_micros: micros,
        resets_at_ms: ms,
      }),
    ),
    rates: z.array(rate.extend({ left: z.number() })),
    expensive: shares.unwrap().describe('The shares of requests that may go to targets whose output costs more than so much.'),
  })
export type LimitView = z.infer<ReturnType<typeof limitView>>

/** Of several accounts of one organisation, in their order. */
export async function limitViews(
  { USAGE }: Pick<AdminEnv, 'USAGE'>,
  org: OrgId,
  accounts: AccountLimits[],
  now_ms: Ms,
): Promise<LimitView[]> {
  if (accounts.length === 0) return []
  const object = USAGE.getByName(org)
  const ledgers = await object.ledgers(accounts.map(({ account }) => account))
  const rates = await Promise.all(
    accounts.map(each =>
      each.rates.length ? object.standing({ hard: false, accounts: [each], tokens: 0, output_micros_per_mtok: null }) : null,
    ),
  )
  return accounts.map(({ budgets, rates: listed, expensive: share }, i) => ({
    budgets: budgets.map(each => {
      const { spent_micros, held_micros } = ledgers[i]?.[each.window as Window] ?? { spent_micros: 0, held_micros: 0 }
      const left_micros = Math.max(0, each.limit_micros - spent_micros - held_micros)
      return { ...each, spent_micros, held_micros, left_micros, resets_at_ms: windowAt(each.window, now_ms).resets_at_ms }
    }),
    rates: listed.map(each => ({ ...each, left: rates[i]?.rates.find(({ of }) => of === each.of)?.left ?? each.at_most })),
    expensive: share,
  }))
}

/** Before a limit is told to isolates, the object begins to keep its account, with what D1 knows was spent before. */
export async function openAccount(
  env: Pick<AdminEnv, 'USAGE' | 'DB'>,
  org: OrgId,
  account: AccountName,
  limits: Limits,
  now_ms: Ms,
): Promise<void> {
  if (limits.budgets.length === 0) return
  const from_ms = Math.min(windowAt('month', now_ms).start_ms, windowAt('week', now_ms).start_ms)
  await env.USAGE.getByName(org).openAccount(account, await spentByDay(env.DB, org, account, from_ms))
}
