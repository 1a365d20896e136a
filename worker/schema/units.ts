/**
 * Units. A number that means something carries its unit in its name and in its type, so that milliseconds are never
 * added to micro-dollars. The tag is optional and exists only for the compiler: at run time these are plain numbers, and
 * a plain number may become any unit (at a boundary), but one unit may not become another.
 */
import * as z from 'zod'

type Unit<Name extends string> = number & { readonly __unit?: Name }

/** Milliseconds: a duration (`timeout_ms`), or an instant since the Unix epoch (`sent_at_ms`, `until_ms`). */
export type Ms = Unit<'ms'>
/** Millionths of a US dollar, always an integer. 2^53 of them are nine billion dollars. */
export type Micros = Unit<'micros'>
/** Tokens, as the target counts them; estimates say so where they are made. */
export type Tokens = Unit<'tokens'>
/** Watt-hours. */
export type Wh = Unit<'wh'>
/** Grams of carbon dioxide equivalent. */
export type Gco2e = Unit<'gco2e'>
/** How sure an energy figure is: the model was measured, its size is known, or neither. */
export type EnergyConfidence = 'measured' | 'disclosed' | 'guess'
/** Bytes of an encoded body. */
export type Bytes = Unit<'bytes'>

export const ms = z.int().min(0).max(1e15)
export const micros = z.int().min(-1e15).max(1e15)
/** What may be spent: nothing at all, but no less. */
export const limitMicros = z.int().min(0).max(1e15)
export const tokens = z.int().min(0).max(1e10)

/** Tokens times a price in micro-dollars per million tokens, rounded half up to a whole micro-dollar. */
export function priceOf(count: Tokens, micros_per_mtok: Micros): Micros {
  return Math.round((count * micros_per_mtok) / 1_000_000)
}
