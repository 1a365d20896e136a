/**
 * A list in pages: how long a page is, and where the next one begins. A cursor is opaque to who gets it; here it is a text,
 * or a list of values, as base64url.
 */
import * as z from 'zod'

export const PAGE_AT_MOST = 100

export const limit = () => z.coerce.number().int().min(1).max(PAGE_AT_MOST).default(50).describe('Entries on a page.')
export const cursor = () => z.string().min(1).max(1_000).optional().describe('From the `cursor` of the page before; absent for the first.')
/** Null on the last page. A page may hold fewer entries than asked for, and still not be the last. */
export const nextCursor = () => z.string().nullable()

export function writeCursor(values: (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(values))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/={1,2}$/, '')
}

/** Null for what was never written here. */
export function readCursor(text: string, length: number): (string | number)[] | null {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), char => char.charCodeAt(0))
    const values: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const known =
      Array.isArray(values) && values.length === length && values.every(value => typeof value === 'string' || typeof value === 'number')
    return known ? (values as (string | number)[]) : null
  } catch {
    // Neither base64 nor JSON: it was not written here.
    return null
  }
}
