import { describe, expect, it } from 'vitest'
import { summed } from '../../../worker/core/spend/summed.ts'
import { type TokenUsage, UNKNOWN_USAGE } from '../../../worker/schema/chat.ts'

const usage = (told: Partial<TokenUsage>): TokenUsage => ({ ...UNKNOWN_USAGE, ...told })

describe('what two calls used together', () => {
  it('is the sum of what both told, and what only one told', () => {
    expect(summed(usage({ input_tokens: 3, output_tokens: 2 }), usage({ input_tokens: 4, reasoning_tokens: 1 }))).toEqual(
      usage({ input_tokens: 7, output_tokens: 2, reasoning_tokens: 1 }),
    )
  })
  it('has the rare counts of either', () => {
    expect(summed(usage({}), usage({ code_runs: 1, other_model_tokens: 5 }))).toEqual(usage({ code_runs: 1, other_model_tokens: 5 }))
    expect(summed(usage({ code_runs: 2 }), usage({ code_runs: 1 }))).toEqual(usage({ code_runs: 3 }))
  })
  it('has a told cost only where both told theirs', () => {
    expect(summed(usage({ told_cost_micros: 5 }), usage({ told_cost_micros: 6 }))).toEqual(usage({ told_cost_micros: 11 }))
    expect(summed(usage({ told_cost_micros: 5 }), usage({ input_tokens: 1 }))).toEqual(usage({ input_tokens: 1 }))
  })
})
