/**
 * How much happened lately: a sum over the last 60 slots, of a second or a minute each. A window that slides, and not one that
 * starts anew at each full minute: at that moment twice the limit would pass within a second.
 *
 * The slot under way is not over and the oldest only partly in the window; both count whole. So no 60 slots' time ever holds
 * more than the sum said, and what happened is let go of after 60 to 61 slots.
 */
import type { Ms } from '../../schema/units.ts'

/** The 60 before the one under way, and that one. */
export const SLOTS = 61
export type SlotMs = 1_000 | 60_000

/** `counts[0]` is slot number `slot`, `counts[1]` the one before, and so on; what lies further back than `SLOTS` is gone. */
export type Meter = { slot: number; counts: number[] }

export const emptyMeter = (): Meter => ({ slot: 0, counts: [] })
export const slotOf = (at_ms: Ms, slot_ms: SlotMs): number => Math.floor(at_ms / slot_ms)

export function sumAt(meter: Meter, slot: number): number {
  const from = Math.max(0, meter.slot - slot)
  let sum = 0
  for (let i = from; i < meter.counts.length && slot - (meter.slot - i) < SLOTS; i++) sum += meter.counts[i] as number
  return sum
}

/** A count may be negative: what was estimated too high is taken back where it was put, and nowhere else. */
export function add(meter: Meter, slot: number, count: number): void {
  if (slot > meter.slot) {
    const passed = slot - meter.slot
    meter.counts = passed >= SLOTS ? [0] : [...new Array<number>(passed).fill(0), ...meter.counts].slice(0, SLOTS)
    meter.slot = slot
  }
  const place = meter.slot - slot
  if (place >= SLOTS) return
  while (meter.counts.length <= place) meter.counts.push(0)
  meter.counts[place] = Math.max(0, (meter.counts[place] as number) + count)
}

/** When the sum will have fallen to `most`, if nothing is added: now, where it is there already. */
export function fallsTo(meter: Meter, most: number, now_ms: Ms, slot_ms: SlotMs): Ms {
  const now = slotOf(now_ms, slot_ms)
  let sum = sumAt(meter, now)
  if (sum <= most) return now_ms
  for (let i = meter.counts.length - 1; i >= 0; i--) {
    const slot = meter.slot - i
    if (now - slot >= SLOTS) continue
    sum -= meter.counts[i] as number
    if (sum <= most) return (slot + SLOTS) * slot_ms
  }
  return (now + SLOTS) * slot_ms
}
