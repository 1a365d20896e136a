import { describe, expect, it } from 'vitest'
import { energyOf, gridOf, whPerToken } from '../../../worker/core/spend/energy.ts'

type Known = { active?: number | null; total?: number | null; measured?: number | null }
const wh = ({ active = null, total = null, measured = null }: Known, pue: number | null = 1) =>
  whPerToken(
    {
      energy: {
        active_params_b: active,
        total_params_b: total,
        measured_j_per_token: measured,
        confidence: 'guess',
        source: { name: 'test', as_of: '2026-01-01' },
      },
    },
    { pue },
  )

/** Accelerator joules per written token, without the rest of the chain. */
const joules = (known: Known) => ((wh(known).output as number) * 3600) / (1 + 25 / 58)

describe('energy of a token written', () => {
  it('is what was measured, where it was', () => {
    expect(joules({ active: 8, total: 8, measured: 0.119 })).toBeCloseTo(0.119, 6)
  })
  // ML.ENERGY's rows, which the power law was fitted to within 1.5 x on 10 of 12.
  it.each([
    ['Llama 3.1 8B', { active: 8, total: 8 }, 0.119],
    ['Qwen3 32B', { active: 32.8, total: 32.8 }, 0.367],
    ['Llama 3.3 70B', { active: 70.6, total: 70.6 }, 0.81],
    ['Qwen3 30B-A3B', { active: 3.3, total: 30.5 }, 0.272],
    ['Qwen3 235B-A22B', { active: 22, total: 235 }, 2.116],
  ])('is within the law’s own band of 1.7 for %s', (_, size, measured) => {
    const ratio = joules(size) / measured
    expect(ratio).toBeGreaterThan(1 / 1.7)
    expect(ratio).toBeLessThan(1.7)
  })
  it('grows with the data centre’s overhead, and silence about that is not rewarded', () => {
    expect(wh({ active: 8 }, 1.5).output).toBeCloseTo((wh({ active: 8 }, 1).output as number) * 1.5, 12)
    expect(wh({ active: 8 }, null).output).toBe(wh({ active: 8 }, 1.2).output)
  })
  it('is unknown where neither size nor measurement is known', () => {
    expect(wh({})).toEqual({ input: null, output: null })
  })
})

describe('energy of a token read', () => {
  it('is a fraction of one written', () => {
    for (const size of [{ active: 1 }, { active: 8 }, { active: 70 }, { active: 405 }, { active: 22, total: 235 }, { measured: 0.5 }]) {
      const { input, output } = wh(size)
      expect((input as number) / (output as number)).toBeGreaterThan(0.02)
      expect((input as number) / (output as number)).toBeLessThanOrEqual(1)
    }
  })
})

describe('energy of a request', () => {
  it('is the sum over its tokens, and unknown where the target’s is', () => {
    expect(energyOf({ wh_per_input_token: 0.001, wh_per_output_token: 0.01 }, 100, 10)).toBeCloseTo(0.2, 12)
    expect(energyOf({ wh_per_input_token: null, wh_per_output_token: 0.01 }, 100, 10)).toBeNull()
  })
  it('of 400 written tokens has the order of magnitude that vendors state', () => {
    // Google's median prompt .24 Wh, OpenAI's average .34 Wh; a 70B model should not be ten times away from either.
    const { input, output } = wh({ active: 70 }, 1.15)
    const request = energyOf({ wh_per_input_token: input, wh_per_output_token: output }, 500, 400) as number
    expect(request).toBeGreaterThan(0.024)
    expect(request).toBeLessThan(2.4)
  })
})

describe('the grid of a target', () => {
  const source = { name: 'test', as_of: '2026-01-01' }
  const grids = {
    global: { kg_co2e_per_kwh: 0.473, source },
    us: { kg_co2e_per_kwh: 0.384, source },
    eu: { kg_co2e_per_kwh: 0.214, source },
  }
  const silent = { grid_kg_co2e_per_kwh: null }
  it.each([
    ['its provider’s own figure before all', { grid_kg_co2e_per_kwh: 0.04 }, ['eu'], 0.04],
    ['that of its region', silent, ['eu'], 0.214],
    ['the dirtiest of several', silent, ['us', 'eu'], 0.384],
    ['the world’s, for anywhere', silent, ['global'], 0.473],
    ['the world’s, for a region nobody listed', silent, ['br'], 0.473],
    ['unknown on the operator’s own machine', silent, ['local'], null],
  ] as const)('is %s', (_, provider, regions, kg) => {
    expect(gridOf(provider, regions, grids)).toBe(kg)
  })
})
