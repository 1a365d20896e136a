/** The short form of `npm run fuzz:cuts`. */
import { describe, expect, it } from 'vitest'
import { cuts } from './cuts.ts'

describe('a stream that breaks off anywhere', () => {
  const done = cuts(2_000, 1)
  it('is never told as whole, and no letter is missing or comes twice behind a seam', () => {
    expect(done.failures).toEqual([])
  })
  it('is tried in every way: whole after all, unseen, in an error, and taken up', () => {
    expect(done.cuts).toBe(2_000)
    expect(Object.values(done.rescued).every(count => count > 50)).toBe(true)
    expect(done.whole).toBeGreaterThan(10)
    expect(done.unseen).toBeGreaterThan(50)
    expect(Object.keys(done.errors)).toEqual(expect.arrayContaining(['tool_call_start', 'reasoning']))
  })
})
