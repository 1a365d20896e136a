import { describe, expect, it } from 'vitest'
import { detection, falseEjections, gateObserver, quantile } from '../../worker/simulate/single.ts'

const gate = { name: 'Signalbox', make: gateObserver }

/** The short form of `npm run simulate:report` and `simulate:alarms`, whose figures are over many more. */
describe('one target, seen by one observer', () => {
  it.each([0.2, 20])('that fails every request is left after five at most, 99 times in 100, at %s a second', rps => {
    const seen = Array.from({ length: 100 }, (_, seed) => detection(gate, { rps, base: 0.01, broken: 1, seed, warm: 300, at_most: 400 }))
    expect(quantile(seen, 0.99)).toBeLessThanOrEqual(5)
  })
  it.each([0.2, 20])('that fails a quarter of them is left after thirty, half of the times, at %s a second', rps => {
    const seen = Array.from({ length: 100 }, (_, seed) => detection(gate, { rps, base: 0.01, broken: 0.25, seed, warm: 300, at_most: 400 }))
    expect(quantile(seen, 0.5)).toBeLessThanOrEqual(30)
    expect(quantile(seen, 0.95)).toBeLessThanOrEqual(85)
  })
  it.each([0.01, 0.03, 0.05])('that fails %s of them, as ever, is not left in fifty thousand', base => {
    for (const rps of [0.2, 20]) expect(falseEjections(gate, { rps, base, requests: 50_000, seed: 1 })).toBe(0)
  })
  it('is not left for one tenant whose requests break every target', () => {
    for (const rps of [0.2, 20]) expect(falseEjections(gate, { rps, base: 0.01, requests: 50_000, seed: 1, poison: 0.2 })).toBe(0)
  })
})
