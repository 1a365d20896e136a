import { describe, expect, it } from 'vitest'
import { costOf, estimateCost, priceAt } from '../../../worker/core/spend/price.ts'
import type { Price } from '../../../worker/schema/catalogue.ts'
import { type TokenUsage, UNKNOWN_USAGE } from '../../../worker/schema/chat.ts'

const price = (rest: Partial<Price> = {}): Price => ({
  from: '2026-01-01',
  input_micros_per_mtok: 3_000_000,
  output_micros_per_mtok: 15_000_000,
  cache_read_micros_per_mtok: 300_000,
  cache_write_micros_per_mtok: 3_750_000,
  cache_write_1h_micros_per_mtok: 6_000_000,
  source: { name: 'test', as_of: '2026-01-01' },
  ...rest,
})
const usage = (rest: Partial<TokenUsage>): TokenUsage => ({ ...UNKNOWN_USAGE, input_tokens: 0, output_tokens: 0, ...rest })

describe('a cost is each class of token at its own price', () => {
  it('input and output', () => {
    expect(costOf(usage({ input_tokens: 1_000, output_tokens: 200 }), price())).toBe(3_000 + 3_000)
  })
  it('what was read from the cache is not paid as input as well', () => {
    expect(costOf(usage({ input_tokens: 1_000, cache_read_tokens: 800 }), price())).toBe(200 * 3 + 240)
  })
  it('what was written to it for five minutes and for an hour', () => {
    const both = usage({ input_tokens: 1_000, cache_write_tokens: 600, cache_write_1h_tokens: 200 })
    expect(costOf(both, price())).toBe(400 * 3 + 400 * 3.75 + 200 * 6)
  })
  it('rounded once, half up, to a whole micro-dollar', () => {
    const cheap = price({ input_micros_per_mtok: 100_000, output_micros_per_mtok: 400_000 })
    expect(costOf(usage({ input_tokens: 4, output_tokens: 0 }), cheap)).toBe(0)
    expect(costOf(usage({ input_tokens: 5, output_tokens: 0 }), cheap)).toBe(1)
    expect(costOf(usage({ input_tokens: 4, output_tokens: 1 }), cheap)).toBe(1)
  })
  it('nothing is free where nothing costs', () => {
    expect(costOf(usage({ input_tokens: 9 }), price({ input_micros_per_mtok: 0, output_micros_per_mtok: 0 }))).toBe(0)
  })
})

describe('unknown is not zero', () => {
  it.each([
    ['no price at all', usage({ input_tokens: 1 }), null],
    ['no count of input', usage({ input_tokens: null }), price()],
    ['no count of output', usage({ output_tokens: null }), price()],
    ['no price of output that was made', usage({ output_tokens: 1 }), price({ output_micros_per_mtok: null })],
    [
      'an hour of cache where only five minutes have a price',
      usage({ input_tokens: 9, cache_write_tokens: 9, cache_write_1h_tokens: 9 }),
      price({ cache_write_1h_micros_per_mtok: null }),
    ],
    ['sound, which has a price of its own', usage({ input_tokens: 9, audio_input_tokens: 9 }), price()],
  ])('%s', (_, used, at) => {
    expect(costOf(used, at)).toBeNull()
  })
  it('but a price for what was not used is not needed', () => {
    expect(costOf(usage({ input_tokens: 1_000_000 }), price({ output_micros_per_mtok: null }))).toBe(3_000_000)
  })
})

describe('what providers bill alike', () => {
  const plain = price({ cache_read_micros_per_mtok: null, cache_write_micros_per_mtok: null, cache_write_1h_micros_per_mtok: null })
  it('cached tokens are input where they have no price of their own', () => {
    expect(costOf(usage({ input_tokens: 1_000, cache_read_tokens: 500 }), plain)).toBe(3_000)
  })
  it('written ones too', () => {
    expect(costOf(usage({ input_tokens: 1_000, cache_write_tokens: 500, cache_write_1h_tokens: 500 }), plain)).toBe(3_000)
  })
  it('parts that exceed the whole are not believed', () => {
    expect(costOf(usage({ input_tokens: 100, cache_read_tokens: 5_000, cache_write_tokens: 900 }), price())).toBe(30)
  })
})

describe('an estimate', () => {
  it('is what the request costs with nothing cached', () => {
    expect(estimateCost(1_000, 200, price())).toBe(6_000)
  })
  it('is unknown where a price it needs is', () => {
    expect(estimateCost(1_000, 200, null)).toBeNull()
    expect(estimateCost(1_000, 200, price({ output_micros_per_mtok: null }))).toBeNull()
    expect(estimateCost(1_000, 0, price({ output_micros_per_mtok: null }))).toBe(3_000)
  })
})

describe('the price in force', () => {
  const old = price({ from: '2026-01-01' })
  const current = price({ from: '2026-06-01' })
  const announced = price({ from: '2027-01-01' })
  const at = (day: string) => Date.parse(day)

  it('is the latest that has begun, whatever their order, until the next begins', () => {
    expect(priceAt([announced, current, old], at('2026-11-24'))).toEqual({ price: current, until_ms: at('2027-01-01') })
  })
  it('changes at midnight UTC, to the millisecond', () => {
    expect(priceAt([old, current], at('2026-06-01') - 1).price).toBe(old)
    expect(priceAt([old, current], at('2026-06-01')).price).toBe(current)
  })
  it('is unknown before the first, and for good after the last', () => {
    expect(priceAt([old], at('2025-12-31'))).toEqual({ price: null, until_ms: at('2026-01-01') })
    expect(priceAt([old], at('2026-11-24')).until_ms).toBe(Number.POSITIVE_INFINITY)
    expect(priceAt([], 0)).toEqual({ price: null, until_ms: Number.POSITIVE_INFINITY })
  })
})

describe('what is priced apart from text', () => {
  const heard = usage({ input_tokens: 100, audio_input_tokens: 80, output_tokens: 10 })
  it('is paid at its own price', () => {
    expect(costOf(heard, price({ audio_input_micros_per_mtok: 6_000_000 }))).toBe(20 * 3 + 80 * 6 + 10 * 15)
    const spoken = usage({ input_tokens: 10, output_tokens: 100, audio_output_tokens: 100 })
    expect(costOf(spoken, price({ audio_output_micros_per_mtok: 12_000_000 }))).toBe(10 * 3 + 100 * 12)
  })
  it('is unknown for sound without a price, and as text for images without one', () => {
    expect(costOf(heard, price())).toBeNull()
    const seen = usage({ input_tokens: 100, image_input_tokens: 60 })
    expect(costOf(seen, price())).toBe(300)
    expect(costOf(seen, price({ image_input_micros_per_mtok: 8_000_000 }))).toBe(40 * 3 + 60 * 8)
  })
  it('is unknown where the parts exceed the whole', () => {
    expect(costOf({ ...heard, audio_input_tokens: 101 }, price({ audio_input_micros_per_mtok: 1 }))).toBeNull()
  })
})

describe('a long prompt', () => {
  const longer = {
    above_tokens: 200_000,
    input_micros_per_mtok: 6_000_000,
    output_micros_per_mtok: 22_500_000,
    cache_read_micros_per_mtok: 600_000,
    cache_write_micros_per_mtok: 7_500_000,
    cache_write_1h_micros_per_mtok: 12_000_000,
  }
  it('costs more for all of it and its answer, from one token beyond the bound', () => {
    expect(costOf(usage({ input_tokens: 200_000, output_tokens: 10 }), price({ longer }))).toBe(200_000 * 3 + 10 * 15)
    expect(costOf(usage({ input_tokens: 200_001, output_tokens: 10 }), price({ longer }))).toBe(200_001 * 6 + 10 * 22.5)
  })
  it('is long by all its tokens, those from the cache too', () => {
    const cached = usage({ input_tokens: 250_000, cache_read_tokens: 240_000, output_tokens: 0 })
    expect(costOf(cached, price({ longer }))).toBe(10_000 * 6 + 240_000 * 0.6)
  })
  it('is so by estimate as well', () => {
    expect(estimateCost(300_000, 100, price({ longer }))).toBe(300_000 * 6 + 100 * 22.5)
  })
})

describe('code that the provider runs', () => {
  const ran = usage({ input_tokens: 100, output_tokens: 10, code_runs: 2 })
  it('is paid by the call where that is how it is billed: 100 x 3 + 10 x 15 + 2 x 5000', () => {
    expect(costOf(ran, price({ code_micros_per_run: 5_000 }))).toBe(10_450)
  })
  it('makes the cost unknown where it is billed by the minute, as no answer tells how many', () => {
    expect(costOf(ran, price())).toBeNull()
  })
})

describe('another model of the provider’s, asked for this answer', () => {
  it('makes the cost unknown: its tokens are at a price of its own', () => {
    expect(costOf(usage({ input_tokens: 100, output_tokens: 10, other_model_tokens: 3_602 }), price())).toBeNull()
  })
})

describe('what the provider says that it charges', () => {
  it('is the cost, tools and all, also where no price is known', () => {
    const told = usage({ input_tokens: 100, output_tokens: 10, web_search_calls: 3, code_runs: 1, told_cost_micros: 20_733 })
    expect([costOf(told, price()), costOf(told, null)]).toEqual([20_733, 20_733])
  })
})

describe('searches that the provider makes', () => {
  const searched = usage({ input_tokens: 100, output_tokens: 10, web_search_calls: 3, file_search_calls: 2 })
  it('are paid by the call', () => {
    const listed = price({ web_search_micros_per_call: 10_000, file_search_micros_per_call: 2_500 })
    expect(costOf(searched, listed)).toBe(100 * 3 + 10 * 15 + 3 * 10_000 + 2 * 2_500)
  })
  it('make the cost unknown where nobody said their price, and none makes it no less known', () => {
    expect(costOf(searched, price())).toBeNull()
    expect(costOf(usage({ input_tokens: 100, output_tokens: 10, web_search_calls: 0 }), price())).toBe(450)
  })
})
