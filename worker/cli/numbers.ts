/**
 * Numbers and instants as operators type and read them.
 */
import { Stop } from './ending.ts'

export const DAY_MS = 86_400_000

export function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const value = Number(text)
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new Stop(`--${name} takes a number above 0, not "${text}"`)
  return value
}

/** A limit of less would be one of nothing, and refuse everything. */
const LEAST_USD = 0.000001

export function microsOf(name: string, usd: number): number {
  const micros = Math.round(usd * 1_000_000)
  if (micros < 1) throw new Stop(`--${name} takes at least ${LEAST_USD.toFixed(6)} USD, a micro-dollar`)
  if (!Number.isSafeInteger(micros)) throw new Stop(`--${name} is more USD than can be counted to the micro-dollar`)
  return micros
}

/** Cents where there are some, and what is below a cent where that is all there is. */
export function usd(micros: number | null): string {
  if (micros === null) return '-'
  return `$${(micros / 1_000_000).toFixed(micros !== 0 && Math.abs(micros) < 10_000 ? 6 : 2)}`
}

/** To the minute, UTC. */
export const shownInstant = (at_ms: number | null): string =>
  at_ms === null ? '-' : new Date(at_ms).toISOString().slice(0, 16).replace('T', ' ')
