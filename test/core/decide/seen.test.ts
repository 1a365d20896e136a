import { describe, expect, it } from 'vitest'
import { seer } from '../../../worker/core/decide/seen.ts'
import type { HealthSnapshot, TargetHealth } from '../../../worker/schema/health.ts'
import { HEALTHY, live, THREE } from './small-world.ts'

const { targets } = live(THREE)
const told = (facts: Record<string, Partial<TargetHealth>>): HealthSnapshot => ({
  v: 1,
  taken_at_ms: 1,
  targets: Object.fromEntries(Object.entries(facts).map(([id, more]) => [id, { ...HEALTHY, ...more }])),
})
const strongFirstTokens = (ln_first_token_ms: TargetHealth['ln_first_token_ms']) =>
  seer(targets)(told({ 'north/strong': { ln_first_token_ms } })).first_token_ms.map(column => Math.round(column[0] as number))
const ln = Math.log

describe('health as columns', () => {
  it('has the measured time to first token of each size, from the nearest smaller one, else the nearest larger', () => {
    expect(strongFirstTokens({ s: ln(100), m: null, l: ln(300), xl: null })).toEqual([100, 100, 300, 300])
    expect(strongFirstTokens({ s: null, m: null, l: ln(300), xl: ln(900) })).toEqual([300, 300, 300, 900])
    expect(strongFirstTokens({ s: null, m: null, l: null, xl: null })).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN])
  })
  it('has the measured speed, else the prior', () => {
    const { tokens_per_second } = seer(targets)(told({ 'north/strong': { ln_tokens_per_second: ln(7) } }))
    expect([...tokens_per_second].map(Math.round)).toEqual([7, 80, 80])
  })
  it.each<[string, Partial<TargetHealth>]>([
    ['open', { state: 'open' }],
    ['recovering', { state: 'ramp' }],
    ['isolated', { state: 'isolated' }],
    ['rate-limited', { limited_until_ms: 1 }],
    ['refusing the credential', { auth_broken_until_ms: 1 }],
  ])('marks one that is %s as unwell', (_, facts) => {
    expect([...seer(targets)(told({ 'north/middle': facts, 'south/weak': {} })).unwell]).toEqual([0, 1, 0])
  })
  it('forgets what the next snapshot does not say', () => {
    const see = seer(targets)
    see(told({ 'north/strong': { state: 'open', slow: true, ln_tokens_per_second: 1, ln_first_token_ms: { s: 1, m: 1, l: 1, xl: 1 } } }))
    expect(see(told({}))).toEqual(seer(targets)(told({})))
  })
  it('of a snapshot that shares most targets with the last is what it would be without the last', () => {
    const see = seer(targets)
    const before = told({ 'north/strong': { slow: true }, 'south/weak': { ln_tokens_per_second: 2 } })
    see(before)
    const after = { ...before, targets: { ...before.targets, 'south/weak': { ...HEALTHY, slow: true } } }
    expect(see(after)).toEqual(seer(targets)(after))
  })
})
