import { describe, expect, it } from 'vitest'
import { type Counted, drifts, UNNAMED } from '../../../worker/core/spend/reconcile.ts'

const counted = (rest: Partial<Counted>): Counted => ({
  day: '2026-11-23',
  model: 'gpt-5-mini',
  requests: null,
  input_tokens: null,
  output_tokens: null,
  cost_micros: null,
  ...rest,
})

describe('the drift', () => {
  it('is ours less theirs, by model and day, in tokens and money, and in percent of theirs', () => {
    const theirs = [
      counted({ input_tokens: 1_000, output_tokens: 200, cost_micros: 650 }),
      counted({ day: '2026-11-24', input_tokens: 10, output_tokens: 0 }),
    ]
    const ours = [
      counted({ input_tokens: 990, output_tokens: 200, cost_micros: 648 }),
      counted({ day: '2026-11-24', input_tokens: 10, output_tokens: 0 }),
    ]
    const [first, second] = drifts(theirs, ours)
    expect(first).toMatchObject({
      day: '2026-11-23',
      model: 'gpt-5-mini',
      input_tokens: { theirs: 1_000, ours: 990, drift: -10, percent: -1 },
      output_tokens: { drift: 0, percent: 0 },
      cost_micros: { drift: -2, percent: -0.31 },
    })
    expect(second).toMatchObject({ day: '2026-11-24', input_tokens: { drift: 0 } })
  })
  it('finds our name behind a model that the provider dates', () => {
    const theirs = [
      counted({ model: 'gpt-5-mini-2025-08-07', input_tokens: 5 }),
      counted({ model: 'claude-sonnet-4-5-20250929', input_tokens: 7 }),
    ]
    const ours = [counted({ input_tokens: 5 }), counted({ model: 'claude-sonnet-4-5', input_tokens: 7 })]
    expect(drifts(theirs, ours).map(({ model, input_tokens }) => [model, input_tokens.drift])).toEqual([
      ['claude-sonnet-4-5', 0],
      ['gpt-5-mini', 0],
    ])
  })
  it('leaves a dated name as it is where a target of ours is called so', () => {
    const dated = counted({ model: 'gpt-5-mini-2025-08-07', input_tokens: 5 })
    expect(drifts([dated], [dated])).toMatchObject([{ model: 'gpt-5-mini-2025-08-07', input_tokens: { drift: 0 } }])
  })
  it('sums what an export has in several rows: keys, kinds of token', () => {
    const theirs = [counted({ cost_micros: 100 }), counted({ cost_micros: 50 })]
    expect(drifts(theirs, [counted({ cost_micros: 150 })])).toMatchObject([{ cost_micros: { theirs: 150, drift: 0 } }])
  })
  it('shows what only one side knows', () => {
    const [ours_only, theirs_only] = drifts([counted({ model: 'z', input_tokens: 9 })], [counted({ model: 'a', input_tokens: 3 })])
    expect(ours_only).toMatchObject({ model: 'a', input_tokens: { theirs: 0, ours: 3, drift: 3, percent: null } })
    expect(theirs_only).toMatchObject({ model: 'z', input_tokens: { theirs: 9, ours: 0, drift: -9, percent: -100 } })
  })
  it('is unknown, and not zero, where a side does not tell', () => {
    const [row] = drifts([counted({ cost_micros: 5 })], [counted({ input_tokens: 3, cost_micros: null })])
    expect(row).toMatchObject({ input_tokens: { theirs: null, drift: null }, cost_micros: { ours: null, drift: null } })
    expect(drifts([counted({ model: null, cost_micros: 5 })], [])).toMatchObject([{ model: UNNAMED, cost_micros: { drift: -5 } }])
  })
})
