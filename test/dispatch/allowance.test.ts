import { describe, expect, it } from 'vitest'
import { allowance } from '../../worker/dispatch/allowance.ts'

const spent = (of: ReturnType<typeof allowance>, key: string, at_ms: number) => {
  let times = 0
  while (of.spend(key, at_ms)) times++
  return times
}

describe('what may be asked beyond what was asked for', () => {
  it('is the reserve, and then a share of the requests', () => {
    const of = allowance(3, 10_000)
    expect(spent(of, 'a', 0)).toBe(3)
    for (let n = 0; n < 10; n++) of.earn('a', 0.1, 0)
    expect(spent(of, 'a', 0)).toBe(1)
  })
  it('is each key its own', () => {
    const of = allowance(3, 10_000)
    expect(spent(of, 'a', 0)).toBe(3)
    expect(spent(of, 'b', 0)).toBe(3)
  })
  it('comes back by itself as far as the reserve', () => {
    const of = allowance(3, 10_000)
    spent(of, 'a', 0)
    expect(of.spend('a', 3_333)).toBe(false)
    expect(spent(of, 'a', 8_000)).toBe(2)
    expect(spent(of, 'a', 1_000_000)).toBe(3)
  })
  it('does not come back where there is no reserve', () => {
    const of = allowance(0, 0)
    expect(spent(of, 'a', 1e9)).toBe(0)
    for (let n = 0; n < 40; n++) of.earn('a', 0.05, 1e9)
    expect(spent(of, 'a', 1e9)).toBe(2)
  })
  it('is saved up for a burst and not for a day', () => {
    const of = allowance(3, 10_000)
    for (let n = 0; n < 10_000; n++) of.earn('a', 0.1, 0)
    expect(spent(of, 'a', 0)).toBe(20)
  })
  it('does not come back by a clock that goes back', () => {
    const of = allowance(3, 10_000)
    spent(of, 'a', 5_000)
    expect(of.spend('a', 0)).toBe(false)
  })
})
