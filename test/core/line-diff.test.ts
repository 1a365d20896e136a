import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unifiedDiff } from '../../worker/core/line-diff.ts'

const NAMES = { before: 'a', after: 'b' }
const diff = (before: string[], after: string[]) => unifiedDiff(before.join('\n'), after.join('\n'), NAMES).split('\n').slice(2)
const lines = (n: number, at: Record<number, string> = {}) => Array.from({ length: n }, (_, i) => at[i] ?? `line ${i}`)

describe('a diff', () => {
  it('of the same is empty', () => expect(unifiedDiff('x', 'x', NAMES)).toBe(''))
  it('shows a changed line with three around it', () => {
    expect(diff(lines(9), lines(9, { 4: 'new' }))).toEqual([
      '@@ -2,7 +2,7 @@',
      ' line 1',
      ' line 2',
      ' line 3',
      '-line 4',
      '+new',
      ' line 5',
      ' line 6',
      ' line 7',
    ])
  })
  it('shows changes far apart one by one', () => {
    expect(diff(lines(30), lines(30, { 2: 'a', 25: 'b' })).filter(line => line.startsWith('@@'))).toEqual([
      '@@ -1,6 +1,6 @@',
      '@@ -23,7 +23,7 @@',
    ])
  })
  it('shows an added and a removed line as such', () => {
    expect(diff(['a', 'b', 'c'], ['a', 'c', 'd'])).toEqual(['@@ -1,3 +1,3 @@', ' a', '-b', ' c', '+d'])
  })
  it('holds both texts, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 12 })
    void fc.assert(
      fc.property(text, text, (before, after) => {
        // So short that every line is near a change, so both texts can be read off whole.
        const shown = diff(before, after).filter(line => !line.startsWith('@@'))
        const side = (sign: string) => shown.filter(line => line.startsWith(' ') || line.startsWith(sign)).map(line => line.slice(1))
        return (
          before.join('\n') === after.join('\n') ||
          before.length > 4 ||
          after.length > 4 ||
          (side('-').join('\n') === before.join('\n') && side('+').join('\n') === after.join('\n'))
        )
      }),
    )
  })
})
