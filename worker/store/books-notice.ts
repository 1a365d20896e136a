/**
 * An organisation is told by its webhook that its two books differ: each difference once, and not at every check anew. A difference is a day
 * and an amount; what was told is kept in D1 beside what the check found, so that it holds across isolates and nights. One that did not arrive,
 * or that nobody wanted to hear, is told with the next check. Where a day agrees again it is forgotten, and a new difference on it is news.
 */
import { type BooksNotice, booksNotice } from '../core/spend/notice.ts'
import type { Micros, Ms } from '../schema/units.ts'
import type { BookDay, Books } from './books.ts'
import { hex } from './secret-hmac.ts'
import { delivered, type Send, webhookOf } from './webhook.ts'

/** By day: by how much the object's book was above the rows when that was told. */
export type Told = Record<string, Micros>

/** Gives what has been told now. Never throws. */
export async function tellOfBooks(env: Pick<Env, 'KV'>, { org, days }: Books, told: Told, now_ms: Ms, send: Send = fetch): Promise<Told> {
  const differing = days.filter(({ agrees }) => agrees === false)
  const kept = stillOpen(told, days)
  const isNews = differing.some(each => kept[each.day] !== byMicros(each))
  if (!isNews) return kept
  try {
    const webhook = await webhookOf(env, org)
    if (webhook === null) return kept
    const notice = booksNotice(org, differing, now_ms)
    const message = { id: await idOf(notice), body: JSON.stringify(notice) }
    if (!(await delivered(webhook, message, now_ms, send))) return kept
  } catch {
    // KV passes; the next check tries again.
    return kept
  }
  return { ...kept, ...Object.fromEntries(differing.map(each => [each.day, byMicros(each)])) }
}

/** A day on which something moves says neither that it is mended nor that it is not. */
const stillOpen = (told: Told, days: BookDay[]): Told =>
  Object.fromEntries(Object.entries(told).filter(([day]) => days.some(each => each.day === day && each.agrees !== true)))

const byMicros = ({ object_micros, rows_micros }: BookDay): Micros => object_micros - rows_micros

/** The same news under the same id, should it arrive and its answer be lost. */
async function idOf({ data }: BooksNotice): Promise<string> {
  const text = JSON.stringify([data.org, data.days.map(({ day, by_micros }) => [day, by_micros])])
  return `msg_${hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))).slice(0, 32)}`
}
