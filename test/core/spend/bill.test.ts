/** What a request cost over all its calls, the given-up ones included. */
import { describe, expect, it } from 'vitest'
import type { LiveTarget } from '../../../worker/core/decide/world.ts'
import { billOf } from '../../../worker/core/spend/bill.ts'
import { type Price, price } from '../../../worker/schema/catalogue.ts'
import { type TokenUsage, UNKNOWN_USAGE } from '../../../worker/schema/chat.ts'
import type { AttemptRecord } from '../../../worker/schema/usage.ts'

const AT = Date.parse('2026-11-24T12:00:00Z')
const priced = (from: string, input: number, output: number): Price =>
  price.parse({
    from,
    input_micros_per_mtok: input * 1e6,
    output_micros_per_mtok: output * 1e6,
    cache_read_micros_per_mtok: null,
    cache_write_micros_per_mtok: null,
    source: 'test',
  })
function target(rest: Partial<LiveTarget> & { prices?: Price[]; confidence?: 'measured' | 'disclosed' | 'guess' } = {}): LiveTarget {
  const { prices = [priced('2026-01-01', 2, 8)], confidence = 'disclosed', ...live } = rest
  return {
    target: { prices, energy: { confidence } },
    price: prices[0] ?? null,
    wh_per_input_token: 0.001,
    wh_per_output_token: 0.01,
    grid_kg_co2e_per_kwh: 0.4,
    ...live,
  } as unknown as LiveTarget
}
const counts = (input_tokens: number, output_tokens: number): TokenUsage => ({ ...UNKNOWN_USAGE, input_tokens, output_tokens })
const attempt = (rest: Partial<AttemptRecord> = {}): AttemptRecord => ({
  target: 'a/one',
  role: 'answer',
  class: 'ok',
  status: 200,
  sent_at_ms: AT,
  headers_ms: 10,
  first_token_ms: 20,
  ended_ms: 100,
  detail: null,
  probe: false,
  usage: counts(100, 50),
  ...rest,
})
const bill = (attempts: AttemptRecord[], targets: Record<string, LiveTarget> = { 'a/one': target() }, prompt_tokens: number | null = 100) =>
  billOf(attempts, id => targets[id], prompt_tokens)

describe('the money', () => {
  it('is summed over all calls, shadows too', () => {
    expect(bill([attempt(), attempt({ role: 'shadow' })])).toMatchObject({ cost_micros: 2 * (100 * 2 + 50 * 8), cost_estimated: false })
  })
  it('of a call that was given up is its prompt by estimate, and the sum says so', () => {
    for (const lost of ['timeout', 'cancelled', 'truncated'] as const)
      expect(bill([attempt({ class: lost, usage: null }), attempt()])).toMatchObject({ cost_micros: 100 * 2 + 600, cost_estimated: true })
  })
  it('of a call that was refused or never arrived is none', () => {
    for (const refused of ['connection', 'server', 'rate', 'auth', 'gone', 'client', 'garbage'] as const)
      expect(bill([attempt({ class: refused, usage: null }), attempt()])).toMatchObject({ cost_micros: 600, cost_estimated: false })
  })
  it('of an answer that broke off is counted by us, and says so', () => {
    expect(bill([attempt({ class: 'truncated', usage: counts(100, 7), usage_estimated: true })])).toMatchObject({
      cost_micros: 100 * 2 + 7 * 8,
      cost_estimated: true,
    })
  })
  it('is unknown as soon as any part is, and stays so', () => {
    expect(bill([attempt({ class: 'timeout', usage: null }), attempt()], undefined, null).cost_micros).toBeNull()
    expect(bill([attempt({ target: 'b/gone' }), attempt()]).cost_micros).toBeNull()
    expect(bill([attempt({ usage: { ...counts(1, 1), web_search_calls: 1 } })]).cost_micros).toBeNull()
  })
  it('is an estimate where some searches are free for the account, which nobody here can count', () => {
    const partly = { ...priced('2026-01-01', 2, 8), web_search_micros_per_call: 14_000, web_search_partly_free: true }
    const searched = (web_search_calls: number | null) =>
      bill([attempt({ usage: { ...counts(100, 50), web_search_calls } })], { 'a/one': target({ prices: [partly] }) })
    expect(searched(2)).toMatchObject({ cost_micros: 600 + 28_000, cost_estimated: true })
    for (const none of [0, null]) expect(searched(none)).toMatchObject({ cost_micros: 600, cost_estimated: false })
  })
  it('goes by the price of the day on which the call was sent', () => {
    const prices = [priced('2026-01-01', 2, 8), priced('2026-11-25', 1, 4)]
    const midnight = Date.parse('2026-11-25T00:00:00Z')
    const cost = (sent_at_ms: number) => bill([attempt({ sent_at_ms })], { 'a/one': target({ prices }) }).cost_micros
    expect([cost(midnight - 1), cost(midnight)]).toEqual([600, 300])
  })
})

describe('the energy', () => {
  it('is that of all calls, and its carbon by the grid of each', () => {
    const targets = { 'a/one': target(), 'b/two': target({ grid_kg_co2e_per_kwh: 0.05 }) }
    const { energy_wh, co2e_g } = bill([attempt(), attempt({ target: 'b/two' })], targets)
    expect([energy_wh, co2e_g]).toEqual([expect.closeTo(1.2, 10), expect.closeTo(0.6 * 0.4 + 0.6 * 0.05, 10)])
  })
  it('is as sure as its least sure part', () => {
    const targets = { 'a/one': target({ confidence: 'measured' }), 'b/two': target({ confidence: 'guess' }) }
    expect(bill([attempt()], targets).energy_confidence).toBe('measured')
    expect(bill([attempt(), attempt({ target: 'b/two' })], targets).energy_confidence).toBe('guess')
  })
  it('is unknown where a size is, and its carbon where a grid is', () => {
    expect(bill([attempt()], { 'a/one': target({ wh_per_input_token: null }) })).toMatchObject({
      energy_wh: null,
      co2e_g: null,
      energy_confidence: null,
    })
    expect(bill([attempt()], { 'a/one': target({ grid_kg_co2e_per_kwh: null }) })).toMatchObject({
      energy_wh: expect.closeTo(0.6, 10),
      co2e_g: null,
    })
  })
})
