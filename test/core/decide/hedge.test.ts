import { describe, expect, it } from 'vitest'
import { decide } from '../../../worker/core/decide/decide.ts'
import type { TargetHealth } from '../../../worker/schema/health.ts'
import { catalogueOf, chat, FEATURES, HEALTHY, THREE, type WorldFacts, worldWith } from './small-world.ts'

const P99_MS = 4_000
/** Half of its first tokens within a second, 99 of 100 within four. */
const MEASURED: TargetHealth = {
  ...HEALTHY,
  ln_first_token_ms: { s: Math.log(1_000), m: Math.log(1_000), l: Math.log(1_000), xl: Math.log(1_000) },
  first_token_p99_ms: { s: P99_MS, m: P99_MS, l: P99_MS, xl: P99_MS },
}
const HEDGES = { share: 0.05 }

function hedgeOf(policy: Record<string, unknown>, world: WorldFacts = {}, stream = true) {
  const request = chat({ stream })
  const decided = decide(
    request,
    { ...FEATURES, streaming: stream },
    worldWith({ policy: { hedge: HEDGES, ...policy }, health: { 'north/strong': MEASURED }, ...world }),
  )
  if (!decided.ok) throw new Error('nobody is eligible')
  return { hedge: decided.value.plan.hedge, steps: decided.value.plan.steps.map(step => step.target) }
}

describe('a late first token', () => {
  it('is hedged with the first step at another provider, after the measured quantile', () => {
    const { hedge, steps } = hedgeOf({})
    expect(steps[0]).toBe('north/strong')
    expect(steps[hedge?.step ?? -1]).toBe('south/weak')
    // Between the mean and p99 of a log-normal distribution: e^(ln 1000 + 1.645 / 2.326 (ln 4000 - ln 1000)).
    expect(hedge).toMatchObject({ share: 0.05, after_ms: 2_665 })
    expect(hedgeOf({ hedge: { ...HEDGES, after: 'p99' } }).hedge?.after_ms).toBe(P99_MS)
  })
  it('keeps the bounds of the policy', () => {
    expect(hedgeOf({ hedge: { ...HEDGES, at_most_ms: 900 } }).hedge?.after_ms).toBe(900)
    expect(hedgeOf({ hedge: { ...HEDGES, at_least_ms: 3_000 } }).hedge?.after_ms).toBe(3_000)
  })
  it.each<[string, Record<string, unknown>, WorldFacts?, boolean?]>([
    ['where the policy gives it no share', { hedge: {} }],
    ['where nothing was measured', {}, { health: {} }],
    ['of a whole answer', {}, {}, false],
    ['with another target of the same provider', { targets: ['north/*'] }],
    ['where a target is shut', {}, { health: { 'north/strong': MEASURED, 'south/weak': { ...HEALTHY, state: 'open', until_ms: 9e15 } } }],
    ['where one is rate-limited', {}, { health: { 'north/strong': MEASURED, 'north/middle': { ...HEALTHY, limited_until_ms: 9e15 } } }],
    ['where the second call costs more than it may', { hedge: { ...HEDGES, cost_at_most_usd: 1e-9 } }],
    ['where both together cost more than the request may', { limits: { cost_at_most_usd: 0.01105 } }],
    ['where there is nobody else', { targets: ['north/strong'] }],
  ])('is not hedged %s', (_, policy, world, stream) => {
    expect(hedgeOf(policy, world, stream).hedge).toBeUndefined()
  })
  it('is not hedged with a provider that has another name for the same address', () => {
    const catalogue = catalogueOf(
      [{ id: 'north' }, { id: 'south' }],
      [
        { id: 'north/strong', quality: 0.85 },
        { id: 'south/weak', quality: 0.4 },
      ],
    )
    for (const provider of catalogue.providers) provider.base_url = 'https://one.example/v1'
    expect(hedgeOf({}, { catalogue }).hedge).toBeUndefined()
    expect(THREE.providers[0]?.base_url).not.toBe(THREE.providers[1]?.base_url)
  })
  it('counts an unknown price as too much where costs are bounded', () => {
    const catalogue = catalogueOf(
      [{ id: 'north' }, { id: 'south' }],
      [
        { id: 'north/strong', quality: 0.85 },
        { id: 'south/weak', quality: 0.4, input_usd: null, output_usd: null },
      ],
    )
    expect(hedgeOf({}, { catalogue }).hedge).toBeDefined()
    expect(hedgeOf({ hedge: { ...HEDGES, cost_at_most_usd: 1 } }, { catalogue }).hedge).toBeUndefined()
  })
})
