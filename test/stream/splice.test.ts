import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { continuation, replay, type Seam, shown } from '../../worker/stream/splice.ts'

const over = (seam: Seam, pieces: string[]) => pieces.map(piece => seam.text(piece)).join('') + seam.end()
const letters = (text: string) => [...text]
const SENT = 'The quick brown fox jumps over the lazy dog and runs'

describe('an answer begun anew', () => {
  it('goes out from where it is new', () => {
    const seam = replay(SENT)
    expect(over(seam, [SENT.slice(0, 10), `${SENT.slice(10)} home`, ' again'])).toBe(' home again')
    expect(seam.diverged).toBe(false)
  })
  it('ends at the first letter that differs, also within a piece', () => {
    const seam = replay(SENT)
    expect(over(seam, [SENT.slice(0, 10), 'wn cat', ' and more'])).toBe('')
    expect(seam.diverged).toBe(true)
  })
  it('that ends before all of it was said again does not fit', () => {
    const seam = replay(SENT)
    expect(over(seam, [SENT.slice(0, -1)])).toBe('')
    expect(seam.diverged).toBe(true)
  })
  it('is the same wherever it and the first were cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.nat(80), fc.nat(20), (text, cut, size) => {
        const at = Math.min(cut, text.length)
        const seam = replay(text.slice(0, at))
        const pieces = text.match(new RegExp(`[^]{1,${size + 1}}`, 'g')) ?? []
        expect(text.slice(0, at) + over(seam, pieces)).toBe(text)
        expect(seam.diverged).toBe(false)
      }),
    )
  })
})

describe('an answer gone on with', () => {
  it('goes out as it is', () => {
    expect(over(continuation(SENT), [' home', ' again'])).toBe(' home again')
  })
  it.each([16, 52, 120, 200])('loses the last %i letters that it says again', count => {
    const sent = `Once upon a time, ${SENT.toUpperCase()}: ${letters('abcdefghijklmnopqrstuvwxyz0123456789').join('-')}. In the end ${SENT}`
    expect(over(continuation(sent), letters(`${sent.slice(-count)} home`))).toBe(' home')
  })
  it('keeps fewer than sixteen, which are an accident', () => {
    expect(over(continuation(`${SENT} of the same kind`), [' same kind', ' as before'])).toBe(' same kind as before')
  })
  it('loses all of what was sent where it says all of it', () => {
    expect(over(continuation(SENT), letters(`${SENT} home`))).toBe(' home')
  })
  it('keeps a line that had come twice already: it may well come a third time', () => {
    const line = 'console.log("again")\n'
    expect(over(continuation(`first\n${line}${line}`.trimEnd()), [`\n${line}`])).toBe(`\n${line}`)
    expect(over(continuation(`first\n${line}${line}`), [`\n${line}end`])).toBe(`${line}end`)
  })
  it('is shown what was sent without the white space at its end, and gives back no more than that', () => {
    expect(shown('Hello \n\n')).toBe('Hello')
    expect(over(continuation('Hello \n\n'), letters(' \n\nworld'))).toBe('world')
    expect(over(continuation('Hello \n\n'), letters('world'))).toBe('world')
    expect(over(continuation('Hello '), letters('  world'))).toBe(' world')
  })
  it('is exact where the other goes on exactly, wherever it was cut and however it comes', () => {
    const words = fc.array(fc.constantFrom('the', 'of', 'fox', ' ', ', ', '\n', '- item\n', 'é', '🚂', '1'), { maxLength: 60 })
    fc.assert(
      fc.property(words, fc.nat(200), fc.nat(30), (parts, cut, size) => {
        const text = parts.join('')
        const at = Math.min(cut, text.length)
        const sent = text.slice(0, at)
        const rest = text.slice(shown(sent).length)
        // Of a text that says sixteen letters twice in a row, right at the cut and for the first time, nobody can tell.
        fc.pre(!doubled(shown(sent), rest))
        expect(sent + over(continuation(sent), rest.match(new RegExp(`[^]{1,${size + 1}}`, 'g')) ?? [])).toBe(text)
      }),
      { numRuns: 2_000 },
    )
  })
})

function doubled(sent: string, rest: string): boolean {
  if (sent.length >= 16 && rest.startsWith(sent)) return true
  for (let length = 16; length <= Math.min(200, sent.length); length++) {
    const again = rest.slice(0, length)
    if (again.length === length && sent.endsWith(again) && !sent.endsWith(again + again)) return true
  }
  return false
}
