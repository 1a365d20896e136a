/** Every recording, served byte for byte and cut anywhere, to callers of each format. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RECORDINGS, relayed, SPOKEN } from './replay.ts'

/** The bytes, cut at these places. */
function cut(all: Uint8Array, places: number[]): Uint8Array[] {
  const at = [0, ...places.map(place => place % (all.length + 1)).sort((a, b) => a - b), all.length]
  return at.slice(1).map((to, i) => all.subarray(at[i], to))
}
const anywhere = fc.array(fc.nat(), { maxLength: 60 })
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')

describe.each(RECORDINGS.filter(({ failed }) => !failed))('$path', ({ from, bytes: all }) => {
  it('reaches a caller of its own format byte for byte, however it is cut', () => {
    fc.assert(
      fc.property(anywhere, places => {
        expect(text(relayed(cut(all, places), from, from).bytes)).toBe(text(all))
      }),
      { numRuns: 15 },
    )
  })
  it.each(SPOKEN.filter(to => to !== from))('says the same to a caller of %s, however it is cut', to => {
    const whole = relayed([all], from, to)
    expect(whole.complete).toBe(true)
    fc.assert(
      fc.property(anywhere, places => {
        expect(text(relayed(cut(all, places), from, to).bytes)).toBe(text(whole.bytes))
      }),
      { numRuns: 15 },
    )
  })
  it('survives one byte at a time', () => {
    if (all.length > 40_000) return
    for (const to of SPOKEN) {
      const bytes = relayed(
        Array.from(all, (_, i) => all.subarray(i, i + 1)),
        from,
        to,
      ).bytes
      expect(text(bytes)).toBe(text(relayed([all], from, to).bytes))
    }
  })
})
