/**
 * What a webhook is told when a soft limit was passed, or a key stopped for spending more than usual: whose limit, how much, and when it resets; and when
 * an organisation's two books differ, on which days and by how much. Names and numbers only: no
 * prompt, no answer, no key beyond its public id.
 */

import type { Micros, Ms } from '../../schema/units.ts'
import type { LimitRefusal } from '../../schema/usage.ts'
import { isPublic } from '../decide/address.ts'
import { err, ok, type Result } from '../result.ts'

export type Notice = {
  type: 'limit.passed'
  timestamp: string
  data: {
    org: string
    /** `org`, `team:<name>` or `key:<key id>`. */
    account: string
    limit: string
    at_most: number
    used: number
    resets_at: string
  }
}

export type BooksNotice = {
  type: 'books.differ'
  timestamp: string
  data: {
    org: string
    /** All days that differ now. `by_micros`: what budgets are judged by, less what the rows say. */
    days: { day: string; object_micros: Micros; rows_micros: Micros; by_micros: Micros }[]
  }
}

export function booksNotice(org: string, days: { day: string; object_micros: Micros; rows_micros: Micros }[], now_ms: Ms): BooksNotice {
  return {
    type: 'books.differ',
    timestamp: new Date(now_ms).toISOString(),
    data: {
      org,
      days: days.map(({ day, object_micros, rows_micros }) => ({
        day,
        object_micros,
        rows_micros,
        by_micros: object_micros - rows_micros,
      })),
    },
  }
}

export function noticeOf(org: string, warning: LimitRefusal, now_ms: Ms): Notice {
  const rate = warning.code === 'limit_reached'
  return {
    type: 'limit.passed',
    timestamp: new Date(now_ms).toISOString(),
    data: {
      org,
      account: warning.account,
      limit: rate ? warning.of : warning.code === 'unusual_spend' ? 'usual_usd_micros_per_hour' : `usd_micros_per_${warning.window}`,
      at_most: rate ? warning.at_most : warning.code === 'unusual_spend' ? warning.at_most_micros : warning.limit_micros,
      used: rate ? warning.used : warning.spent_micros + warning.held_micros,
      resets_at: new Date(warning.resets_at_ms).toISOString(),
    },
  }
}

/**
 * An address that may be called: https, a host on the internet by name, the standard port, nothing secret in it. Checked when
 * it is set and again before each call. A public name that resolves into a private network is the platform's to refuse:
 * a Worker's `fetch` reaches public addresses only, and no redirect is followed.
 */
export function webhookUrl(text: string): Result<URL, string> {
  if (!URL.canParse(text)) return err('it is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:') return err('it must begin with https://')
  if (url.username || url.password) return err('it must not carry a user name or password')
  if (!isPublic(url)) return err('it must name a public host, by name and on the standard port')
  return ok(url)
}
