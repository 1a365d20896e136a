/**
 * What may be spent, and how fast. The same three kinds of limit for a key, a team and an organisation: a key's stand in its
 * own record, those of teams and of the organisation in one record a organisation, `limits/<org>` in KV.
 *
 * `hard` refuses: it is judged by the one object that keeps the organisation's books, in the transaction that takes the request,
 * and so is exact. `soft` warns: a header, and a webhook.
 */
import * as z from 'zod'
import { orgId } from './ids.ts'
import { limitMicros, type Micros, type Tokens } from './units.ts'

const kind = z.enum(['hard', 'soft'])

export const budget = z.strictObject({
  window: z.enum(['day', 'week', 'month']),
  limit_micros: limitMicros,
  /** `hard`: a request waits for its reservation and is refused beyond the limit. `soft`: a header warns. */
  kind,
})
export type Budget = z.infer<typeof budget>

export const RATES = ['requests_per_minute', 'tokens_per_minute', 'concurrent_requests'] as const
export type RateName = (typeof RATES)[number]
export const rate = z.strictObject({
  of: z.enum(RATES),
  /** In any 60 s; or at the same time. */
  at_most: z.int().min(1).max(1e9),
  kind,
})
export type Rate = z.infer<typeof rate>

/**
 * Of the requests of the last hour, this share may go to targets whose output costs more than `above_micros_per_mtok`; beyond, such
 * targets are not eligible. Several, with a smaller share the dearer, follow the bill of honest traffic closely: that is what bounds it when
 * prompts are written to look hard. A target of unknown price counts as dear.
 */
const expensive = z.strictObject({ share: z.number().min(0).max(1), above_micros_per_mtok: z.int().min(0).max(1e12) })
export type Expensive = z.infer<typeof expensive>

export const shares = z.array(expensive).max(4).default([])
export const budgets = z.array(budget).max(6).default([])
export const rates = z.array(rate).max(6).default([])
export const limits = z.strictObject({ budgets, rates, expensive: shares })
export type Limits = z.infer<typeof limits>

/** What a whole organisation and each of its keys spends in an hour, against what it usually does. */
export const unusual = z.strictObject({
  times: z.number().min(2).max(1_000).default(10).describe('So many times the usual is unusual.'),
  at_least_micros: limitMicros.default(1_000_000).describe('Below so much in an hour nothing is; 1 USD where it is not said.'),
  after_hours: z
    .int()
    .min(3)
    .max(168)
    .default(24)
    .describe('What is usual is known after so many hours with spend within a week; nothing is judged before.'),
  /** `hard`: stopped to the end of the hour. `soft`: told by header and webhook only. Stopping is told by webhook too. */
  kind,
})
export type Unusual = z.infer<typeof unusual>

const team = z.string().min(1).max(60)
export const orgLimits = z.strictObject({
  v: z.literal(1),
  org: orgId,
  /** For all of the organisation together. */
  limits,
  /** For each team together, by its name. */
  teams: z.record(team, limits).default({}),
  /** Null: nobody is stopped or told of for spending more than usual. */
  unusual: unusual.nullable().default(null),
  /** Told when a soft limit is passed. Its signing key is made from the Worker's pepper of that name, and stored nowhere. */
  webhook: z
    .strictObject({ url: z.string().max(500), pepper: z.string() })
    .nullable()
    .default(null),
})
export type OrgLimits = z.infer<typeof orgLimits>

/** Whose limits: `org`, `team:<name>` or `key:<key id>`, within one organisation. */
export type AccountName = string
export type AccountLimits = Limits & { account: AccountName; unusual?: Unusual }

/** What a request is judged by; absent where its caller has no limit at all. */
export type Limited = {
  /** Some limit is hard, so the call waits for the verdict. */
  hard: boolean
  accounts: AccountLimits[]
  /** Estimated, input and output together. */
  tokens: Tokens
  /** Price of the planned target's output; null where nobody knows it. */
  output_micros_per_mtok: Micros | null
}
